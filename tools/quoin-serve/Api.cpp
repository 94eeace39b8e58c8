// Api.cpp: see Api.h.

#include "Api.h"
#include "Exchange.h"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <fstream>
#include <map>

using namespace quoin;
using json = nlohmann::ordered_json;

static const char kJsonType[] = "application/json";

std::vector<std::string> quoin::readKeys(const std::string &file) {
  std::ifstream in(file);
  if (!in)
    throw Failure{"cannot open '" + file + "': " + std::strerror(errno)};
  std::vector<std::string> keys;
  for (std::string line; std::getline(in, line);) {
    size_t from = line.find_first_not_of(" \t\r"), to = line.find_last_not_of(" \t\r");
    if (from == std::string::npos || line[from] == '#')
      continue;
    keys.push_back(line.substr(from, to - from + 1));
  }
  if (keys.empty())
    throw Failure{"expects a key a line in '" + file + "', but found none"};
  return keys;
}

namespace {

/// Which methods a path has.
const std::map<std::string, const char *> &paths() {
  static const std::map<std::string, const char *> known = {{"/", "GET"},
                                                            {"/health", "GET"},
                                                            {"/metrics", "GET"},
                                                            {"/openapi.json", "GET"},
                                                            {"/v1/models", "GET"},
                                                            {"/v1/completions", "POST"},
                                                            {"/v1/chat/completions", "POST"}};
  return known;
}

const std::string kModelPath = "/v1/models/";

void sendError(httplib::Response &response, const ApiError &error) {
  response.status = error.status;
  response.set_content(dumpJson(errorObject(error)), kJsonType);
  if (error.status == 401)
    response.set_header("WWW-Authenticate", "Bearer");
  if (error.status == 503 || error.status == 429)
    response.set_header("Retry-After", "1");
}

/// Does a message with these headers have a body?
bool hasBody(const httplib::Request &request) {
  return request.has_header("Transfer-Encoding") ||
         (request.has_header("Content-Length") && request.get_header_value("Content-Length") != "0");
}

bool isNumber(const std::string &text) {
  return !text.empty() && text.size() <= 18 && text.find_first_not_of("0123456789") == std::string::npos;
}

/// What is wrong with how the body is framed; two readers must never disagree on where it ends.
std::optional<ApiError> wrongFrame(const httplib::Request &request, int64_t most) {
  const size_t lengths = request.get_header_value_count("Content-Length");
  const size_t encodings = request.get_header_value_count("Transfer-Encoding");
  if (lengths + encodings > 1)
    return ApiError{400, "expects one Content-Length or one Transfer-Encoding, but found " +
                             std::to_string(lengths + encodings)};
  if (encodings && request.get_header_value("Transfer-Encoding") != "chunked")
    return ApiError{400, "expects 'chunked' as Transfer-Encoding, but found another"};
  if (!lengths)
    return {};
  const std::string length = request.get_header_value("Content-Length");
  if (!isNumber(length))
    return ApiError{400, "expects a number as Content-Length, but found another text"};
  if (std::stoll(length) > most)
    return ApiError{413, "expects a body of at most " + std::to_string(most) + " bytes, but found " + length, "",
                    "body_too_large"};
  return {};
}

/// Takes as long for a wrong key as for another, so that no time tells how much of it is right.
bool sameKey(const std::string &a, const std::string &b) {
  unsigned char differ = a.size() != b.size();
  for (size_t i = 0; i < b.size(); ++i)
    differ |= static_cast<unsigned char>(b[i] ^ (i < a.size() ? a[i] : 0));
  return differ == 0;
}

} // namespace

bool Api::knows(const std::string &key) const {
  bool found = false;
  for (const std::string &known : keys)
    found |= sameKey(key, known);
  return found;
}

/// Whatever can be answered without the body. The library reads it only behind this.
Api::Handled Api::before(const httplib::Request &request, httplib::Response &response) {
  Wire &wire = Connections::current();
  auto refuse = [&](const ApiError &error) {
    sendError(response, error);
    if (hasBody(request)) {
      wire.unread = true;
      response.set_header("Connection", "close");
    }
    return Handled::Handled;
  };
  if (std::optional<ApiError> wrong = wrongFrame(request, options.maxBody)) {
    wire.unread = true;
    return refuse(*wrong);
  }
  // The library would cut any answer into them, a multiple of its size where they overlap.
  if (request.has_header("Range"))
    return refuse({400, "expects no ranges, but found 'Range'", "", "invalid_request"});
  const bool oneModel = request.path.starts_with(kModelPath);
  auto path = paths().find(oneModel ? "/v1/models" : request.path);
  if (path == paths().end())
    return refuse({404, "there is nothing at this path", "", "not_found"});
  if (request.method != path->second && !(request.method == "HEAD" && path->second == std::string("GET"))) {
    response.set_header("Allow", path->second);
    return refuse({405, "expects " + std::string(path->second) + " at this path, but found " + request.method, "",
                   "method_not_allowed"});
  }
  if (!keys.empty() && request.path.starts_with("/v1/")) {
    const std::string given = request.get_header_value("Authorization");
    if (given.size() < 7 || strncasecmp(given.c_str(), "Bearer ", 7) != 0 || !knows(given.substr(7)))
      return refuse({401, "expects a known key as 'Authorization: Bearer KEY'", "", "invalid_api_key"});
  }
  if (draining && request.method == "POST")
    return refuse({503, "the server is stopping", "", "stopping"});
  if (request.method != "POST") {
    wire.work();
    if (hasBody(request)) { // nobody reads it
      wire.unread = true;
      response.set_header("Connection", "close");
    }
  }
  return Handled::Unhandled;
}

