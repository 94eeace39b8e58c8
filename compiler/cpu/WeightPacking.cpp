//===- WeightPacking.cpp - the weight file: what is in it, and its layouts -------===//

#include "compiler/cpu/WeightPacking.h"
#include "support/Safetensors.h"
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

using namespace quoin::cpu;
using Kind = WeightPiece::Kind;

//===----------------------------------------------------------------------===//
// The plan
//===----------------------------------------------------------------------===//

int64_t WeightPiece::size() const {
  switch (kind) {
  case Kind::Packed:
    return matrices * (roundUp(n, tileColumns) / tileColumns) * tileBytes(k, stored());
  case Kind::GateUp:
    return matrices * (roundUp(n, tileColumns / 2) * 2 / tileColumns) * tileBytes(k, stored());
  case Kind::Vector:
    return roundUp(n, tileColumns) * 4;
  case Kind::Heads:
    return n * roundUp(k, 16) * 4;
  case Kind::Table:
    return n * roundUp(k, 16) * storageBytes(storage);
  case Kind::Rotary:
    return n * k * 2 * 4;
  }
  return 0;
}

int64_t WeightPlan::add(WeightPiece piece) {
  for (const WeightPiece &p : pieces)
    if (p.sameAs(piece))
      return p.offset;
  piece.offset = pieces.empty() ? 0 : roundUp(pieces.back().offset + pieces.back().bytes, 64);
  piece.bytes = piece.size();
  pieces.push_back(piece);
  return piece.offset;
}

void WeightPlan::merge(const WeightPlan &other) {
  auto before = [](const WeightPiece &a, const WeightPiece &b) { return a.offset < b.offset; };
  pieces.insert(pieces.end(), other.pieces.begin(), other.pieces.end());
  std::sort(pieces.begin(), pieces.end(), before);
  auto same = [](const WeightPiece &a, const WeightPiece &b) { return a.offset == b.offset; };
  pieces.erase(std::unique(pieces.begin(), pieces.end(), same), pieces.end());
}

int64_t WeightPlan::bytes() const {
  // Kernels may load a whole vector at the very end, and prefetch beyond it.
  int64_t end = pieces.empty() ? 0 : pieces.back().offset + pieces.back().bytes;
  return roundUp(end, 64) + 64 + 8;
}

//===----------------------------------------------------------------------===//
// Conversions
//===----------------------------------------------------------------------===//

static float fromHalf(uint16_t h) {
  uint32_t sign = uint32_t(h & 0x8000) << 16, exponent = (h >> 10) & 31, mantissa = h & 1023;
  if (exponent == 0)
    return std::bit_cast<float>(sign | std::bit_cast<uint32_t>(std::ldexp(float(mantissa), -24)));
  if (exponent == 31)
    return std::bit_cast<float>(sign | 0x7f800000u | mantissa << 13);
  return std::bit_cast<float>(sign | (exponent + 112) << 23 | mantissa << 13);
}

static float fromBrain(uint16_t h) { return std::bit_cast<float>(uint32_t(h) << 16); }

