// slots.h: the slots of a call of a model.
#ifndef QUOIN_RUNTIME_SLOTS_H
#define QUOIN_RUNTIME_SLOTS_H

#include "public.h"

namespace quoin::rt {

struct Slot {
  int32_t token, position, label, open;
};

/// Where a model sees the token at a place.
inline int32_t positionOf(const quoin_sequence_t &x, int32_t place) {
  return x.positions && x.positions[place] >= 0 ? x.positions[place] : place;
}

/// Slot `i` of a call: the sequence, then its `then` rows.
inline Slot slotOf(const quoin_forward_t &call, int64_t i) {
  if (i < call.length) {
    const quoin_sequence_t &x = *call.sequence;
    int32_t at = x.order ? x.order[i] : int32_t(i);
    return {x.tokens[at], positionOf(x, at), x.labels[at], x.open[at]};
  }
  i -= call.length;
  return {static_cast<const int32_t *>(call.then_ids.data)[i],
          int32_t(static_cast<const int64_t *>(call.then_positions.data)[i]),
          call.then_labels.size ? int32_t(static_cast<const int64_t *>(call.then_labels.data)[i]) : 0, 0};
}

/// What listeners and hooks call slot `i`: its place in the sequence, of a `then` row its position.
inline int64_t placeOf(const quoin_forward_t &call, int64_t i) {
  if (i < call.length)
    return call.sequence->order ? call.sequence->order[i] : i;
  return static_cast<const int64_t *>(call.then_positions.data)[i - call.length];
}

} // namespace quoin::rt

#endif
