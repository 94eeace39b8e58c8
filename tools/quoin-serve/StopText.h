// StopText.h: ends a text before the first of some texts in it.
#ifndef QUOIN_SERVE_STOPTEXT_H
#define QUOIN_SERVE_STOPTEXT_H

#include <string>
#include <vector>

namespace quoin {

/// The match that ends first counts, and of those the longest, so that it does not matter in which pieces a text comes.
/// What may become a match is held back.
class StopText {
public:
  explicit StopText(std::vector<std::string> stops) : stops(std::move(stops)) {}

  /// Takes the next piece and gives what can be shown.
  std::string take(const std::string &piece);
  /// The text has ended before a match.
  bool found() const { return met; }
  /// What is held back, if the text ends here.
  std::string rest();

private:
  std::vector<std::string> stops;
  std::string held;
  bool met = false;
};

} // namespace quoin

#endif
