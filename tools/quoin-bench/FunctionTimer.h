//===- FunctionTimer.h - a compiled attention function, called and timed ---===//
//
// Loads the artefact of an attention function with the runtime, as a host would, and calls it on made-up tensors. What
// the arguments are is read from their types: the first three of rank 3 are query, key and value, those of rank 1 are
// labels (documents of different lengths, numbered from 0), single numbers are the mask's symbols.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_TOOLS_BENCH_FUNCTIONTIMER_H
#define QUOIN_TOOLS_BENCH_FUNCTIONTIMER_H

#include "quoin/function.h"
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace quoin::bench {

/// Heads and sizes of a function, and the type of its tensors as MLIR spells it.
struct AttentionTypes {
  int64_t heads = 0, keyHeads = 0, headDim = 0;
  std::string element = "f32", result = "f32";
  double flopsPerPair() const { return 4.0 * double(heads) * double(headDim); }
};

/// `length` tokens in `documents` documents of random lengths, numbered in order.
std::vector<int32_t> documentLabels(int64_t length, int64_t documents);

class CompiledFunction {
public:
  /// Null with `error` set if the folder is no function of this kind, or this machine cannot run it.
  static std::unique_ptr<CompiledFunction> open(const std::string &folder, int threads, std::string &error);
  ~CompiledFunction();
  const AttentionTypes &types() const { return attention; }
  /// True if an argument takes labels.
  bool labelled() const { return takesLabels; }

  /// Makes arguments and results of `length` queries and keys. False with `error` set if a symbol has no value or the
  /// function is not for this length.
  bool prepare(int64_t length, const std::vector<int32_t> &labels, const std::map<std::string, int64_t> &symbols,
               std::string &error);
  /// Calls it once; seconds, or a negative number with `error` set.
  double call(std::string &error);
  /// Bytes of arguments and results.
  double bytes() const;

private:
  CompiledFunction() = default;
  bool describe(std::string &error);
  quoin_context_t *context = nullptr;
  quoin_function_t *function = nullptr;
  AttentionTypes attention;
  bool takesLabels = false;
  std::vector<std::vector<uint64_t>> memory; // of arguments, then results; 8-byte words
  std::vector<quoin_array_t> arguments, results;
};

} // namespace quoin::bench

#endif
