//===- WeightWriter.cpp - from a mapped checkpoint to the weight file -------------===//
//
// The steps are at the head of WeightPacking.h.
//
//===----------------------------------------------------------------------===//

#include "compiler/cpu/WeightPacking.h"
#include "support/LowRank.h"
#include "llvm/Support/Errno.h"
#include <algorithm>
#include <array>
#include <atomic>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <mutex>
#include <sys/mman.h>
#include <system_error>
#include <thread>
#include <unistd.h>

using namespace quoin::cpu;
using Kind = WeightPiece::Kind;

//===----------------------------------------------------------------------===//
// Sources
//===----------------------------------------------------------------------===//

/// The first element in a range that is infinite or no number, or -1. Such an exponent is all ones.
template <typename Word> static int64_t firstWithExponent(const uint8_t *data, SourceRange range, Word exponent) {
  constexpr int64_t stretch = 4096; // found by stretches, which the compiler can vectorise
  int64_t end = range.first + range.count;
  auto at = [&](int64_t i) {
    Word word;
    std::memcpy(&word, data + i * sizeof(Word), sizeof(Word));
    return (word & exponent) == exponent;
  };
  for (int64_t from = range.first; from < end; from += stretch) {
    int64_t to = std::min(from + stretch, end);
    bool bad = false;
    for (int64_t i = from; i < to; ++i)
      bad |= at(i);
    for (int64_t i = from; bad && i < to; ++i)
      if (at(i))
        return i;
  }
  return -1;
}

/// Of blocks: what they stand for.
static int64_t firstNotFiniteOfBlocks(const SourceTensor &tensor, SourceRange range) {
  float some[quoin::BlockFormat::most];
  for (int64_t done = 0, step; done < range.count; done += step) {
    step = std::min<int64_t>(range.count - done, quoin::BlockFormat::most);
    tensor.blocks->read(tensor.data, static_cast<size_t>(range.first + done), static_cast<size_t>(step), some);
    int64_t bad = firstWithExponent<uint32_t>(reinterpret_cast<const uint8_t *>(some), {0, step}, 0x7f800000u);
    if (bad >= 0)
      return range.first + done + bad;
  }
  return -1;
}

/// By how elements are stored: of paired rows the slices of all their heads have all.
static int64_t firstNotFinite(const SourceTensor &tensor, SourceRange range) {
  if (tensor.blocks)
    return firstNotFiniteOfBlocks(tensor, range);
  switch (tensor.storage) {
  case Storage::F32:
    return firstWithExponent<uint32_t>(tensor.data, range, 0x7f800000u);
  case Storage::BF16:
    return firstWithExponent<uint16_t>(tensor.data, range, 0x7f80u);
  case Storage::F16:
    return firstWithExponent<uint16_t>(tensor.data, range, 0x7c00u);
  case Storage::I8:
  case Storage::I4:
    break;
  }
  return -1;
}

/// Tells the system what will be read, or that it has been. Pages at the ends may serve a neighbour: they come back.
static void advise(const SourceTensor &tensor, SourceRange range, int advice) {
  if (!tensor.mapped || range.count == 0)
    return;
  auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  auto from = reinterpret_cast<uintptr_t>(tensor.data + tensor.bytesOf(range.first)) & ~(page - 1);
  auto to = reinterpret_cast<uintptr_t>(tensor.data + tensor.bytesOf(range.first + range.count));
  (void)madvise(reinterpret_cast<void *>(from), to - from, advice);
}

using Read = llvm::function_ref<bool(llvm::StringRef, SourceTensor &, std::string &)>;

/// Finds what a piece is made of.
static bool findSources(const WeightPiece &piece, Read read, std::vector<SourceTensor> &sources, std::string &error) {
  for (const std::string &name : piece.sources) {
    SourceTensor &tensor = sources.emplace_back();
    if (!read(name, tensor, error))
      return false;
    assert((piece.kind == Kind::Heads || tensor.shape.front() == piece.n || tensor.shape.front() == piece.matrices) &&
           "the plan has the shapes of weights, and who reads them compares");
  }
  return true;
}

//===----------------------------------------------------------------------===//
// The writer
//===----------------------------------------------------------------------===//

