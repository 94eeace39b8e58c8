// BytePair.h - merges the symbols of a piece into tokens, apart from everything
// that knows of text, because it is the part that has to be fast.

#ifndef QUOIN_RUNTIME_TOKENIZER_BYTEPAIR_H
#define QUOIN_RUNTIME_TOKENIZER_BYTEPAIR_H

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace quoin {

/// The merges of a vocabulary, hashed by the pair of ids.
class MergeTable {
public:
  struct Merge {
    uint32_t rank = 0;
    int32_t id = 0;
  };

  void reserve(size_t count);
  /// A pair given twice keeps its later rank.
  void insert(int32_t left, int32_t right, Merge merge);
  /// Null for a pair that does not merge.
  const Merge *find(int32_t left, int32_t right) const;

private:
  struct Slot {
    uint64_t key = emptyKey;
    Merge merge;
  };
  static constexpr uint64_t emptyKey = ~uint64_t{0};
  /// A power of two, at most half full.
  std::vector<Slot> slots;
  size_t used = 0;

  size_t slotOf(uint64_t key) const;
  static uint64_t keyOf(int32_t left, int32_t right) {
    return uint64_t{static_cast<uint32_t>(left)} << 32 | static_cast<uint32_t>(right);
  }
};

/// Byte-pair encoding: of all pairs that merge, the one of lowest rank, the
/// leftmost among equals, until none is left.
class BytePair {
public:
  static constexpr int32_t noToken = -1;

  MergeTable merges;

  /// Merges ids[start..], the symbols of a piece shorter than 2 GiB.
  void merge(std::vector<int32_t> &ids, size_t start) const;

private:
  void mergeShort(std::vector<int32_t> &ids, size_t start) const;
  void mergeLong(std::vector<int32_t> &ids, size_t start) const;
};

/// Remembers the ids of short pieces. Its size is fixed: a piece displaces
/// whichever one has its slot.
class PieceCache {
public:
  PieceCache() : entries(slotCount) {}

  /// Appends the ids of `piece` and returns true if they are known.
  bool find(std::string_view piece, std::vector<int32_t> &ids) const;
  /// Remembers ids[start..] for `piece` if both are short.
  void insert(std::string_view piece, const std::vector<int32_t> &ids, size_t start);

private:
  static constexpr size_t slotCount = 1 << 14;
  struct Entry {
    uint8_t size = 0;
    uint8_t count = 0;
    std::array<char, 22> bytes;
    std::array<int32_t, 6> ids;
  };
  std::vector<Entry> entries;

  static size_t slotOf(std::string_view piece);
};

} // namespace quoin

#endif // QUOIN_RUNTIME_TOKENIZER_BYTEPAIR_H
