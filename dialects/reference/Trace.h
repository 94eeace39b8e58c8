//===- Trace.h - what each evaluation changed ------------------------------===//
//
// Programs do not say which of their sequences is the text; it is the one that the next call sees. So the sequences of
// successive calls are compared, and what differs is what the evaluation between them changed. Sequences made by
// `quoin.reopen` are not the text.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_DIALECTS_REFERENCE_TRACE_H
#define QUOIN_DIALECTS_REFERENCE_TRACE_H

#include "dialects/reference/Sequence.h"
#include <map>
#include <optional>

namespace quoin::ref {

/// One evaluation.
struct TraceStep {
  struct Change {
    int64_t position = 0;
    int32_t token = 0;
    /// Of the last score at this position.
    std::optional<double> confidence;
  };
  int64_t evaluation = 0;
  int64_t forward = 0;
  std::vector<Change> filled, edited;
  int64_t committedFrom = 0, committedTo = 0;
};

class Trace {
public:
  /// The sequence before the first call.
  void begin(const Sequence &prompt) { last = prompt; }
  /// A call sees `x`, or the program has ended with it.
  void see(const Sequence &x);
  /// An evaluation begins: number `evaluation`, call number `forward`.
  void beginEvaluation(int64_t evaluation, int64_t forward);
  void scored(int64_t position, double confidence) { confidences[position] = confidence; }
  std::vector<TraceStep> take() { return std::move(steps); }

private:
  Sequence last;
  std::map<int64_t, double> confidences;
  std::vector<TraceStep> steps;
};

} // namespace quoin::ref

#endif
