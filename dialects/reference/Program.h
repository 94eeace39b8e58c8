//===- Program.h - the reference interpreter -------------------------------===//
//
// Says what a module means, by doing it: in float64, on the weights as they are stored, one op at a time. It takes a
// module at any phase, from the program as its author wrote it to the graph of blocks that suspend at each call, so
// that two phases can be compared by their tokens. It is written to be read; where it and a backend disagree, the
// specification decides.
//
//   std::unique_ptr<ref::Program> program = ref::Program::load(module, {});
//   FailureOr<ref::Result> result = program->run("sdar", {.prompt = {1, 2, 3}});
//
// Errors are diagnostics on the op that was being evaluated, with the values that were wrong.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_DIALECTS_REFERENCE_PROGRAM_H
#define QUOIN_DIALECTS_REFERENCE_PROGRAM_H

#include "dialects/reference/Trace.h"
#include "dialects/reference/Weights.h"
#include <functional>
#include <map>
#include <memory>
#include <optional>

namespace quoin::ref {

/// A number or tensor that a request gives or gets by name, row after row. One kind of elements is used.
struct NamedValues {
  enum class Kind { F32, I32, I64 };
  Kind kind = Kind::I64;
  std::vector<int64_t> shape; // empty: a number
  std::vector<double> reals;
  std::vector<int64_t> integers;
};

/// A row of scores, and what a request may look at to change it.
struct RowToEdit {
  llvm::MutableArrayRef<double> scores;
  /// Of the token that it chooses, where the decoder names it; else of the row that was read; -1 if there is none.
  int64_t position;
  /// Of the call that the row is of.
  const Sequence &text;
  int64_t promptLength;
};

struct Request {
  std::vector<int32_t> prompt;
  int64_t maxTokens = 64;
  /// How often loops may go round before the model runs: a program that never ends is given up.
  int64_t maxRounds = int64_t(1) << 20;
  /// Without: the module's.
  std::optional<std::vector<int32_t>> stop;
  uint64_t seed = 0;
  /// Inputs of the module by name.
  std::map<std::string, NamedValues> inputs;
  /// By name: `temperature`, `top_k`, `top_p`, and the decoder's own that may change at run time.
  std::map<std::string, double> settings;
  /// Settings that are words.
  std::map<std::string, std::string> words;
  /// Changes rows of scores before tokens are chosen from them and anything is measured; null: nobody does.
  std::function<void(const RowToEdit &)> edit;
};

struct Result {
  std::vector<int32_t> ids;
  /// Leading ids that are text: cut at the first stop id and at `maxTokens`.
  size_t shown = 0;
  /// A stop id stands in `ids`.
  bool stopped = false;
  /// Executed evaluations of the source program, and calls made for them, commits and prefill included.
  int64_t evaluations = 0, forwards = 0;
  /// Of models that are drafts; they are among the calls, but not among the evaluations.
  int64_t draftEvaluations = 0;
  /// Prompt tokens that ran in the first call.
  int64_t prefillTokens = 0;
  /// What the decoder gave by name, besides the ids.
  std::map<std::string, NamedValues> outputs;
  std::vector<TraceStep> trace;
};

class Program {
public:
  struct Options {
    /// Where weight files are looked up; without, the module's `quoin.source`.
    std::optional<std::string> folder;
  };

  /// Reads the weights. Null after a diagnostic. The module must outlive the program and not change.
  static std::unique_ptr<Program> load(mlir::ModuleOp module, const Options &options);

  /// Runs a request by the decoder of this name, or the only one if empty. Any number of threads may run requests.
  mlir::FailureOr<Result> run(llvm::StringRef decoder, const Request &request) const;

  /// Does the module take inputs or give outputs? Then a request may be without a prompt.
  bool hasNamedValues() const;

  /// Scores of all rows of one stateless call: ids at positions from 0 on, none open, under a mask without symbols, by
  /// the model of this name, or the only one if empty.
  mlir::FailureOr<Matrix> logits(llvm::StringRef model, llvm::ArrayRef<int32_t> ids, const BlockMask &mask) const;

  mlir::ModuleOp getModule() const { return module; }
  const Weights &getWeights() const { return weights; }
  /// -1 if the module names none.
  int32_t fill() const { return fillToken; }
  /// Most positions of a prompt and what is generated; sequences may go beyond by the overhang.
  int64_t capacity() const { return mostAsked; }
  /// Most positions of a sequence and of a row.
  int64_t positions() const { return mostPositions; }
  /// Number of tokens, 0 if the module does not say.
  int64_t vocabulary() const { return tokens; }
  llvm::ArrayRef<int32_t> stop() const { return stopTokens; }

private:
  Program(mlir::ModuleOp module, Weights weights);

  mlir::ModuleOp module;
  Weights weights;
  int32_t fillToken = -1;
  int64_t mostAsked = INT64_MAX, mostPositions = INT64_MAX;
  int64_t tokens = 0;
  std::vector<int32_t> stopTokens;
};

} // namespace quoin::ref

#endif
