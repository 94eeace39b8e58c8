//===- RunRequests.cpp - requests, side by side, answers in order ----------===//

#include "QuoinInterpret.h"
#include "runtime/tokenizer/Chat.h"
#include "runtime/tokenizer/Tokenizer.h"
#include "tools/quoin-run/TraceFile.h"
#include "llvm/Support/FileSystem.h"

#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <thread>

using namespace quoin;
using Json = nlohmann::ordered_json;

namespace {

struct Answer {
  std::optional<ref::Result> result;
  double seconds = 0;
};

} // namespace

/// One line of ASCII: a text may hold characters that some readers take for the end of a line.
static std::string line(const Json &value) { return value.dump(-1, ' ', true, Json::error_handler_t::replace) + "\n"; }

/// Null if the folder has none.
static std::unique_ptr<Tokenizer> loadTokenizer(const std::string &folder) {
  std::string path = folder + "/tokenizer.json", error;
  if (!llvm::sys::fs::exists(path))
    return nullptr;
  std::unique_ptr<Tokenizer> tokenizer = Tokenizer::load(path, error);
  if (!tokenizer)
    throw Failure{error};
  return tokenizer;
}

static std::vector<int32_t> encodePrompt(const Request &request, const Tokenizer *tokenizer) {
  if (!request.text)
    return request.ids;
  if (!tokenizer)
    throw Failure{request.where + "expects a tokenizer beside the weights, but there is none; give ids"};
  if (!request.chat)
    return tokenizer->encode(*request.text);
  if (!tokenizer->idOf("<|im_start|>"))
    throw Failure{request.where + "expects a tokenizer with ChatML tokens, but there are none; give a plain prompt"};
  return tokenizer->encode(formatChatML(*request.text));
}

static ref::Request convert(const Request &request, const Tokenizer *tokenizer) {
  ref::Request converted;
  converted.prompt = encodePrompt(request, tokenizer);
  converted.maxTokens = request.maxTokens;
  converted.stop = request.stops;
  converted.seed = request.seed;
  // Later ones win: a line's settings over the command line's.
  for (const auto &[name, value] : request.settings)
    converted.settings[name] = value;
  return converted;
}

/// Requests share nothing, so each thread takes the next one. Stops early if one fails.
static std::vector<Answer> runAll(const ref::Program &program, const std::vector<Request> &requests,
                                  const std::vector<ref::Request> &converted, unsigned threads) {
  std::vector<Answer> answers(requests.size());
  std::atomic<size_t> next = 0;
  std::atomic<bool> failed = false;
  auto work = [&] {
    for (size_t i = next++; i < requests.size() && !failed; i = next++) {
      auto begun = std::chrono::steady_clock::now();
      mlir::FailureOr<ref::Result> result = program.run(requests[i].decoder, converted[i]);
      answers[i].seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
      if (mlir::succeeded(result))
        answers[i].result = std::move(*result);
      else
        failed = true;
    }
  };
  std::vector<std::thread> others;
  for (unsigned i = 1; i < std::min<size_t>(threads, requests.size()); ++i)
    others.emplace_back(work);
  work();
  for (std::thread &t : others)
    t.join();
  return answers;
}

static std::string print(const Answer &answer, const Options &options, const Tokenizer *tokenizer) {
  const ref::Result &r = *answer.result;
  std::vector<int32_t> shown(r.ids.begin(), r.ids.begin() + static_cast<ptrdiff_t>(r.shown));
  std::string text = tokenizer ? tokenizer->decode(shown, /*skipSpecials=*/true) : "";
  if (!options.json) {
    for (size_t i = 0; !tokenizer && i < shown.size(); ++i)
      text += (i ? "," : "") + std::to_string(shown[i]);
    return text + "\n";
  }
  return line({{"ids", r.ids},
               {"text", text},
               {"stop", r.stopped ? "stop" : "length"},
               {"evaluations", r.evaluations},
               {"forwards", r.forwards},
               {"prefill_tokens", r.prefillTokens},
               {"seconds", answer.seconds},
               {"tokens_per_second", answer.seconds > 0 ? static_cast<double>(r.ids.size()) / answer.seconds : 0.0}});
}

static std::vector<TraceRecord::Change> changes(const std::vector<ref::TraceStep::Change> &list) {
  std::vector<TraceRecord::Change> result;
  for (const ref::TraceStep::Change &c : list)
    result.push_back({c.position, c.token, c.confidence.value_or(NAN)});
  return result;
}

bool quoin::runRequests(const LoadedProgram &loaded, const Options &options, const std::vector<Request> &requests) {
  std::unique_ptr<Tokenizer> tokenizer = loadTokenizer(loaded.folder());
  std::vector<ref::Request> converted;
  for (const Request &request : requests)
    converted.push_back(convert(request, tokenizer.get()));

  // More threads gain nothing on models as small as the interpreter is for.
  unsigned threads = options.threads ? static_cast<unsigned>(options.threads) : 2;
  std::vector<Answer> answers = runAll(loaded.program(), requests, converted, std::min(threads, 2u));
  for (size_t i = 0; i < answers.size(); ++i)
    if (!answers[i].result)
      return false;

  if (!options.trace.empty()) {
    TraceFile file(options.trace, [&](int32_t id) {
      return tokenizer ? tokenizer->decode({id}, /*skipSpecials=*/false) : std::to_string(id) + " ";
    });
    for (size_t i = 0; i < answers.size(); ++i) {
      file.begin(i, requests[i].decoder, converted[i].prompt);
      for (const ref::TraceStep &step : answers[i].result->trace)
        file.add(i, {step.evaluation, step.forward, changes(step.filled), changes(step.edited), step.committedFrom,
                     step.committedTo});
      file.end(i, answers[i].result->forwards);
    }
    file.finish();
  }
  for (const Answer &answer : answers)
    std::fputs(print(answer, options, tokenizer.get()).c_str(), stdout);
  return std::fflush(stdout) == 0;
}