namespace {
constexpr uint64_t hashStart = 0xcbf29ce484222325ull, hashFactor = 0x100000001b3ull;

/// FNV-1a over words; sizes are multiples of 8.
uint64_t hashOf(const std::vector<uint8_t> &bytes) {
  uint64_t hash = hashStart;
  for (size_t i = 0; i + 8 <= bytes.size(); i += 8) {
    uint64_t word;
    std::memcpy(&word, bytes.data() + i, 8);
    hash = (hash ^ word) * hashFactor;
  }
  return hash;
}

class Writer {
public:
  Writer(const WeightPlan &p, std::string file, const std::function<void(int64_t, int64_t)> &listener)
      : plan(p), path(std::move(file)), progress(listener) {}
  Writer(const Writer &) = delete;
  Writer &operator=(const Writer &) = delete;
  ~Writer() {
    if (handle >= 0)
      close(handle);
  }

  bool run(Read read, uint64_t &checksum, std::string &error);
  /// Sums in the order of slices, whichever thread had them.
  std::vector<QuantizedWeight> quantized() const;

private:
  /// Takes slices until there are none or one failed.
  void work();
  bool pack(size_t slice, std::vector<uint8_t> &buffer);
  void findSpans();
  bool put(const uint8_t *data, int64_t size, int64_t offset);
  bool fail(size_t slice, std::string message);
  std::string cannotWrite() const { return "cannot write '" + path + "': " + llvm::sys::StrError(errno); }

  const WeightPlan &plan;
  std::string path;
  const std::function<void(int64_t, int64_t)> &progress;
  int handle = -1;
  std::vector<std::vector<SourceTensor>> sources; ///< by piece
  std::vector<WeightSlice> slices;
  std::vector<uint64_t> hashes;                                ///< by slice
  std::vector<std::array<quoin::QuantizationError, 2>> errors; ///< by slice, of its sources
  std::vector<std::pair<uintptr_t, uintptr_t>> spans;          ///< where mapped sources lie
  std::atomic<size_t> next = 0;
  std::mutex mutex; ///< of what follows
  int64_t done = 0;
  size_t failedSlice = SIZE_MAX; ///< the first in the file, so that a message does not depend on timing
  std::string message;
};
} // namespace

bool Writer::fail(size_t slice, std::string text) {
  std::lock_guard lock(mutex);
  if (slice < failedSlice) {
    failedSlice = slice;
    message = std::move(text);
  }
  return false;
}

bool Writer::put(const uint8_t *data, int64_t size, int64_t offset) {
  while (size > 0) {
    ssize_t written = pwrite(handle, data, size, offset);
    if (written < 0 && errno == EINTR)
      continue;
    if (written <= 0)
      return false;
    data += written;
    size -= written;
    offset += written;
  }
  return true;
}

/// The rows of a range of a matrix whose transpose lies in the file, and a tensor that has them. Whatever was read on
/// the way is let go: each range needs all of the file's rows.
static SourceTensor turnedRows(const SourceTensor &tensor, SourceRange range, std::vector<uint8_t> &rows) {
  constexpr int64_t some = 32, held = 4 << 20;
  const int64_t all = tensor.shape[0], columns = tensor.shape[1], bytes = storageBytes(tensor.storage);
  const int64_t first = range.first / columns, count = (range.first + range.count + columns - 1) / columns - first;
  const int64_t letGo = std::max(some, held / (all * bytes)); // rows of the file
  SourceTensor file = tensor;
  file.shape = {columns, all};
  file.turned = false;
  rows.resize(static_cast<size_t>(count * columns * bytes));
  std::vector<uint8_t> part(static_cast<size_t>(some * count * bytes));
  for (int64_t c = 0, from = 0; c < columns; c += some) {
    const int64_t here = std::min(some, columns - c);
    for (int64_t i = 0; i < here; ++i)
      convertElements(file, {(c + i) * all + first, count}, tensor.storage, part.data() + i * count * bytes);
    for (int64_t r = 0; r < count; ++r)
      for (int64_t i = 0; i < here; ++i)
        std::memcpy(rows.data() + (r * columns + c + i) * bytes, part.data() + (i * count + r) * bytes, bytes);
    if (c + here - from >= letGo || c + here == columns) {
      advise(file, {from * all, (c + here - from) * all}, MADV_DONTNEED);
      from = c + here;
    }
  }
  SourceTensor made = tensor;
  made.turned = made.mapped = false;
  made.blocks = nullptr;
  made.pairedRows = 0;
  made.first = 0;
  // Whoever packs counts from the tensor's start.
  made.data = reinterpret_cast<const uint8_t *>(reinterpret_cast<uintptr_t>(rows.data()) -
                                                static_cast<uintptr_t>(first * columns * bytes));
  return made;
}

