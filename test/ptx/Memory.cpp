//===- Memory.cpp - pieces of global memory ----------------------------------===//

#include "test/ptx/Memory.h"
#include <algorithm>

namespace quoin::ptx {

uint64_t Memory::allocate(uint64_t bytes) {
  uint64_t address = nextAddress;
  nextAddress += (bytes + 255) / 256 * 256 + 4096;
  // What nobody wrote is no zero.
  allocations.push_back(
      std::make_unique<Allocation>(Allocation{address, std::vector<uint8_t>(bytes, 0xa5), Shadow(bytes)}));
  return address;
}

bool Memory::release(uint64_t address) {
  auto found =
      std::lower_bound(allocations.begin(), allocations.end(), address,
                       [](const std::unique_ptr<Allocation> &each, uint64_t value) { return each->address < value; });
  if (found == allocations.end() || (*found)->address != address)
    return false;
  allocations.erase(found);
  return true;
}

Allocation *Memory::find(uint64_t address, uint64_t bytes) {
  auto after = std::upper_bound(allocations.begin(), allocations.end(), address,
                                [](uint64_t value, const auto &each) { return value < each->address; });
  if (after == allocations.begin())
    return nullptr;
  Allocation &each = **std::prev(after);
  return each.holds(address, bytes) ? &each : nullptr;
}

void Memory::forget() {
  for (auto &each : allocations)
    each->shadow.forget();
}

} // namespace quoin::ptx
