//===- Threads.cpp - control, and what threads of a warp do together ---------===//

#include "test/ptx/Execution.h"
#include <algorithm>

namespace quoin::ptx {

static Outcome branch(Step &step) {
  Fragment &fragment = step.fragment;
  if (step.mask == fragment.mask) {
    fragment.pc = step.in.target - 1; // and one further
    return Outcome::Next;
  }
  Fragment taken = {step.in.target, step.mask, Fragment::Wait::None, 0};
  fragment.mask &= ~step.mask;
  ++fragment.pc;
  step.warp.fragments.push_back(taken); // ends the reference
  return Outcome::Moved;
}

static Outcome leave(Step &step) {
  Warp &warp = step.warp;
  uint32_t rest = step.fragment.mask & ~step.mask;
  if (rest) {
    step.fragment.mask = rest;
    ++step.fragment.pc;
  } else {
    warp.fragments.erase(warp.fragments.begin() + (&step.fragment - warp.fragments.data()));
  }
  // Threads that waited for these as partners find out by themselves.
  for (Fragment &each : warp.fragments)
    if (each.wait == Fragment::Wait::Partners)
      each.wait = Fragment::Wait::None;
  return Outcome::Moved;
}

/// The threads named by the membership mask, of which each that executes must be one; none while some are missing.
static std::optional<uint32_t> members(Step &step, size_t operand) {
  uint32_t mask = uint32_t(step.readUniform(operand, "a mask of members"));
  if (step.mask & ~mask)
    step.x.fail(Fault::Kind::Undefined, "expects threads within the mask of members, but found lane " +
                                            std::to_string(__builtin_ctz(step.mask & ~mask)) + " outside");
  if (!step.isTogether(mask))
    return std::nullopt;
  return mask;
}

static Outcome shuffle(Step &step) {
  const Instruction &in = step.in;
  if (!members(step, 4))
    return Outcome::Again;
  uint32_t sourcePoison = 0;
  Lanes a = step.read(1, sourcePoison), b = step.readWritten(2, "a lane"), c = step.readWritten(3, "a clamp"), result,
        inside;
  uint32_t poison = 0;
  forLanes(step.mask, [&](unsigned l) {
    int lane = int(l), value = int(b[l] & 31), segment = int(c[l] >> 8 & 31), clamp = int(c[l] & 31);
    int most = (lane & segment) | (clamp & ~segment), least = lane & segment, from = lane;
    bool within = true;
    switch (in.mode) {
    case Mode::Up:
      from = lane - value;
      within = from >= most;
      break;
    case Mode::Down:
      from = lane + value;
      within = from <= most;
      break;
    case Mode::Bfly:
      from = lane ^ value;
      within = from <= most;
      break;
    default:
      from = least | (value & ~segment);
      within = from <= most;
      break;
    }
    if (!within)
      from = lane;
    result[l] = a[size_t(from)];
    inside[l] = within;
    // What a thread that does not take part holds is undefined.
    bool missing = !(step.mask >> from & 1);
    poison |= uint32_t(missing || (sourcePoison >> from & 1)) << l;
  });
  const Operand &to = in.operands[0];
  if (to.kind != Operand::Kind::Pair) {
    step.write(to, result, poison);
  } else {
    step.write(to.parts[0], result, poison);
    step.write(to.parts[1], inside);
  }
  return Outcome::Next;
}

static Outcome vote(Step &step) {
  std::optional<uint32_t> mask = members(step, 2);
  if (!mask)
    return Outcome::Again;
  Lanes p = step.readWritten(1, "a predicate"), result;
  uint32_t yes = 0;
  forLanes(step.mask, [&](unsigned l) { yes |= uint32_t(p[l] & 1) << l; });
  bool all = yes == step.mask;
  switch (step.in.mode) {
  case Mode::Ballot:
    result.fill(yes);
    break;
  case Mode::All:
    result.fill(all);
    break;
  case Mode::Any:
    result.fill(yes != 0);
    break;
  default:
    result.fill(all || !yes);
    break;
  }
  step.write(0, result);
  return Outcome::Next;
}

static Outcome reduce(Step &step) {
  if (!members(step, 2))
    return Outcome::Again;
  const Instruction &in = step.in;
  uint32_t poison = 0;
  Lanes a = step.read(1, poison), result;
  bool first = true;
  int64_t value = 0;
  forLanes(step.mask, [&](unsigned l) {
    int64_t each = isSigned(in.type) ? int64_t(int32_t(a[l])) : int64_t(uint32_t(a[l]));
    switch (first ? Combine::None : in.combine) {
    case Combine::Add:
      value += each;
      break;
    case Combine::Min:
      value = std::min(value, each);
      break;
    case Combine::Max:
      value = std::max(value, each);
      break;
    case Combine::And:
      value &= each;
      break;
    case Combine::Or:
      value |= each;
      break;
    case Combine::Xor:
      value ^= each;
      break;
    default:
      value = each;
      break;
    }
    first = false;
  });
  result.fill(uint64_t(value));
  step.write(0, result, poison ? ~0u : 0);
  return Outcome::Next;
}

static Outcome elect(Step &step) {
  std::optional<uint32_t> mask = members(step, 1);
  if (!mask)
    return Outcome::Again;
  unsigned leader = unsigned(__builtin_ctz(step.mask));
  Lanes which, is;
  which.fill(leader);
  for (unsigned l = 0; l < 32; ++l)
    is[l] = l == leader;
  const Operand &to = step.in.operands[0];
  if (to.kind != Operand::Kind::Pair) {
    step.write(to, which);
  } else {
    step.write(to.parts[0], which);
    step.write(to.parts[1], is);
  }
  return Outcome::Next;
}

/// bar.warp.sync: what its threads did comes before what they do next.
static Outcome barWarp(Step &step) {
  if (!members(step, 0))
    return Outcome::Again;
  Meeting meeting;
  forLanes(step.mask, [&](unsigned l) { step.x.clocks->release(step.thread(l), meeting); });
  Met met = Clocks::close(meeting);
  forLanes(step.mask, [&](unsigned l) { step.x.clocks->acquire(step.thread(l), met); });
  step.x.clocks->advance(step.warp.firstThread);
  return Outcome::Next;
}

Outcome runThreads(Step &step) {
  switch (step.in.op) {
  case Opcode::Bra:
    return branch(step);
  case Opcode::Ret:
    return leave(step);
  case Opcode::Trap:
    step.x.fail(Fault::Kind::Undefined, "expects a kernel that does not trap, but found it does");
    break;
  case Opcode::Shfl:
    return shuffle(step);
  case Opcode::Vote:
    return vote(step);
  case Opcode::Redux:
    return reduce(step);
  case Opcode::Elect:
    return elect(step);
  case Opcode::BarWarp:
    return barWarp(step);
  case Opcode::ActiveMask: {
    Lanes mask;
    mask.fill(step.mask);
    step.write(0, mask);
    break;
  }
  case Opcode::GridDepWait:
    forLanes(step.mask, [&](unsigned l) { step.x.clocks->learn(step.thread(l), step.x.clocks->earlier(), 1); });
    break;
  case Opcode::SetMaxNReg:
    if (!step.isTogether(~0u))
      return Outcome::Again;
    break;
  default:
    break; // hints
  }
  return Outcome::Next;
}

} // namespace quoin::ptx
