// cache.cpp: pages of keys and values, and who shares them.
//
// A page is shared by reference count. Once all its 64 slots are valid and belong to the sequence, it is entered in the
// model's index under what they hold (token, position, label), the decoder's cache, and the page before it: the whole
// history. A session that asks how much of its call it has already (`reuse`) first looks there. It may then use what it
// finds as if it had computed it itself, if the compiler has proven that slots of this cache mean the same in every run
// (`quoin_cache_t.shared`): the rule that says which rows a call must run again does not ask who ran them.
//
// The index holds no page alive. A session that writes to a page which others hold gets a copy of its own; one that
// nobody else holds leaves the index. Who holds a page holds all pages before it, so a page in the index always stands
// behind pages of the index.

#include "internal.h"
#include "slots.h"

#include <algorithm>

using namespace quoin::rt;

static constexpr size_t kSlots = QUOIN_PAGE_SLOTS;

// ---- The index
// ------------------------------------------------------------------------------------------------------------

static size_t hashOf(const PageKey &key) {
  uint64_t hash = reinterpret_cast<uintptr_t>(key.decoder) ^ reinterpret_cast<uintptr_t>(key.before) * 31 ^
                  static_cast<uint64_t>(key.cache);
  for (const int32_t *array : {key.tokens, key.positions, key.labels})
    for (size_t i = 0; i < kSlots; ++i)
      hash = (hash ^ static_cast<uint32_t>(array[i])) * 0x9E3779B97F4A7C15u, hash ^= hash >> 32;
  return static_cast<size_t>(hash);
}

static bool isSame(const PageKey &a, const PageKey &b) {
  constexpr size_t bytes = kSlots * sizeof(int32_t);
  return a.decoder == b.decoder && a.cache == b.cache && a.before == b.before &&
         !std::memcmp(a.tokens, b.tokens, bytes) && !std::memcmp(a.positions, b.positions, bytes) &&
         !std::memcmp(a.labels, b.labels, bytes);
}

Page *PageIndex::find(const PageKey &key) const {
  if (buckets.empty())
    return nullptr;
  size_t hash = hashOf(key);
  Page *page = buckets[hash & (buckets.size() - 1)];
  while (page && (page->hash != hash || !isSame(page->key, key)))
    page = page->next;
  return page;
}

void PageIndex::add(Page *page) {
  if (count >= buckets.size()) {
    // Twice as many buckets; without memory for them the page is not shared, and nothing else happens.
    size_t had = buckets.size(), size = had ? 2 * had : 64;
    if (!buckets.resize(size))
      return;
    std::fill(buckets.begin() + had, buckets.end(), nullptr);
    for (size_t i = 0; i < had; ++i) {
      Page *chain = buckets[i];
      buckets[i] = nullptr;
      while (chain)
        insert(std::exchange(chain, chain->next));
    }
  }
  page->hash = hashOf(page->key);
  page->indexed = true;
  insert(page);
  ++count;
}

void PageIndex::insert(Page *page) {
  Page *&bucket = buckets[page->hash & (buckets.size() - 1)];
  page->next = bucket;
  bucket = page;
}

void PageIndex::remove(Page *page) {
  if (!page->indexed)
    return;
  Page **at = &buckets[page->hash & (buckets.size() - 1)];
  while (*at != page)
    at = &(*at)->next;
  *at = page->next;
  page->indexed = false;
  --count;
}

// ---- Pages of a cache
// ------------------------------------------------------------------------------------------------------------

Cache::~Cache() {
  release(0);
  for (State &state : states)
    memory->free(state.data, static_cast<size_t>(stateBytes));
}

/// Lets go of the pages from number `first` on, the last first.
void Cache::release(size_t first) {
  while (held.size() > first) {
    Page *page = held[held.size() - 1];
    held.pop();
    pages.pop();
    drop(page);
  }
}

void Cache::drop(Page *page) {
  if (--page->users > 0)
    return;
  if (index)
    index->remove(page);
  memory->free(page->data, static_cast<size_t>(pageBytes));
  memory->free(page, sizeof(Page));
}

Page *Cache::makePage() const {
  void *data = memory->allocate(static_cast<size_t>(pageBytes));
  void *page = data ? memory->allocate(sizeof(Page)) : nullptr;
  if (page)
    return new (page) Page{data};
  memory->free(data, static_cast<size_t>(pageBytes));
  return nullptr;
}

/// Room for what `count` pages hold and for naming them.
bool Cache::reserveSlots(size_t count) {
  if (!held.reserve(count) || !pages.reserve(count))
    return false;
  size_t padded = count * kSlots;
  for (Buffer<int32_t> *array : {&tokens, &positions, &labels, &open}) {
    size_t had = array->size();
    if (had >= padded)
      continue;
    if (!array->resize(padded))
      return false;
    std::fill(array->begin() + had, array->end(), 0);
  }
  return columns.size() >= padded * static_cast<size_t>(slotBytes) ||
         columns.resize(padded * static_cast<size_t>(slotBytes));
}

bool Cache::reserve(int64_t slots) {
  auto needed = (static_cast<size_t>(slots) + kSlots - 1) / kSlots;
  if (!reserveSlots(needed))
    return false;
  while (held.size() < needed) {
    Page *page = makePage();
    if (!page)
      return false;
    // No slot ever holds what is not a number: kernels may multiply what they mask by zero.
    std::memset(page->data, 0, static_cast<size_t>(pageBytes));
    if (!held.push(page) || !pages.push(page->data))
      return false; // not reached: there is room
  }
  return true;
}

