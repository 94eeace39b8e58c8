//===- RunRequests.cpp - requests, side by side, answers in order ----------===//

#include "QuoinInterpret.h"
#include "compiler/import/GgufCheckpoint.h"
#include "runtime/tokenizer/ChatTemplate.h"
#include "runtime/tokenizer/Tokenizer.h"
#include "runtime/tokenizer/TokenizerConfig.h"
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

/// Of a GGUF file, which has it in its metadata; null if it has none.
static std::unique_ptr<Tokenizer> tokenizerOfGguf(const std::string &file) {
  std::string error;
  std::optional<std::vector<std::string>> texts = ggufTokenizerTexts(file, error);
  if (!texts)
    throw Failure{error};
  if (texts->empty())
    return nullptr;
  TokenizerConfig read;
  if (!TokenizerConfig::parse((*texts)[1], "", "", read, error))
    throw Failure{file + ": " + error};
  std::unique_ptr<Tokenizer> made = Tokenizer::fromJson((*texts)[0], read, error);
  if (!made)
    throw Failure{file + ": " + error};
  return made;
}

/// Null if the folder has none.
static std::unique_ptr<Tokenizer> loadTokenizer(const std::string &folder) {
  if (isGgufFile(folder))
    return tokenizerOfGguf(folder);
  std::string path = Tokenizer::fileIn(folder), error;
  if (path.empty())
    return nullptr;
  std::unique_ptr<Tokenizer> tokenizer = Tokenizer::load(path, error);
  if (!tokenizer)
    throw Failure{error};
  return tokenizer;
}

static std::vector<int32_t> encodePrompt(const Request &request, const Tokenizer *tokenizer) {
  if (!request.text && request.conversation.empty())
    return request.ids;
  if (!tokenizer)
    throw Failure{"expects a tokenizer beside the weights, but there is none; give ids"};
  if (request.text)
    return tokenizer->encodePrompt(*request.text);
  std::string text, error;
  if (tokenizer->chat().render(request.conversation, text, error) != ChatTemplate::Outcome::Done)
    throw Failure{error};
  return tokenizer->encode(text);
}

static ref::Request convert(const Request &request, const Options &options, const Tokenizer *tokenizer,
                            int64_t vocabulary) {
  ref::Request converted;
  converted.prompt = encodePrompt(request, tokenizer);
  converted.maxTokens = request.maxTokens;
  if (options.maxRounds)
    converted.maxRounds = options.maxRounds;
  converted.stop = request.stops;
  converted.seed = request.seed;
  for (const RequestTensor &input : request.inputs) {
    ref::NamedValues values;
    values.kind = input.kind == RequestTensor::Kind::F32 ? ref::NamedValues::Kind::F32 : ref::NamedValues::Kind::I64;
    values.shape = input.shape;
    values.reals.assign(input.reals.begin(), input.reals.end());
    values.integers = input.integers;
    converted.inputs[input.name] = std::move(values);
  }
  // Later ones win: a line's settings over the command line's.
  for (const auto &[name, value] : request.settings)
    converted.settings[name] = value;
  for (const auto &[name, word] : request.words)
    converted.words[name] = word;
  checkBias(request, vocabulary);
  if (request.edits.any())
    converted.edit = [edits = request.edits](const ref::RowToEdit &row) {
      std::vector<int32_t> tokens;
      for (const ref::Slot &slot : row.text.slots)
        tokens.push_back(slot.token);
      const EditedText text = {tokens.data(), row.text.length(), row.promptLength};
      auto isOpen = [&](int64_t place) { return row.text[place].open; };
      edits.apply(row.scores.data(), static_cast<int64_t>(row.scores.size()), row.position, text,
                  edits.count(text, isOpen), isOpen);
    };
  return converted;
}

/// Where the errors of the request that this thread runs go; null: to the standard error, with the program's lines.
static thread_local std::string *errorOfRequest = nullptr;

