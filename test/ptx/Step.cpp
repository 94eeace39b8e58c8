//===- Step.cpp - registers and memory as an instruction sees them -----------===//

#include "test/ptx/Execution.h"
#include <algorithm>

namespace quoin::ptx {

static uint64_t lowBits(uint64_t value, unsigned bits) {
  return bits >= 64 ? value : value & ((uint64_t(1) << bits) - 1);
}

Lanes Step::read(const Operand &operand, uint32_t &poison) const {
  Lanes values;
  if (operand.kind == Operand::Kind::Immediate) {
    // Names in mov are addresses in their space; parameters say which.
    values.fill(operand.value + (operand.space == Space::Param ? kParamWindow : 0));
    return values;
  }
  size_t reg = size_t(operand.reg);
  poison |= warp.poison[reg] & mask;
  if (warp.busy[reg])
    x.fail(Fault::Kind::Product, "expects a wait for the product that writes a register, but found it used before");
  values = warp.registers[reg];
  if (operand.negated)
    for (uint64_t &each : values)
      each = !(each & 1);
  return values;
}

Lanes Step::readWritten(size_t operand, const char *what) const {
  uint32_t poison = 0;
  Lanes values = read(operand, poison);
  if (poison)
    x.fail(Fault::Kind::Unwritten, std::string("expects ") + what +
                                       " that was written, but found one that nobody wrote (lane " +
                                       std::to_string(__builtin_ctz(poison)) + ")");
  return values;
}

uint64_t Step::readUniform(size_t operand, const char *what) const {
  Lanes values = readWritten(operand, what);
  uint64_t first = values[size_t(__builtin_ctz(mask))];
  forLanes(mask, [&](unsigned l) {
    if (values[l] != first)
      x.fail(Fault::Kind::Undefined, std::string("expects ") + what + " that is the same in all threads, but found " +
                                         std::to_string(first) + " and " + std::to_string(values[l]));
  });
  return first;
}

void Step::write(const Operand &operand, const Lanes &values, uint32_t poison) const {
  if (operand.kind == Operand::Kind::Sink)
    return;
  size_t reg = size_t(operand.reg);
  if (warp.busy[reg])
    x.fail(Fault::Kind::Product, "expects a wait for the product that writes a register, but found it written before");
  warp.poison[reg] = (warp.poison[reg] & ~mask) | (poison & mask);
  warp.writtenAt[reg] = warp.now;
  unsigned bits = bitsOf(x.kernel->registers[reg]);
  Lanes &to = warp.registers[reg];
  forLanes(mask, [&](unsigned l) { to[l] = lowBits(values[l], bits); });
}

Lanes Step::addresses(size_t index) const {
  const Operand &operand = in.operands[index];
  Lanes values;
  if (operand.reg < 0) {
    values.fill(operand.value);
    return values;
  }
  size_t reg = size_t(operand.reg);
  if (warp.poison[reg] & mask)
    x.fail(Fault::Kind::Unwritten, "expects an address that was written, but found one that nobody wrote (lane " +
                                       std::to_string(__builtin_ctz(warp.poison[reg] & mask)) + ")");
  if (warp.busy[reg])
    x.fail(Fault::Kind::Product, "expects a wait for the product that writes a register, but found it used before");
  unsigned bits = bitsOf(x.kernel->registers[reg]);
  for (unsigned l = 0; l < 32; ++l)
    values[l] = lowBits(warp.registers[reg][l] + operand.value, bits);
  return values;
}

Stamp Step::stamp(unsigned lane) const {
  Stamp made;
  made.agents = warp.firstThread;
  made.mask = 1u << lane;
  made.time = x.clocks->time(thread(lane));
  made.pc = uint32_t(fragment.pc);
  made.unit = x.unit;
  made.strong = in.strong;
  made.device = in.gpuScope;
  return made;
}

bool Step::isTogether(uint32_t members) const {
  if (!(members & warp.live() & ~mask))
    return true;
  fragment.wait = Fragment::Wait::Partners;
  return false;
}

bool Step::isWholeWarp() const {
  if (mask == ~0u)
    return true;
  if (warp.live() == mask)
    x.fail(Fault::Kind::Undefined, "expects all 32 threads of the warp, but found some missing");
  fragment.wait = Fragment::Wait::Partners;
  return false;
}

Execution::Place Execution::sharedPlace(Block &block, uint64_t address, unsigned bytes, unsigned align, bool cluster) {
  Block *owner = &block;
  uint64_t offset = address, rank = address >> 24;
  if (cluster && rank && rank <= blocks.size()) {
    owner = &blocks[rank - 1];
    offset = address & 0xffffff;
  }
  uint64_t size = owner->memory.size();
  if (offset > size || bytes > size - offset)
    fail(Fault::Kind::Bounds, "expects an address within " + std::to_string(size) +
                                  " bytes of shared memory, but found " + std::to_string(offset) + " with " +
                                  std::to_string(bytes) + " bytes");
  if (offset % align)
    fail(Fault::Kind::Alignment, "expects a shared address that is a multiple of " + std::to_string(align) +
                                     ", but found " + std::to_string(offset));
  return {owner->memory.data() + offset, owner->shadow.get(), owner, offset};
}

Execution::Place Execution::place(Block &block, uint64_t address, unsigned bytes, unsigned align, Space space) {
  if (space == Space::Generic && (address & kSharedWindow))
    return sharedPlace(block, address & ~kSharedWindow, bytes, align, true);
  if (space == Space::Shared || space == Space::Cluster)
    return sharedPlace(block, address, bytes, align, space == Space::Cluster);
  if (address % align)
    fail(Fault::Kind::Alignment, "expects an address that is a multiple of " + std::to_string(align) + ", but found " +
                                     std::to_string(address));
  if (space == Space::Param || (space == Space::Generic && (address & kParamWindow))) {
    uint64_t offset = address & ~kParamWindow;
    if (offset > parameters.size() || bytes > parameters.size() - offset)
      fail(Fault::Kind::Bounds, "expects an address within " + std::to_string(parameters.size()) +
                                    " bytes of parameters, but found " + std::to_string(offset) + " with " +
                                    std::to_string(bytes) + " bytes");
    return {parameters.data() + offset, nullptr, nullptr, offset};
  }
  Allocation *found = machine.find(address, bytes);
  if (!found)
    fail(Fault::Kind::Bounds, "expects an address within an allocation of global memory, but found " +
                                  std::to_string(address) + " with " + std::to_string(bytes) + " bytes");
  uint64_t offset = address - found->address;
  return {found->bytes.data() + offset, &found->shadow, nullptr, offset};
}

/// Distinct values of an access's units (sectors, words of a bank), few enough to be searched.
template <typename Each> static unsigned distinct(const Lanes &addresses, uint32_t mask, Each unitsOf) {
  std::array<uint64_t, 320> seen;
  unsigned count = 0;
  forLanes(mask, [&](unsigned l) {
    unitsOf(addresses[l], [&](uint64_t unit) {
      if (count < seen.size() && std::find(seen.begin(), seen.begin() + count, unit) == seen.begin() + count)
        seen[count++] = unit;
    });
  });
  return count;
}

void Execution::count(const Lanes &addresses, uint32_t mask, unsigned bytes, Space space) {
  Counters &counters = machine.counted;
  unsigned lanes = unsigned(__builtin_popcount(mask));
  if (space == Space::Global) {
    counters.sectors += distinct(addresses, mask, [&](uint64_t at, auto add) {
      for (uint64_t sector = at / 32; sector <= (at + bytes - 1) / 32; ++sector)
        add(sector);
    });
    uint64_t first = ~uint64_t(0), last = 0;
    forLanes(mask, [&](unsigned l) {
      first = std::min(first, addresses[l]);
      last = std::max(last, addresses[l] + bytes);
    });
    counters.leastSectors += (std::min<uint64_t>(last - first, uint64_t(lanes) * bytes) + 31) / 32;
    return;
  }
  // A pass serves 128 bytes: all threads, or 16, or 8 of them.
  unsigned group = bytes >= 16 ? 8 : bytes >= 8 ? 16 : 32;
  for (unsigned from = 0; from < 32; from += group) {
    uint32_t part = mask & (group == 32 ? ~0u : ((1u << group) - 1) << from);
    if (!part)
      continue;
    unsigned worst = 0;
    std::array<std::array<uint64_t, 32>, 32> words;
    std::array<unsigned, 32> in = {};
    forLanes(part, [&](unsigned l) {
      for (uint64_t word = addresses[l] / 4; word <= (addresses[l] + bytes - 1) / 4; ++word) {
        auto &bank = words[word % 32];
        unsigned &n = in[word % 32];
        if (n < 32 && std::find(bank.begin(), bank.begin() + n, word) == bank.begin() + n)
          bank[n++] = word;
        worst = std::max(worst, n);
      }
    });
    counters.sharedPasses += worst;
    ++counters.leastSharedPasses;
  }
}

Outcome runInstruction(Step &step) {
  switch (step.in.op) {
  case Opcode::Mov:
  case Opcode::Cvta:
  case Opcode::MapA:
    return runMove(step);
  case Opcode::Ld:
  case Opcode::St:
    return runAccess(step);
  case Opcode::Atom:
  case Opcode::Red:
  case Opcode::Fence:
  case Opcode::FenceProxyAsync:
  case Opcode::FenceMbarrierInit:
    return runAtomic(step);
  case Opcode::Cvt:
    return runConversion(step);
  case Opcode::Bra:
  case Opcode::Ret:
  case Opcode::Trap:
  case Opcode::Nop:
  case Opcode::Shfl:
  case Opcode::Vote:
  case Opcode::Redux:
  case Opcode::ActiveMask:
  case Opcode::Elect:
  case Opcode::BarWarp:
  case Opcode::SetMaxNReg:
  case Opcode::GridDepWait:
  case Opcode::GridDepLaunch:
    return runThreads(step);
  case Opcode::Bar:
  case Opcode::ClusterArrive:
  case Opcode::ClusterWait:
    return runBarrier(step);
  case Opcode::MbarrierInit:
  case Opcode::MbarrierInval:
  case Opcode::MbarrierArrive:
  case Opcode::MbarrierExpectTx:
  case Opcode::MbarrierTest:
  case Opcode::MbarrierTry:
    return runMbarrier(step);
  case Opcode::CpAsync:
  case Opcode::CpAsyncCommit:
  case Opcode::CpAsyncWait:
  case Opcode::CpAsyncArrive:
  case Opcode::BulkLoad:
  case Opcode::BulkStore:
  case Opcode::BulkCommit:
  case Opcode::BulkWait:
    return runCopy(step);
  case Opcode::LdMatrix:
  case Opcode::StMatrix:
  case Opcode::Mma:
    return runMatrix(step);
  case Opcode::WgmmaFence:
  case Opcode::WgmmaCommit:
  case Opcode::WgmmaWait:
  case Opcode::Wgmma:
    return runWarpgroup(step);
  default:
    return runScalar(step);
  }
}

} // namespace quoin::ptx