bool Cache::makeWritable(int64_t from, int64_t slots) {
  auto first = static_cast<size_t>(from) / kSlots;
  // Pages behind those that are written would stand behind others than before.
  for (size_t i = std::max(first, (static_cast<size_t>(slots) + kSlots - 1) / kSlots); i < held.size(); ++i)
    if (held[i]->users > 1 || held[i]->indexed) {
      release(i);
      break;
    }
  // The last first: a page leaves the index before the one that it stands behind.
  for (size_t i = held.size(); i-- > first;) {
    if (held[i]->users == 1) {
      if (index)
        index->remove(held[i]);
      continue;
    }
    Page *own = makePage();
    if (!own)
      return false;
    std::memcpy(own->data, held[i]->data, static_cast<size_t>(pageBytes));
    drop(held[i]);
    held[i] = own;
    pages[i] = own->data;
  }
  return true;
}

// ---- States of recurrences
// ------------------------------------------------------------------------------------------------------------

int64_t Cache::goBackTo(int64_t slot, const void *&out_state) {
  while (stateCount > 0 && states[stateCount - 1].slot > slot)
    --stateCount; // the room stays
  out_state = stateCount > 0 ? states[stateCount - 1].data : nullptr;
  return stateCount > 0 ? states[stateCount - 1].slot : 0;
}

void *Cache::makeState() {
  void *&room = states[stateCount].data;
  if (!room)
    room = memory->allocate(static_cast<size_t>(stateBytes));
  return room;
}

void Cache::keepState(int64_t slot) {
  states[stateCount++].slot = slot;
  if (stateCount <= kMostStates)
    return;
  State first = states[0];
  std::copy(states + 1, states + stateCount, states);
  states[--stateCount] = first;
}

// ---- Sharing
// ------------------------------------------------------------------------------------------------------------

PageKey Cache::keyOf(size_t page) const {
  size_t at = page * kSlots;
  PageKey key = {decoder, number, page ? held[page - 1] : nullptr, {}, {}, {}};
  std::copy_n(tokens.data() + at, kSlots, key.tokens);
  std::copy_n(positions.data() + at, kSlots, key.positions);
  std::copy_n(labels.data() + at, kSlots, key.labels);
  return key;
}

void Cache::publish(int64_t slots) {
  if (!index)
    return;
  size_t whole = static_cast<size_t>(std::min(slots, valid)) / kSlots;
  for (size_t i = 0; i < whole; ++i) {
    if (held[i]->indexed)
      continue;
    const int32_t *isOpen = open.data() + i * kSlots;
    if (std::find(isOpen, isOpen + kSlots, 1) != isOpen + kSlots)
      return;
    PageKey key = keyOf(i);
    // What others have entered stays; pages behind ours would stand behind a page that is not in the index.
    if (index->find(key))
      return;
    held[i]->key = key;
    index->add(held[i]);
    if (!held[i]->indexed)
      return;
  }
}

size_t PageIndex::follow(const quoin_decoder_t &of, int64_t cache, const quoin_sequence_t &x, size_t most,
                         Page **chain) const {
  PageKey key = {&of, cache, nullptr, {}, {}, {}};
  for (size_t found = 0; found < most; ++found) {
    for (size_t i = 0; i < kSlots; ++i) {
      auto slot = static_cast<int32_t>(found * kSlots + i), at = x.order ? x.order[slot] : slot;
      if (x.open && x.open[at])
        return found;
      key.tokens[i] = x.tokens[at];
      key.positions[i] = positionOf(x, at);
      key.labels[i] = x.labels ? x.labels[at] : 0;
    }
    key.before = find(key);
    if (!key.before)
      return found;
    if (chain)
      chain[found] = key.before;
  }
  return most;
}

int64_t Cache::attach(const quoin_forward_t &call, int64_t limit, int64_t had) {
  size_t whole = static_cast<size_t>(std::max<int64_t>(std::min(limit, call.length), 0)) / kSlots;
  if (!index || whole * kSlots <= static_cast<size_t>(had))
    return had;
  Page *chain[kMostAttached];
  size_t found = index->follow(*decoder, number, *call.sequence, std::min(whole, kMostAttached), chain);
  auto slots = static_cast<int64_t>(found * kSlots);
  if (slots <= had || !reserveSlots(found))
    return had;
  // Those that are held already stay, and then so does what is behind them.
  size_t same = 0;
  while (same < std::min(found, held.size()) && held[same] == chain[same])
    ++same;
  if (same < found)
    release(same);
  for (size_t i = 0; i < found; ++i) {
    if (i >= same) {
      ++chain[i]->users;
      (void)held.push(chain[i]); // the room is there
      (void)pages.push(chain[i]->data);
    }
    const PageKey &key = chain[i]->key;
    std::copy_n(key.tokens, kSlots, tokens.data() + i * kSlots);
    std::copy_n(key.positions, kSlots, positions.data() + i * kSlots);
    std::copy_n(key.labels, kSlots, labels.data() + i * kSlots);
  }
  std::fill_n(open.data(), found * kSlots, 0);
  valid = slots;
  return slots;
}

bool quoin::rt::waitsForPrefix(const quoin_session_t &session, const quoin_session_t &starting) {
  const quoin_decoder_t &decoder = *session.decoder;
  if (&decoder != starting.decoder)
    return false;
  size_t least = std::min(session.prompt.size(), starting.prompt.size()), same = 0;
  while (same < least && session.prompt[same] == starting.prompt[same])
    ++same;
  // Whole pages that both have and nobody has entered yet: the other's first call will.
  quoin_sequence_t text = {};
  text.tokens = const_cast<int32_t *>(session.prompt.data()); // only looked at
  for (int64_t cache = 0; cache < decoder.caches_count; ++cache)
    if (decoder.caches[cache].shared &&
        session.model->index.follow(decoder, cache, text, same / kSlots, nullptr) < same / kSlots)
      return true;
  return false;
}
