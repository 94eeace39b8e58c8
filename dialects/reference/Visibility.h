//===- Visibility.h - which keys each row of a call sees -------------------===//

#ifndef QUOIN_DIALECTS_REFERENCE_VISIBILITY_H
#define QUOIN_DIALECTS_REFERENCE_VISIBILITY_H

#include "dialects/reference/Model.h"
#include <map>

namespace quoin::ref {

/// A mask evaluated over the rows that run (slots from `from` on) and all keys of a call, and once more for each
/// formula that layers have of their own.
class Visibility {
public:
  explicit Visibility(const ModelCall &call) : Visibility(call, call.mask) {}

  /// What layers see that have a formula of their own, or null.
  const Visibility &within(MaskAttr formula);
  /// Does slot `query`, which runs, see slot `key`?
  bool operator()(int64_t query, int64_t key) const {
    return flags[static_cast<size_t>((query - from) * slots + key)] != 0;
  }

  /// The last slot before `query` that it sees, or -1.
  int64_t lastBefore(int64_t query) const {
    int64_t key = query - 1;
    while (key >= 0 && !(*this)(query, key))
      --key;
    return key;
  }

private:
  Visibility(const ModelCall &call, const BlockMask &mask);

  const ModelCall &call;
  std::map<const void *, Visibility> layers; // by their formula
  int64_t from, slots;
  std::vector<uint8_t> flags;
};

} // namespace quoin::ref

#endif
