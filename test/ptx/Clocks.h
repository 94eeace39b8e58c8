//===- Clocks.h - what each thread knows to have happened --------------------===//
//
// Happens-before by vector clocks. An *agent* is whatever accesses memory on its own: a thread, a thread's cp.async
// copies, a thread's bulk stores, a warp's wgmma, an mbarrier's bulk copies. Each has a time that grows; an access is
// stamped with its agent and that agent's time, and a thread may rely on it if it knows the agent to be as far. Threads
// learn from each other at barriers, and of asynchronous work by waiting for it, so a wait that is missing shows in
// every run, whatever the scheduler did.
//
// A second clock says which of these accesses a fence.proxy.async has made visible to the asynchronous proxy; there is
// one for global and one for shared memory, since such a fence may be for either.
//
//   1. A thread's time is its warp's; it grows after each release by one of the warp's threads.
//   2. `release` adds what a thread knows, and its own time, to a meeting (of a barrier, of a phase of an mbarrier).
//   3. `acquire` gives a thread what was gathered there.
//
// What threads know is shared and never changed in place, since barriers let all know the same.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_TEST_PTX_CLOCKS_H
#define QUOIN_TEST_PTX_CLOCKS_H

#include <cstdint>
#include <memory>
#include <vector>

namespace quoin::ptx {

/// By agent, the time up to which its accesses are known.
using Times = std::vector<uint32_t>;
using Knowledge = std::shared_ptr<const Times>;

/// Who accessed memory, when, and by which instruction. `mask` chooses agents from `agents` on, so that the threads of
/// a warp share a stamp.
struct Stamp {
  uint32_t agents = 0, mask = 0, time = 0, pc = 0;
  /// The blocks that run together; others' accesses to global memory are never known. 0 is the launch before.
  uint32_t unit = 0;
  /// One that others may rely on without a barrier: atomic, relaxed, volatile. Of the block, or of the device.
  bool strong = false, device = false;
  /// By the asynchronous proxy.
  bool proxy = false;
};

/// What threads that meet bring along.
struct Meeting {
  Times known, fenced[2];
  /// What was joined last, which most threads share.
  Knowledge lastKnown, lastFenced[2];
};

/// A meeting that is over.
struct Met {
  Knowledge known, fenced[2];
};

class Clocks {
public:
  /// For blocks that run together: `threads` is a multiple of 32.
  Clocks(unsigned threads, unsigned mbarriers);

  // The agents.
  unsigned copiesOf(unsigned thread) const { return threads + thread; }
  /// What a thread's bulk stores read in shared memory, and what they write.
  unsigned storesOf(unsigned thread) const { return 2 * threads + thread; }
  unsigned storedOf(unsigned thread) const { return 3 * threads + thread; }
  unsigned productsOf(unsigned warp) const { return 4 * threads + warp; }
  unsigned bulkOf(unsigned mbarrier) const { return 4 * threads + threads / 32 + mbarrier; }
  /// The launch before, where it overlaps with this one.
  unsigned earlier() const { return agents - 1; }
  unsigned threadCount() const { return threads; }

  uint32_t time(unsigned thread) const { return warpTime[thread / 32]; }
  /// After releases: what a warp does from now on is not part of them.
  void advance(unsigned thread) { ++warpTime[thread / 32]; }

  bool knows(unsigned thread, const Stamp &stamp) const;
  /// Whether a fence.proxy.async lies between an ordinary access, to shared or to global memory, and this thread.
  bool isFenced(unsigned thread, const Stamp &stamp, bool shared) const;

  void release(unsigned thread, Meeting &meeting) const;
  /// Adds what somebody else is to be known of.
  void note(Meeting &meeting, unsigned agent, uint32_t time) const;
  static Met close(Meeting &meeting);
  /// Adds what another meeting gathered.
  static void join(Meeting &meeting, const Meeting &other);
  void acquire(unsigned thread, const Met &met);
  void fenceProxy(unsigned thread, bool shared);
  /// A thread has waited for asynchronous work.
  void learn(unsigned thread, unsigned agent, uint32_t time);

private:
  struct Thread {
    Knowledge known, fenced[2];
    /// Times of the thread's own agents, which change too often to be shared.
    uint32_t copies = 0, stores = 0, stored = 0, fencedSelf[2] = {};
  };
  Knowledge join(const Knowledge &a, const Knowledge &b);

  unsigned threads, agents;
  std::vector<Thread> state;
  std::vector<uint32_t> warpTime;
  struct Joined {
    Knowledge a, b, both;
  };
  std::vector<Joined> recent;
  size_t next = 0;
};

} // namespace quoin::ptx

#endif
