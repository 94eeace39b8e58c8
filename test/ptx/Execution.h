//===- Execution.h - a launch while it runs ----------------------------------===//
//
// Blocks, warps, fragments of warps (threads at one place), and what handlers of instructions need: registers with
// their poison, memory with its shadow, faults.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_TEST_PTX_EXECUTION_H
#define QUOIN_TEST_PTX_EXECUTION_H

#include "test/ptx/Clocks.h"
#include "test/ptx/Machine.h"
#include <deque>
#include <map>
#include <random>
#include <set>

namespace quoin::ptx {

using Lanes = std::array<uint64_t, 32>;

/// Generic addresses of shared memory; those of other blocks of the cluster have their rank, and one more, in bits 24
/// to 31, as addresses in shared::cluster do.
inline constexpr uint64_t kSharedWindow = uint64_t(1) << 56, kParamWindow = uint64_t(1) << 57;
inline constexpr unsigned kMostMbarriers = 64, kMostThreads = 1024, kMostClusterBlocks = 16;
/// Of a block, its own and what the launch adds: 227 KiB.
inline constexpr unsigned kMostSharedBytes = 232448;

/// Threads of a warp at one instruction.
struct Fragment {
  enum class Wait : uint8_t { None, Partners, Barrier, Mbarrier, Cluster };
  int pc = 0;
  uint32_t mask = 0;
  Wait wait = Wait::None;
  /// The barrier's number, or the mbarrier's address.
  uint64_t key = 0;
};

/// A cp.async that has begun.
struct CopyInFlight {
  unsigned lane;
  uint64_t to, from;
  unsigned bytes, sourceBytes;
  uint32_t group;
};
/// A wgmma of one warp that has begun.
struct ProductInFlight {
  const Instruction *in;
  uint64_t a, b;
  bool accumulates;
  uint32_t group;
};

struct Block;

struct Warp {
  Block *block = nullptr;
  unsigned index = 0, firstThread = 0;
  std::vector<Lanes> registers;
  /// Threads for which a register holds what nobody wrote.
  std::vector<uint32_t> poison;
  /// When a register was written, in instructions of the warp, but for products; the group of a product in flight.
  std::vector<uint64_t> writtenAt;
  std::vector<uint32_t> busy;
  /// Whether a busy register is written by its product, or read only.
  std::vector<uint8_t> isResult;
  std::vector<Fragment> fragments;
  uint64_t now = 0, fencedAt = 0;

  std::deque<CopyInFlight> copies;
  /// The number that a thread's next copies get, which grows at each commit and at each arrival of copies; the last
  /// numbers of the groups that it committed, of which a wait leaves the latest.
  std::array<uint32_t, 32> copyGroup, storeGroup;
  std::array<std::vector<uint32_t>, 32> committed;
  /// The phase of the cluster's barrier at which a thread arrived last, counted from 1.
  std::array<uint32_t, 32> clusterPhase;
  std::deque<ProductInFlight> products;
  uint32_t productGroup = 1;
  uint64_t productCount = 0;

  uint32_t live() const {
    uint32_t all = 0;
    for (const Fragment &each : fragments)
      all |= each.mask;
    return all;
  }
};

struct NamedBarrier {
  unsigned expected = 0, arrived = 0;
  Meeting meeting;
};

struct Mbarrier {
  unsigned index = 0;
  uint32_t expected = 0, pending = 0;
  int64_t bytes = 0;
  /// All that were expected in the phase, which may all be missing at once.
  uint64_t expectedBytes = 0;
  uint32_t phase = 0;
  /// Of threads of the block; of others, which need the scope of the cluster on both sides.
  Meeting gathering, gatheringAcross;
  Met met, metAcross;
  Stamp initialised;
  /// The time of the initialising thread at its fence.mbarrier_init; 0 before.
  uint32_t fencedTime = 0;
};

/// A bulk copy that has begun: to shared memory under an mbarrier, or from it in a group of a thread.
struct BulkInFlight {
  bool store;
  Block *block;
  uint64_t shared, global;
  unsigned bytes;
  uint64_t mbarrier;
  unsigned thread;
  uint32_t group;
  Stamp stamp;
};

struct Block {
  std::array<unsigned, 3> at = {};
  unsigned rank = 0, firstThread = 0;
  std::vector<uint8_t> memory;
  std::unique_ptr<Shadow> shadow;
  std::deque<Warp> warps;
  std::map<uint64_t, NamedBarrier> barriers;
  std::map<uint64_t, Mbarrier> mbarriers;
  /// The products of each warpgroup, which all four of its warps must issue.
  std::vector<std::vector<std::array<uint64_t, 3>>> issued;
};

/// What a handler did: go on after the instruction, execute it again later, or it has moved the fragment itself.
enum class Outcome : uint8_t { Next, Again, Moved };

class Execution;

/// One instruction for one fragment.
struct Step {
  Execution &x;
  Block &block;
  Warp &warp;
  Fragment &fragment;
  const Instruction &in;
  uint32_t mask;

