// ScoreEdits.h: what a request adds to scores and takes from them, the same for programs that run and are interpreted.
#ifndef QUOIN_TOOLS_SCOREEDITS_H
#define QUOIN_TOOLS_SCOREEDITS_H

#include <cstdint>
#include <map>
#include <unordered_map>

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

  struct Times {
    int64_t all = 0, answered = 0;
  };
  using Counts = std::unordered_map<int32_t, Times>;

  /// How often each token is known: once for all rows that look at a text. `isOpen(i)`: nothing is known at that place.
  template <typename IsOpen> Counts count(const EditedText &text, IsOpen isOpen) const {
    Counts known;
    for (int64_t i = 0; counts() && i < text.length; ++i) {
      if (isOpen(i))
        continue;
      Times &times = known[text.tokens[i]];
      ++times.all;
      times.answered += i >= text.promptLength;
    }
    return known;
  }

  /// Changes scores of the tokens below `count`.
  template <typename Real, typename IsOpen>
  void apply(Real *scores, int64_t count, int64_t position, const EditedText &text, const Counts &known,
             IsOpen isOpen) const {
    auto change = [&](int32_t token, auto how) {
      if (token >= 0 && token < count) // the others are never chosen
        scores[token] = static_cast<Real>(how(double(scores[token])));
    };
    int32_t own = position >= 0 && position < text.length && !isOpen(position) ? text.tokens[position] : -1;
    for (auto [token, times] : known) {
      if (token == own) {
        --times.all;
        times.answered -= position >= text.promptLength;
      }
      if (times.all == 0)
        continue;
      double often = double(times.answered);
      change(token, [&](double score) {
        double lowered = score > 0 ? score / repetition : score * repetition;
        return lowered - frequency * often - (often > 0 ? presence : 0);
      });
    }
    for (auto [token, amount] : bias)
      change(token, [&](double score) { return score + amount; });
  }
};

} // namespace quoin

#endif
