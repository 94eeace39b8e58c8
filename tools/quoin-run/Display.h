// Display.h: a generation on the standard output.
#ifndef QUOIN_TOOLS_DISPLAY_H
#define QUOIN_TOOLS_DISPLAY_H

#include "Sessions.h"

namespace quoin {

/// Shows one generation on the standard output as it settles.
class Display {
public:
  Display(quoin_tokenizer_t *tokenizer, const Request &request, std::vector<int32_t> stops, bool showSteps);
  void event(const quoin_event_t &event);
  /// The rest of the text, and a line break.
  void finish(const quoin_result_t &result);

private:
  void print(const std::string &text);
  void provisional(const quoin_event_t &event, int64_t from);
  void step(const quoin_event_t &event);

  quoin_tokenizer_t *tokenizer;
  SettledText settled;
  bool showSteps, terminal;
  int64_t width, column = 0;
};

} // namespace quoin

#endif
