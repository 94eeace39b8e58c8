// memory.cpp: arenas.

#include "memory.h"

using namespace quoin::rt;

static constexpr size_t kFirstChunk = size_t(32) << 10;

Arena::~Arena() {
  while (chunks) {
    Chunk *next = chunks->next;
    memory->free(chunks, chunks->bytes);
    chunks = next;
  }
}

void Arena::reset() {
  current = nullptr;
  used = total = 0;
}

void *Arena::allocate(size_t bytes) {
  if (bytes > SIZE_MAX / 4)
    return nullptr;
  size_t need = bytes ? (bytes + kAlignment - 1) / kAlignment * kAlignment : kAlignment;
  if (!current || used + need > current->bytes) {
    // The rest of a chunk that is too small stays unused until the next reset.
    Chunk *last = current;
    Chunk *next = current ? current->next : chunks;
    while (next && next->bytes - kAlignment < need) {
      last = next;
      next = next->next;
    }
    if (!next) {
      size_t size = last ? 2 * last->bytes : kFirstChunk;
      if (size < need + kAlignment)
        size = need + kAlignment;
      next = static_cast<Chunk *>(memory->allocate(size));
      if (!next)
        return nullptr;
      *next = {nullptr, size};
      (last ? last->next : chunks) = next;
    }
    current = next;
    used = kAlignment;
  }
  void *result = reinterpret_cast<char *>(current) + used;
  used += need;
  total += need;
  return result;
}
