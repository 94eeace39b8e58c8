//===- Clocks.cpp - what each thread knows to have happened ------------------===//

#include "test/ptx/Clocks.h"
#include <algorithm>

namespace quoin::ptx {

Clocks::Clocks(unsigned threadCount, unsigned mbarriers)
    : threads(threadCount), agents(bulkOf(mbarriers) + 1), state(threadCount), warpTime(threadCount / 32, 1),
      recent(8) {
  Knowledge nothing = std::make_shared<Times>(agents, 0);
  for (Thread &each : state)
    each.known = each.fenced[0] = each.fenced[1] = nothing;
}

bool Clocks::knows(unsigned thread, const Stamp &stamp) const {
  const Thread &self = state[thread];
  const uint32_t *times = self.known->data() + stamp.agents;
  for (uint32_t rest = stamp.mask; rest; rest &= rest - 1) {
    unsigned bit = unsigned(__builtin_ctz(rest)), agent = stamp.agents + bit;
    if (times[bit] >= stamp.time || agent == thread)
      continue;
    if ((agent == copiesOf(thread) && self.copies >= stamp.time) ||
        (agent == storesOf(thread) && self.stores >= stamp.time) ||
        (agent == storedOf(thread) && self.stored >= stamp.time))
      continue;
    return false;
  }
  return true;
}

bool Clocks::isFenced(unsigned thread, const Stamp &stamp, bool shared) const {
  const Thread &self = state[thread];
  for (uint32_t rest = stamp.mask; rest; rest &= rest - 1) {
    unsigned agent = stamp.agents + unsigned(__builtin_ctz(rest));
    if ((agent == thread ? self.fencedSelf[shared] : (*self.fenced[shared])[agent]) < stamp.time)
      return false;
  }
  return true;
}

static void joinInto(Times &into, const Knowledge &from, Knowledge &last) {
  if (from == last)
    return;
  last = from;
  if (into.empty())
    into.assign(from->size(), 0);
  const Times &other = *from;
  for (size_t i = 0; i < into.size(); ++i)
    into[i] = std::max(into[i], other[i]);
}

static void raise(uint32_t &time, uint32_t to) { time = std::max(time, to); }

void Clocks::release(unsigned thread, Meeting &meeting) const {
  const Thread &self = state[thread];
  joinInto(meeting.known, self.known, meeting.lastKnown);
  raise(meeting.known[thread], time(thread));
  raise(meeting.known[copiesOf(thread)], self.copies);
  raise(meeting.known[storesOf(thread)], self.stores);
  raise(meeting.known[storedOf(thread)], self.stored);
  for (bool shared : {false, true}) {
    joinInto(meeting.fenced[shared], self.fenced[shared], meeting.lastFenced[shared]);
    raise(meeting.fenced[shared][thread], self.fencedSelf[shared]);
  }
}

void Clocks::note(Meeting &meeting, unsigned agent, uint32_t when) const {
  meeting.known.resize(agents);
  raise(meeting.known[agent], when);
}

Met Clocks::close(Meeting &meeting) {
  if (meeting.known.empty())
    return {};
  Met met;
  met.known = std::make_shared<Times>(std::move(meeting.known));
  for (bool shared : {false, true})
    met.fenced[shared] = std::make_shared<Times>(std::move(meeting.fenced[shared]));
  meeting = Meeting();
  return met;
}

void Clocks::join(Meeting &meeting, const Meeting &other) {
  for (auto [into, from] : {std::pair(&meeting.known, &other.known), std::pair(&meeting.fenced[0], &other.fenced[0]),
                            std::pair(&meeting.fenced[1], &other.fenced[1])}) {
    into->resize(std::max(into->size(), from->size()));
    for (size_t i = 0; i < from->size(); ++i)
      raise((*into)[i], (*from)[i]);
  }
}

Knowledge Clocks::join(const Knowledge &a, const Knowledge &b) {
  if (a == b)
    return a;
  for (const Joined &each : recent)
    if (each.a == a && each.b == b)
      return each.both;
  auto both = std::make_shared<Times>(*a);
  for (size_t i = 0; i < b->size(); ++i)
    raise((*both)[i], (*b)[i]);
  recent[next++ % recent.size()] = {a, b, both};
  return both;
}

void Clocks::acquire(unsigned thread, const Met &met) {
  if (!met.known)
    return;
  Thread &self = state[thread];
  self.known = join(self.known, met.known);
  for (bool shared : {false, true})
    self.fenced[shared] = join(self.fenced[shared], met.fenced[shared]);
}

void Clocks::fenceProxy(unsigned thread, bool shared) {
  Thread &self = state[thread];
  Knowledge &fenced = self.fenced[shared];
  fenced = join(fenced, self.known);
  self.fencedSelf[shared] = time(thread);
  if ((*fenced)[copiesOf(thread)] < self.copies) {
    auto more = std::make_shared<Times>(*fenced);
    (*more)[copiesOf(thread)] = self.copies;
    fenced = more;
  }
}

void Clocks::learn(unsigned thread, unsigned agent, uint32_t when) {
  Thread &self = state[thread];
  if (agent == copiesOf(thread))
    return raise(self.copies, when);
  if (agent == storesOf(thread))
    return raise(self.stores, when);
  if (agent == storedOf(thread))
    return raise(self.stored, when);
  if ((*self.known)[agent] >= when)
    return;
  for (const Joined &each : recent) // the warp's other threads learn the same
    if (each.a == self.known && !each.b && (*each.both)[agent] == when) {
      self.known = each.both;
      return;
    }
  auto more = std::make_shared<Times>(*self.known);
  (*more)[agent] = when;
  recent[next++ % recent.size()] = {self.known, nullptr, more};
  self.known = more;
}

} // namespace quoin::ptx
