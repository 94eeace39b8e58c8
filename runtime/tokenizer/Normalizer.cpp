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

bool Normalizer::add(Step step) {
  size_t factor = 3; // of NFC, in bytes
  if (step.kind == Kind::Replace)
    factor = std::max<size_t>(1, (step.content.size() + step.pattern.size() - 1) / step.pattern.size());
  else if (step.kind == Kind::Prepend)
    factor = 1 + step.content.size();
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
    }
    out.swap(next);
    changed = true;
  }
  return changed;
}

bool Normalizer::movesStart(std::string_view text) const {
  for (const Step &step : steps)
    if (step.kind == Kind::Replace && step.content.empty() && text.starts_with(step.pattern))
      return true;
  return false;
}