/// Round to nearest even, as every framework does.
static uint16_t toBrain(float f) {
  uint32_t bits = std::bit_cast<uint32_t>(f);
  if ((bits & 0x7fffffff) > 0x7f800000)
    return static_cast<uint16_t>(bits >> 16 | 64);
  return static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

template <typename From, typename To, typename Convert>
static void convertAll(const uint8_t *from, int64_t count, uint8_t *out, Convert convert) {
  for (int64_t i = 0; i < count; ++i) {
    From value; // a checkpoint's tensors need not be aligned
    std::memcpy(&value, from + i * sizeof(From), sizeof(From));
    To result = convert(value);
    std::memcpy(out + i * sizeof(To), &result, sizeof(To));
  }
}

/// Round to nearest even.
static uint16_t toHalf(float f) {
  uint32_t bits = std::bit_cast<uint32_t>(f), sign = bits >> 16 & 0x8000, rest = bits & 0x7fffffff;
  if (rest >= 0x7f800000)
    return static_cast<uint16_t>(sign | 0x7c00 | (rest > 0x7f800000 ? 0x200 : 0));
  // Above the largest that rounds to a finite number; below, subnormal numbers are whole multiples of 2^-24.
  if (rest >= 0x477ff000)
    return static_cast<uint16_t>(sign | 0x7c00);
  if (rest < 0x38800000)
    return static_cast<uint16_t>(sign |
                                 static_cast<uint32_t>(std::nearbyint(std::ldexp(std::bit_cast<float>(rest), 24))));
  rest -= 112u << 23;
  return static_cast<uint16_t>(sign | (rest + 0xfff + (rest >> 13 & 1)) >> 13);
}

/// Elements of blocks, some at a time.
static void convertBlocks(const SourceTensor &source, int64_t first, int64_t count, Storage to, uint8_t *out) {
  float some[quoin::BlockFormat::most];
  for (int64_t done = 0, step; done < count; done += step) {
    step = std::min<int64_t>(count - done, quoin::BlockFormat::most);
    source.blocks->read(source.data, static_cast<size_t>(first + done), static_cast<size_t>(step), some);
    uint8_t *place = out + done * storageBytes(to);
    if (to == Storage::F32)
      std::memcpy(place, some, static_cast<size_t>(step) * 4);
    else
      convertAll<float, uint16_t>(reinterpret_cast<const uint8_t *>(some), step, place,
                                  to == Storage::F16 ? toHalf : toBrain);
  }
}

/// Writes elements [first, first + count) of a source, as they are stored, one after the other.
static void convertStored(const SourceTensor &source, int64_t first, int64_t count, Storage to, uint8_t *out) {
  if (source.blocks)
    return convertBlocks(source, first, count, to, out);
  const uint8_t *from = source.data + first * storageBytes(source.storage);
  if (source.storage == to)
    std::memcpy(out, from, count * storageBytes(to));
  else if (source.storage == Storage::F32)
    convertAll<float, uint16_t>(from, count, out, to == Storage::F16 ? toHalf : toBrain);
  else if (source.storage == Storage::BF16)
    convertAll<uint16_t, float>(from, count, out, fromBrain);
  else if (to == Storage::F32)
    convertAll<uint16_t, float>(from, count, out, fromHalf);
  else
    convertAll<uint16_t, uint16_t>(from, count, out, [](uint16_t h) { return toBrain(fromHalf(h)); });
}

/// The same with rows in order.
static void convert(const SourceTensor &source, int64_t first, int64_t count, Storage to, uint8_t *out) {
  if (!source.pairedRows)
    return convertStored(source, first, count, to, out);
  const int64_t columns = source.shape.size() > 1 ? source.shape.back() : 1;
  for (int64_t step; count > 0; first += step, count -= step, out += step * storageBytes(to)) {
    const int64_t row = first / columns, column = first % columns;
    step = std::min(count, columns - column);
    convertStored(source, quoin::pairedRow(row, source.pairedRows) * columns + column, step, to, out);
  }
}

//===----------------------------------------------------------------------===//
// Slices
//===----------------------------------------------------------------------===//

int64_t SourceTensor::bytesOf(int64_t elements) const {
  return blocks ? static_cast<int64_t>(blocks->bytesOf(static_cast<size_t>(elements)))
                : elements * storageBytes(storage);
}

SourceTensor SourceTensor::matrix(int64_t number, int64_t elements) const {
  if (!parts.empty())
    return parts[static_cast<size_t>(number)];
  SourceTensor one = *this;
  one.first += number * elements;
  one.data += bytesOf(number * elements);
  return one;
}

/// Parts of a matrix of a piece that can be packed by themselves.
static int64_t partsOf(const WeightPiece &piece) {
  switch (piece.kind) {
  case Kind::Packed:
    return roundUp(piece.n, tileColumns) / tileColumns;
  case Kind::GateUp:
    return roundUp(piece.n, tileColumns / 2) / (tileColumns / 2);
  case Kind::Table:
    return piece.n;
  case Kind::Rotary:
    return piece.n;
  case Kind::Heads: // of which each lies everywhere, but where they are outermost
    return piece.outer == 1 ? piece.n : 1;
  case Kind::Vector:
    return 1;
  }
  return 0;
}

std::vector<WeightSlice> quoin::cpu::slicesOf(const WeightPiece &piece) {
  constexpr int64_t most = int64_t(1) << 20;
  int64_t parts = partsOf(piece), all = parts * piece.matrices, bytes = all ? piece.bytes / all : 0,
          step = std::max<int64_t>(1, most / std::max<int64_t>(1, bytes));
  std::vector<WeightSlice> slices;
  for (int64_t matrix = 0; matrix < piece.matrices; ++matrix)
    for (int64_t first = 0; first < parts; first += step) {
      int64_t count = std::min(step, parts - first), place = matrix * parts + first;
      slices.push_back({&piece, matrix, first, count, piece.offset + place * bytes, count * bytes});
    }
  return slices;
}

SourceRange quoin::cpu::sourceRange(const WeightSlice &slice) {
  const WeightPiece &piece = *slice.piece;
  if (piece.kind == Kind::Vector)
    return {0, piece.n};
  if (piece.kind == Kind::Rotary)
    return {0, 0};
  if (piece.kind == Kind::Heads && piece.outer > 1)
    return {0, piece.n * piece.k};
  bool single = piece.kind == Kind::Table || piece.kind == Kind::Heads;
  int64_t rows = single                       ? 1
                 : piece.kind == Kind::Packed ? tileColumns
                                              : tileColumns / 2,
          from = slice.first * rows, to = std::min(piece.n, (slice.first + slice.count) * rows);
  return {from * piece.k, (to - from) * piece.k};
}

/// `columns` rows of a matrix, one word of k after the other, become columns of lines. Sixteen words at a time: they
/// are one cache line of each row, and the lines they go to stay in the first cache meanwhile.
template <typename Word>
static void transpose(const uint8_t *rows, int64_t stride, int64_t columns, int64_t words, uint8_t *out) {
  constexpr int64_t together = 16;
  for (int64_t first = 0; first < words; first += together) {
    int64_t last = std::min(first + together, words);
    for (int64_t c = 0; c < columns; ++c)
      for (int64_t i = first; i < last; ++i)
        std::memcpy(out + (i * tileColumns + c) * sizeof(Word), rows + c * stride + i * sizeof(Word), sizeof(Word));
  }
}

/// Tiles of 64 columns: each column is a row of a source. A word is what a line holds of a column: an element, or a
/// pair of bf16.
static void packTiles(const WeightSlice &slice, llvm::ArrayRef<SourceTensor> sources, uint8_t *out) {
  const WeightPiece &piece = *slice.piece;
  int64_t parts = static_cast<int64_t>(sources.size()), columns = tileColumns / parts, line = lineBytes(piece.storage),
          word = line / tileColumns, tileBytes = slice.bytes / slice.count, lines = tileBytes / line,
          stride = lines * word;
  std::vector<uint8_t> rows(tileColumns * stride);
  for (int64_t tile = 0; tile < slice.count; ++tile) {
    std::fill(rows.begin(), rows.end(), 0);
    int64_t first = (slice.first + tile) * columns;
    for (int64_t part = 0; part < parts; ++part)
      for (int64_t c = 0; c < columns && first + c < piece.n; ++c)
        convert(sources[part], (first + c) * piece.k, piece.k, piece.storage,
                rows.data() + (part * columns + c) * stride);
    if (word == 4)
      transpose<uint32_t>(rows.data(), stride, tileColumns, lines, out + tile * tileBytes);
    else
      transpose<uint16_t>(rows.data(), stride, tileColumns, lines, out + tile * tileBytes);
  }
}

/// The same of whole numbers: of each column its groups are rounded, then put where the lines have them. A byte of I8
/// is a number plus 128; of I4 it has two numbers plus 8, that four further down in its upper half.
static void packWhole(const WeightSlice &slice, llvm::ArrayRef<SourceTensor> sources, uint8_t *out,
                      llvm::MutableArrayRef<quoin::QuantizationError> errors) {
  const WeightPiece &piece = *slice.piece;
  const bool four = piece.storage == Storage::I4;
  const int64_t parts = static_cast<int64_t>(sources.size()), columns = tileColumns / parts,
                tile = slice.bytes / slice.count, group = piece.group ? piece.group : piece.k,
                line = lineBytes(piece.storage), groupLines = productSteps(group, piece.storage),
                groupBytes = groupLines * line + tileColumns * 4;
  std::vector<float> numbers(static_cast<size_t>(piece.k));
  std::vector<int8_t> whole(static_cast<size_t>(groupLines * lineElements(piece.storage)));
  for (int64_t t = 0; t < slice.count; ++t)
    for (int64_t c = 0; c < tileColumns; ++c) {
      const int64_t part = c / columns, column = (slice.first + t) * columns + c % columns;
      if (column < piece.n)
        convert(sources[part], column * piece.k, piece.k, Storage::F32, reinterpret_cast<uint8_t *>(numbers.data()));
      for (int64_t g = 0; g < piece.k / group; ++g) {
        uint8_t *to = out + t * tile + g * groupBytes;
        std::fill(whole.begin(), whole.end(), int8_t(0));
        float scale = 0;
        if (const float *from = numbers.data() + g * group; column < piece.n) {
          scale = quoin::quantizeGroup(from, group, four ? 4 : 8, whole.data());
          errors[part].add(from, group, whole.data(), scale);
        }
        for (int64_t i = 0; i < groupLines; ++i)
          for (int64_t b = 0; b < 4; ++b)
            to[i * line + c * 4 + b] = static_cast<uint8_t>(
                four ? (whole[i * 8 + b] + 8) | (whole[i * 8 + 4 + b] + 8) << 4 : whole[i * 4 + b] + 128);
        std::memcpy(to + groupLines * line + c * 4, &scale, 4);
      }
    }
}

/// Angles in double: at position 30,000 a float angle would be off by a thousandth of a turn.
static void packRotary(const WeightSlice &slice, uint8_t *out) {
  const WeightPiece &piece = *slice.piece;
  std::vector<double> speeds(piece.k);
  for (int64_t i = 0; i < piece.k; ++i)
    speeds[i] = std::pow(piece.theta, -static_cast<double>(i) / static_cast<double>(piece.k));
  auto put = [&](double x) {
    float f = static_cast<float>(x);
    std::memcpy(out, &f, sizeof(f));
    out += sizeof(f);
  };
  for (int64_t position = slice.first; position < slice.first + slice.count; ++position) {
    for (double speed : speeds)
      put(std::cos(static_cast<double>(position) * speed));
    for (double speed : speeds)
      put(std::sin(static_cast<double>(position) * speed));
  }
}

void quoin::cpu::convertElements(const SourceTensor &source, SourceRange range, Storage to, uint8_t *out) {
  convert(source, range.first, range.count, to, out);
}

void quoin::cpu::packSlice(const WeightSlice &slice, llvm::ArrayRef<SourceTensor> sources, uint8_t *out,
                           llvm::MutableArrayRef<QuantizationError> errors) {
  const WeightPiece &piece = *slice.piece;
  switch (piece.kind) {
  case Kind::Packed:
  case Kind::GateUp:
    return isWhole(piece.storage) ? packWhole(slice, sources, out, errors) : packTiles(slice, sources, out);
  case Kind::Rotary:
    return packRotary(slice, out);
  case Kind::Table: {
    int64_t row = slice.bytes / slice.count, used = piece.k * storageBytes(piece.storage);
    for (int64_t r = 0; r < slice.count; ++r) {
      convert(sources[0], (slice.first + r) * piece.k, piece.k, piece.storage, out + r * row);
      std::memset(out + r * row + used, 0, row - used);
    }
    return;
  }
  case Kind::Heads: {
    int64_t first = piece.outer == 1 ? slice.first : 0, count = piece.outer == 1 ? slice.count : piece.n,
            inner = piece.k / piece.outer, row = slice.bytes / count;
    std::memset(out, 0, slice.bytes);
    for (int64_t head = 0; head < count; ++head)
      for (int64_t o = 0; o < piece.outer; ++o)
        convert(sources[0], (o * piece.n + first + head) * inner, inner, Storage::F32,
                out + head * row + o * inner * 4);
    return;
  }
  case Kind::Vector:
    std::memset(out, 0, slice.bytes);
    convert(sources[0], 0, piece.n, Storage::F32, out);
  }
}
