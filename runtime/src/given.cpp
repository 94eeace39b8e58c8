// given.cpp: what the head would make of a row, of scores that a program gave.
//
// Everything is double on float scores, in the order of the tokens. Means the same as the head's statistics: the raw
// softmax gives entropy, margin and probability; a draw is Gumbel-max at the row's temperature, over all tokens but the
// one that is forbidden.

#include "sample.h"

#include <algorithm>
#include <cmath>

using namespace quoin::rt;

namespace {

/// Sums of exponentials at one temperature, below the highest score.
struct Softmax {
  double inverse = 1, sum = 0;

  double logOf(double below) const { return below * inverse - std::log(sum); }
};

/// The best and the second best score, and the lowest token that has the best.
struct Best {
  double first = -HUGE_VAL, second = -HUGE_VAL;
  int32_t token = -1;

  void see(double score, int32_t of) {
    if (token < 0 || score > first) {
      second = token < 0 ? second : first;
      first = score;
      token = of;
    } else {
      second = std::max(second, score);
    }
  }
};

/// A row of scores, guided if it is.
struct Scores {
  const quoin_head_row_t &row;

  float operator[](int64_t v) const {
    return row.other ? row.other[v] + (row.guidance + 1) * (row.hidden[v] - row.other[v]) : row.hidden[v];
  }
};

/// The arg max of scores and noise.
int32_t draw(const quoin_head_row_t &row, Scores scores, int64_t count, double top) {
  Random random = {row.key[0] | uint64_t(row.key[1]) << 32, row.evaluation, row.position, row.stream};
  double inverse = 1 / double(row.temperature);
  Best best;
  for (int64_t v = 0; v < count; ++v) {
    if (v == row.forbid || scores[v] == -HUGE_VALF)
      continue;
    double noise = -std::log(-std::log(random.uniform(static_cast<uint32_t>(v))));
    best.see((double(scores[v]) - top) * inverse + noise, int32_t(v));
  }
  return best.token;
}

} // namespace

void quoin::rt::scoreGiven(quoin_head_row_t &row, int64_t scored) {
  Scores scores = {row};
  double top = -HUGE_VAL;
  Best best;
  for (int64_t v = 0; v < scored; ++v) {
    float score = scores[v];
    if (row.logits)
      row.logits[v] = score;
    double worth = std::isnan(score) ? HUGE_VAL : double(score);
    top = std::max(top, worth);
    if (v != row.forbid)
      best.see(worth, int32_t(v));
  }
  row.token = std::max(best.token, 0);
  if (!std::isfinite(top)) {
    for (float *number : {&row.confidence, &row.probability, &row.entropy, &row.margin, &row.log_sum_exp, &row.maximum,
                          &row.log_confidence})
      *number = std::nanf("");
    return;
  }
  bool isWarm = row.temperature > 0;
  Softmax raw, warm;
  warm.inverse = isWarm ? 1 / double(row.temperature) : 1;
  double weighted = 0;
  for (int64_t v = 0; v < scored; ++v) {
    double below = double(scores[v]) - top, mass = std::exp(below);
    raw.sum += mass;
    weighted += mass > 0 ? mass * below : 0;
    warm.sum += warm.inverse == 1 ? mass : std::exp(below * warm.inverse);
  }
  double logSum = std::log(raw.sum), chosen = best.first;
  if (int32_t drawn = isWarm ? draw(row, scores, scored, top) : -1; drawn >= 0) {
    row.token = drawn;
    chosen = double(scores[drawn]);
  }
  double log = (isWarm && !row.raw_confidence ? warm : raw).logOf(chosen - top);
  row.log_confidence = static_cast<float>(log);
  row.confidence = static_cast<float>(std::exp(log));
  row.probability = row.of >= 0 ? static_cast<float>(std::exp(double(scores[row.of]) - top) / raw.sum) : 0;
  row.entropy = static_cast<float>(std::max(0.0, logSum - weighted / raw.sum));
  row.margin = static_cast<float>((std::exp(best.first - top) - std::exp(best.second - top)) / raw.sum);
  row.log_sum_exp = static_cast<float>(top + logSum);
  row.maximum = static_cast<float>(top);
}
