// edit.cpp: the host's hook on scores.
//
// Rows of a session that has one are stored and edited on the stepping thread, in the order of sessions and rows,
// before workers choose from them. The text that the host sees is that of the call which made the logits, however late
// they are scored: passes of the compiler move scores, and no result may depend on that. Logits that a program made by
// itself have no call; there it is the last one's before the score.

#include "edit.h"
#include "slots.h"

#include <algorithm>
#include <cmath>

using namespace quoin::rt;

quoin_status_t quoin_session_edit(quoin_session_t *session, quoin_edit_fn fn, void *self) {
  if (quoin_status_t status = checkIdle(*session))
    return status;
  session->edit = fn;
  session->editor = self;
  return QUOIN_STATUS_OK;
}

void quoin::rt::adjustRow(const quoin_logits_t &logits, int64_t row, float *scores) {
  auto *tokens = static_cast<const int32_t *>(logits.tokens.data);
  auto *amounts = static_cast<const float *>(logits.amounts.data);
  auto *rows = static_cast<const int64_t *>(logits.rows_of.data);
  for (int64_t i = 0; i < logits.tokens.size; ++i)
    if (!rows || rows[i] - logits.first_of == row)
      scores[tokens[i]] += amounts[i];
}

int64_t quoin::rt::positionOfRow(const quoin_session_t &session, const quoin_logits_t &logits, int64_t row) {
  const quoin_score_t &score = session.state.score;
  if (score.positions.size)
    return static_cast<const int64_t *>(score.positions.data)[row];
  if (logits.read_at.data)
    return static_cast<const int64_t *>(logits.read_at.data)[row];
  const Buffer<int64_t> &read = session.trace.read; // of the last call
  return static_cast<size_t>(row) < read.size() ? read[static_cast<size_t>(row)] : -1;
}

bool quoin::rt::keepText(quoin_session_t &session, const quoin_sequence_t &text, quoin_logits_t &logits) {
  if (!session.edit)
    return true;
  Arena &arena = session.otherArena();
  auto length = static_cast<size_t>(text.length);
  auto *kept = arena.make<quoin_sequence_t>(1);
  auto *tokens = arena.make<int32_t>(text.length);
  auto *open = arena.make<uint8_t>(text.length);
  if (!kept || !tokens || !open || !session.textTokens.assign(text.tokens, length) ||
      !session.textOpen.assign(text.open, length))
    return false;
  std::copy_n(text.tokens, length, tokens);
  std::copy_n(text.open, length, open);
  *kept = {};
  kept->length = text.length;
  kept->tokens = tokens;
  kept->open = open;
  logits.text = kept;
  return true;
}

namespace {

/// The first token whose score is no number, or -1. `best`: the highest score besides the fill token's.
int32_t findBad(const float *scores, int64_t count, int32_t fill, float &best) {
  best = -HUGE_VALF;
  for (int64_t v = 0; v < count; ++v) {
    if (std::isnan(scores[v]) || scores[v] == HUGE_VALF)
      return static_cast<int32_t>(v);
    if (v != fill && scores[v] > best)
      best = scores[v];
  }
  return -1;
}

/// Rows of one of a score's logits, `stride` floats apart.
struct Rows {
  const quoin_logits_t &logits;
  float *scores;
  int64_t stride;
};

void editRows(Scratch &s, const Rows &rows, size_t first, size_t count) {
  quoin_session_t &session = *s.jobs[first].session;
  const quoin_score_t &score = session.state.score;
  int64_t tokens = scoredTokens(*session.model->program);
  int32_t fill = session.state.fill;
  // Whatever was no number before is not the host's doing.
  if (!s.places.resize(count) || !s.sound.resize(count))
    return session.failOutOfMemory();
  for (size_t i = 0; i < count; ++i) {
    int64_t row = s.jobs[first + i].row;
    float *scores = rows.scores + static_cast<int64_t>(i) * rows.stride, best;
    adjustRow(rows.logits, row, scores);
    s.sound[i] = findBad(scores, tokens, fill, best) < 0 && best > -HUGE_VALF;
    s.places[i] = positionOfRow(session, rows.logits, row);
  }
  const quoin_sequence_t *text = rows.logits.text;
  quoin_scores_t shown = {rows.scores,
                          rows.stride,
                          tokens,
                          static_cast<int64_t>(count),
                          s.places.data(),
                          score.positions.size ? score.evaluation : -1,
                          rows.logits.model,
                          static_cast<int64_t>(session.prompt.size()),
                          text ? text->length : static_cast<int64_t>(session.textTokens.size()),
                          text ? text->tokens : session.textTokens.data(),
                          text ? text->open : session.textOpen.data()};
  if (session.edit(session.editor, &shown) != 0)
    return session.fail(QUOIN_STATUS_CANCELLED, "cancelled by the hook that edits scores");
  for (size_t i = 0; i < count; ++i) {
    const float *scores = rows.scores + static_cast<int64_t>(i) * rows.stride;
    float best;
    int32_t bad = s.sound[i] ? findBad(scores, tokens, fill, best) : -1;
    auto position = static_cast<long long>(s.places[i]);
    if (bad >= 0)
      return session.fail(QUOIN_STATUS_INVALID_ARGUMENT,
                          "expects edited scores below infinity, but found %g for token %d of position %lld",
                          static_cast<double>(scores[bad]), bad, position);
    if (s.sound[i] && !(best > -HUGE_VALF))
      return session.fail(QUOIN_STATUS_INVALID_ARGUMENT,
                          "expects edited scores to leave a token, but found none for position %lld", position);
  }
}

} // namespace

void quoin::rt::editScores(Scratch &s, size_t first, size_t count) {
  quoin_session_t &session = *s.jobs[first].session;
  const quoin_score_t &score = session.state.score;
  bool residual = score.kind == QUOIN_HEAD_RESIDUAL;
  int64_t stride = scoredTokens(*session.model->program) * (residual ? 2 : 1);
  size_t head = s.jobs[first].head;
  editRows(s, {*score.logits, s.rows[head].logits, stride}, first, count);
  if (residual && session.phase == Phase::Score)
    editRows(s, {*score.minus, s.rows[head + 1].logits, stride}, first, count);
}
