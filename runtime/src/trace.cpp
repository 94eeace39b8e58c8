// trace.cpp: tells a listener what each evaluation changed.
//
// Decoders do not report; their sequences are compared. What differs between the sequence of one model call and that of
// the next (or the result) is what the last evaluation before it changed. Calls over a `reopened` sequence are of no
// interest.

#include "internal.h"
#include "slots.h"

#include <algorithm>
#include <cmath>

using namespace quoin::rt;

namespace {

/// Adds what `x` has that the last sequence had not. False: no memory.
bool compare(Trace &t, const quoin_sequence_t &x) {
  auto length = static_cast<size_t>(x.length), had = t.tokens.size();
  size_t scored = t.confidence.size();
  if (scored < length) {
    if (!t.confidence.resize(length))
      return false;
    std::fill(t.confidence.begin() + scored, t.confidence.end(), NAN);
  }
  // What was final is not looked at again.
  for (size_t i = std::min(static_cast<size_t>(t.committed), length); i < length; ++i) {
    bool wasOpen = i >= had || t.open[i];
    if (x.open[i] || (!wasOpen && t.tokens[i] == x.tokens[i]))
      continue;
    if (!(wasOpen ? t.filled : t.edited).push({static_cast<int64_t>(i), x.tokens[i], t.confidence[i]}))
      return false;
  }
  t.committed = std::max(t.committed, x.committed);
  return t.tokens.assign(x.tokens, length) && t.open.assign(x.open, length);
}

/// The event of the evaluation that is over. False: the listener wants no more.
bool emit(quoin_session_t &session) {
  Trace &t = session.trace;
  quoin_event_t event = {t.evaluation,
                         t.forward,
                         t.filled.data(),
                         t.filled.size(),
                         t.edited.data(),
                         t.edited.size(),
                         t.committedFrom,
                         t.committed,
                         static_cast<int64_t>(session.prompt.size()),
                         int64_t(t.tokens.size()),
                         t.tokens.data(),
                         t.open.data()};
  t.filled.clear();
  t.edited.clear();
  t.committedFrom = t.committed;
  return t.fn(t.self, &event) == 0;
}

void cancelled(quoin_session_t &session) { session.fail(QUOIN_STATUS_CANCELLED, "cancelled by the listener"); }

} // namespace

bool quoin::rt::traceBegin(quoin_session_t &session) {
  Trace &t = session.trace;
  t.filled.clear();
  t.edited.clear();
  t.read.clear();
  t.confidence.clear();
  t.committed = t.committedFrom = t.forward = 0;
  t.evaluation = -1;
  size_t count = session.prompt.size();
  if (!t.tokens.assign(session.prompt.data(), count) || !t.open.resize(count))
    return false;
  std::fill(t.open.begin(), t.open.end(), uint8_t(0));
  return true;
}

void quoin::rt::traceForward(quoin_session_t &session) {
  Trace &t = session.trace;
  if (!t.fn && !session.edit)
    return;
  const quoin_forward_t &call = session.state.forward;
  t.read.clear();
  for (int64_t i = 0; i < call.read.size; ++i)
    if (!t.read.push(placeOf(call, static_cast<const int64_t *>(call.read.data)[i])))
      return session.failOutOfMemory();
  if (!t.fn)
    return;
  if (!call.sequence->reopened && !compare(t, *call.sequence))
    return session.failOutOfMemory();
  if (call.evaluation != QUOIN_EVALUATION_OWN)
    return;
  // Evaluations that a pass has dropped changed nothing of their own.
  for (; t.evaluation < session.state.evaluations; ++t.evaluation)
    if (t.evaluation >= 0 && !emit(session))
      return cancelled(session);
  t.forward = session.forwards;
}

void quoin::rt::traceConfidence(quoin_session_t &session, int64_t position, float confidence) {
  Buffer<float> &known = session.trace.confidence;
  if (position < 0 || position >= session.model->program->capacity)
    return;
  size_t had = known.size(), at = static_cast<size_t>(position);
  if (at >= had) {
    if (!known.resize(at + 1))
      return; // only a number of the trace is lost
    std::fill(known.begin() + had, known.end(), NAN);
  }
  known[at] = confidence;
}

void quoin::rt::traceDone(quoin_session_t &session) {
  Trace &t = session.trace;
  if (!t.fn)
    return;
  if (!compare(t, *session.state.result))
    return session.failOutOfMemory();
  t.committed = std::max(t.committed, session.state.result->committed);
  for (; t.evaluation >= 0 && t.evaluation < session.state.evaluations; ++t.evaluation)
    if (!emit(session))
      return cancelled(session);
}