/// The rows of a range as they are with what is added to them, in the tensor's own type, and a tensor that has them
/// there.
static SourceTensor merged(const SourceTensor &tensor, SourceRange range, std::vector<uint8_t> &rows) {
  const SourceChange &change = *tensor.change;
  const int64_t rank = change.down.shape[0], columns = change.down.shape[1], count = range.count / columns,
                first = range.first / columns;
  auto floats = [](const SourceTensor &source, SourceRange of) {
    std::vector<float> numbers(static_cast<size_t>(of.count));
    std::vector<uint8_t> rows;
    const SourceTensor &read = source.turned ? turnedRows(source, of, rows) : source;
    convertElements(read, of, Storage::F32, reinterpret_cast<uint8_t *>(numbers.data()));
    return numbers;
  };
  std::vector<float> numbers = floats(tensor, range);
  quoin::addLowRank(numbers.data(), count, columns, floats(change.up, {first * rank, count * rank}).data(),
                    floats(change.down, {0, rank * columns}).data(), rank, change.times);
  SourceTensor made;
  made.data = reinterpret_cast<const uint8_t *>(numbers.data());
  const int64_t bytes = storageBytes(tensor.storage);
  rows.resize(static_cast<size_t>(range.count * bytes));
  convertElements(made, {0, range.count}, tensor.storage, rows.data());
  made = tensor;
  made.mapped = false;
  made.blocks = nullptr;
  made.pairedRows = 0;
  // Whoever packs counts from the tensor's start.
  made.data = reinterpret_cast<const uint8_t *>(reinterpret_cast<uintptr_t>(rows.data()) -
                                                static_cast<uintptr_t>(range.first * bytes));
  return made;
}

bool Writer::pack(size_t index, std::vector<uint8_t> &buffer) {
  const WeightSlice &slice = slices[index];
  const WeightPiece &piece = *slice.piece;
  std::vector<SourceTensor> from;
  for (const SourceTensor &tensor : sources[slice.piece - plan.pieces.data()])
    from.push_back(tensor.matrix(slice.matrix, piece.n * piece.k));
  SourceRange range = sourceRange(slice);
  std::vector<std::vector<uint8_t>> turned(from.size());
  for (auto [i, tensor] : llvm::enumerate(from))
    if (tensor.turned)
      tensor = turnedRows(tensor, range, turned[i]);
  for (const SourceTensor &tensor : from) {
#ifdef MADV_POPULATE_READ
    advise(tensor, range, MADV_POPULATE_READ);
#endif
    if (int64_t bad = firstNotFinite(tensor, range); bad >= 0)
      return fail(index, tensor.name + " expects finite numbers, but element " + std::to_string(tensor.first + bad) +
                             " is NaN or infinite");
  }
  std::vector<SourceTensor> packed = from;
  std::vector<std::vector<uint8_t>> rows(from.size());
  for (auto [i, tensor] : llvm::enumerate(from)) {
    if (!tensor.change)
      continue;
    packed[i] = merged(tensor, range, rows[i]);
    if (int64_t bad = firstNotFinite(packed[i], range); bad >= 0)
      return fail(index, tensor.name + " and its adapter expect finite sums, but element " + std::to_string(bad) +
                             " is NaN or infinite");
  }
  buffer.resize(slice.bytes);
  packSlice(slice, packed, buffer.data(), errors[index]);
  for (const SourceTensor &tensor : from)
    advise(tensor, range, MADV_DONTNEED);
  hashes[index] = hashOf(buffer);
  return put(buffer.data(), slice.bytes, slice.offset) || fail(index, cannotWrite());
}

