// Display.cpp: text as it settles. Committed text is printed once and for all; on a terminal what is only provisional
// follows it dimly, on the rest of the line, and is drawn anew after each evaluation.

#include "Display.h"

#include <algorithm>
#include <cstdio>
#include <sys/ioctl.h>
#include <unistd.h>

using namespace quoin;

static constexpr const char *kDim = "\x1b[2m", *kBright = "\x1b[1m", *kPlain = "\x1b[0m", *kOpen = "\u00b7";

/// Columns of a UTF-8 text, roughly: letters of East Asia take two.
static int64_t columns(const std::string &text) {
  int64_t count = 0;
  for (unsigned char byte : text)
    count += (byte & 0xc0) != 0x80 ? (byte >= 0xe3 && byte != 0xef ? 2 : 1) : 0;
  return count;
}

/// The beginning of `text` that fits into `room` columns, whole characters only.
static std::string fit(const std::string &text, int64_t room) {
  size_t end = 0;
  for (size_t next = 0; next < text.size();) {
    do
      ++next;
    while (next < text.size() && (static_cast<unsigned char>(text[next]) & 0xc0) == 0x80);
    if (columns(text.substr(0, next)) > room)
      break;
    end = next;
  }
  return text.substr(0, end);
}

static std::string oneLine(std::string text) {
  std::string result;
  for (char c : text)
    result += c == '\n' ? "\u23ce" : static_cast<unsigned char>(c) < ' ' ? " " : std::string(1, c);
  return result;
}

Display::Display(quoin_tokenizer_t *tokenizer, const Request &request, std::vector<int32_t> stops, bool showSteps)
    : tokenizer(tokenizer), settled(tokenizer, std::move(stops), request.maxTokens), showSteps(showSteps),
      terminal(isatty(STDOUT_FILENO)), width(80) {
  winsize size = {};
  if (terminal && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
    width = size.ws_col;
}

void Display::print(const std::string &text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  size_t line = text.rfind('\n');
  column = line == std::string::npos ? column + columns(text) : columns(text.substr(line + 1));
}

void Display::provisional(const quoin_event_t &event, int64_t from) {
  std::string line;
  for (int64_t i = from; i < event.length; ++i)
    line += event.open[i] ? kOpen : settled.following(&event.tokens[i], 1);
  int64_t room = width - 1 - column % width;
  std::printf("\x1b"
              "7%s%s%s\x1b"
              "8",
              kDim, fit(oneLine(line), room).c_str(), kPlain);
}

/// One line for each evaluation: what is new is bright, what was known plain.
void Display::step(const quoin_event_t &event) {
  std::printf("%4lld  +%zu", static_cast<long long>(event.evaluation), event.filled_count);
  if (event.edited_count)
    std::printf(" ~%zu", event.edited_count);
  std::printf("%s", event.filled_count < 10 && !event.edited_count ? "   | " : " | ");
  auto isNew = [&](int64_t position) {
    auto at = [&](const quoin_change_t &change) { return change.position == position; };
    return std::any_of(event.filled, event.filled + event.filled_count, at) ||
           std::any_of(event.edited, event.edited + event.edited_count, at);
  };
  int64_t room = terminal ? width - 14 : INT64_MAX;
  for (int64_t i = std::max(event.prompt_length, event.committed_from); i < event.length && room > 0; ++i) {
    std::string cell = event.open[i] ? kOpen : oneLine(decode(tokenizer, &event.tokens[i], 1, false));
    cell = fit(cell, room);
    room -= columns(cell);
    bool bright = terminal && isNew(i), dim = terminal && event.open[i];
    std::printf("%s%s%s", bright ? kBright : dim ? kDim : "", cell.c_str(), bright || dim ? kPlain : "");
  }
  std::printf("\n");
}

void Display::event(const quoin_event_t &event) {
  if (showSteps) {
    step(event);
  } else {
    if (terminal)
      std::printf("\x1b[J"); // what was provisional
    int64_t from = std::max(event.committed_to, event.prompt_length);
    print(settled.settle(event.tokens + event.prompt_length + settled.taken(),
                         from - event.prompt_length - settled.taken()));
    if (terminal && !settled.ended())
      provisional(event, from);
  }
  std::fflush(stdout);
}

void Display::finish(const quoin_result_t &result) {
  if (terminal && !showSteps)
    std::printf("\x1b[J");
  const int64_t taken = settled.taken();
  print(settled.settle(result.ids + taken, std::max<int64_t>(int64_t(result.shown) - taken, 0)));
  print(settled.rest());
  std::printf("\n");
  std::fflush(stdout);
}
