//===- Shadow.cpp - what is known of each byte of memory ---------------------===//

#include "test/ptx/Shadow.h"
#include <algorithm>

namespace quoin::ptx {

template <typename Visit> void Shadow::cells(uint64_t at, uint64_t bytes, Visit visit) {
  for (uint64_t word = at / 4, last = (at + bytes - 1) / 4; word <= last; ++word) {
    uint64_t from = std::max(at, word * 4), to = std::min(at + bytes, word * 4 + 4);
    auto split = parts.empty() ? parts.end() : parts.find(word);
    if (to - from == 4 && split == parts.end()) {
      visit(words[word], from);
      continue;
    }
    if (split == parts.end()) {
      Cell &whole = words[word];
      split = parts.emplace(word, std::array<Cell, 4>{whole, whole, whole, whole}).first;
      for (Cell &part : split->second) { // lists are not shared
        for (int32_t *number : {&part.moreReads, &part.moreWrites})
          if (*number >= 0) {
            std::vector<Stamp> copy = lists[size_t(*number)];
            *number = int32_t(lists.size());
            lists.push_back(std::move(copy));
          }
      }
    }
    for (uint64_t byte = from; byte < to; ++byte)
      visit(split->second[byte % 4], byte);
  }
}

std::vector<Stamp> &Shadow::list(int32_t &number) {
  if (number < 0) {
    number = int32_t(lists.size());
    lists.emplace_back();
  }
  return lists[size_t(number)];
}

/// Whether the accesses need no order: both are such that others may rely on them, and reach each other.
static bool bothStrong(const Stamp &a, const Stamp &b) {
  return a.strong && b.strong && (a.unit == b.unit || (a.device && b.device));
}

static bool isOrdered(const Clocks &clocks, unsigned thread, const Stamp &before, const Stamp &now) {
  if (!before.mask || bothStrong(before, now))
    return true;
  return (before.unit == now.unit || before.unit == 0) && clocks.knows(thread, before);
}

std::optional<Conflict> Shadow::check(const Clocks &clocks, unsigned thread, const Stamp &stamp, Cell &cell,
                                      bool writes) {
  using Kind = Conflict::Kind;
  if (cell.barrier)
    return Conflict{Kind::Barrier, cell.write, 0};
  if (cell.pending)
    return Conflict{Kind::InFlight, cell.write, 0};
  auto afterWrite = [&](const Stamp &before) -> std::optional<Conflict> {
    if (!isOrdered(clocks, thread, before, stamp))
      return Conflict{Kind::AfterWrite, before, 0};
    if (stamp.proxy && before.mask && !before.proxy && before.agents < 2 * clocks.threadCount() &&
        before.unit == stamp.unit && !clocks.isFenced(thread, before, isShared))
      return Conflict{Kind::Unfenced, before, 0};
    return std::nullopt;
  };
  if (std::optional<Conflict> found = afterWrite(cell.write))
    return found;
  if (cell.moreWrites >= 0)
    for (const Stamp &each : lists[size_t(cell.moreWrites)])
      if (std::optional<Conflict> found = afterWrite(each))
        return found;
  if (!writes)
    return std::nullopt;
  if (!isOrdered(clocks, thread, cell.read, stamp))
    return Conflict{Kind::AfterRead, cell.read, 0};
  if (cell.moreReads >= 0)
    for (const Stamp &each : lists[size_t(cell.moreReads)])
      if (!isOrdered(clocks, thread, each, stamp))
        return Conflict{Kind::AfterRead, each, 0};
  return std::nullopt;
}

/// Whether two stamps differ in their masks only.
static bool sameButMask(const Stamp &a, const Stamp &b) {
  return a.agents == b.agents && a.time == b.time && a.pc == b.pc && a.unit == b.unit && a.strong == b.strong;
}

std::optional<Conflict> Shadow::read(const Clocks &clocks, unsigned thread, const Stamp &stamp, uint64_t at,
                                     uint64_t bytes) {
  std::optional<Conflict> conflict;
  cells(at, bytes, [&](Cell &cell, uint64_t offset) {
    if (!conflict) {
      conflict = check(clocks, thread, stamp, cell, false);
      if (conflict)
        conflict->offset = offset;
    }
    if (cell.read.mask && sameButMask(cell.read, stamp)) {
      cell.read.mask |= stamp.mask;
    } else if (!cell.read.mask || isOrdered(clocks, thread, cell.read, stamp)) {
      // Whoever waits for this read has waited for that one.
      if (cell.read.strong && !(cell.read.unit == stamp.unit && clocks.knows(thread, cell.read)) && cell.read.mask)
        list(cell.moreReads).push_back(cell.read);
      cell.read = stamp;
    } else {
      std::vector<Stamp> &more = list(cell.moreReads);
      for (Stamp &each : more)
        if (sameButMask(each, stamp)) {
          each.mask |= stamp.mask;
          return;
        }
      if (more.size() > 8)
        std::erase_if(more, [&](const Stamp &each) { return each.unit == stamp.unit && clocks.knows(thread, each); });
      more.push_back(stamp);
    }
  });
  return conflict;
}

std::optional<Conflict> Shadow::write(const Clocks &clocks, unsigned thread, const Stamp &stamp, uint64_t at,
                                      uint64_t bytes) {
  std::optional<Conflict> conflict;
  cells(at, bytes, [&](Cell &cell, uint64_t offset) {
    if (!conflict) {
      conflict = check(clocks, thread, stamp, cell, true);
      if (conflict)
        conflict->offset = offset;
    }
    // Strong writes that did not wait for each other are all to be waited for.
    if (cell.write.mask && stamp.strong && bothStrong(cell.write, stamp) &&
        !(cell.write.unit == stamp.unit && clocks.knows(thread, cell.write))) {
      if (sameButMask(cell.write, stamp)) {
        cell.write.mask |= stamp.mask;
        return;
      }
      std::vector<Stamp> &more = list(cell.moreWrites);
      std::erase_if(more, [&](const Stamp &each) { return each.unit == stamp.unit && clocks.knows(thread, each); });
      more.push_back(cell.write);
    } else if (cell.moreWrites >= 0) {
      lists[size_t(cell.moreWrites)].clear();
    }
    cell.write = stamp;
    cell.read = Stamp();
    if (cell.moreReads >= 0)
      lists[size_t(cell.moreReads)].clear();
  });
  return conflict;
}

void Shadow::begin(uint64_t at, uint64_t bytes) {
  cells(at, bytes, [](Cell &cell, uint64_t) { ++cell.pending; });
}
void Shadow::end(uint64_t at, uint64_t bytes) {
  cells(at, bytes, [](Cell &cell, uint64_t) { --cell.pending; });
}
void Shadow::end(uint64_t at, uint64_t bytes, const Stamp &stamp) {
  cells(at, bytes, [&](Cell &cell, uint64_t) {
    --cell.pending;
    cell.write = stamp;
  });
}
void Shadow::claim(uint64_t at, uint64_t bytes, const Stamp &stamp, bool writes) {
  cells(at, bytes, [&](Cell &cell, uint64_t) { (writes ? cell.write : cell.read) = stamp; });
}
void Shadow::setBarrier(uint64_t at, bool holds) {
  cells(at, 8, [&](Cell &cell, uint64_t) { cell.barrier = holds; });
}

void Shadow::markWritten(uint64_t at, uint64_t bytes) {
  std::fill_n(isWritten.begin() + int64_t(at), bytes, uint8_t(1));
}
std::optional<uint64_t> Shadow::firstUnwritten(uint64_t at, uint64_t bytes) const {
  for (uint64_t i = at; i < at + bytes; ++i)
    if (!isWritten[i])
      return i;
  return std::nullopt;
}

void Shadow::forget() {
  std::fill(words.begin(), words.end(), Cell());
  parts.clear();
  lists.clear();
}

} // namespace quoin::ptx
