//===- Visibility.cpp - evaluates a mask over a call -----------------------===//
//
// Squares of the mask that its formula proves empty or full are not looked at pair by pair; the answer is the same.
//
//===----------------------------------------------------------------------===//

#include "dialects/reference/Visibility.h"

using namespace quoin;
using namespace quoin::ref;

static constexpr int64_t side = 32;

static MaskToken tokenOf(const ModelCall &call, int64_t slot) {
  const Slot &s = call.slots[static_cast<size_t>(slot)];
  return {s.position, slot, s.open, s.label};
}

static void include(Interval &interval, int64_t value) {
  interval.low = std::min(interval.low, value);
  interval.high = std::max(interval.high, value);
}

/// The smallest box around some slots.
static MaskBox boxAround(const ModelCall &call, int64_t begin, int64_t end) {
  MaskToken first = tokenOf(call, begin);
  MaskBox box = {
      {first.position, first.position}, {begin, end - 1}, {first.open, first.open}, {first.label, first.label}};
  for (int64_t i = begin + 1; i < end; ++i) {
    MaskToken t = tokenOf(call, i);
    include(box.position, t.position);
    include(box.open, t.open);
    include(box.label, t.label);
  }
  return box;
}

const Visibility &Visibility::within(MaskAttr formula) {
  if (!formula)
    return *this;
  auto known = layers.find(formula.getAsOpaquePointer());
  if (known == layers.end())
    known =
        layers.emplace(formula.getAsOpaquePointer(), Visibility(call, call.mask.within(formula.getFormula()))).first;
  return known->second;
}

Visibility::Visibility(const ModelCall &c, const BlockMask &mask)
    : call(c), from(call.from), slots(static_cast<int64_t>(call.slots.size())) {
  flags.resize(static_cast<size_t>((slots - from) * slots));
  for (int64_t q0 = from; q0 < slots; q0 += side) {
    int64_t q1 = std::min(q0 + side, slots);
    MaskBox queries = boxAround(call, q0, q1);
    for (int64_t k0 = 0; k0 < slots; k0 += side) {
      int64_t k1 = std::min(k0 + side, slots);
      Tile tile = mask.classify(queries, boxAround(call, k0, k1), call.symbols);
      if (tile == Tile::Empty)
        continue;
      for (int64_t q = q0; q < q1; ++q)
        for (int64_t k = k0; k < k1; ++k)
          flags[static_cast<size_t>((q - from) * slots + k)] =
              tile == Tile::Full || mask.see(tokenOf(call, q), tokenOf(call, k), call.symbols);
    }
  }
}
