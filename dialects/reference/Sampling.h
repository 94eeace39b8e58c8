//===- Sampling.h - from a row of scores to a token ------------------------===//
//
// Published systems choose a token in different ways; a sampler is the list of transforms in the order in which a
// system applies them. One row of scores goes through these steps:
//
//   1. The raw softmax of the row, all tokens, gives entropy, margin and given probabilities.
//   2. Without a sampler, with `greedy`, or with `temperature` at 0, the token is the arg max, its confidence is that
//      of the raw softmax (with `filtered_confidence` that of step 3), and nothing is drawn.
//   3. Otherwise each transform rescales the scores or takes tokens away, and the softmax of what is left is the
//      distribution. The token is drawn from it, Gumbel-max; its confidence is its probability there (with
//      `raw_confidence` that of the raw softmax).
//
// The fill token is never chosen, in any of these. It takes part in every softmax and every filter, so that its mass is
// seen: a model that wants to leave a position open lowers the confidence of all answers.
//
// Ties go to the lowest id. A row has no softmax if a score is NaN or plus infinity, or none is above minus infinity:
// then all statistics are NaN, nothing is drawn, and the token is the arg max, for which NaN counts as plus infinity.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_DIALECTS_REFERENCE_SAMPLING_H
#define QUOIN_DIALECTS_REFERENCE_SAMPLING_H

#include "dialects/quoin/QuoinDialect.h"
#include "dialects/reference/Random.h"

namespace quoin::ref {

/// Numbers of a request that transforms use.
struct SamplerNumbers {
  double temperature = 0;
  double topK = 0; // 0: all
  double topP = 1;
};

/// What is known of a row once it has been scored.
struct RowScore {
  int32_t token = -1;
  double confidence = 0;
  double entropy = 0;           // nats
  double normalizedEntropy = 0; // divided by log of the vocabulary
  double margin = 0;
  double probability = 0; // of the token asked for
  double logConfidence = 0;
  double mass = 0; // log-sum-exp of the raw scores
  // Of what the transforms leave; asked for with a sampler only.
  double filteredBest = 0;
  double filteredEntropy = 0;
  double filteredMargin = 0;
  double filteredMass = 0;
};

/// Scores a row. No transforms: arg max. `fill` is the token never chosen and `of` the one whose probability is asked
/// for; -1 for none.
RowScore scoreRow(llvm::ArrayRef<double> logits, int32_t fill, llvm::ArrayRef<Transform> transforms,
                  const SamplerNumbers &numbers, const DrawName &name, int32_t of);

/// A draw from `max(softmax(logits) - softmax(minus), 0)`, or from `softmax(logits)` if that leaves no token.
int32_t drawResidual(llvm::ArrayRef<double> logits, llvm::ArrayRef<double> minus, int32_t fill, const DrawName &name);

/// The `count` tokens of the highest scores, the highest first, besides the fill token; there are as many.
std::vector<std::pair<int32_t, double>> likeliestTokens(llvm::ArrayRef<double> logits, int32_t fill, int64_t count);

/// True if a row scored so is drawn, false if it is the arg max.
bool draws(llvm::ArrayRef<Transform> transforms, const SamplerNumbers &numbers);

} // namespace quoin::ref

#endif
