// memory.h: memory from the host's hooks: growing buffers and the arenas of decoder values.
#ifndef QUOIN_RUNTIME_MEMORY_H
#define QUOIN_RUNTIME_MEMORY_H

#include "public.h"

#include <cstring>
#include <type_traits>

namespace quoin::rt {

inline constexpr size_t kAlignment = 64;

/// The two memory hooks, always callable.
struct Memory {
  void *self = nullptr;
  void *(*allocateHook)(void *, size_t, size_t) = nullptr;
  void (*freeHook)(void *, void *, size_t) = nullptr;

  void *allocate(size_t bytes) const { return allocateHook(self, bytes, kAlignment); }
  void free(void *memory, size_t bytes) const {
    if (memory)
      freeHook(self, memory, bytes);
  }
};

/// A growing array of plain values. Failure to grow leaves it as it was.
template <typename T> class Buffer {
  static_assert(std::is_trivially_copyable_v<T>);

public:
  Buffer() = default;
  explicit Buffer(const Memory *memory) : memory(memory) {}
  Buffer(const Buffer &) = delete;
  Buffer &operator=(const Buffer &) = delete;
  ~Buffer() { release(); }

  void attach(const Memory *hooks) { memory = hooks; }

  void release() {
    if (first)
      memory->free(first, room * sizeof(T));
    first = nullptr;
    count = room = 0;
  }

  /// Room for `n` elements in all; contents stay.
  [[nodiscard]] bool reserve(size_t n) {
    if (n <= room)
      return true;
    size_t grown = room + room / 2 > n ? room + room / 2 : n;
    if (grown > SIZE_MAX / sizeof(T))
      return false;
    auto *fresh = static_cast<T *>(memory->allocate(grown * sizeof(T)));
    if (!fresh)
      return false;
    if (count)
      std::memcpy(static_cast<void *>(fresh), first, count * sizeof(T));
    if (first)
      memory->free(first, room * sizeof(T));
    first = fresh;
    room = grown;
    return true;
  }

  /// Makes the size `n`; new elements are not initialised.
  [[nodiscard]] bool resize(size_t n) {
    if (!reserve(n))
      return false;
    count = n;
    return true;
  }

  [[nodiscard]] bool assign(const T *values, size_t n) {
    if (!resize(n))
      return false;
    if (n)
      std::memcpy(static_cast<void *>(first), values, n * sizeof(T));
    return true;
  }

  [[nodiscard]] bool push(const T &value) {
    if (!reserve(count + 1))
      return false;
    first[count++] = value;
    return true;
  }

  void pop() { --count; }
  void clear() { count = 0; }
  size_t size() const { return count; }
  bool empty() const { return count == 0; }
  T *data() { return first; }
  const T *data() const { return first; }
  T &operator[](size_t i) { return first[i]; }
  const T &operator[](size_t i) const { return first[i]; }
  T *begin() { return first; }
  T *end() { return first + count; }
  const T *begin() const { return first; }
  const T *end() const { return first + count; }

private:
  const Memory *memory = nullptr;
  T *first = nullptr;
  size_t count = 0, room = 0;
};

/// Memory that is freed all at once. `reset` keeps the chunks, so that a program that has settled allocates nothing.
class Arena {
public:
  explicit Arena(const Memory *memory) : memory(memory) {}
  Arena(const Arena &) = delete;
  Arena &operator=(const Arena &) = delete;
  ~Arena();

  /// `bytes` (0 included) of 64-byte aligned memory, or null.
  void *allocate(size_t bytes);
  template <typename T> T *make(int64_t count) {
    if (count < 0 || static_cast<uint64_t>(count) > SIZE_MAX / 2 / sizeof(T))
      return nullptr;
    return static_cast<T *>(allocate(static_cast<size_t>(count) * sizeof(T)));
  }
  void reset();
  /// Bytes given out since the last reset.
  size_t held() const { return total; }

private:
  struct Chunk {
    Chunk *next;
    size_t bytes; // with the header, which takes one alignment unit
  };

  const Memory *memory;
  Chunk *chunks = nullptr;  // in the order of use
  Chunk *current = nullptr; // null: nothing used yet
  size_t used = 0;          // of the current chunk
  size_t total = 0;
};

} // namespace quoin::rt

#endif
