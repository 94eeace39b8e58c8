//===- Access.cpp - mov, loads, stores, atomics, fences ----------------------===//

#include "test/ptx/Execution.h"
#include "test/ptx/Numbers.h"
#include <algorithm>

namespace quoin::ptx {

using enum Type;

static uint64_t ones(unsigned bits) { return ~uint64_t(0) >> (64 - bits); }

Outcome runMove(Step &step) {
  const Instruction &in = step.in;
  uint32_t poison = 0;
  if (in.op == Opcode::MapA) { // bits 24 to 31 hold the rank, and one more
    Lanes at = step.read(1, poison), rank = step.read(2, poison);
    forLanes(step.mask, [&](unsigned l) {
      if (!(poison >> l & 1) && rank[l] >= step.x.blocks.size())
        step.x.fail(Fault::Kind::Bounds, "expects a rank within the cluster of " +
                                             std::to_string(step.x.blocks.size()) + " blocks, but found " +
                                             std::to_string(rank[l]));
      at[l] = (at[l] & 0xffffff) | (rank[l] + 1) << 24;
    });
    step.write(0, at, poison);
    return Outcome::Next;
  }
  const Operand &to = in.operands[0], &from = in.operands[1];
  if (in.op == Opcode::Cvta) {
    Lanes at = step.read(from, poison);
    bool shared = in.space == Space::Shared || in.space == Space::Cluster;
    for (uint64_t &each : at) {
      if (shared)
        each = in.toSpace ? each & ~kSharedWindow : each | kSharedWindow;
      else if (in.space == Space::Param)
        each = in.toSpace ? each & ~kParamWindow : each | kParamWindow;
    }
    step.write(to, at, poison);
    return Outcome::Next;
  }
  unsigned bits = bitsOf(in.type);
  if (to.kind == Operand::Kind::Vector) { // the first element has the lowest bits
    Lanes whole = step.read(from, poison);
    unsigned each = bits / unsigned(to.parts.size());
    for (const Operand &part : to.parts) {
      step.write(part, whole, poison);
      for (uint64_t &value : whole)
        value >>= each;
    }
    return Outcome::Next;
  }
  Lanes whole;
  if (from.kind == Operand::Kind::Vector) {
    whole.fill(0);
    unsigned each = bits / unsigned(from.parts.size()), at = 0;
    for (const Operand &part : from.parts) {
      Lanes values = step.read(part, poison);
      for (unsigned l = 0; l < 32; ++l)
        whole[l] |= (values[l] & ones(each)) << at;
      at += each;
    }
  } else {
    whole = step.read(from, poison);
  }
  step.write(to, whole, poison);
  return Outcome::Next;
}

/// Vectors of registers, or one.
static std::vector<Operand> elementsOf(const Operand &operand) {
  return operand.kind == Operand::Kind::Vector ? operand.parts : std::vector<Operand>{operand};
}

static void load(Step &step) {
  const Instruction &in = step.in;
  unsigned bytes = bitsOf(in.type) / 8, whole = bytes * in.count;
  Lanes at = step.addresses(1);
  std::vector<Lanes> values(in.count);
  Lanes counted = at;
  uint32_t global = 0, shared = 0;
  forLanes(step.mask, [&](unsigned l) {
    Execution::Place place = step.x.place(step.block, at[l], whole, whole, in.space);
    step.x.reads(place, step.thread(l), step.stamp(l), whole);
    if (place.shadow)
      (place.owner ? shared : global) |= 1u << l;
    if (place.owner)
      counted[l] = place.offset;
    for (unsigned i = 0; i < in.count; ++i) {
      uint64_t value = 0;
      std::memcpy(&value, place.bytes + i * bytes, bytes);
      unsigned unused = 64 - 8 * bytes;
      values[i][l] = isSigned(in.type) ? uint64_t(int64_t(value << unused) >> unused) : value;
    }
    if (in.acquire)
      step.x.acquireFrom(place, step.thread(l));
    else if (in.strong)
      step.x.noteRead(place, step.thread(l));
  });
  if (global)
    step.x.count(counted, global, whole, Space::Global);
  if (shared)
    step.x.count(counted, shared, whole, Space::Shared);
  const std::vector<Operand> to = elementsOf(in.operands[0]);
  for (unsigned i = 0; i < in.count; ++i)
    step.write(to[i], values[i]);
}

static void store(Step &step) {
  const Instruction &in = step.in;
  unsigned bytes = bitsOf(in.type) / 8, whole = bytes * in.count;
  Lanes at = step.addresses(0), counted = at;
  std::vector<Lanes> values;
  for (const Operand &each : elementsOf(in.operands[1])) {
    uint32_t poison = 0;
    values.push_back(step.read(each, poison));
    if (poison)
      step.x.fault(Fault::Kind::Unwritten,
                   "expects a number to store that was written, but found one that nobody wrote (lane " +
                       std::to_string(__builtin_ctz(poison)) + ")");
  }
  uint32_t global = 0, shared = 0;
  forLanes(step.mask, [&](unsigned l) {
    Execution::Place place = step.x.place(step.block, at[l], whole, whole, in.space);
    if (!place.shadow)
      step.x.fail(Fault::Kind::Undefined, "expects memory that can be written, but found parameters");
    step.x.writes(place, step.thread(l), step.stamp(l), whole);
    place.shadow->markWritten(place.offset, whole);
    (place.owner ? shared : global) |= 1u << l;
    if (place.owner)
      counted[l] = place.offset;
    for (unsigned i = 0; i < in.count; ++i)
      std::memcpy(place.bytes + i * bytes, &values[i][l], bytes);
    if (in.strong)
      step.x.noteWrite(place, step.thread(l), in.release);
  });
  if (in.strong)
    step.x.clocks->advance(step.warp.firstThread);
  if (global)
    step.x.count(counted, global, whole, Space::Global);
  if (shared)
    step.x.count(counted, shared, whole, Space::Shared);
}

Outcome runAccess(Step &step) {
  step.in.op == Opcode::Ld ? load(step) : store(step);
  return Outcome::Next;
}

static uint64_t combined(const Instruction &in, uint64_t old, uint64_t a, uint64_t b) {
  unsigned unused = 64 - bitsOf(in.type);
  auto before = [&](uint64_t x, uint64_t y) {
    return isSigned(in.type) ? int64_t(x << unused) < int64_t(y << unused) : x << unused < y << unused;
  };
  uint64_t mine = a << unused >> unused;
  switch (in.combine) {
  case Combine::And:
    return old & a;
  case Combine::Or:
    return old | a;
  case Combine::Xor:
    return old ^ a;
  case Combine::Add:
    if (in.type == F32) {
      double odd = addOdd(decode(kSingle, old), decode(kSingle, a), Rounding::Nearest);
      return encode(kSingle, odd);
    }
    return in.type == F64 ? bitsOfDouble(asDouble(old) + asDouble(a)) : old + a;
  case Combine::Inc:
    return old >= mine ? 0 : old + 1;
  case Combine::Dec:
    return old == 0 || old > mine ? mine : old - 1;
  case Combine::Min:
    return before(a, old) ? a : old;
  case Combine::Max:
    return before(old, a) ? a : old;
  case Combine::Exch:
    return a;
  case Combine::Cas:
    return old == mine ? b : old;
  case Combine::None:
    break;
  }
  return old;
}

static void atomic(Step &step) {
  const Instruction &in = step.in;
  bool reduces = in.op == Opcode::Red;
  size_t first = reduces ? 0 : 1;
  Lanes at = step.addresses(first), a = step.readWritten(first + 1, "an operand of an atomic operation"), b = a,
        old = {};
  if (in.combine == Combine::Cas)
    b = step.readWritten(first + 2, "an operand of an atomic operation");
  unsigned bytes = bitsOf(in.type) / 8;
  // Threads of a warp come in any order.
  std::array<unsigned, 32> order;
  for (unsigned l = 0; l < 32; ++l)
    order[l] = l;
  std::shuffle(order.begin(), order.end(), step.x.random);
  for (unsigned l : order) {
    if (!(step.mask >> l & 1))
      continue;
    Execution::Place place = step.x.place(step.block, at[l], bytes, bytes, in.space);
    if (!place.shadow)
      step.x.fail(Fault::Kind::Undefined, "expects memory that can be written, but found parameters");
    step.x.reads(place, step.thread(l), step.stamp(l), bytes);
    step.x.writes(place, step.thread(l), step.stamp(l), bytes);
    std::memcpy(&old[l], place.bytes, bytes);
    uint64_t value = combined(in, old[l], a[l], b[l]);
    std::memcpy(place.bytes, &value, bytes);
    if (in.acquire)
      step.x.acquireFrom(place, step.thread(l));
    else
      step.x.noteRead(place, step.thread(l));
    step.x.noteWrite(place, step.thread(l), in.release, true);
  }
  step.x.clocks->advance(step.warp.firstThread);
  if (!reduces)
    step.write(0, old);
}

Outcome runAtomic(Step &step) {
  switch (step.in.op) {
  case Opcode::Fence:
    forLanes(step.mask, [&](unsigned l) { step.x.fence(step.thread(l), step.in.gpuScope); });
    step.x.clocks->advance(step.warp.firstThread);
    break;
  case Opcode::FenceProxyAsync:
    for (bool shared : {false, true})
      if (step.in.space == Space::Generic || shared == (step.in.space != Space::Global))
        forLanes(step.mask, [&](unsigned l) { step.x.clocks->fenceProxy(step.thread(l), shared); });
    step.x.clocks->advance(step.warp.firstThread);
    break;
  case Opcode::FenceMbarrierInit:
    // It makes initialisations of these threads, and of no others, visible to the asynchronous proxy.
    for (auto &[at, barrier] : step.block.mbarriers)
      forLanes(step.mask, [&](unsigned l) {
        if (barrier.initialised.agents + unsigned(__builtin_ctz(barrier.initialised.mask)) == step.thread(l))
          barrier.fencedTime = step.x.clocks->time(step.thread(l));
      });
    step.x.clocks->advance(step.warp.firstThread);
    break;
  default:
    atomic(step);
  }
  return Outcome::Next;
}

} // namespace quoin::ptx
