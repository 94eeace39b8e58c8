//===- Warpgroup.cpp - wgmma: products that four warps begin and wait for ----===//
//
// Each warp multiplies its 16 of the 64 rows. A product reads shared memory and its accumulators until it is waited
// for; until then its registers are `busy`, and what it reads in shared memory is read by the warp's product agent,
// whose time is the number of the group.
//
//===----------------------------------------------------------------------===//

#include "test/ptx/Execution.h"
#include "test/ptx/Numbers.h"
#include <algorithm>

namespace quoin::ptx {

/// Where 16 bytes of a factor lie: `row`, and `chunk` of the two along k. A descriptor holds, in units of 16 bytes, the
/// start, the step between chunks (without swizzle) and the step between groups of eight rows.
static uint64_t chunkAt(uint64_t descriptor, unsigned row, unsigned chunk) {
  uint64_t start = (descriptor & 0x3fff) << 4, lead = (descriptor >> 16 & 0x3fff) << 4,
           stride = (descriptor >> 32 & 0x3fff) << 4;
  unsigned layout = unsigned(descriptor >> 62);
  if (layout == 0)
    return start + row / 8 * stride + chunk * lead + row % 8 * 16;
  unsigned span = layout == 1 ? 128 : layout == 2 ? 64 : 32;
  uint64_t at = start + row / 8 * stride + row % 8 * span + chunk * 16;
  return at ^ ((at >> 7 & (span / 16 - 1)) << 4);
}

static void checkDescriptor(Step &step, uint64_t descriptor) {
  // Bits 49 to 51 say where a swizzle's pattern begins when its atoms are not aligned to it.
  const uint64_t known = 0xc0003fff3fff3fff;
  if (descriptor & ~known)
    step.x.fail(Fault::Kind::Undefined,
                "expects a matrix descriptor of start, steps and swizzle, but found other bits set");
}

/// The 16 elements along k of a row.
static void fetch(Execution &x, Block &block, Type type, uint64_t descriptor, unsigned row, double *to) {
  for (unsigned chunk = 0; chunk < 2; ++chunk) {
    Execution::Place place = x.sharedPlace(block, chunkAt(descriptor, row, chunk), 16, 16, false);
    for (unsigned i = 0; i < 8; ++i) {
      uint16_t bits;
      std::memcpy(&bits, place.bytes + 2 * i, 2);
      to[chunk * 8 + i] = decode(formatOf(type), bits);
    }
  }
}

void Execution::finishProduct(Warp &warp, const ProductInFlight &product) {
  const Instruction &in = *product.in;
  Block &block = *warp.block;
  std::vector<std::array<double, 16>> a(16), b(in.count);
  const Operand &left = in.operands[1];
  for (unsigned i = 0; i < 16; ++i) {
    if (left.kind != Operand::Kind::Vector) {
      fetch(*this, block, in.from, product.a, warp.index % 4 * 16 + i, a[i].data());
      continue;
    }
    for (unsigned k = 0; k < 16; ++k) {
      uint64_t bits = warp.registers[size_t(left.parts[k / 8 * 2 + i / 8].reg)][i % 8 * 4 + k % 8 / 2];
      a[i][k] = decode(formatOf(in.from), bits >> (16 * (k % 2)) & 0xffff);
    }
  }
  for (unsigned j = 0; j < in.count; ++j)
    fetch(*this, block, in.from, product.b, j, b[j].data());
  double sign = (in.operands[4].value == 1 ? 1 : -1) * (in.operands[5].value == 1 ? 1 : -1);
  const std::vector<Operand> &d = in.operands[0].parts;
  for (size_t q = 0; q < d.size(); ++q) {
    Lanes &out = warp.registers[size_t(d[q].reg)];
    for (unsigned l = 0; l < 32; ++l) {
      const std::array<double, 16> &x = a[l / 4 + 8 * (q / 2 % 2)], &y = b[q / 4 * 8 + l % 4 * 2 + q % 2];
      double sum = product.accumulates ? decode(kSingle, out[l]) : 0;
      for (unsigned k = 0; k < 16; ++k)
        sum += sign * x[k] * y[k];
      out[l] = encode(kSingle, sum);
    }
  }
}

/// The four warps of a group issue the same products: the first says which, the others are compared with it.
static void checkGroup(Step &step, uint64_t a, uint64_t b) {
  auto &issued = step.block.issued[step.warp.index / 4];
  std::array<uint64_t, 3> mine = {uint64_t(step.fragment.pc), a, b};
  uint64_t index = step.warp.productCount++;
  if (index == issued.size())
    issued.push_back(mine);
  else if (issued[index] != mine)
    step.x.fault(Fault::Kind::Product,
                 "expects the four warps of a group to issue the same products, but found another");
}

static void begin(Step &step) {
  const Instruction &in = step.in;
  Execution &x = step.x;
  Warp &warp = step.warp;
  auto unready = [&](const std::string &what) {
    x.fault(Fault::Kind::Product, "expects wgmma.fence after the last write of " + what + ", but found none");
  };
  if (warp.index / 4 * 4 + 4 > x.warpsPerBlock)
    x.fail(Fault::Kind::Product, "expects the four warps of a group, but found " + std::to_string(x.warpsPerBlock % 4) +
                                     " in the block's last");
  const Operand &scale = in.operands[3];
  bool accumulates = scale.kind == Operand::Kind::Immediate ? scale.value != 0 : step.readUniform(3, "a scale") != 0;
  if (!warp.fencedAt)
    unready("the registers of a product");
  for (const Operand &each : in.operands[0].parts) {
    size_t reg = size_t(each.reg);
    if (accumulates && warp.poison[reg])
      x.fault(Fault::Kind::Unwritten, "expects an accumulator that was written, but found one that nobody wrote");
    if (warp.busy[reg] && !warp.isResult[reg])
      x.fail(Fault::Kind::Product,
             "expects a wait for the product that reads a register, but found it made an accumulator before");
    if (!warp.busy[reg] && warp.writtenAt[reg] > warp.fencedAt)
      unready("an accumulator");
    warp.busy[reg] = warp.productGroup;
    warp.isResult[reg] = 1;
    warp.poison[reg] = 0;
  }
  ProductInFlight made = {&in, 0, step.readUniform(2, "a matrix descriptor"), accumulates, warp.productGroup};
  const Operand &left = in.operands[1];
  if (left.kind == Operand::Kind::Vector) {
    for (const Operand &each : left.parts) {
      size_t reg = size_t(each.reg);
      if (warp.busy[reg] && warp.isResult[reg])
        x.fail(Fault::Kind::Product,
               "expects a wait for the product that writes a register, but found it multiplied before");
      if (warp.poison[reg])
        x.fault(Fault::Kind::Unwritten,
                "expects numbers to multiply that were written, but found one that nobody wrote");
      if (warp.writtenAt[reg] > warp.fencedAt)
        unready("a factor in registers");
      warp.busy[reg] = warp.productGroup;
      warp.isResult[reg] = 0;
    }
  } else {
    made.a = step.readUniform(1, "a matrix descriptor");
    checkDescriptor(step, made.a);
  }
  checkDescriptor(step, made.b);
  checkGroup(step, made.a, made.b);
  Stamp stamp = step.stamp(0);
  stamp.agents = x.clocks->productsOf(warp.firstThread / 32);
  stamp.time = warp.productGroup;
  stamp.proxy = true;
  auto reads = [&](uint64_t descriptor, unsigned row) {
    for (unsigned chunk = 0; chunk < 2; ++chunk) {
      Execution::Place place = x.sharedPlace(step.block, chunkAt(descriptor, row, chunk), 16, 16, false);
      // Both of them must know what was written there: some kernels let one thread wait for all.
      x.reads(place, step.thread(0), stamp, 16);
      x.reads(place, step.thread(31), stamp, 16);
    }
  };
  if (left.kind != Operand::Kind::Vector)
    for (unsigned row = 0; row < 16; ++row)
      reads(made.a, warp.index % 4 * 16 + row);
  for (unsigned row = 0; row < in.count; ++row)
    reads(made.b, row);
  warp.products.push_back(made);
  ++x.counters().products;
  if (x.launch.timing == Timing::Early) {
    x.finishProduct(warp, made);
    warp.products.pop_back();
  }
}

static void waitForProducts(Step &step) {
  Warp &warp = step.warp;
  uint32_t kept = uint32_t(step.in.operands[0].value),
           last = warp.productGroup - 1 > kept ? warp.productGroup - 1 - kept : 0;
  while (!warp.products.empty() && warp.products.front().group <= last) {
    step.x.finishProduct(warp, warp.products.front());
    warp.products.pop_front();
  }
  for (uint32_t &each : warp.busy)
    each = each <= last ? 0 : each;
  unsigned agent = step.x.clocks->productsOf(warp.firstThread / 32);
  forLanes(step.mask, [&](unsigned l) { step.x.clocks->learn(step.thread(l), agent, last); });
}

Outcome runWarpgroup(Step &step) {
  if (!step.isWholeWarp())
    return Outcome::Again;
  switch (step.in.op) {
  case Opcode::WgmmaFence:
    step.warp.fencedAt = step.warp.now;
    break;
  case Opcode::WgmmaCommit:
    ++step.warp.productGroup;
    break;
  case Opcode::WgmmaWait:
    waitForProducts(step);
    break;
  default:
    begin(step);
  }
  return Outcome::Next;
}

} // namespace quoin::ptx
