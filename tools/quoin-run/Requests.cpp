// Requests.cpp: requests from the command line and from JSON lines.

#include "RequestJson.h"

#include "support/FileKinds.h"
#include "support/JsonText.h"

#include <nlohmann/json.hpp>

#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <set>

using namespace quoin;
// Templates print objects as they were written, so the order of keys counts.
using json = nlohmann::ordered_json;

std::vector<int32_t> quoin::parseIds(const std::string &text, const char *option) {
  std::vector<int32_t> ids;
  const char *at = text.data(), *end = at + text.size();
  while (at != end) {
    int32_t id = 0;
    auto [next, error] = std::from_chars(at, end, id);
    if (error != std::errc() || (next != end && *next != ',') || (next != end && next + 1 == end))
      throw Failure{std::string(option) + " expects ids joined by commas, but has '" + shortened(text) + "'", 2};
    ids.push_back(id);
    at = next == end ? end : next + 1;
  }
  return ids;
}

void quoin::addSetting(const std::string &text, Request &request) {
  size_t equal = text.find('=');
  if (equal == std::string::npos || equal == 0)
    throw Failure{"--set expects key=value, but has '" + shortened(text) + "'", 2};
  std::string key = text.substr(0, equal), value = text.substr(equal + 1);
  if (value == "true" || value == "false")
    return void(request.settings.emplace_back(key, value == "true"));
  double number = 0;
  auto [next, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (value.empty())
    throw Failure{"--set expects a value for '" + shortened(key) + "', but has none", 2};
  if (error == std::errc() && next == value.data() + value.size())
    request.settings.emplace_back(key, number);
  else
    request.words.emplace_back(key, shortened(value, 200));
}

/// A value for a message.
static std::string shown(const json &value) {
  return shortened(value.dump(-1, ' ', false, json::error_handler_t::replace));
}

static int64_t wholeNumber(const json &value, const std::string &what) {
  if (value.is_number_unsigned() && value.get<uint64_t>() > uint64_t(INT64_MAX))
    throw Failure{what + " expects a smaller number, but is " + shown(value)};
  if (!value.is_number_integer())
    throw Failure{what + " expects a whole number, but is " + shown(value)};
  return value.get<int64_t>();
}

static std::vector<int32_t> idList(const json &value, const std::string &what) {
  if (!value.is_array())
    throw Failure{what + " expects a list of ids, but is " + shown(value)};
  std::vector<int32_t> ids;
  for (const json &element : value) {
    int64_t id = wholeNumber(element, what);
    if (id < INT32_MIN || id > INT32_MAX)
      throw Failure{what + " expects ids below 2^31, but has " + shown(element)};
    ids.push_back(static_cast<int32_t>(id));
  }
  return ids;
}

static std::string string(const json &value, const std::string &what) {
  if (!value.is_string())
    throw Failure{what + " expects a text, but is " + shown(value)};
  return value.get<std::string>();
}

static void number(const json &value, const std::string &key, Request &request) {
  if (value.is_string())
    return void(request.words.emplace_back(key, shortened(value.get<std::string>(), 200)));
  if (!value.is_number() && !value.is_boolean())
    throw Failure{"the setting '" + shortened(key) + "' expects a number or a word, but is " + shown(value)};
  request.settings.emplace_back(key, value.is_boolean() ? double(value.get<bool>()) : value.get<double>());
}

static void addBias(const std::string &id, double amount, const std::string &what, Request &request) {
  int32_t token = 0;
  auto [next, error] = std::from_chars(id.data(), id.data() + id.size(), token);
  if (error != std::errc() || next != id.data() + id.size() || token < 0)
    throw Failure{what + " expects ids of tokens, but has '" + shortened(id) + "'"};
  if (!(std::fabs(amount) <= ScoreEdits::most))
    throw Failure{what + " expects numbers of at most 1e6 in size, but has " + shown(amount) + " for " + id};
  request.edits.bias[token] = amount;
}

void quoin::addBias(const std::string &text, Request &request) {
  for (size_t at = 0; at <= text.size();) {
    size_t end = std::min(text.find(',', at), text.size()), equal = text.find('=', at);
    double amount = 0;
    const char *last = text.data() + end;
    bool good = equal < end;
    if (good) {
      auto [next, error] = std::from_chars(text.data() + equal + 1, last, amount);
      good = error == std::errc() && next == last;
    }
    if (!good)
      throw Failure{"--logit-bias expects id=amount joined by commas, but has '" + shortened(text) + "'", 2};
    ::addBias(text.substr(at, equal - at), amount, "--logit-bias", request);
    at = end + 1;
  }
}

bool quoin::setPenalty(const std::string &name, double value, Request &request) {
  ScoreEdits &edits = request.edits;
  bool divides = name == "repetition_penalty";
  double *place = divides                       ? &edits.repetition
                  : name == "presence_penalty"  ? &edits.presence
                  : name == "frequency_penalty" ? &edits.frequency
                                                : nullptr;
  if (!place)
    return false;
  if (!(std::fabs(value) <= ScoreEdits::most) || (divides && !(value > 0)))
    throw Failure{"'" + name + "' expects a number " +
                  (divides ? "above 0 and at most 1e6" : "of at most 1e6 in size") + ", but is " + shown(value)};
  *place = value;
  return true;
}

/// Reads one field; false if a request has none of that name.
static bool readField(const std::string &key, const json &value, Request &request) {
  std::string what = "'" + shortened(key) + "'";
  if (key == "prompt") {
    request.text = string(value, what);
  } else if (key == "chat") {
    request.conversation = string(value, what); // completed when all fields are known
  } else if (key == "system") {
    request.system = string(value, what);
  } else if (key == "ids") {
    request.ids = idList(value, what);
  } else if (key == "max_tokens") {
    request.maxTokens = wholeNumber(value, what);
  } else if (key == "stop") {
    request.stops = idList(value, what);
  } else if (key == "seed") {
    if (!value.is_number_unsigned())
      throw Failure{what + " expects a whole number from 0 to 2^64 - 1, but is " + shown(value)};
    request.seed = value.get<uint64_t>();
  } else if (key == "decoder") {
    request.decoder = string(value, what);
  } else if (key == "settings") {
    if (!value.is_object())
      throw Failure{what + " expects an object, but is " + shown(value)};
    for (const auto &[name, setting] : value.items())
      number(setting, name, request);
  } else if (key == "temperature" || key == "top_k" || key == "top_p") {
    number(value, key, request);
  } else if (key == "logit_bias") {
    if (!value.is_object())
      throw Failure{what + " expects an object of ids and numbers, but is " + shown(value)};
    request.edits.bias.clear();
    for (const auto &[id, amount] : value.items()) {
      if (!amount.is_number())
        throw Failure{what + " expects a number for '" + shortened(id) + "', but has " + shown(amount)};
      addBias(id, amount.get<double>(), what, request);
    }
  } else if (key == "presence_penalty" || key == "frequency_penalty" || key == "repetition_penalty") {
    if (!value.is_number())
      throw Failure{what + " expects a number, but is " + shown(value)};
    setPenalty(key, value.get<double>(), request);
  } else {
    return false;
  }
  return true;
}

void quoin::checkBias(const Request &request, int64_t vocabulary) {
  for (auto [id, amount] : request.edits.bias)
    if (id >= vocabulary)
      throw Failure{"'logit_bias' expects ids below " + std::to_string(vocabulary) + " (the vocabulary), but has " +
                    std::to_string(id)};
}

std::string quoin::conversationOf(const std::string &question, const std::optional<std::string> &system) {
  json messages = json::array();
  if (system)
    messages.push_back({{"role", "system"}, {"content", *system}});
  messages.push_back({{"role", "user"}, {"content", question}});
  return json({{"messages", std::move(messages)}}).dump(-1, ' ', false, json::error_handler_t::replace);
}

/// The fields of a line. With `messages`, those that are none of a request are variables of the chat template.
static void readFields(const json &object, Request &request) {
  const bool messages = object.contains("messages");
  json variables = json::object();
  for (const auto &[key, value] : object.items()) {
    if (key != "messages" && readField(key, value, request))
      continue;
    if (!messages)
      throw Failure{"a request has no field '" + shortened(key) +
                    "'; it may have prompt, chat, messages or ids, and system, max_tokens, stop, seed, settings, "
                    "decoder, logit_bias, "
                    "presence_penalty, frequency_penalty, repetition_penalty"};
    variables[key] = value;
  }
  size_t given = object.count("prompt") + object.count("chat") + object.count("messages") + object.count("ids");
  if (given != 1)
    throw Failure{"expects one of prompt, chat, messages and ids, but found " + std::to_string(given)};
  if (object.contains("chat")) {
    request.conversation = conversationOf(request.conversation, request.system);
  } else if (messages) {
    json &list = variables["messages"];
    const bool has =
        list.is_array() && !list.empty() && list[0].is_object() && list[0].value("role", json()) == "system";
    if (request.system && !has && list.is_array())
      list.insert(list.begin(), json({{"role", "system"}, {"content", *request.system}}));
    request.conversation = variables.dump(-1, ' ', false, json::error_handler_t::replace);
  } else if (object.contains("system")) {
    throw Failure{"expects 'system' beside chat or messages, but there is neither"};
  }
}

namespace {

constexpr size_t kMostKeys = 16384;

/// Where a text stops being JSON, and why.
struct Broken {
  size_t column = 0;
  std::string why;
  std::string twice; // a key that is there twice
  bool many = false; // keys of an object
};

/// Builds the value, and keeps the parser's first error and the first key that an object has twice.
class Reader : public nlohmann::detail::json_sax_dom_parser<json> {
public:
  Reader(json &value, Broken &broken) : json_sax_dom_parser(value, /*allow_exceptions_=*/false), broken(broken) {}

  bool start_object(size_t size) {
    keys.emplace_back();
    return json_sax_dom_parser::start_object(size);
  }
  bool key(std::string &name) {
    // An object looks for each new key among those it has.
    if (keys.back().size() >= kMostKeys) {
      broken.many = true;
      return false;
    }
    if (!keys.back().insert(name).second && broken.twice.empty())
      broken.twice = "'" + shortened(name) + "'";
    return json_sax_dom_parser::key(name);
  }
  bool end_object() {
    keys.pop_back();
    return json_sax_dom_parser::end_object();
  }

  template <typename Exception> bool parse_error(size_t position, const std::string &token, const Exception &error) {
    // "[json.exception...] parse error at line 1, column 8: syntax error while parsing value - invalid literal; ..."
    std::string text = error.what();
    if (text.find("number overflow") != std::string::npos)
      text = " - a number beyond 1.8e308: " + token;
    size_t from = text.find(" - "), to = text.find("; last read");
    if (from != std::string::npos)
      text = text.substr(from + 3, to == std::string::npos ? to : to - from - 3);
    broken.column = position;
    broken.why = shortened(text, 120);
    return json_sax_dom_parser::parse_error(position, token, error);
  }

private:
  Broken &broken;
  std::vector<std::set<std::string>> keys; // of the objects around this place
};

} // namespace

json quoin::readObject(const std::string &text, const std::string &what) {
  if (std::string deep = tooDeep(text); !deep.empty())
    throw Failure{deep};
  json object;
  Broken broken;
  Reader reader(object, broken);
  const bool read = json::sax_parse(text, &reader);
  if (broken.many)
    throw Failure{"expects at most " + std::to_string(kMostKeys) + " keys in an object, but found more"};
  if (!read)
    throw Failure{"expects a JSON object, but " + what + " is no JSON at column " + std::to_string(broken.column) +
                  ": " + broken.why};
  if (!object.is_object())
    throw Failure{"expects a JSON object, but found " + shown(object)};
  if (!broken.twice.empty())
    throw Failure{"expects each key of an object once, but found " + broken.twice + " twice"};
  return object;
}

Request quoin::requestOf(const json &object, const Request &defaults) {
  Request request = defaults;
  readFields(object, request);
  return request;
}

std::vector<Request> quoin::readRequests(const std::string &file, const Request &defaults) {
  std::ifstream in(file, std::ios::binary);
  if (!in)
    throw Failure{"cannot open '" + file + "': " + std::strerror(errno)};
  std::vector<Request> requests;
  std::string line;
  for (int64_t number = 1; std::getline(in, line); ++number) {
    if (number == 1)
      if (std::string kind = fileKind(line); !kind.empty())
        throw Failure{"expects requests, a JSON object a line, but '" + file + "' is " + kind};
    if (line.find_first_not_of(" \t\r") == std::string::npos)
      continue;
    Request request = defaults;
    try {
      request = requestOf(readObject(line, "the line"), defaults);
    } catch (const Failure &failure) {
      request.error = failure.text;
    }
    request.where = "line " + std::to_string(number) + " of '" + file + "': ";
    requests.push_back(std::move(request));
  }
  if (in.bad())
    throw Failure{"cannot read '" + file + "'"};
  return requests;
}

void quoin::expectWritten() {
  errno = 0;
  if (std::fflush(stdout) != 0 || std::ferror(stdout))
    throw Failure{"cannot write the output" + (errno ? ": " + std::string(std::strerror(errno)) : "")};
}

std::string quoin::reportError(const Request &request, const std::string &error) {
  std::fflush(stdout);
  std::fprintf(stderr, "error: %s%s\n", request.where.c_str(), error.c_str());
  return json{{"error", error}}.dump(-1, ' ', true, json::error_handler_t::replace) + "\n";
}
