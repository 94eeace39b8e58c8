//===- Machine.cpp - global memory, and launches -----------------------------===//

#include "test/ptx/Machine.h"
#include "test/ptx/Execution.h"
#include <algorithm>

namespace quoin::ptx {

Machine::Machine(const Module &all, std::shared_ptr<Memory> shared) : module(all), memory(std::move(shared)) {
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
  variables = std::make_unique<Allocation>(Allocation{kModuleGlobals, std::move(bytes), std::move(shadow)});
}

Allocation *Machine::find(uint64_t address, uint64_t bytes) {
  return variables && variables->holds(address, bytes) ? variables.get() : memory->find(address, bytes);
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
  memory->forget();
  if (variables)
    variables->shadow.forget();
  try {
    Execution(*this, launch).run();
  } catch (const Stop &) {
    // The fault says why.
  }
  return found.size() == before;
}

} // namespace quoin::ptx
