//===- Faults.cpp - what is reported, and how --------------------------------===//

#include "test/ptx/Execution.h"

namespace quoin::ptx {

static std::string trimmed(const std::string &text) {
  size_t first = text.find_first_not_of(" \t"), last = text.find_last_not_of(" \t\r");
  return first == std::string::npos ? "" : text.substr(first, last - first + 1);
}

void Execution::fault(Fault::Kind kind, const std::string &text, Severity severity) {
  uint32_t line = current ? current->line : 0;
  std::string whole = text;
  if (currentWarp) {
    const Block &block = *currentWarp->block;
    whole += " (block " + std::to_string(block.at[0]) + "," + std::to_string(block.at[1]) + "," +
             std::to_string(block.at[2]) + " warp " + std::to_string(currentWarp->index) + ")";
  }
  if (line)
    whole = "line " + std::to_string(line) + ": " + whole + ": " + trimmed(machine.module.lines[line - 1]);
  // One fault of a kind at a line says it all.
  if (reported.insert({kind, line}).second)
    machine.found.push_back({kind, line, whole});
  if (severity == Severity::End)
    throw Stop();
}

std::string Execution::described(const Stamp &stamp) const {
  unsigned threads = clocks->threadCount(), agent = stamp.agents + unsigned(__builtin_ctz(stamp.mask ? stamp.mask : 1));
  if (stamp.unit == 0)
    return "the launch before";
  std::string who;
  if (stamp.unit != unit) {
    who = "another block";
  } else if (agent < 4 * threads) {
    static constexpr const char *kinds[] = {"", "cp.async of ", "bulk store of ", "bulk store of "};
    unsigned thread = agent % threads, warp = thread / 32;
    who = kinds[agent / threads];
    if (blocks.size() > 1)
      who += "block " + std::to_string(warp / warpsPerBlock) + " of the cluster, ";
    who += "warp " + std::to_string(warp % warpsPerBlock) + " lane " + std::to_string(thread % 32);
  } else if (agent < clocks->bulkOf(0)) {
    who = "wgmma of warp " + std::to_string((agent - 4 * threads) % warpsPerBlock);
  } else {
    who = "a bulk copy";
  }
  return who + " at line " + std::to_string(lineOf(stamp.pc));
}

static void report(Execution &x, const Conflict &conflict, const Execution::Place &place, const std::string &does) {
  using Kind = Conflict::Kind;
  Fault::Kind found = conflict.kind == Kind::Unfenced  ? Fault::Kind::Proxy
                      : conflict.kind == Kind::Barrier ? Fault::Kind::Mbarrier
                                                       : Fault::Kind::Race;
  if (x.isReported(found))
    return;
  std::string bytes = std::string(place.owner ? "shared" : "global") + " byte " + std::to_string(conflict.offset);
  std::string other = x.described(conflict.other);
  switch (conflict.kind) {
  case Kind::InFlight:
    return x.fault(found, "expects bytes at rest, but found it " + does + " " + bytes +
                              " while it is being copied by " + other);
  case Kind::AfterWrite:
    return x.fault(found,
                   "expects an order of accesses, but found none: it " + does + " " + bytes + ", written by " + other);
  case Kind::AfterRead:
    return x.fault(found, "expects an order of accesses, but found none: it " + does + " " + bytes +
                              ", which may still be read by " + other);
  case Kind::Unfenced:
    return x.fault(found, "expects fence.proxy.async between an ordinary write and the asynchronous proxy, "
                          "but found none: it " +
                              does + " " + bytes + ", written by " + other);
  case Kind::Barrier:
    return x.fault(found, "expects only operations of mbarriers on an mbarrier, but found it " + does + " " + bytes +
                              " of one");
  }
}

void Execution::reads(const Place &place, unsigned thread, const Stamp &stamp, unsigned bytes, bool written) {
  if (!place.shadow)
    return;
  if (std::optional<Conflict> found = place.shadow->read(*clocks, thread, stamp, place.offset, bytes))
    return report(*this, *found, place, "reads");
  if (!written)
    return;
  if (std::optional<uint64_t> byte = place.shadow->firstUnwritten(place.offset, bytes))
    fault(Fault::Kind::Unwritten, "expects bytes that were written, but found " +
                                      std::string(place.owner ? "shared" : "global") + " byte " +
                                      std::to_string(*byte) + " that nobody wrote");
}

void Execution::writes(const Place &place, unsigned thread, const Stamp &stamp, unsigned bytes) {
  if (!place.shadow)
    return;
  if (std::optional<Conflict> found = place.shadow->write(*clocks, thread, stamp, place.offset, bytes))
    report(*this, *found, place, "writes");
}

void Execution::reportDeadlock() {
  using Wait = Fragment::Wait;
  std::string where;
  const Instruction *first = nullptr;
  for (Block &block : blocks)
    for (Warp &warp : block.warps)
      for (const Fragment &each : warp.fragments) {
        const Instruction &stuck = kernel->code[size_t(each.pc - (each.wait == Wait::Mbarrier))];
        first = first ? first : &stuck;
        if (!where.empty())
          where += "; ";
        if (blocks.size() > 1)
          where += "block " + std::to_string(block.rank) + " of the cluster, ";
        where += "warp " + std::to_string(warp.index) + " at line " + std::to_string(stuck.line);
        switch (each.wait) {
        case Wait::Barrier: {
          const NamedBarrier &barrier = block.barriers[each.key];
          where += " at barrier " + std::to_string(each.key) + " with " + std::to_string(barrier.arrived) + " of " +
                   std::to_string(barrier.expected) + " threads";
          break;
        }
        case Wait::Mbarrier: {
          const Mbarrier &barrier = block.mbarriers[each.key];
          where += " at the mbarrier at " + std::to_string(each.key) + ", phase " + std::to_string(barrier.phase) +
                   ", which lacks " + std::to_string(barrier.pending) + " arrivals and " +
                   std::to_string(barrier.bytes) + " bytes";
          break;
        }
        case Wait::Cluster:
          where += " at the barrier of the cluster";
          break;
        default:
          where += " for other threads of the warp";
          break;
        }
      }
  currentWarp = nullptr;
  current = first;
  fail(Fault::Kind::Barrier, "expects somebody who can go on, but found none: " + where);
}

/// What must not be left when a block ends.
void Execution::checkFinished() {
  for (Block &block : blocks) {
    for (Warp &warp : block.warps) {
      currentWarp = &warp;
      current = nullptr;
      if (!warp.copies.empty())
        fault(Fault::Kind::Unfinished, "expects all cp.async to be waited for, but found some at the end");
      for (const ProductInFlight &each : warp.products) {
        current = each.in;
        fault(Fault::Kind::Unfinished, "expects all products to be waited for, but found this one at the end");
      }
      current = nullptr;
      if (warp.productCount != block.warps[warp.index / 4 * 4].productCount)
        fault(Fault::Kind::Product,
              "expects the four warps of a group to issue the same products, but found one with " +
                  std::to_string(warp.productCount) + " instead of " +
                  std::to_string(block.warps[warp.index / 4 * 4].productCount));
    }
  }
  for (const BulkInFlight &each : bulk) {
    currentWarp = nullptr;
    current = &kernel->code[each.stamp.pc];
    fault(Fault::Kind::Unfinished, "expects all bulk copies to be waited for, but found this one at the end");
  }
  currentWarp = nullptr;
  current = nullptr;
}

} // namespace quoin::ptx
