//===- Trace.cpp - compares sequences --------------------------------------===//

#include "dialects/reference/Trace.h"

using namespace quoin::ref;

void Trace::see(const Sequence &x) {
  if (x.reopened)
    return;
  if (!steps.empty()) {
    TraceStep &step = steps.back();
    for (int64_t i = 0; i < x.length(); ++i) {
      bool wasOpen = i >= last.length() || last[i].open;
      if (x[i].open || (!wasOpen && last[i].token == x[i].token))
        continue;
      TraceStep::Change change = {i, x[i].token, std::nullopt};
      if (auto it = confidences.find(i); it != confidences.end())
        change.confidence = it->second;
      (wasOpen ? step.filled : step.edited).push_back(change);
    }
    step.committedTo = std::max(step.committedTo, x.committed);
  }
  last = x;
}

void Trace::beginEvaluation(int64_t evaluation, int64_t forward) {
  // Commits before the first evaluation count as its own.
  int64_t committed = steps.empty() ? 0 : steps.back().committedTo;
  steps.push_back({evaluation, forward, {}, {}, committed, std::max(committed, last.committed)});
}
