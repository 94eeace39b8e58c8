// Prompts.cpp: prints what a request's prompt is to the model.

#include "Sessions.h"

#include <nlohmann/json.hpp>

#include <cstdio>

using namespace quoin;
using json = nlohmann::ordered_json;

namespace {

void printLine(const json &line) {
  std::printf("%s\n", line.dump(-1, ' ', true, json::error_handler_t::replace).c_str());
}

/// Prints a line for each request, or the error that is in its way. False if there was one.
template <typename Line> bool printAll(const std::vector<Request> &requests, Line line) {
  bool good = true;
  for (const Request &request : requests) {
    try {
      if (!request.error.empty())
        throw Failure{request.error};
      printLine(line(request));
    } catch (const Failure &failure) {
      std::fputs(reportError(request, failure.text).c_str(), stdout);
      good = false;
    }
  }
  return good;
}

} // namespace

bool quoin::tokenize(quoin_context_t *context, const std::string &folder, const std::vector<Request> &requests) {
  TokenizerPtr tokenizer = loadTokenizer(context, folder);
  return printAll(requests, [&](const Request &request) -> json {
    std::vector<int32_t> ids = request.text ? encode(tokenizer.get(), *request.text, context)
                                            : promptOf(tokenizer.get(), request, context).ids;
    return {{"ids", ids}, {"decoded", decode(tokenizer.get(), ids.data(), ids.size(), false)}};
  });
}

bool quoin::render(quoin_context_t *context, const std::string &folder, const std::vector<Request> &requests) {
  TokenizerPtr tokenizer = loadTokenizer(context, folder);
  return printAll(requests, [&](const Request &request) -> json {
    Prompt prompt = promptOf(tokenizer.get(), request, context);
    return {{"text", prompt.text}, {"ids", prompt.ids}};
  });
}
