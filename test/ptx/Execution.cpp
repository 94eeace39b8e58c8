//===- Execution.cpp - a launch: blocks, and who goes on next ----------------===//
//
//   1. Blocks (or clusters of them) run one after the other in random order, each with fresh shared memory.
//   2. A random warp that can go on does, for 1 to 64 instructions. If its threads have parted, the part at the lowest
//      place goes first, mostly, so that it can meet the others again.
//   3. Parts at one place become one.
//   4. If none can go on, asynchronous work ends; if there is none either, that is a deadlock. Bulk copies end some
//      time while others go on, too, since these may be asking a flag.
//
//===----------------------------------------------------------------------===//

#include "test/ptx/Execution.h"
#include <algorithm>
#include <numeric>

namespace quoin::ptx {

Execution::Execution(Machine &owner, const Launch &what) : machine(owner), launch(what), random(what.seed) {}

static uint64_t product(const std::array<unsigned, 3> &sizes) { return uint64_t(sizes[0]) * sizes[1] * sizes[2]; }

/// Checks a launch against its kernel.
void Execution::prepare() {
  using Kind = Fault::Kind;
  kernel = machine.module.kernel(launch.kernel);
  if (!kernel)
    fail(Kind::Launch, "expects a kernel, but found none named '" + launch.kernel + "'");
  threadShape = kernel->threads[0] ? kernel->threads : launch.threads;
  if (kernel->threads[0] && launch.threads[0] && launch.threads != kernel->threads)
    fail(Kind::Launch, "expects the threads that the kernel requires, but found others");
  uint64_t threads = product(threadShape);
  if (threads < 1 || threads > kMostThreads)
    fail(Kind::Launch, "expects 1 to 1024 threads a block, but found " + std::to_string(threads));
  if (kernel->mostThreads && threads > kernel->mostThreads)
    fail(Kind::Launch, "expects at most " + std::to_string(kernel->mostThreads) +
                           " threads, as the kernel says, but found " + std::to_string(threads));
  blockThreads = unsigned(threads);
  warpsPerBlock = (blockThreads + 31) / 32;
  if (product(launch.grid) < 1 || product(launch.grid) > (1 << 20))
    fail(Kind::Launch, "expects 1 to 1048576 blocks, but found " + std::to_string(product(launch.grid)));
  if (launch.arguments.size() != kernel->parameters.size())
    fail(Kind::Launch, "expects " + std::to_string(kernel->parameters.size()) + " arguments, but found " +
                           std::to_string(launch.arguments.size()));
  parameters.assign(kernel->parameterBytes, 0);
  for (size_t i = 0; i < launch.arguments.size(); ++i) {
    const Parameter &each = kernel->parameters[i];
    if (launch.arguments[i].size() != each.bytes)
      fail(Kind::Launch, "expects " + std::to_string(each.bytes) + " bytes for '" + each.name + "', but found " +
                             std::to_string(launch.arguments[i].size()));
    std::copy(launch.arguments[i].begin(), launch.arguments[i].end(), parameters.begin() + each.offset);
  }
  if (uint64_t shared = uint64_t(kernel->sharedBytes) + launch.dynamicShared; shared > kMostSharedBytes)
    fail(Kind::Launch, "expects at most " + std::to_string(kMostSharedBytes) + " bytes of shared memory, but found " +
                           std::to_string(shared));
}

void Execution::run() {
  prepare();
  uint64_t cluster = kernel->cluster[0] ? product(kernel->cluster) : std::max(launch.clusterBlocks, 1u);
  uint64_t total = product(launch.grid);
  if (cluster < 1 || cluster > kMostClusterBlocks || total % cluster || (cluster > 1 && launch.grid[0] % cluster))
    fail(Fault::Kind::Launch,
         "expects clusters of at most 16 blocks, side by side in x, that divide the grid, but found " +
             std::to_string(cluster));
  std::vector<unsigned> order(total / cluster);
  std::iota(order.begin(), order.end(), 0);
  std::shuffle(order.begin(), order.end(), random);
  for (unsigned each : order) {
    unit = each + 1;
    runUnit(unsigned(each * cluster), unsigned(cluster));
  }
}

/// Marks what the launch before does, whose agent has one number in all blocks.
void Execution::claimEarlier() {
  claimed = true;
  Stamp stamp;
  stamp.agents = clocks->earlier();
  stamp.mask = stamp.time = 1;
  for (const Launch::Earlier &each : launch.earlier) {
    Allocation *memory = machine.find(each.address, each.bytes);
    if (!memory || !each.bytes)
      fail(Fault::Kind::Launch, "expects the launch before to use allocated memory, but found other");
    memory->shadow.claim(each.address - memory->address, each.bytes, stamp, each.writes);
  }
}

void Execution::runUnit(unsigned first, unsigned count) {
  blocks.clear();
  bulk.clear();
  mbarrierCount = clusterArrived = clusterPhase = 0;
  clusterMeeting = Meeting();
  clusterMet = Met();
  released.clear();
  fencedBefore.clear();
  readSince.clear();
  clocks = std::make_unique<Clocks>(count * warpsPerBlock * 32, kMostMbarriers * count);
  if (!claimed)
    claimEarlier();
  for (unsigned i = 0; i < count; ++i) {
    blocks.emplace_back();
    blocks.back().firstThread = i * warpsPerBlock * 32;
    setUp(blocks.back(), i, first + i);
  }
  executed = 0;
  schedule();
  checkFinished();
}

void Execution::setUp(Block &block, unsigned rank, unsigned linear) {
  const std::array<unsigned, 3> &grid = launch.grid;
  block.rank = rank;
  block.at = {linear % grid[0], linear / grid[0] % grid[1], linear / grid[0] / grid[1]};
  block.memory.resize(kernel->sharedBytes + launch.dynamicShared);
  for (uint8_t &each : block.memory)
    each = uint8_t(random());
  block.shadow = std::make_unique<Shadow>(block.memory.size(), true);
  block.issued.assign((warpsPerBlock + 3) / 4, {});
  unsigned clusterSize = unsigned(kernel->cluster[0] ? product(kernel->cluster) : std::max(launch.clusterBlocks, 1u));
  for (unsigned w = 0; w < warpsPerBlock; ++w) {
    Warp &warp = block.warps.emplace_back();
    warp.block = &block;
    warp.index = w;
    warp.firstThread = block.firstThread + w * 32;
    size_t registers = kernel->registers.size();
    Lanes junk;
    junk.fill(0xdeadbeefdeadbeef);
    warp.registers.assign(registers, junk);
    warp.poison.assign(registers, ~0u);
    warp.writtenAt.assign(registers, 0);
    warp.busy.assign(registers, 0);
    warp.isResult.assign(registers, 0);
    warp.copyGroup.fill(1);
    warp.storeGroup.fill(1);
    warp.clusterPhase.fill(0);
    const uint64_t uniform[SpecialRegisterCount] = {0,
                                                    0,
                                                    0,
                                                    threadShape[0],
                                                    threadShape[1],
                                                    threadShape[2],
                                                    block.at[0],
                                                    block.at[1],
                                                    block.at[2],
                                                    grid[0],
                                                    grid[1],
                                                    grid[2],
                                                    0,
                                                    w,
                                                    warpsPerBlock,
                                                    0,
                                                    0,
                                                    0,
                                                    0,
                                                    0,
                                                    linear / clusterSize,
                                                    grid[0] / clusterSize,
                                                    rank,
                                                    clusterSize,
                                                    launch.dynamicShared};
    for (size_t s = 0; s < SpecialRegisterCount; ++s) {
      warp.registers[s].fill(uniform[s]);
      warp.poison[s] = 0;
    }
    unsigned born = std::min(32u, blockThreads - w * 32);
    for (unsigned lane = 0; lane < 32; ++lane) {
      unsigned thread = w * 32 + lane;
      warp.registers[TidX][lane] = thread % threadShape[0];
      warp.registers[TidY][lane] = thread / threadShape[0] % threadShape[1];
      warp.registers[TidZ][lane] = thread / threadShape[0] / threadShape[1];
      warp.registers[LaneId][lane] = lane;
      uint64_t self = uint64_t(1) << lane;
      warp.registers[LaneMaskEq][lane] = self;
      warp.registers[LaneMaskLt][lane] = self - 1;
      warp.registers[LaneMaskLe][lane] = 2 * self - 1;
      warp.registers[LaneMaskGt][lane] = uint32_t(~(2 * self - 1));
      warp.registers[LaneMaskGe][lane] = uint32_t(~(self - 1));
    }
    Fragment all;
    all.mask = born == 32 ? ~0u : (1u << born) - 1;
    warp.fragments.push_back(all);
  }
}

void Execution::mergeFragments(Warp &warp) {
  auto mayMeet = [](const Fragment &each) {
    return each.wait == Fragment::Wait::None || each.wait == Fragment::Wait::Partners;
  };
  std::vector<Fragment> &all = warp.fragments;
  for (size_t i = 0; i < all.size(); ++i)
    for (size_t j = all.size() - 1; j > i; --j)
      if (all[i].pc == all[j].pc && mayMeet(all[i]) && mayMeet(all[j])) {
        all[i].mask |= all[j].mask;
        all[i].wait = Fragment::Wait::None;
        all.erase(all.begin() + int64_t(j));
      }
}

void Execution::schedule() {
  std::vector<Warp *> ready;
  auto isReady = [](const Fragment &each) { return each.wait == Fragment::Wait::None; };
  for (;;) {
    ready.clear();
    bool living = false;
    for (Block &block : blocks)
      for (Warp &warp : block.warps) {
        if (warp.fragments.size() > 1)
          mergeFragments(warp);
        living |= !warp.fragments.empty();
        if (std::any_of(warp.fragments.begin(), warp.fragments.end(), isReady))
          ready.push_back(&warp);
      }
    if (!living)
      return;
    if (ready.empty()) {
      if (!finishSomething(true))
        reportDeadlock();
      continue;
    }
    Warp &warp = *ready[random() % ready.size()];
    size_t chosen = warp.fragments.size();
    bool any = random() % 16 == 0;
    for (size_t i = 0, seen = 0; i < warp.fragments.size(); ++i) {
      if (!isReady(warp.fragments[i]))
        continue;
      ++seen;
      if (chosen == warp.fragments.size() ||
          (any ? random() % seen == 0 : warp.fragments[i].pc < warp.fragments[chosen].pc))
        chosen = i;
    }
    step(warp, chosen, 1 + unsigned(random() % 64));
    if (launch.timing == Timing::Random && random() % 4 == 0)
      finishSomething(false);
    // Late is not never: who asks a flag again and again waits, too.
    else if (launch.timing == Timing::Late && random() % 256 == 0)
      finishSomething(true);
  }
}

void Execution::step(Warp &warp, size_t index, unsigned budget) {
  currentWarp = &warp;
  while (budget-- > 0) {
    Fragment &fragment = warp.fragments[index];
    const Instruction &in = kernel->code[size_t(fragment.pc)];
    current = &in;
    uint32_t mask = fragment.mask;
    ++machine.counted.warpInstructions;
    ++warp.now;
    if (++executed > launch.mostInstructions)
      fail(Fault::Kind::Barrier, "expects a block to end within " + std::to_string(launch.mostInstructions) +
                                     " instructions, but found it running");
    if (in.guard >= 0) {
      size_t guard = size_t(in.guard);
      if (warp.poison[guard] & mask)
        fail(Fault::Kind::Unwritten, "expects a predicate that was written, but found one that nobody wrote");
      uint32_t on = 0;
      forLanes(mask, [&](unsigned l) { on |= uint32_t((warp.registers[guard][l] & 1) ^ in.guardNegated) << l; });
      mask = on;
    }
    if (!mask) {
      ++fragment.pc;
    } else {
      Step step = {*this, *warp.block, warp, fragment, in, mask};
      Outcome outcome = runInstruction(step);
      if (outcome == Outcome::Next) {
        ++warp.fragments[index].pc;
      } else if (outcome == Outcome::Again && mask != warp.fragments[index].mask) {
        // Those whose guard is off go on.
        Fragment &stays = warp.fragments[index];
        Fragment rest = {stays.pc + 1, stays.mask & ~mask, Fragment::Wait::None, 0};
        stays.mask = mask;
        warp.fragments.push_back(rest);
        return;
      }
      if (outcome != Outcome::Next)
        return;
    }
    if (warp.fragments.size() > 1)
      return;
  }
}

/// One thing that may end does; `force` where nobody can go on without.
bool Execution::finishSomething(bool force) {
  if (launch.timing == Timing::Late && !force)
    return false;
  if (!bulk.empty()) {
    finishBulk(random() % bulk.size());
    return true;
  }
  if (force)
    return false; // the rest ends where it is waited for
  for (Block &block : blocks)
    for (Warp &warp : block.warps) {
      if (!warp.products.empty() && random() % 4 == 0) {
        finishProduct(warp, warp.products.front());
        warp.products.pop_front();
        return true;
      }
      if (!warp.copies.empty() && random() % 4 == 0) {
        finishCopy(warp, warp.copies.front());
        warp.copies.pop_front();
        return true;
      }
    }
  return false;
}

void Execution::wake(Fragment::Wait wait, Block *block, uint64_t key, bool advance) {
  for (Block &each : blocks)
    if (!block || block == &each)
      for (Warp &warp : each.warps)
        for (Fragment &fragment : warp.fragments)
          if (fragment.wait == wait && fragment.key == key) {
            fragment.wait = Fragment::Wait::None;
            fragment.pc += advance;
          }
}

} // namespace quoin::ptx
