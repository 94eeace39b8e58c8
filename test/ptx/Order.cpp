//===- Order.cpp - order by fences and by memory that others rely on ---------===//
//
// A release is a write with `.release`, or a relaxed one after a fence; an acquire is a read with `.acquire`, or a
// relaxed one before a fence. An acquire that reads what a release wrote, or what atomic operations made of it, orders
// what came before the one and what comes after the other.
//
//===----------------------------------------------------------------------===//

#include "test/ptx/Execution.h"

namespace quoin::ptx {

static Met copyOf(const Meeting &meeting) {
  Meeting copy = meeting;
  return Clocks::close(copy);
}

void Execution::fence(unsigned thread, bool) {
  if (auto read = readSince.find(thread); read != readSince.end()) {
    clocks->acquire(thread, Clocks::close(read->second));
    readSince.erase(read);
  }
  Meeting all;
  clocks->release(thread, all);
  fencedBefore[thread] = std::move(all);
}

void Execution::noteRead(const Place &place, unsigned thread) {
  if (auto found = released.find({place.shadow, place.offset}); found != released.end())
    Clocks::join(readSince[thread], found->second);
}

void Execution::acquireFrom(const Place &place, unsigned thread) {
  if (auto found = released.find({place.shadow, place.offset}); found != released.end())
    clocks->acquire(thread, copyOf(found->second));
}

void Execution::noteWrite(const Place &place, unsigned thread, bool releases, bool modifies) {
  auto fenced = fencedBefore.find(thread);
  Word word = {place.shadow, place.offset};
  if (!modifies)
    released.erase(word);
  if (releases)
    clocks->release(thread, released[word]);
  else if (fenced != fencedBefore.end())
    Clocks::join(released[word], fenced->second);
}

} // namespace quoin::ptx
