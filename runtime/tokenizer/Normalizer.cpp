// Normalizer.cpp - applies the steps one after the other.

#include "runtime/tokenizer/Normalizer.h"
#include "runtime/tokenizer/Unicode.h"

#include <algorithm>

using namespace quoin;

void quoin::appendReplaced(std::string_view text, std::string_view pattern, std::string_view content,
                           std::string &out) {
  size_t done = 0;
  for (size_t at; (at = text.find(pattern, done)) != text.npos; done = at + pattern.size())
    out.append(text, done, at - done).append(content);
  out.append(text, done);
}

/// Appends `text` with each run of two or more spaces replaced.
static void appendWithoutRuns(std::string_view text, std::string_view content, std::string &out) {
  for (size_t at = 0; at < text.size();) {
    size_t end = std::min(text.find_first_not_of(' ', at), text.size());
    if (end - at >= 2) {
      out.append(content);
    } else {
      end = std::min(text.find("  ", at), text.size());
      out.append(text, at, end - at);
    }
    at = end;
  }
}

/// Without white space at its ends.
static std::string_view stripped(std::string_view text, bool start, bool end) {
  const CharClasses &classes = CharClasses::get();
  while (start && !text.empty()) {
    const Utf8Char c = readUtf8(text);
    if (!isSpace(classes.of(c.code)))
      break;
    text.remove_prefix(c.size);
  }
  while (end && !text.empty()) {
    const size_t at = previousUtf8(text, text.size());
    if (!isSpace(classes.of(readUtf8(text.substr(at)).code)))
      break;
    text = text.substr(0, at);
  }
  return text;
}

bool Normalizer::add(Step step) {
  size_t factor = 3; // of NFC, in bytes
  if (step.kind == Kind::Replace)
    factor = std::max<size_t>(1, (step.content.size() + step.pattern.size() - 1) / step.pattern.size());
  else if (step.kind == Kind::Prepend)
    factor = 1 + step.content.size();
  else if (step.kind == Kind::Spaces)
    factor = std::max<size_t>(1, (step.content.size() + 1) / 2);
  else if (step.kind == Kind::Mapped)
    factor = std::max<size_t>(1, step.map->longest());
  else if (step.kind == Kind::Strip)
    factor = 1;
  if (factor > maxGrowth / growth)
    return false;
  growth *= factor;
  steps.push_back(std::move(step));
  return true;
}

bool Normalizer::apply(std::string_view text, std::string &out) const {
  bool changed = false;
  std::string next;
  for (const Step &step : steps) {
    const std::string_view now = changed ? std::string_view(out) : text;
    next.clear();
    switch (step.kind) {
    case Kind::NFC:
      if (!normalizeNFC(now, next))
        continue;
      break;
    case Kind::Replace:
      if (now.find(step.pattern) == now.npos)
        continue;
      appendReplaced(now, step.pattern, step.content, next);
      break;
    case Kind::Prepend:
      if (now.empty())
        continue;
      next.append(step.content).append(now);
      break;
    case Kind::Spaces:
      if (now.find("  ") == now.npos)
        continue;
      appendWithoutRuns(now, step.content, next);
      break;
    case Kind::Strip: {
      const std::string_view rest = stripped(now, !step.pattern.empty(), !step.content.empty());
      if (rest.size() == now.size())
        continue;
      next.append(rest);
      break;
    }
    case Kind::Mapped:
      if (!step.map->apply(now, next))
        continue;
      break;
    }
    out.swap(next);
    changed = true;
  }
  return changed;
}

bool Normalizer::movesStart(std::string_view text) const {
  for (const Step &step : steps)
    if ((step.kind == Kind::Replace && step.content.empty() && text.starts_with(step.pattern)) ||
        (step.kind == Kind::Spaces && step.content.empty() && text.starts_with("  ")) ||
        (step.kind == Kind::Strip && stripped(text, !step.pattern.empty(), false).size() != text.size()))
      return true;
  return false;
}
