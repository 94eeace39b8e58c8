// BytePair.cpp - two ways to the same merges: a scan for the lowest rank, the
// fastest for words, and a heap for long pieces, where the scan is quadratic.

#include "runtime/tokenizer/BytePair.h"

#include <algorithm>
#include <cstring>
#include <queue>
#include <string>

using namespace quoin;

//===----------------------------------------------------------------------===//
// MergeTable
//===----------------------------------------------------------------------===//

size_t MergeTable::slotOf(uint64_t key) const {
  // Multiplying by 2^64 over the golden ratio spreads neighbouring ids.
  uint64_t hash = key * 0x9E3779B97F4A7C15u;
  size_t slot = (hash ^ hash >> 32) & (slots.size() - 1);
  while (slots[slot].key != key && slots[slot].key != emptyKey)
    slot = (slot + 1) & (slots.size() - 1);
  return slot;
}

void MergeTable::reserve(size_t count) {
  size_t size = 16;
  while (size < 2 * count)
    size *= 2;
  if (size <= slots.size())
    return;
  std::vector<Slot> old(size);
  old.swap(slots);
  for (const Slot &slot : old)
    if (slot.key != emptyKey)
      slots[slotOf(slot.key)] = slot;
}

void MergeTable::insert(int32_t left, int32_t right, Merge merge) {
  reserve(used + 1);
  Slot &slot = slots[slotOf(keyOf(left, right))];
  used += slot.key == emptyKey;
  slot = {keyOf(left, right), merge};
}

const MergeTable::Merge *MergeTable::find(int32_t left, int32_t right) const {
  if (slots.empty())
    return nullptr;
  const Slot &slot = slots[slotOf(keyOf(left, right))];
  return slot.key == emptyKey ? nullptr : &slot.merge;
}

//===----------------------------------------------------------------------===//
// BytePair
//===----------------------------------------------------------------------===//

void BytePair::merge(std::vector<int32_t> &ids, size_t start) const {
  constexpr size_t shortPiece = 48;
  if (ids.size() - start <= shortPiece)
    mergeShort(ids, start);
  else
    mergeLong(ids, start);
}

void BytePair::mergeShort(std::vector<int32_t> &ids, size_t start) const {
  // ranks[i] is that of the pair of tokens i and i + 1.
  constexpr uint32_t none = UINT32_MAX;
  uint32_t ranks[48];
  int32_t merged[48];
  int32_t *tokens = ids.data() + start;
  size_t count = ids.size() - start;
  auto look = [&](size_t i) {
    const MergeTable::Merge *merge = merges.find(tokens[i], tokens[i + 1]);
    ranks[i] = merge ? merge->rank : none;
    merged[i] = merge ? merge->id : noToken;
  };
  for (size_t i = 0; i + 1 < count; ++i)
    look(i);
  while (count > 1) {
    const size_t at = static_cast<size_t>(std::min_element(ranks, ranks + count - 1) - ranks);
    if (ranks[at] == none)
      break;
    tokens[at] = merged[at];
    std::copy(tokens + at + 2, tokens + count, tokens + at + 1);
    --count;
    std::copy(ranks + at + 1, ranks + count, ranks + at);
    std::copy(merged + at + 1, merged + count, merged + at);
    if (at + 1 < count)
      look(at);
    if (at > 0)
      look(at - 1);
  }
  ids.resize(start + count);
}

void BytePair::mergeLong(std::vector<int32_t> &ids, size_t start) const {
  // The tokens are a list linked both ways; a merge keeps the left one. A heap
  // entry is stale, and skipped, once the token at it changed or went.
  struct Symbol {
    int32_t id;
    int32_t previous, next;
  };
  struct Candidate {
    uint32_t rank;
    int32_t at;
    int32_t left, right;
    int32_t id;
    bool operator<(const Candidate &other) const { return rank != other.rank ? rank > other.rank : at > other.at; }
  };
  const auto count = static_cast<int32_t>(ids.size() - start);
  std::vector<Symbol> symbols;
  symbols.reserve(ids.size() - start);
  for (int32_t i = 0; i < count; ++i)
    symbols.push_back({ids[start + static_cast<size_t>(i)], i - 1, i + 1 < count ? i + 1 : -1});
  auto symbol = [&](int32_t i) -> Symbol & { return symbols[static_cast<size_t>(i)]; };

  std::vector<Candidate> initial;
  auto candidate = [&](int32_t at, auto add) {
    const int32_t left = symbol(at).id, right = symbol(symbol(at).next).id;
    if (const MergeTable::Merge *merge = merges.find(left, right))
      add(Candidate{merge->rank, at, left, right, merge->id});
  };
  for (int32_t i = 0; i + 1 < count; ++i)
    candidate(i, [&](Candidate c) { initial.push_back(c); });
  std::priority_queue<Candidate> heap({}, std::move(initial));

  while (!heap.empty()) {
    const Candidate top = heap.top();
    heap.pop();
    Symbol &left = symbol(top.at);
    if (left.id != top.left || left.next == -1 || symbol(left.next).id != top.right)
      continue;
    Symbol &right = symbol(left.next);
    left.id = top.id;
    left.next = right.next;
    right.id = noToken;
    if (left.next != -1)
      symbol(left.next).previous = top.at;
    auto push = [&](Candidate c) { heap.push(c); };
    if (left.previous != -1)
      candidate(left.previous, push);
    if (left.next != -1)
      candidate(top.at, push);
  }

  ids.resize(start);
  for (int32_t i = 0; i != -1; i = symbol(i).next)
    ids.push_back(symbol(i).id);
}

//===----------------------------------------------------------------------===//
// PieceCache
//===----------------------------------------------------------------------===//

size_t PieceCache::slotOf(std::string_view piece) { return std::hash<std::string_view>()(piece) & (slotCount - 1); }

bool PieceCache::find(std::string_view piece, std::vector<int32_t> &ids) const {
  const Entry &entry = entries[slotOf(piece)];
  if (piece.empty() || entry.size != piece.size() || std::memcmp(entry.bytes.data(), piece.data(), piece.size()) != 0)
    return false;
  ids.insert(ids.end(), entry.ids.begin(), entry.ids.begin() + entry.count);
  return true;
}

void PieceCache::insert(std::string_view piece, const std::vector<int32_t> &ids, size_t start) {
  const size_t count = ids.size() - start;
  Entry &entry = entries[slotOf(piece)];
  if (piece.size() > entry.bytes.size() || count > entry.ids.size())
    return;
  entry.size = static_cast<uint8_t>(piece.size());
  entry.count = static_cast<uint8_t>(count);
  std::copy(piece.begin(), piece.end(), entry.bytes.begin());
  std::copy(ids.begin() + static_cast<std::ptrdiff_t>(start), ids.end(), entry.ids.begin());
}