/// Stretches of memory that hold all mapped sources and nothing else: what lies between two files may be anybody's.
void Writer::findSpans() {
  constexpr uintptr_t alignment = 64; // of tensors in a file
  std::vector<std::pair<uintptr_t, uintptr_t>> all;
  auto add = [&](const SourceTensor &tensor) {
    if (!tensor.mapped || !tensor.data)
      return;
    int64_t elements = 1;
    for (int64_t size : tensor.shape)
      elements *= size;
    auto from = reinterpret_cast<uintptr_t>(tensor.data);
    all.emplace_back(from, from + static_cast<uintptr_t>(tensor.bytesOf(elements)));
  };
  for (const std::vector<SourceTensor> &piece : sources)
    for (const SourceTensor &tensor : piece) {
      add(tensor);
      for (const SourceTensor &part : tensor.parts)
        add(part);
    }
  std::sort(all.begin(), all.end());
  for (auto [from, to] : all) {
    if (spans.empty() || from > spans.back().second + alignment)
      spans.emplace_back(from, to);
    spans.back().second = std::max(spans.back().second, to);
  }
}

void Writer::work() {
  // A page that is touched brings its neighbours, of slices that were given back: so all are, now and then. Whoever
  // still reads one gets it again.
  constexpr size_t sweepEach = 64;
  std::vector<uint8_t> buffer;
  for (size_t index; (index = next++) < slices.size();) {
    if (!pack(index, buffer)) {
      next = slices.size();
      return;
    }
    if (index % sweepEach == 0) {
      auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
      for (auto [from, to] : spans)
        (void)madvise(reinterpret_cast<void *>(from & ~(page - 1)), to - (from & ~(page - 1)), MADV_DONTNEED);
    }
    std::lock_guard lock(mutex);
    done += slices[index].bytes;
    if (progress)
      progress(done, plan.bytes());
  }
}

bool Writer::run(Read read, uint64_t &checksum, std::string &error) {
  sources.resize(plan.pieces.size());
  for (auto [i, piece] : llvm::enumerate(plan.pieces)) {
    if (!findSources(piece, read, sources[i], error))
      return false;
    std::vector<WeightSlice> more = slicesOf(piece);
    slices.insert(slices.end(), more.begin(), more.end());
  }
  hashes.resize(slices.size());
  errors.resize(slices.size());
  findSpans();
  // What lies between pieces is never written: it reads as zeros.
  handle = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (handle < 0 || ftruncate(handle, plan.bytes()) != 0) {
    error = cannotWrite();
    return false;
  }
  size_t threads = std::min<size_t>({std::max(1u, std::thread::hardware_concurrency()), 8, slices.size()});
  std::vector<std::thread> others;
  try {
    for (size_t i = 1; i < threads; ++i)
      others.emplace_back([this] { work(); });
  } catch (const std::system_error &) {
    // As many as the system gives; the file is the same.
  }
  work();
  for (std::thread &thread : others)
    thread.join();
  if (failedSlice != SIZE_MAX) {
    error = message;
    return false;
  }
  checksum = hashStart;
  for (uint64_t hash : hashes)
    checksum = (checksum ^ hash) * hashFactor;
  uint8_t last[8];
  std::memcpy(last, &checksum, 8);
  int closing = handle;
  if (!put(last, 8, plan.bytes() - 8) || (handle = -1, close(closing) != 0)) {
    error = cannotWrite();
    return false;
  }
  return true;
}

std::vector<QuantizedWeight> Writer::quantized() const {
  std::vector<QuantizedWeight> all;
  for (size_t i = 0; i < slices.size();) {
    const WeightPiece &piece = *slices[i].piece;
    std::array<quoin::QuantizationError, 2> sums;
    for (; i < slices.size() && slices[i].piece == &piece; ++i)
      for (auto [sum, part] : llvm::zip_equal(sums, errors[i]))
        sum.add(part);
    if (isWhole(piece.storage))
      for (auto [sum, symbol] : llvm::zip(sums, piece.sources))
        all.push_back({symbol, piece.storage == Storage::I8 ? 8 : 4, piece.group, sum.relative()});
  }
  return all;
}

bool quoin::cpu::writeWeights(const WeightPlan &plan, llvm::StringRef path, Read read,
                              const std::function<void(int64_t, int64_t)> &progress, uint64_t &checksum,
                              std::string &error, std::vector<QuantizedWeight> *quantized) {
  Writer writer(plan, path.str(), progress);
  if (!writer.run(read, checksum, error))
    return false;
  if (quantized)
    *quantized = writer.quantized();
  return true;
}
