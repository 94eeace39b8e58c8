//===- Machine.cpp - global memory, and launches -----------------------------===//

#include "test/ptx/Machine.h"
#include "test/ptx/Execution.h"
#include <algorithm>

namespace quoin::ptx {

Machine::Machine(const Module &all) : module(all) {
  uint64_t end = 0;
  for (const Variable &each : module.variables)
    if (each.space != Space::Shared)
      end = std::max(end, each.offset + each.bytes);
  if (!end)
    return;
  std::vector<uint8_t> bytes(end, 0);
  Shadow shadow(end);
  shadow.markWritten(0, end); // variables without a value are zero
  for (const Variable &each : module.variables)
    if (each.space != Space::Shared)
      std::copy(each.initial.begin(), each.initial.end(), bytes.begin() + int64_t(each.offset));
  allocations.push_back(std::make_unique<Allocation>(Allocation{kModuleGlobals, std::move(bytes), std::move(shadow)}));
}

uint64_t Machine::allocate(uint64_t bytes) {
  uint64_t address = nextAddress;
  nextAddress += (bytes + 255) / 256 * 256 + 4096;
  // What nobody wrote is no zero.
  allocations.push_back(
      std::make_unique<Allocation>(Allocation{address, std::vector<uint8_t>(bytes, 0xa5), Shadow(bytes)}));
  return address;
}

Allocation *Machine::find(uint64_t address, uint64_t bytes) {
  // Sorted, since addresses only grow.
  auto after = std::upper_bound(allocations.begin(), allocations.end(), address,
                                [](uint64_t value, const auto &each) { return value < each->address; });
  if (after == allocations.begin())
    return nullptr;
  Allocation &each = **std::prev(after);
  uint64_t offset = address - each.address;
  return offset <= each.bytes.size() && bytes <= each.bytes.size() - offset ? &each : nullptr;
}

void Machine::write(uint64_t address, const void *from, uint64_t bytes) {
  Allocation *to = find(address, bytes);
  if (!to || !bytes) {
    if (bytes)
      found.push_back(
          {Fault::Kind::Bounds, 0, "expects a write of the host to be in bounds, but found one that is not"});
    return;
  }
  std::memcpy(&to->bytes[address - to->address], from, bytes);
  to->shadow.markWritten(address - to->address, bytes);
}

bool Machine::read(uint64_t address, void *to, uint64_t bytes) {
  Allocation *from = find(address, bytes);
  if (!from)
    return false;
  uint64_t offset = address - from->address;
  if (bytes)
    std::memcpy(to, &from->bytes[offset], bytes);
  return !from->shadow.firstUnwritten(offset, bytes);
}

bool Machine::launch(const Launch &launch) {
  size_t before = found.size();
  for (auto &each : allocations)
    each->shadow.forget();
  try {
    Execution(*this, launch).run();
  } catch (const Stop &) {
    // The fault says why.
  }
  return found.size() == before;
}

} // namespace quoin::ptx