std::string Api::readBody(const httplib::Request &request, const httplib::ContentReader &reader) {
  std::string body;
  if (!hasBody(request))
    return body;
  Wire &wire = Connections::current();
  // Chunks have a head each.
  wire.bound(2 * options.maxBody + kMostHead, kBodySeconds);
  bool large = false;
  auto take = [&](const char *data, size_t size) {
    large = body.size() + size > static_cast<size_t>(options.maxBody);
    if (!large)
      body.append(data, size);
    return !large;
  };
  if (request.is_multipart_form_data() || !reader(take)) {
    wire.unread = true;
    if (large)
      throw ApiError{413, "expects a body of at most " + std::to_string(options.maxBody) + " bytes, but found more", "",
                     "body_too_large"};
    throw ApiError{400, "expects a JSON object as a whole, but the body is another or did not come", "",
                   "invalid_request"};
  }
  return body;
}

std::string Api::freshId(bool chat) {
  std::lock_guard lock(mutex);
  char text[48];
  std::snprintf(text, sizeof(text), "%s-%016llx%08llx", chat ? "chatcmpl" : "cmpl",
                static_cast<unsigned long long>(random()), static_cast<unsigned long long>(random() >> 32));
  return text;
}

/// Reads a body and puts its answers into the queue.
std::shared_ptr<Exchange> Api::begin(const std::string &body, bool chat) {
  const ModelFacts &facts = scheduler.facts();
  ApiRequest asked = readRequest(body, chat, options.name, facts);
  Wire &wire = Connections::current();
  auto exchange = std::make_shared<Exchange>(scheduler, wire);
  exchange->head = {chat, freshId(chat), options.name, std::time(nullptr), 0, 0};
  exchange->usage = asked.usage;
  exchange->streams = asked.stream;
  exchange->chances = asked.logprobs >= 0;
  exchange->tokenText = [this](int32_t token) { return prompter.text(token); };
  uint64_t seed = asked.prompts[0].seed;
  if (!asked.seedGiven) {
    std::lock_guard lock(mutex);
    seed = random() >> 11; // so that every JSON reader keeps it
  }
  exchange->head.seed = seed;
  const auto now = std::chrono::steady_clock::now();
  wire.waker->clear();
  for (Request &prompt : asked.prompts) {
    try {
      prompter.encode(prompt);
    } catch (const Failure &failure) {
      throw ApiError{400, failure.text, chat ? "messages" : "prompt", "invalid_prompt"};
    }
    const auto length = static_cast<int64_t>(prompt.ids.size());
    const int64_t room = facts.capacity - length;
    if (length == 0)
      throw ApiError{400, "expects a prompt of at least one token, but found none", chat ? "messages" : "prompt",
                     "invalid_prompt"};
    if (room < 1)
      throw ApiError{400,
                     "expects a prompt of less than " + std::to_string(facts.capacity) + " tokens, but found " +
                         std::to_string(length),
                     chat ? "messages" : "prompt", "context_length_exceeded"};
    // A power of two: decoders may want whole blocks.
    if (!asked.maxTokensGiven)
      prompt.maxTokens = static_cast<int64_t>(std::bit_floor(static_cast<uint64_t>(std::min(options.maxTokens, room))));
    exchange->head.promptTokens += length;
    for (int64_t i = 0; i < asked.choices; ++i) {
      auto job = std::make_shared<Job>();
      job->request = prompt;
      job->request.seed = seed + static_cast<uint64_t>(i);
      job->stops = asked.stops;
      job->logprobs = asked.logprobs;
      job->provisional = asked.provisional;
      job->submitted = now;
      job->deadline = now + std::chrono::seconds(options.timeout);
      job->waker = wire.waker;
      exchange->jobs.push_back(std::move(job));
    }
  }
  if (!scheduler.submit(exchange->jobs))
    throw ApiError{429, "the queue is full; try again later", "", "queue_full"};
  return exchange;
}

