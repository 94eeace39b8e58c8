//===- Shadow.h - what is known of each byte of memory -----------------------===//
//
// Beside memory lies its shadow: which bytes were written, who wrote a word last and who has read it since. Words are
// of four bytes; where one is accessed in parts, its bytes get cells of their own.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_TEST_PTX_SHADOW_H
#define QUOIN_TEST_PTX_SHADOW_H

#include "test/ptx/Clocks.h"
#include <array>
#include <optional>
#include <unordered_map>

namespace quoin::ptx {

/// Two accesses that nothing orders, or that only a fence between proxies is missing between.
struct Conflict {
  enum class Kind : uint8_t { InFlight, AfterWrite, AfterRead, Unfenced, Barrier } kind;
  Stamp other;
  uint64_t offset = 0;
};

class Shadow {
public:
  /// `shared`: of shared memory, else of global memory.
  explicit Shadow(uint64_t bytes, bool shared = false)
      : isShared(shared), words((bytes + 3) / 4), isWritten(bytes, 0) {}

  /// An access of `bytes` by `thread`, which says what it knows, on behalf of the agent of the stamp.
  std::optional<Conflict> read(const Clocks &clocks, unsigned thread, const Stamp &stamp, uint64_t at, uint64_t bytes);
  std::optional<Conflict> write(const Clocks &clocks, unsigned thread, const Stamp &stamp, uint64_t at, uint64_t bytes);

  /// Bytes whose asynchronous copy has begun, and has ended.
  void begin(uint64_t at, uint64_t bytes);
  void end(uint64_t at, uint64_t bytes);
  /// The same where the stamp of the copy is known at its end only.
  void end(uint64_t at, uint64_t bytes, const Stamp &stamp);

  /// What the launch before does there.
  void claim(uint64_t at, uint64_t bytes, const Stamp &stamp, bool writes);

  /// Words that hold an mbarrier, which only its own operations may touch.
  void setBarrier(uint64_t at, bool holds);

  void markWritten(uint64_t at, uint64_t bytes);
  /// The first byte of these that nobody wrote.
  std::optional<uint64_t> firstUnwritten(uint64_t at, uint64_t bytes) const;

  /// Between launches, which are ordered: who accessed what is forgotten, what is written stays.
  void forget();

private:
  struct Cell {
    Stamp write, read;
    /// Further readers, and further writers that did not wait for each other; numbers into `lists`.
    int32_t moreReads = -1, moreWrites = -1;
    uint16_t pending = 0;
    bool barrier = false;
  };
  template <typename Visit> void cells(uint64_t at, uint64_t bytes, Visit visit);
  std::vector<Stamp> &list(int32_t &number);
  std::optional<Conflict> check(const Clocks &clocks, unsigned thread, const Stamp &stamp, Cell &cell, bool writes);

  bool isShared;
  std::vector<Cell> words;
  std::unordered_map<uint64_t, std::array<Cell, 4>> parts;
  std::vector<std::vector<Stamp>> lists;
  std::vector<uint8_t> isWritten;
};

} // namespace quoin::ptx

#endif
