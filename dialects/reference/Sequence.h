//===- Sequence.h - tokens in the making -----------------------------------===//

#ifndef QUOIN_DIALECTS_REFERENCE_SEQUENCE_H
#define QUOIN_DIALECTS_REFERENCE_SEQUENCE_H

#include "dialects/reference/Model.h"

namespace quoin::ref {

/// The value of a `!quoin.sequence`: slot i is at place i, which the decoder's ops call its position.
struct Sequence {
  std::vector<Slot> slots;
  /// Made by `quoin.permute_tokens`: the positions of the tokens that a call runs, in their order there.
  std::vector<int64_t> order;
  /// Likewise, of tokens that belong together: where the group of each slot begins, and of the end, the end.
  std::vector<int64_t> groups;
  /// Positions below are final.
  int64_t committed = 0;
  /// Made by `quoin.reopen`, or from such a sequence: not the text that the user sees.
  bool reopened = false;

  int64_t length() const { return static_cast<int64_t>(slots.size()); }
  Slot &operator[](int64_t i) { return slots[static_cast<size_t>(i)]; }
  const Slot &operator[](int64_t i) const { return slots[static_cast<size_t>(i)]; }
  void append(int32_t token, bool open, int64_t label) { slots.push_back({token, length(), open, label}); }
};

} // namespace quoin::ref

#endif
