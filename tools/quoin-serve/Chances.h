// Chances.h: how likely the tokens of an answer were, from the rows of scores that they were chosen by.
#ifndef QUOIN_SERVE_CHANCES_H
#define QUOIN_SERVE_CHANCES_H

#include "Job.h"

#include <cstdint>
#include <string>
#include <unordered_map>

namespace quoin {

/// Sees each row of scores of a session and each change of its text. A token's chance is that of the last row of its
/// position before it was taken: the softmax of the scores as they are chosen from (with the request's biases and
/// penalties), before temperature and filters.
class Chances {
public:
  /// `likeliest` alternatives a token, without the fill token.
  Chances(int64_t likeliest, int32_t fill) : most(likeliest), fill(fill) {}

  void see(const quoin_scores_t &rows);
  void see(const quoin_event_t &event);
  /// Sets the chance of the token at a position; false if the decoder chose it by no row that says it is for this
  /// place.
  bool of(int64_t position, int32_t token, TokenChance &out) const;

private:
  struct Row {
    double sum = 0; // logarithm of the softmax's
    std::vector<std::pair<int32_t, double>> likeliest;
    std::vector<float> scores; // all, while the position is open and there is room
  };
  void take(const quoin_change_t &change);

  int64_t most;
  int32_t fill;
  size_t kept = 0; // floats in all rows
  std::unordered_map<int64_t, Row> rows;
  std::unordered_map<int64_t, TokenChance> chosen;
};

} // namespace quoin

#endif
