//===- Barriers.cpp - barriers of the block and the cluster, mbarriers -------===//

#include "test/ptx/Execution.h"
#include <algorithm>

namespace quoin::ptx {

/// Lets all go on that wait at a barrier of the block that is complete.
static void open(Step &step, uint64_t id) {
  NamedBarrier &barrier = step.block.barriers[id];
  Met met = Clocks::close(barrier.meeting);
  barrier = NamedBarrier();
  for (Warp &warp : step.block.warps)
    for (Fragment &each : warp.fragments)
      if (each.wait == Fragment::Wait::Barrier && each.key == id) {
        forLanes(each.mask, [&](unsigned l) { step.x.clocks->acquire(warp.firstThread + l, met); });
        each.wait = Fragment::Wait::None;
        ++each.pc;
      }
}

static Outcome barrierOfBlock(Step &step) {
  const Instruction &in = step.in;
  Execution &x = step.x;
  using Kind = Fault::Kind;
  if (in.aligned && !step.isTogether(~0u))
    return Outcome::Again;
  uint64_t id = step.readUniform(0, "a number of a barrier");
  unsigned born = std::min(32u, x.blockThreads - step.warp.index * 32), here = unsigned(__builtin_popcount(step.mask));
  bool counted = in.operands.size() > 1;
  uint64_t expected = counted ? step.readUniform(1, "a count of threads") : x.blockThreads;
  if (id >= 16)
    x.fail(Kind::Undefined, "expects a barrier below 16, but found " + std::to_string(id));
  if (counted && (!expected || expected % 32 || expected > x.warpsPerBlock * 32))
    x.fail(Kind::Undefined,
           "expects a multiple of 32 up to the block's threads at a barrier, but found " + std::to_string(expected));
  if (in.aligned && here < born)
    x.fault(Kind::Barrier, "expects all threads of the warp at a barrier, but found that some have ended");
  NamedBarrier &barrier = step.block.barriers[id];
  if (barrier.arrived && barrier.expected != expected)
    x.fail(Kind::Barrier, "expects one count of threads at barrier " + std::to_string(id) + ", but found " +
                              std::to_string(barrier.expected) + " and " + std::to_string(expected));
  barrier.expected = unsigned(expected);
  barrier.arrived += !in.aligned ? here : counted ? 32 : born;
  forLanes(step.mask, [&](unsigned l) { x.clocks->release(step.thread(l), barrier.meeting); });
  x.clocks->advance(step.warp.firstThread);
  if (barrier.arrived > barrier.expected)
    x.fail(Kind::Barrier, "expects " + std::to_string(barrier.expected) + " threads at barrier " + std::to_string(id) +
                              ", but found " + std::to_string(barrier.arrived));
  bool complete = barrier.arrived == barrier.expected;
  if (in.arriveOnly) {
    if (complete)
      open(step, id);
    return Outcome::Next;
  }
  if (step.mask != step.fragment.mask) { // those whose guard is off go on
    Fragment rest = {step.fragment.pc + 1, step.fragment.mask & ~step.mask, Fragment::Wait::None, 0};
    step.fragment.mask = step.mask;
    step.fragment.wait = Fragment::Wait::Barrier;
    step.fragment.key = id;
    step.warp.fragments.push_back(rest); // ends the reference
  } else {
    step.fragment.wait = Fragment::Wait::Barrier;
    step.fragment.key = id;
  }
  if (complete)
    open(step, id);
  return Outcome::Moved;
}

static Outcome barrierOfCluster(Step &step) {
  Execution &x = step.x;
  if (step.in.aligned && !step.isTogether(~0u))
    return Outcome::Again;
  std::array<uint32_t, 32> &phases = step.warp.clusterPhase;
  if (step.in.op == Opcode::ClusterArrive) {
    forLanes(step.mask, [&](unsigned l) {
      if (phases[l] > x.clusterPhase)
        x.fail(Fault::Kind::Barrier, "expects a wait between arrivals at the barrier of the cluster, but found none");
      phases[l] = x.clusterPhase + 1;
      if (step.in.release)
        x.clocks->release(step.thread(l), x.clusterMeeting);
    });
    x.clocks->advance(step.warp.firstThread);
    x.clusterArrived += unsigned(__builtin_popcount(step.mask));
    if (x.clusterArrived == x.blockThreads * x.blocks.size()) {
      x.clusterArrived = 0;
      ++x.clusterPhase;
      x.clusterMet = Clocks::close(x.clusterMeeting);
      x.wake(Fragment::Wait::Cluster, nullptr, 0, false);
    }
    return Outcome::Next;
  }
  bool done = true;
  forLanes(step.mask, [&](unsigned l) {
    if (!phases[l])
      x.fail(Fault::Kind::Barrier, "expects an arrival before a wait at the barrier of the cluster, but found none");
    done &= phases[l] <= x.clusterPhase;
  });
  if (!done) {
    step.fragment.wait = Fragment::Wait::Cluster;
    step.fragment.key = 0;
    return Outcome::Again;
  }
  forLanes(step.mask, [&](unsigned l) { x.clocks->acquire(step.thread(l), x.clusterMet); });
  return Outcome::Next;
}

Outcome runBarrier(Step &step) { return step.in.op == Opcode::Bar ? barrierOfBlock(step) : barrierOfCluster(step); }

// ---- mbarriers
// -------------------------------------------------------------------------------------------------------

Mbarrier &Execution::mbarrier(const Place &place) {
  if (place.owner)
    if (auto found = place.owner->mbarriers.find(place.offset); found != place.owner->mbarriers.end())
      return found->second;
  fail(Fault::Kind::Mbarrier,
       "expects an mbarrier, but found none initialised at shared address " + std::to_string(place.offset));
  throw Stop();
}

/// More bytes than an mbarrier can lack.
static constexpr uint64_t kTooManyBytes = 1 << 20;

/// Ends the phase if nothing is missing.
void Execution::turn(Block &block, uint64_t address) {
  Mbarrier &barrier = block.mbarriers.at(address);
  if (barrier.pending || barrier.bytes)
    return;
  ++barrier.phase;
  barrier.pending = barrier.expected;
  barrier.expectedBytes = 0;
  clocks->note(barrier.gathering, clocks->bulkOf(barrier.index), barrier.phase);
  barrier.met = Clocks::close(barrier.gathering);
  barrier.metAcross = Clocks::close(barrier.gatheringAcross);
  wake(Fragment::Wait::Mbarrier, &block, address, false);
}

static void initialise(Step &step) {
  Lanes at = step.addresses(0), count = step.readWritten(1, "a count of arrivals");
  Execution &x = step.x;
  forLanes(step.mask, [&](unsigned l) {
    Execution::Place place = x.place(step.block, at[l], 8, 8, step.in.space);
    if (place.owner != &step.block)
      x.fail(Fault::Kind::Mbarrier, "expects an mbarrier in the block's shared memory, but found it elsewhere");
    if (count[l] < 1 || count[l] >= 1 << 20)
      x.fail(Fault::Kind::Mbarrier, "expects 1 to 1048575 arrivals, but found " + std::to_string(count[l]));
    if (step.block.mbarriers.count(place.offset))
      x.fail(Fault::Kind::Mbarrier, "expects memory that is no mbarrier, but found one initialised there");
    if (x.mbarrierCount >= kMostMbarriers * x.blocks.size())
      x.fail(Fault::Kind::Mbarrier, "expects at most " + std::to_string(kMostMbarriers) + " mbarriers, but found more");
    x.writes(place, step.thread(l), step.stamp(l), 8);
    place.shadow->setBarrier(place.offset, true);
    Mbarrier made;
    made.index = x.mbarrierCount++;
    made.expected = made.pending = uint32_t(count[l]);
    made.initialised = step.stamp(l);
    step.block.mbarriers[place.offset] = std::move(made);
  });
}

/// Checks that a thread may rely on an mbarrier's initialisation.
static void checkInitialised(Step &step, unsigned lane, const Mbarrier &barrier) {
  if (!step.x.clocks->knows(step.thread(lane), barrier.initialised))
    step.x.fault(Fault::Kind::Race,
                 "expects an order of accesses, but found none: it uses an mbarrier that was initialised by " +
                     step.x.described(barrier.initialised));
}

static Outcome arrive(Step &step) {
  const Instruction &in = step.in;
  Execution &x = step.x;
  bool arrives = in.op == Opcode::MbarrierArrive;
  size_t first = arrives ? 1 : 0;
  Lanes at = step.addresses(first), operand = {}, state;
  bool counted = in.operands.size() > first + 1;
  if (counted)
    operand = step.readWritten(first + 1, "a count");
  forLanes(step.mask, [&](unsigned l) {
    Execution::Place place = x.place(step.block, at[l], 8, 8, in.space);
    Mbarrier &barrier = x.mbarrier(place);
    checkInitialised(step, l, barrier);
    bool bytes = in.expectTx || !arrives;
    if (bytes && operand[l] >= kTooManyBytes)
      x.fail(Fault::Kind::Mbarrier,
             "expects less than 1048576 bytes at an mbarrier, but found " + std::to_string(operand[l]));
    if (bytes) {
      barrier.bytes += int64_t(operand[l]);
      barrier.expectedBytes += operand[l];
      if (barrier.expectedBytes >= kTooManyBytes)
        x.fail(Fault::Kind::Mbarrier, "expects less than 1048576 bytes in a phase of the mbarrier, but found " +
                                          std::to_string(barrier.expectedBytes));
    }
    state[l] = barrier.phase;
    if (arrives) {
      uint64_t count = counted && !bytes ? operand[l] : 1;
      if (place.owner == &step.block)
        x.clocks->release(step.thread(l), barrier.gathering);
      else if (in.clusterScope) // the scope of the block, which is meant without one, orders nothing in another
        x.clocks->release(step.thread(l), barrier.gatheringAcross);
      if (count < 1 || count > barrier.pending)
        x.fail(Fault::Kind::Mbarrier, "expects at most " + std::to_string(barrier.pending) +
                                          " more arrivals at the mbarrier, but found " + std::to_string(count));
      barrier.pending -= uint32_t(count);
      if (step.block.rank != place.owner->rank && in.operands[0].kind != Operand::Kind::Sink)
        x.fail(Fault::Kind::Mbarrier,
               "expects no state from an arrival at another block's mbarrier, but found one asked for");
    }
    x.turn(*place.owner, place.offset);
  });
  x.clocks->advance(step.warp.firstThread);
  if (arrives)
    step.write(0, state);
  return Outcome::Next;
}

/// A wait tests; `try_wait` may sleep until the phase ends, and may give up before.
static Outcome wait(Step &step) {
  const Instruction &in = step.in;
  Execution &x = step.x;
  Lanes at = step.addresses(1), which = step.readWritten(2, "a phase"), done;
  uint64_t missing = 0;
  bool all = true;
  forLanes(step.mask, [&](unsigned l) {
    Execution::Place place = x.place(step.block, at[l], 8, 8, in.space);
    Mbarrier &barrier = x.mbarrier(place);
    if (place.owner != &step.block)
      x.fail(Fault::Kind::Mbarrier, "expects a wait at the block's own mbarrier, but found another's");
    checkInitialised(step, l, barrier);
    bool over = in.parity ? (barrier.phase & 1) != (which[l] & 1) : barrier.phase != uint32_t(which[l]);
    done[l] = over;
    if (over) {
      x.clocks->acquire(step.thread(l), barrier.met);
      if (in.clusterScope)
        x.clocks->acquire(step.thread(l), barrier.metAcross);
    } else {
      all = false;
      missing = place.offset;
    }
  });
  step.write(0, done);
  if (all)
    return Outcome::Next;
  bool sleeps = in.op == Opcode::MbarrierTry && x.random() % 8 != 0;
  if (!sleeps) {
    // Somebody else must go on, and copies must end, while this one asks again and again.
    if (x.random() % 64 == 0)
      x.finishPending();
    return Outcome::Next;
  }
  if (step.mask != step.fragment.mask)
    return Outcome::Next; // it asks again later, with the others
  ++step.fragment.pc;
  step.fragment.wait = Fragment::Wait::Mbarrier;
  step.fragment.key = missing;
  return Outcome::Moved;
}

Outcome runMbarrier(Step &step) {
  switch (step.in.op) {
  case Opcode::MbarrierInit:
    initialise(step);
    break;
  case Opcode::MbarrierInval: {
    Lanes at = step.addresses(0);
    forLanes(step.mask, [&](unsigned l) {
      Execution::Place place = step.x.place(step.block, at[l], 8, 8, step.in.space);
      checkInitialised(step, l, step.x.mbarrier(place));
      place.owner->mbarriers.erase(place.offset);
      place.shadow->setBarrier(place.offset, false);
    });
    break;
  }
  case Opcode::MbarrierArrive:
  case Opcode::MbarrierExpectTx:
    return arrive(step);
  default:
    return wait(step);
  }
  return Outcome::Next;
}

} // namespace quoin::ptx
