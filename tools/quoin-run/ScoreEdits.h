// ScoreEdits.h: what a request adds to scores and takes from them, the same for programs that run and are interpreted.
#ifndef QUOIN_TOOLS_SCOREEDITS_H
#define QUOIN_TOOLS_SCOREEDITS_H

#include <algorithm>
#include <cstdint>
#include <map>

namespace quoin {

/// The text that a row of scores is about.
struct EditedText {
  const int32_t *tokens;
  int64_t length, promptLength;
};

/// For each token that is in the text already, how often: known ones, but not that at the position that is chosen for.
/// First `repetition` as Hugging Face has it (prompt and answer: a score above 0 is divided by it, one below
/// multiplied), then `presence` and `frequency` as OpenAI has them (of the answer), then `bias`, so that what it bans
/// stays banned.
struct ScoreEdits {
  static constexpr double most = 1e6; // in size, of all numbers

  std::map<int32_t, double> bias;
  double repetition = 1, presence = 0, frequency = 0;

  bool counts() const { return repetition != 1 || presence != 0 || frequency != 0; }
  bool any() const { return counts() || !bias.empty(); }

  /// Changes scores of the tokens below `count`. `isOpen(i)`: nothing is known at that place.
  template <typename Real, typename IsOpen>
  void apply(Real *scores, int64_t count, int64_t position, const EditedText &text, IsOpen isOpen) const {
    std::map<int32_t, int64_t> seen, answered;
    for (int64_t i = 0; counts() && i < text.length; ++i) {
      int32_t token = text.tokens[i];
      if (isOpen(i) || i == position || token < 0 || token >= count)
        continue;
      ++seen[token];
      answered[token] += i >= text.promptLength;
    }
    auto change = [&](int32_t token, auto how) { scores[token] = static_cast<Real>(how(double(scores[token]))); };
    for (auto [token, times] : seen) {
      double often = double(answered[token]);
      change(token, [&](double score) {
        double lowered = score > 0 ? score / repetition : score * repetition;
        return lowered - frequency * often - (often > 0 ? presence : 0);
      });
    }
    for (auto [token, amount] : bias)
      if (token < count) // the others are never chosen
        change(token, [&](double score) { return score + amount; });
  }
};

} // namespace quoin

#endif