void Api::complete(bool chat, const httplib::Request &request, httplib::Response &response,
                   const httplib::ContentReader &reader) {
  try {
    const std::string body = readBody(request, reader);
    Connections::current().work();
    std::shared_ptr<Exchange> exchange = begin(body, chat);
    // What refuses a request is known when it has its place, before the first byte of an answer.
    if (!exchange->awaitStart())
      throw ApiError{499, "the client has gone", "", "cancelled"};
    if (exchange->streams) {
      response.set_header("Cache-Control", "no-cache");
      response.set_header("X-Accel-Buffering", "no");
      response.set_chunked_content_provider(
          "text/event-stream", [exchange](size_t, httplib::DataSink &sink) { return exchange->stream(sink); });
      return;
    }
    if (!exchange->awaitEnd())
      throw ApiError{499, "the client has gone", "", "cancelled"};
    response.set_content(exchange->whole(), kJsonType);
  } catch (const ApiError &error) {
    response.headers.erase("Content-Type");
    sendError(response, error);
    Wire &wire = Connections::current();
    if (wire.unread || error.status == 499) {
      wire.closing = true;
      response.set_header("Connection", "close");
    }
  }
}

Api::Api(const ServeOptions &options, Scheduler &scheduler, Connections &server, Metrics &metrics)
    : options(options), scheduler(scheduler), metrics(metrics), prompter(options.out), created(std::time(nullptr)),
      random(std::random_device{}()) {
  if (!options.keyFile.empty())
    keys = readKeys(options.keyFile);
  server.set_pre_routing_handler(
      [this](const httplib::Request &request, httplib::Response &response) { return before(request, response); });
  server.set_error_handler([](const httplib::Request &request, httplib::Response &response) {
    if (!response.body.empty())
      return;
    // Where the request ends is not known, so what follows on the connection is no request.
    Connections::current().unread = true;
    response.set_header("Connection", "close");
    // The library's own: it also refuses methods that it does not know or that come with other headers than it wants.
    const std::string path = request.target.substr(0, request.target.find('?'));
    auto known = paths().find(path.starts_with(kModelPath) ? "/v1/models" : path);
    if (response.status == 400 && known != paths().end() && !request.method.empty() &&
        request.method != known->second && request.method != "HEAD") {
      response.set_header("Allow", known->second);
      sendError(response, {405, "expects " + std::string(known->second) + " at this path, but found another method", "",
                           "method_not_allowed"});
    } else
      sendError(response, {response.status, "expects an HTTP request, but it cannot be read", "", "invalid_request"});
  });
  server.set_exception_handler([](const httplib::Request &, httplib::Response &response, std::exception_ptr) {
    sendError(response, {500, "something went wrong in the server", "", "internal_error"});
  });
  server.set_logger([this](const httplib::Request &, const httplib::Response &response) {
    this->metrics.countResponse(response.status);
  });
  for (bool chat : {false, true})
    server.Post(chat ? "/v1/chat/completions" : "/v1/completions",
                [this, chat](const httplib::Request &request, httplib::Response &response,
                             const httplib::ContentReader &reader) { complete(chat, request, response, reader); });
  const json model = {{"id", options.name}, {"object", "model"}, {"created", created}, {"owned_by", "quoin"}};
  server.Get("/v1/models", [model](const httplib::Request &, httplib::Response &response) {
    response.set_content(dumpJson({{"object", "list"}, {"data", json::array({model})}}), kJsonType);
  });
  server.Get("/v1/models/.*", [this, model](const httplib::Request &request, httplib::Response &response) {
    if (request.path.substr(kModelPath.size()) == this->options.name)
      response.set_content(dumpJson(model), kJsonType);
    else
      sendError(response,
                {404, "there is no such model here, but '" + this->options.name + "'", "", "model_not_found"});
  });
  server.Get("/health", [this](const httplib::Request &, httplib::Response &response) {
    response.status = draining ? 503 : 200;
    response.set_content(draining ? R"({"status":"stopping"})" : R"({"status":"ok"})", kJsonType);
  });
  server.Get("/metrics", [this](const httplib::Request &, httplib::Response &response) {
    response.set_content(this->metrics.text(), "text/plain; version=0.0.4");
  });
  const std::string description = openApi(options.name, scheduler.facts(), !keys.empty());
  server.Get("/openapi.json", [description](const httplib::Request &, httplib::Response &response) {
    response.set_content(description, kJsonType);
  });
  server.Get("/", [](const httplib::Request &, httplib::Response &response) {
    response.set_header(
        "Content-Security-Policy",
        "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'");
    response.set_content(kPage, "text/html; charset=utf-8");
  });
}