/// Requests share nothing, so each thread takes the next one. `Request::error` says which failed.
static std::vector<Answer> runAll(const LoadedProgram &loaded, std::vector<Request> &requests,
                                  const std::vector<ref::Request> &converted, unsigned threads, bool keepErrors) {
  mlir::ScopedDiagnosticHandler handler(loaded.program().getModule().getContext(), [](mlir::Diagnostic &diagnostic) {
    if (!errorOfRequest)
      return mlir::failure(); // the next handler's
    if (diagnostic.getSeverity() == mlir::DiagnosticSeverity::Error && errorOfRequest->empty())
      *errorOfRequest = diagnostic.str();
    return mlir::success();
  });
  std::vector<Answer> answers(requests.size());
  std::atomic<size_t> next = 0;
  auto work = [&] {
    for (size_t i = next++; i < requests.size(); i = next++) {
      if (!requests[i].error.empty())
        continue;
      std::string error;
      errorOfRequest = keepErrors ? &error : nullptr;
      auto begun = std::chrono::steady_clock::now();
      mlir::FailureOr<ref::Result> result = loaded.program().run(requests[i].decoder, converted[i]);
      answers[i].seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
      errorOfRequest = nullptr;
      if (mlir::succeeded(result))
        answers[i].result = std::move(*result);
      else
        requests[i].error = error.empty() ? "the request failed" : error;
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

static void writeNamed(const std::string &path, const ref::Result &result) {
  std::vector<RequestTensor> outputs;
  for (const auto &[name, values] : result.outputs) {
    auto kind = values.kind == ref::NamedValues::Kind::F32   ? RequestTensor::Kind::F32
                : values.kind == ref::NamedValues::Kind::I32 ? RequestTensor::Kind::I32
                                                             : RequestTensor::Kind::I64;
    outputs.push_back({name, kind, values.shape, {values.reals.begin(), values.reals.end()}, values.integers});
  }
  quoin::writeOutputs(path, result.ids, outputs);
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
  Json fields = {{"ids", r.ids},
                 {"text", text},
                 {"stop", r.stopped ? "stop" : "length"},
                 {"evaluations", r.evaluations},
                 {"forwards", r.forwards},
                 {"prefill_tokens", r.prefillTokens},
                 {"seconds", answer.seconds},
                 {"tokens_per_second", answer.seconds > 0 ? static_cast<double>(r.ids.size()) / answer.seconds : 0.0}};
  if (r.draftEvaluations > 0)
    fields["draft_evaluations"] = r.draftEvaluations;
  return line(fields);
}

static std::vector<TraceRecord::Change> changes(const std::vector<ref::TraceStep::Change> &list) {
  std::vector<TraceRecord::Change> result;
  for (const ref::TraceStep::Change &c : list)
    result.push_back({c.position, c.token, c.confidence.value_or(NAN)});
  return result;
}

bool quoin::runRequests(const LoadedProgram &loaded, const Options &options, std::vector<Request> requests) {
  std::unique_ptr<Tokenizer> tokenizer = loadTokenizer(loaded.folder());
  bool single = options.input.empty();
  std::vector<ref::Request> converted(requests.size());
  for (size_t i = 0; i < requests.size(); ++i)
    try {
      if (requests[i].error.empty())
        converted[i] = convert(requests[i], options, tokenizer.get(), loaded.program().vocabulary());
    } catch (const Failure &failure) {
      if (single)
        throw;
      requests[i].error = failure.text;
    }

  // More threads gain nothing on models as small as the interpreter is for.
  unsigned threads = options.threads ? static_cast<unsigned>(options.threads) : 2;
  std::vector<Answer> answers = runAll(loaded, requests, converted, std::min(threads, 2u), /*keepErrors=*/!single);
  if (single && !answers.front().result)
    return false;

  if (!options.trace.empty()) {
    TraceFile file(options.trace, [&](int32_t id) {
      return tokenizer ? tokenizer->decode({id}, /*skipSpecials=*/false) : std::to_string(id) + " ";
    });
    for (size_t i = 0; i < answers.size(); ++i) {
      if (!answers[i].result)
        continue;
      file.begin(i, requests[i].decoder, converted[i].prompt);
      for (const ref::TraceStep &step : answers[i].result->trace)
        file.add(i, {step.evaluation, step.forward, changes(step.filled), changes(step.edited), step.committedFrom,
                     step.committedTo});
      file.end(i, answers[i].result->forwards);
    }
    file.finish();
  }
  bool good = true;
  if (!options.outputs.empty()) {
    writeNamed(options.outputs, *answers.front().result);
    if (!options.json)
      return true;
  }
  for (size_t i = 0; i < answers.size(); ++i) {
    if (answers[i].result) {
      std::fputs(print(answers[i], options, tokenizer.get()).c_str(), stdout);
      continue;
    }
    good = false;
    std::string error = reportError(requests[i], requests[i].error);
    if (options.json)
      std::fputs(error.c_str(), stdout);
  }
  expectWritten();
  return good;
}
