//===- AsyncCopies.cpp - cp.async and bulk copies ----------------------------===//

#include "test/ptx/Execution.h"
#include <algorithm>

namespace quoin::ptx {

/// A stamp of a thread's own asynchronous agent.
static Stamp asynchronous(Step &step, unsigned lane, unsigned agent, uint32_t time, bool proxy) {
  Stamp made = step.stamp(lane);
  made.agents = agent;
  made.mask = 1;
  made.time = time;
  made.proxy = proxy;
  return made;
}

// ---- cp.async
// --------------------------------------------------------------------------------------------------------

void Execution::finishCopy(Warp &warp, const CopyInFlight &copy) {
  Place to = sharedPlace(*warp.block, copy.to, copy.bytes, 1, false);
  std::memset(to.bytes, 0, copy.bytes);
  if (copy.sourceBytes)
    std::memcpy(to.bytes, place(*warp.block, copy.from, copy.sourceBytes, 1, Space::Global).bytes, copy.sourceBytes);
  to.shadow->markWritten(to.offset, copy.bytes);
  to.shadow->end(to.offset, copy.bytes);
}

/// A wait leaves at most 255 groups unfinished.
static constexpr ptrdiff_t kMostGroupsKept = 256;

/// Ends the copies of these lanes up to a group of each.
static void finishGroups(Step &step, const std::array<uint32_t, 32> &last) {
  std::deque<CopyInFlight> &copies = step.warp.copies;
  for (const CopyInFlight &each : copies)
    if ((step.mask >> each.lane & 1) && each.group <= last[each.lane])
      step.x.finishCopy(step.warp, each);
  std::erase_if(
      copies, [&](const CopyInFlight &each) { return (step.mask >> each.lane & 1) && each.group <= last[each.lane]; });
}

static void copy(Step &step) {
  const Instruction &in = step.in;
  Execution &x = step.x;
  unsigned bytes = unsigned(in.operands[2].value);
  Lanes to = step.addresses(0), from = step.addresses(1), sizes;
  sizes.fill(bytes);
  if (in.operands.size() > 3)
    sizes = step.readWritten(3, "a count of bytes");
  uint32_t reading = 0;
  forLanes(step.mask, [&](unsigned l) {
    if (sizes[l] > bytes)
      x.fail(Fault::Kind::Undefined, "expects at most " + std::to_string(bytes) +
                                         " bytes from global memory, but found " + std::to_string(sizes[l]));
    Stamp stamp = asynchronous(step, l, x.clocks->copiesOf(step.thread(l)), step.warp.copyGroup[l], false);
    Execution::Place place = x.sharedPlace(step.block, to[l], bytes, bytes, false);
    if (from[l] % bytes)
      x.fail(Fault::Kind::Alignment, "expects a global address that is a multiple of " + std::to_string(bytes) +
                                         ", but found " + std::to_string(from[l]));
    if (sizes[l]) {
      x.reads(x.place(step.block, from[l], unsigned(sizes[l]), 1, Space::Global), step.thread(l), stamp,
              unsigned(sizes[l]));
      reading |= 1u << l;
    }
    x.writes(place, step.thread(l), stamp, bytes);
    place.shadow->begin(place.offset, bytes);
    step.warp.copies.push_back({l, to[l], from[l], bytes, unsigned(sizes[l]), step.warp.copyGroup[l]});
    if (x.launch.timing == Timing::Early) {
      x.finishCopy(step.warp, step.warp.copies.back());
      step.warp.copies.pop_back();
    }
  });
  if (reading)
    x.count(from, reading, bytes, Space::Global);
  x.count(to, step.mask, bytes, Space::Shared);
}

/// What a thread copied and did not commit yet becomes a group.
static void commit(Step &step) {
  forLanes(step.mask, [&](unsigned l) {
    std::vector<uint32_t> &ends = step.warp.committed[l];
    ends.push_back(step.warp.copyGroup[l]++);
    if (ends.size() >= size_t(2 * kMostGroupsKept)) // no wait asks for older ones
      ends.erase(ends.begin(), ends.end() - kMostGroupsKept);
  });
}

static void waitForCopies(Step &step) {
  std::array<uint32_t, 32> last = {};
  if (step.in.wrap) // wait_all ends what is in no group yet, too
    commit(step);
  size_t kept = step.in.wrap ? 0 : size_t(step.in.operands[0].value);
  forLanes(step.mask, [&](unsigned l) {
    const std::vector<uint32_t> &ends = step.warp.committed[l];
    last[l] = ends.size() > kept ? ends[ends.size() - 1 - kept] : 0;
  });
  finishGroups(step, last);
  forLanes(step.mask,
           [&](unsigned l) { step.x.clocks->learn(step.thread(l), step.x.clocks->copiesOf(step.thread(l)), last[l]); });
}

/// An arrival once the thread's copies so far have ended. They end now, which the rules permit; who relies on them
/// without waiting at the mbarrier is found by the clocks.
static void arriveAfterCopies(Step &step) {
  Execution &x = step.x;
  Lanes at = step.addresses(0);
  std::array<uint32_t, 32> last = step.warp.copyGroup;
  finishGroups(step, last);
  forLanes(step.mask, [&](unsigned l) {
    Execution::Place place = x.place(step.block, at[l], 8, 8, step.in.space);
    Mbarrier &barrier = x.mbarrier(place);
    if (!x.clocks->knows(step.thread(l), barrier.initialised))
      x.fault(Fault::Kind::Race,
              "expects an order of accesses, but found none: it uses an mbarrier that was initialised by " +
                  x.described(barrier.initialised));
    x.clocks->note(barrier.gathering, x.clocks->copiesOf(step.thread(l)), last[l]);
    ++step.warp.copyGroup[l]; // no commit: the copies so far stay in the group that the next one makes
    if (!step.in.wrap)
      return; // what it adds to the count it takes away again
    if (!barrier.pending)
      x.fail(Fault::Kind::Mbarrier, "expects no more arrivals at the mbarrier, but found one");
    --barrier.pending;
    x.turn(*place.owner, place.offset);
  });
}

// ---- Bulk copies
// -----------------------------------------------------------------------------------------------------

void Execution::finishBulk(size_t index) {
  BulkInFlight done = bulk[index];
  bulk.erase(bulk.begin() + int64_t(index));
  Place shared = sharedPlace(*done.block, done.shared, done.bytes, 1, true);
  Place global = place(*done.block, done.global, done.bytes, 1, Space::Global);
  if (done.store) {
    std::memcpy(global.bytes, shared.bytes, done.bytes);
    global.shadow->markWritten(global.offset, done.bytes);
    global.shadow->end(global.offset, done.bytes, done.stamp);
    return;
  }
  std::memcpy(shared.bytes, global.bytes, done.bytes);
  shared.shadow->markWritten(shared.offset, done.bytes);
  // It counts in the phase in which it ends.
  auto found = shared.owner->mbarriers.find(done.mbarrier);
  if (found == shared.owner->mbarriers.end())
    fail(Fault::Kind::Mbarrier, "expects an mbarrier until the bulk copies that count at it have ended, but found it "
                                "invalidated before");
  Mbarrier &barrier = found->second;
  done.stamp.time = barrier.phase + 1;
  shared.shadow->end(shared.offset, done.bytes, done.stamp);
  barrier.bytes -= done.bytes;
  turn(*shared.owner, done.mbarrier);
}

static unsigned checkedSize(Step &step, uint64_t bytes) {
  if (bytes % 16 || !bytes || bytes >= 1 << 20)
    step.x.fail(Fault::Kind::Undefined,
                "expects a bulk copy of a multiple of 16 bytes below 1 MiB, but found " + std::to_string(bytes));
  return unsigned(bytes);
}

static void begin(Step &step, const BulkInFlight &made) {
  Execution &x = step.x;
  x.bulk.push_back(made);
  Counters &counters = x.counters();
  counters.bulkBytes += made.bytes;
  uint64_t flying = 0;
  for (const BulkInFlight &each : x.bulk)
    flying += each.bytes;
  counters.mostBulkInFlight = std::max(counters.mostBulkInFlight, flying);
  if (x.launch.timing == Timing::Early)
    x.finishBulk(x.bulk.size() - 1);
}

static void bulkLoad(Step &step) {
  Execution &x = step.x;
  Lanes to = step.addresses(0), from = step.addresses(1), sizes = step.readWritten(2, "a count of bytes"),
        bars = step.addresses(3);
  bool cluster = step.in.space == Space::Cluster;
  forLanes(step.mask, [&](unsigned l) {
    unsigned bytes = checkedSize(step, sizes[l]);
    Execution::Place bar = x.sharedPlace(step.block, bars[l], 8, 8, cluster);
    Mbarrier &barrier = x.mbarrier(bar);
    if (!x.clocks->knows(step.thread(l), barrier.initialised)) {
      x.fault(Fault::Kind::Race,
              "expects an order of accesses, but found none: it uses an mbarrier that was initialised by " +
                  x.described(barrier.initialised));
    } else {
      Stamp fence = barrier.initialised;
      fence.time = barrier.fencedTime;
      bool fenced = barrier.fencedTime && x.clocks->knows(step.thread(l), fence);
      if (!fenced && !x.clocks->isFenced(step.thread(l), barrier.initialised, true))
        x.fault(Fault::Kind::Proxy,
                "expects fence.mbarrier_init or fence.proxy.async before the asynchronous proxy uses an "
                "mbarrier, but found none since its initialisation by " +
                    x.described(barrier.initialised));
    }
    Execution::Place shared = x.sharedPlace(step.block, to[l], bytes, 16, cluster);
    if (shared.owner != bar.owner)
      x.fail(Fault::Kind::Mbarrier, "expects the mbarrier in the block that is copied to, but found another's");
    Execution::Place global = x.place(step.block, from[l], bytes, 16, Space::Global);
    Stamp stamp = asynchronous(step, l, x.clocks->bulkOf(barrier.index), barrier.phase + 1, true);
    x.reads(global, step.thread(l), stamp, bytes);
    x.writes(shared, step.thread(l), stamp, bytes);
    shared.shadow->begin(shared.offset, bytes);
    begin(step, {false, &step.block, to[l], from[l], bytes, bar.offset, step.thread(l), 0, stamp});
  });
}

static void bulkStore(Step &step) {
  Execution &x = step.x;
  Lanes to = step.addresses(0), from = step.addresses(1), sizes = step.readWritten(2, "a count of bytes");
  forLanes(step.mask, [&](unsigned l) {
    unsigned bytes = checkedSize(step, sizes[l]), thread = step.thread(l);
    Execution::Place shared = x.sharedPlace(step.block, from[l], bytes, 16, false);
    Execution::Place global = x.place(step.block, to[l], bytes, 16, Space::Global);
    uint32_t group = step.warp.storeGroup[l];
    x.reads(shared, thread, asynchronous(step, l, x.clocks->storesOf(thread), group, true), bytes);
    Stamp stamp = asynchronous(step, l, x.clocks->storedOf(thread), group, true);
    x.writes(global, thread, stamp, bytes);
    global.shadow->begin(global.offset, bytes);
    begin(step, {true, &step.block, from[l], to[l], bytes, 0, thread, group, stamp});
  });
}

static void waitForStores(Step &step) {
  Execution &x = step.x;
  forLanes(step.mask, [&](unsigned l) {
    uint32_t group = step.warp.storeGroup[l] - 1, kept = uint32_t(step.in.operands[0].value);
    uint32_t last = group > kept ? group - kept : 0;
    unsigned thread = step.thread(l);
    for (size_t i = 0; i < x.bulk.size();)
      if (x.bulk[i].store && x.bulk[i].thread == thread && x.bulk[i].group <= last)
        x.finishBulk(i);
      else
        ++i;
    x.clocks->learn(thread, x.clocks->storesOf(thread), last);
    if (!step.in.wrap) // `.read` waits until shared memory is read only
      x.clocks->learn(thread, x.clocks->storedOf(thread), last);
  });
}

Outcome runCopy(Step &step) {
  switch (step.in.op) {
  case Opcode::CpAsync:
    copy(step);
    break;
  case Opcode::CpAsyncCommit:
    commit(step);
    break;
  case Opcode::CpAsyncWait:
    waitForCopies(step);
    break;
  case Opcode::CpAsyncArrive:
    arriveAfterCopies(step);
    break;
  case Opcode::BulkLoad:
    bulkLoad(step);
    break;
  case Opcode::BulkStore:
    bulkStore(step);
    break;
  case Opcode::BulkCommit:
    forLanes(step.mask, [&](unsigned l) { ++step.warp.storeGroup[l]; });
    break;
  default:
    waitForStores(step);
    break;
  }
  return Outcome::Next;
}

} // namespace quoin::ptx
