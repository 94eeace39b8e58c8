//===- Memory.h - global memory of the machine -------------------------------===//
//
// What kernels of all modules of a device share. A piece that was given back is never found again, nor is its address
// given to another, so that who still uses it is found out.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_TEST_PTX_MEMORY_H
#define QUOIN_TEST_PTX_MEMORY_H

#include "test/ptx/Shadow.h"
#include <memory>
#include <vector>

namespace quoin::ptx {

/// One piece of global memory.
struct Allocation {
  uint64_t address;
  std::vector<uint8_t> bytes;
  Shadow shadow;

  /// Whether these are all in it.
  bool holds(uint64_t at, uint64_t count) const {
    return at >= address && at - address <= bytes.size() && count <= bytes.size() - (at - address);
  }
};

class Memory {
public:
  /// Memory that nobody has written yet; addresses are multiples of 256. Beyond it lies nothing.
  uint64_t allocate(uint64_t bytes);
  /// Gives a piece back. False where none begins there.
  bool release(uint64_t address);
  /// The piece that holds these bytes, or none.
  Allocation *find(uint64_t address, uint64_t bytes);
  /// Begins a launch: all launches before have ended.
  void forget();

private:
  /// Sorted, since addresses only grow.
  std::vector<std::unique_ptr<Allocation>> allocations;
  uint64_t nextAddress = 0x700000000000;
};

} // namespace quoin::ptx

#endif
