// QuoinRun.h: what the files of quoin-run share.
#ifndef QUOIN_TOOLS_QUOIN_RUN_H
#define QUOIN_TOOLS_QUOIN_RUN_H

#include "ScoreEdits.h"

#include "quoin/runtime.h"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace quoin {

/// A mistake of the user's: printed as `error: ...`. The exit status is 2 where the command line itself makes no sense.
struct Failure {
  std::string text;
  int status = 1;
};

/// A number or tensor with a name, its elements row after row; of the two lists one is used.
struct RequestTensor {
  enum class Kind { F32, I32, I64 };
  std::string name;
  Kind kind = Kind::F32;
  std::vector<int64_t> shape; // empty: a number
  std::vector<float> reals;
  std::vector<int64_t> integers;
};

/// One request, as the command line and a line of --input give it; the line wins.
struct Request {
  std::string where; // "line 3 of 'x.jsonl': " or empty: starts its messages
  // What the prompt is, one of three: a text to go on from; a conversation, as a JSON object for the chat template;
  // ids.
  std::optional<std::string> text;
  std::string conversation;
  std::vector<int32_t> ids;
  std::optional<std::string> system; // what --system puts before conversations
  std::string decoder;               // empty: the program's first
  int64_t maxTokens = 64;
  uint64_t seed = 0;
  std::optional<std::vector<int32_t>> stops; // none: the program's
  std::vector<std::pair<std::string, double>> settings;
  std::vector<std::pair<std::string, std::string>> words; // settings that are words
  std::vector<RequestTensor> inputs;
  ScoreEdits edits;
  std::string error; // not empty: why this line is no request; the others do not suffer from it
};

struct Options {
  std::string out, input, trace, against;
  std::string outputs; // where ids and what the decoder gives by name go; empty: nowhere
  Request defaults;
  bool single = false; // one request, from the command line
  bool json = false, showSteps = false;
  int64_t batch = 1;
  int32_t threads = 0;
  int64_t maxRounds = 0; // 0: the runtime's own bound
};

/// "1,2,3" or "".
std::vector<int32_t> parseIds(const std::string &text, const char *option);
/// Adds "key=value", a number or a word.
void addSetting(const std::string &text, Request &request);
/// "5=-100,7=1.5": ids and amounts.
void addBias(const std::string &text, Request &request);
/// One of presence_penalty, frequency_penalty and repetition_penalty; false: it is none of them.
bool setPenalty(const std::string &name, double value, Request &request);
/// Fails if the request would change scores of tokens that are none.
void checkBias(const Request &request, int64_t vocabulary);
/// The requests of a JSON lines file, over the defaults. A line that is none has its error.
std::vector<Request> readRequests(const std::string &file, const Request &defaults);
/// The conversation of one question.
std::string conversationOf(const std::string &question, const std::optional<std::string> &system);

/// Prints model.json for a person.
void describe(const std::string &folder);
/// Fails unless all of the standard output could be written: a full disk behind it must not look like success.
void expectWritten();
/// Says on the standard error which request failed and why; gives the line that is printed instead of its answer.
std::string reportError(const Request &request, const std::string &error);

/// Prints ids and text again for each request; nothing is put around a prompt. False if one failed.
bool tokenize(quoin_context_t *context, const std::string &folder, const std::vector<Request> &requests);
/// Prints the text and the ids that each request gives the model. False if one failed.
bool render(quoin_context_t *context, const std::string &folder, const std::vector<Request> &requests);
/// Reads the tensors of a file into the request: `prompt` is its ids, the others are inputs. Integers of any width are
/// integers, reals become f32.
void readInputs(const std::string &path, Request &request);
/// Writes the ids and what was given by name, as a file that is complete or absent.
void writeOutputs(const std::string &path, const std::vector<int32_t> &ids, const std::vector<RequestTensor> &outputs);
/// Whoever gives numbers by --set may give max_tokens so.
void takeMaxTokens(Request &request);
/// Calls a program compiled from a function on the tensors of a file; Functions.cpp.
void runFunction(quoin_context_t *context, const std::string &folder, const std::string &inputs,
                 const std::string &outputs);
/// What became of a request.
struct Outcome {
  std::vector<int32_t> ids; // those that are text
  int64_t evaluations = 0, forwards = 0, rows = 0;
  double seconds = 0;
};

/// Runs all requests and gives what they came to. The first that fails ends it.
std::vector<Outcome> collect(quoin_context_t *context, const Options &options, std::vector<Request> requests);
/// Runs all requests with the artefact and with another, and prints where they differ; Compare.cpp.
void compareArtefacts(quoin_context_t *context, const Options &options, std::vector<Request> requests);
/// Runs all requests and prints their answers in order, or the error of one that failed. False if one did.
bool runBatch(quoin_context_t *context, const Options &options, std::vector<Request> requests);

} // namespace quoin

#endif
