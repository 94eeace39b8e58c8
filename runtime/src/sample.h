// sample.h: random numbers and draws over whole rows of scores, as pure functions.
#ifndef QUOIN_RUNTIME_SAMPLE_H
#define QUOIN_RUNTIME_SAMPLE_H

#include "internal.h"

namespace quoin::rt {

/// Philox4x32-10 (Salmon et al., SC 2011): `words` is the counter and becomes the random words.
void philox(uint32_t words[4], const uint32_t key[2]);

enum Stream : uint32_t { kTokenDraw = 0, kAcceptTest = 1, kResidualDraw = 2, kPositionChoice = 3 };

/// Which random numbers a draw takes: number `lane` in (0, 1) at a position of an evaluation.
struct Random {
  uint64_t seed;
  uint32_t evaluation, position, stream;

  double uniform(uint32_t lane) const;
};

/// A sampler with the values of the request.
struct Sampler {
  const uint8_t *transforms;
  uint32_t count;
  double temperature, topK, topP;
  int32_t fill; // never chosen; -1: none

  bool lists(uint8_t transform) const;
  /// 0: arg max, no draw.
  double drawTemperature() const;
  /// Whether a transform leaves tokens out.
  bool filters(int64_t vocabulary) const;
  /// Whether token or confidence need the whole row, as statistics of the head do not.
  bool needsRow(int64_t vocabulary) const;
  /// By what scores are multiplied in all.
  double scale() const;
};

struct Draw {
  int32_t token;
  double confidence, logConfidence;
};

// A row has no softmax if a score is NaN or plus infinity, or none is above minus infinity. Nothing is drawn from it:
// the token is the lowest among the highest, for which NaN counts as plus infinity, and its confidence NaN.

/// A draw, or where the sampler makes none the arg max, among what its transforms leave, and its probability there.
/// `scratch` has room for the vocabulary. `facts`, if it is not null, gets the statistics of what they leave.
Draw drawFiltered(const float *logits, int64_t vocabulary, const Sampler &sampler, const Random &random,
                  Scratch::Candidate *scratch, FilteredFacts *facts = nullptr);

/// The `count` tokens of the highest scores besides the fill token, the highest first, and what they have of a softmax
/// with this log-sum-exp; there are as many. `scratch` has room for the vocabulary.
void chooseLikeliest(const float *logits, int64_t vocabulary, int32_t fill, int64_t count, double logSumExp,
                     Scratch::Candidate *scratch, int32_t *out, float *probabilities);

/// A draw from max(softmax(logits) - softmax(minus), 0), or from softmax(logits) where that is zero everywhere.
Draw drawResidual(const float *logits, const float *minus, int64_t vocabulary, int32_t fill, const Random &random);

/// All that the head would make of a row, of scores that are in its place (`hidden`, and `other`).
void scoreGiven(quoin_head_row_t &row, int64_t scored);

} // namespace quoin::rt

#endif
