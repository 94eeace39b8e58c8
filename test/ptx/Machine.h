//===- Machine.h - runs PTX on the CPU, as unkindly as the rules permit ------===//
//
// A launch runs a kernel's blocks one after the other (those of a cluster together), their warps interleaved at random
// and, where threads of a warp diverge, each part on its own. Asynchronous work ends late, early or at random; the same
// seed does the same again. Whatever PTX leaves undefined or forbids is a fault with the line of the text and both
// parties. A kernel without faults under many seeds and timings whose bits never differ is right, as far as this
// machine reads PTX rightly: say "passes the machine", never "runs on a GPU".
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_TEST_PTX_MACHINE_H
#define QUOIN_TEST_PTX_MACHINE_H

#include "test/ptx/Memory.h"
#include "test/ptx/Module.h"
#include <cstring>
#include <memory>

namespace quoin::ptx {

struct Fault {
  enum class Kind : uint8_t {
    /// Two accesses that nothing orders, one of them a write; or that touch what is still being copied.
    Race,
    /// Ordered, but an ordinary write reaches the asynchronous proxy without a fence between proxies.
    Proxy,
    /// A number that nobody wrote is stored, addressed with, branched on, multiplied.
    Unwritten,
    Bounds,
    Alignment,
    /// Threads that wait for each other in vain, or not as they must.
    Barrier,
    /// An mbarrier that is none, or has more arrivals or bytes than it expects.
    Mbarrier,
    /// Registers of a wgmma used before they may be.
    Product,
    /// Asynchronous work that nobody waited for.
    Unfinished,
    /// Operands that PTX gives no meaning.
    Undefined,
    /// The launch does not fit the kernel.
    Launch,
  } kind;
  /// Of the text; 0 where it is none of its lines.
  uint32_t line = 0;
  std::string text;
};

/// When asynchronous work ends: as late as a wait for it permits, at once, at random.
enum class Timing : uint8_t { Late, Early, Random };

struct Launch {
  std::string kernel;
  std::array<unsigned, 3> grid = {1, 1, 1};
  /// Taken from the kernel where it says how many.
  std::array<unsigned, 3> threads = {0, 0, 0};
  unsigned clusterBlocks = 0;
  unsigned dynamicShared = 0;
  /// The bytes of each parameter.
  std::vector<std::vector<uint8_t>> arguments;
  /// Memory that the launch before may still read or write, as long as griddepcontrol.wait has not waited for it.
  struct Earlier {
    uint64_t address, bytes;
    bool writes;
  };
  std::vector<Earlier> earlier;
  uint64_t seed = 1;
  Timing timing = Timing::Late;
  /// After so many warp instructions a block is taken for one that never ends.
  uint64_t mostInstructions = 1 << 24;
};

/// The bytes of a parameter.
template <typename T> std::vector<uint8_t> argument(const T &value) {
  std::vector<uint8_t> bytes(sizeof value);
  std::memcpy(bytes.data(), &value, sizeof value);
  return bytes;
}

/// What a launch costs, beside the least that its accesses could.
struct Counters {
  uint64_t warpInstructions = 0;
  /// 32-byte sectors of global memory.
  uint64_t sectors = 0, leastSectors = 0;
  /// Passes over the banks of shared memory.
  uint64_t sharedPasses = 0, leastSharedPasses = 0;
  uint64_t bulkBytes = 0, mostBulkInFlight = 0;
  /// wgmma instructions by warp, mma instructions.
  uint64_t products = 0;
};

class Machine {
public:
  /// Places the module's variables, which are its own; other memory may be shared with machines of other modules. The
  /// module must outlive the machine.
  explicit Machine(const Module &module, std::shared_ptr<Memory> memory = std::make_shared<Memory>());

  /// Memory that nobody has written yet; addresses are multiples of 256. Beyond it lies nothing.
  uint64_t allocate(uint64_t bytes) { return memory->allocate(bytes); }
  template <typename T> uint64_t upload(const std::vector<T> &values) {
    uint64_t address = allocate(values.size() * sizeof(T));
    write(address, values.data(), values.size() * sizeof(T));
    return address;
  }
  void write(uint64_t address, const void *from, uint64_t bytes);
  /// Values from there on; none where they are not all in one allocation, or not all written.
  template <typename T> std::optional<std::vector<T>> download(uint64_t address, uint64_t count) {
    std::vector<T> values(count);
    if (!read(address, values.data(), count * sizeof(T)))
      return std::nullopt;
    return values;
  }
  bool read(uint64_t address, void *to, uint64_t bytes);

  /// Runs a kernel to its end or to a fault that leaves no way to go on. True without faults.
  bool launch(const Launch &launch);

  /// Of all launches, each once.
  const std::vector<Fault> &faults() const { return found; }
  /// Takes note of them: what is found from here on is found anew.
  void clearFaults() { found.clear(); }
  const Counters &counters() const { return counted; }

private:
  friend class Execution;
  Allocation *find(uint64_t address, uint64_t bytes);

  const Module &module;
  std::shared_ptr<Memory> memory;
  std::unique_ptr<Allocation> variables;
  std::vector<Fault> found;
  Counters counted;
};

} // namespace quoin::ptx

#endif
