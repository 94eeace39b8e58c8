// edit.h: what is done to scores before tokens are chosen from them: by the program, then by the host.
#ifndef QUOIN_RUNTIME_EDIT_H
#define QUOIN_RUNTIME_EDIT_H

#include "internal.h"

namespace quoin::rt {

/// Does the program add to scores of these logits?
inline bool isAdjusted(const quoin_logits_t &logits) { return logits.tokens.size > 0; }
/// Adds it to the scores of a row.
void adjustRow(const quoin_logits_t &logits, int64_t row, float *scores);

/// Does the host change the scores that the session waits for?
inline bool isEdited(const quoin_session_t &session) {
  return session.edit && session.state.score.kind != QUOIN_HEAD_MATERIALIZE;
}
/// Adjusts and then edits the rows of some jobs of one session, which are stored one behind the other. The session has
/// failed where the host cancels or leaves a row without a token.
void editScores(Scratch &s, size_t first, size_t count);

/// Where a row stands, as `quoin_edit_fn` says and listeners hear.
int64_t positionOfRow(const quoin_session_t &session, const quoin_logits_t &logits, int64_t row);

/// What the host may look at while it edits: the text of a call that is about to be made, kept with its logits and, for
/// scores that the program makes of it, with the session. False: no memory.
[[nodiscard]] bool keepText(quoin_session_t &session, const quoin_sequence_t &text, quoin_logits_t &logits);

} // namespace quoin::rt

#endif
