// PreTokenizer.cpp - runs the steps, with what becomes of matches as Hugging Face's `tokenizers` has it.

#include "runtime/tokenizer/PreTokenizer.h"

#include <algorithm>

using namespace quoin;

using Step = PreTokenizer::Step;

static void findLiteral(std::string_view text, std::string_view literal, std::vector<SplitRange> &ranges) {
  size_t done = 0;
  for (size_t at; (at = text.find(literal, done)) != text.npos; done = at + literal.size()) {
    if (at > done)
      ranges.push_back({done, at, false});
    ranges.push_back({at, at + literal.size(), true});
  }
  if (done < text.size())
    ranges.push_back({done, text.size(), false});
}

/// Joins neighbours of `ranges`. Of two matches in a row, Contiguous joins both and the others neither.
static void joinRanges(std::vector<SplitRange> &ranges, SplitBehavior behavior) {
  const bool backward = behavior == SplitBehavior::MergedWithNext;
  if (backward)
    std::reverse(ranges.begin(), ranges.end());
  std::vector<SplitRange> out;
  bool previous = false;
  for (const SplitRange &range : ranges) {
    const bool joins = behavior == SplitBehavior::Contiguous ? range.matched == previous : range.matched && !previous;
    if (joins && !out.empty() && !backward)
      out.back().end = range.end;
    else if (joins && !out.empty())
      out.back().begin = range.begin;
    else
      out.push_back(range);
    previous = range.matched;
  }
  if (backward)
    std::reverse(out.begin(), out.end());
  ranges.swap(out);
}

static void cut(std::string_view text, std::vector<SplitRange> &ranges, SplitBehavior behavior, bool invert,
                std::vector<std::string_view> &pieces) {
  if (invert)
    for (SplitRange &range : ranges)
      range.matched = !range.matched;
  if (behavior != SplitBehavior::Isolated && behavior != SplitBehavior::Removed)
    joinRanges(ranges, behavior);
  for (const SplitRange &range : ranges)
    if (behavior != SplitBehavior::Removed || !range.matched)
      pieces.push_back(text.substr(range.begin, range.end - range.begin));
}

/// Writes `step.replacement` for each space and perhaps before the text, and cuts before each of them.
static void metaspace(const Step &step, std::string_view text, bool first, Pieces &pieces,
                      std::vector<std::string_view> &out, std::vector<SplitRange> &ranges) {
  std::string made;
  made.reserve(text.size() + text.size() / 2);
  if (!text.starts_with(step.replacement) && !text.starts_with(' ') &&
      (step.prepend == PreTokenizer::Prepend::Always || (step.prepend == PreTokenizer::Prepend::First && first)))
    made += step.replacement;
  for (char c : text)
    if (c == ' ')
      made += step.replacement;
    else
      made += c;
  pieces.owned.push_back(std::move(made));
  text = pieces.owned.back();
  if (!step.cuts) {
    out.push_back(text);
    return;
  }
  findLiteral(text, step.replacement, ranges);
  cut(text, ranges, SplitBehavior::MergedWithNext, false, out);
}

void PreTokenizer::split(std::string_view text, bool atStart, Pieces &pieces) const {
  pieces.views.assign(1, text);
  pieces.owned.clear();
  std::vector<std::string_view> next;
  std::vector<SplitRange> ranges;
  for (const Step &step : steps) {
    next.clear();
    for (size_t i = 0; i < pieces.views.size(); ++i) {
      const std::string_view piece = pieces.views[i];
      ranges.clear();
      if (!step.replacement.empty()) {
        metaspace(step, piece, atStart && i == 0, pieces, next, ranges);
        continue;
      }
      if (step.literal.empty())
        step.pattern.find(piece, ranges);
      else
        findLiteral(piece, step.literal, ranges);
      cut(piece, ranges, step.behavior, step.invert, next);
    }
    // A first piece that is removed takes the start of the text with it.
    atStart &= step.behavior != SplitBehavior::Removed || (!next.empty() && next[0].data() == pieces.views[0].data());
    pieces.views.swap(next);
    if (pieces.views.empty())
      return;
  }
  if (!addPrefixSpace && !useLastPattern)
    return;
  next.clear();
  for (std::string_view piece : pieces.views) {
    if (addPrefixSpace && piece.substr(0, 1) != " ") {
      pieces.owned.push_back(" " + std::string(piece));
      piece = pieces.owned.back();
    }
    if (!useLastPattern) {
      next.push_back(piece);
      continue;
    }
    ranges.clear();
    lastPattern.find(piece, ranges);
    cut(piece, ranges, SplitBehavior::Isolated, false, next);
  }
  pieces.views.swap(next);
}