  /// The values of an operand, and for which threads nobody wrote them.
  Lanes read(const Operand &operand, uint32_t &poison) const;
  Lanes read(size_t operand, uint32_t &poison) const { return read(in.operands[operand], poison); }
  /// Values that must have been written; `what` names their use.
  Lanes readWritten(size_t operand, const char *what) const;
  /// The value that all threads must agree on.
  uint64_t readUniform(size_t operand, const char *what) const;
  void write(const Operand &operand, const Lanes &values, uint32_t poison = 0) const;
  void write(size_t operand, const Lanes &values, uint32_t poison = 0) const {
    write(in.operands[operand], values, poison);
  }
  /// Addresses, which must have been written.
  Lanes addresses(size_t operand) const;
  unsigned thread(unsigned lane) const { return warp.firstThread + lane; }
  /// The stamp of an ordinary access of a thread.
  Stamp stamp(unsigned lane) const;
  /// Waits until all living threads of these are here, too.
  bool isTogether(uint32_t members) const;
  /// The same of all 32 threads, without which the instruction has no meaning.
  bool isWholeWarp() const;
};

template <typename Do> void forLanes(uint32_t mask, Do perform) {
  for (uint32_t rest = mask; rest; rest &= rest - 1)
    perform(unsigned(__builtin_ctz(rest)));
}

/// Thrown where a launch cannot go on; the fault is recorded.
struct Stop {};

class Execution {
public:
  Execution(Machine &machine, const Launch &launch);
  void run();

  enum class Severity : uint8_t { GoOn, End };
  void fault(Fault::Kind kind, const std::string &text, Severity severity = Severity::GoOn);
  /// Whether a fault of the kind was found at this instruction before.
  bool isReported(Fault::Kind kind) const { return reported.count({kind, current ? current->line : 0}) != 0; }
  void fail(Fault::Kind kind, const std::string &text) { fault(kind, text, Severity::End); }

  /// Bytes of memory, checked against bounds and alignment.
  struct Place {
    uint8_t *bytes = nullptr;
    /// None for parameters.
    Shadow *shadow = nullptr;
    /// The block whose shared memory it is.
    Block *owner = nullptr;
    uint64_t offset = 0;
  };
  Place place(Block &block, uint64_t address, unsigned bytes, unsigned align, Space space);
  Place sharedPlace(Block &block, uint64_t address, unsigned bytes, unsigned align, bool cluster);

  /// Records an access and reports what it conflicts with.
  void reads(const Place &place, unsigned thread, const Stamp &stamp, unsigned bytes, bool written = true);
  void writes(const Place &place, unsigned thread, const Stamp &stamp, unsigned bytes);

  void count(const Lanes &addresses, uint32_t mask, unsigned bytes, Space space);

  // Order by memory itself (Order.cpp): fences, and accesses that others may rely on.
  void fence(unsigned thread, bool device);
  void noteRead(const Place &place, unsigned thread);
  void acquireFrom(const Place &place, unsigned thread);
  /// `modifies`: what it replaces was read at once, so that what was released there stays.
  void noteWrite(const Place &place, unsigned thread, bool releases, bool modifies = false);

  // Asynchronous work (AsyncCopies.cpp, Warpgroup.cpp, Mbarriers.cpp).
  void finishCopy(Warp &warp, const CopyInFlight &copy);
  void finishBulk(size_t index);
  void finishProduct(Warp &warp, const ProductInFlight &product);
  Mbarrier &mbarrier(const Place &place);
  /// Ends one bulk copy, if there is one.
  void finishPending() { finishSomething(true); }
  void turn(Block &block, uint64_t address);
  void wake(Fragment::Wait wait, Block *block, uint64_t key, bool advance);

  Counters &counters() { return machine.counted; }
  uint32_t lineOf(uint32_t pc) const { return kernel->code[pc].line; }
  std::string described(const Stamp &stamp) const;

  Machine &machine;
  const Launch &launch;
  const Kernel *kernel = nullptr;
  std::mt19937_64 random;
  unsigned blockThreads = 0, warpsPerBlock = 0, unit = 0;
  std::array<unsigned, 3> threadShape = {};
  std::vector<uint8_t> parameters;
  std::unique_ptr<Clocks> clocks;
  std::deque<Block> blocks;
  std::vector<BulkInFlight> bulk;
  unsigned mbarrierCount = 0;
  /// The barrier of the cluster.
  unsigned clusterArrived = 0;
  uint32_t clusterPhase = 0;
  Meeting clusterMeeting;
  Met clusterMet;
  uint64_t executed = 0;

private:
  void prepare();
  void claimEarlier();
  void runUnit(unsigned first, unsigned count);
  void setUp(Block &block, unsigned rank, unsigned linear);
  void schedule();
  void mergeFragments(Warp &warp);
  void step(Warp &warp, size_t fragment, unsigned budget);
  bool finishSomething(bool force);
  void reportDeadlock();
  void checkFinished();

  using Word = std::pair<const Shadow *, uint64_t>;
  /// What was released at a word; what each thread released at its last fence, and read since.
  std::map<Word, Meeting> released;
  std::map<unsigned, Meeting> fencedBefore, readSince;

  bool claimed = false;
  /// Kinds and lines of faults, each of which is said once.
  std::set<std::pair<Fault::Kind, uint32_t>> reported;
  Warp *currentWarp = nullptr;
  const Instruction *current = nullptr;
};

/// Handlers of instructions, by family.
Outcome runScalar(Step &step);
Outcome runConversion(Step &step);
Outcome runMove(Step &step);
Outcome runAccess(Step &step);
Outcome runAtomic(Step &step);
Outcome runThreads(Step &step);
Outcome runBarrier(Step &step);
Outcome runMbarrier(Step &step);
Outcome runCopy(Step &step);
Outcome runMatrix(Step &step);
Outcome runWarpgroup(Step &step);
Outcome runInstruction(Step &step);

} // namespace quoin::ptx

#endif
