//===- WeightPacking.cpp - writing the weight file -------------------------------===//

#include "compiler/cpu/WeightPacking.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"
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
    return roundUp(n, tileColumns) / tileColumns * productSteps(k, storage) * lineBytes(storage);
  case Kind::GateUp:
    return roundUp(n, tileColumns / 2) * 2 / tileColumns * productSteps(k, storage) * lineBytes(storage);
  case Kind::Vector:
    return roundUp(n, tileColumns) * 4;
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

static float elementAsFloat(const uint8_t *data, Storage storage, int64_t i) {
  if (storage == Storage::F32) {
    float f;
    std::memcpy(&f, data + i * 4, 4);
    return f;
  }
  uint16_t h;
  std::memcpy(&h, data + i * 2, 2);
  return storage == Storage::BF16 ? std::bit_cast<float>(uint32_t(h) << 16) : fromHalf(h);
}

/// Round to nearest even, as every framework does.
static uint16_t toBrain(float f) {
  uint32_t bits = std::bit_cast<uint32_t>(f);
  if ((bits & 0x7fffffff) > 0x7f800000)
    return static_cast<uint16_t>(bits >> 16 | 64);
  return static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

/// Writes element i of a source into a place of the target type. f16 is only ever kept, not made.
static void convert(const SourceTensor &from, int64_t i, Storage to, uint8_t *out) {
  if (from.storage == to) {
    std::memcpy(out, from.data + i * storageBytes(to), storageBytes(to));
    return;
  }
  float f = elementAsFloat(from.data, from.storage, i);
  if (to == Storage::F32) {
    std::memcpy(out, &f, 4);
  } else {
    uint16_t h = toBrain(f);
    std::memcpy(out, &h, 2);
  }
}

//===----------------------------------------------------------------------===//
// The writer
//===----------------------------------------------------------------------===//

namespace {
class Writer {
public:
  Writer(llvm::raw_ostream &stream, int64_t size, const std::function<void(int64_t, int64_t)> &listener)
      : os(stream), total(size), progress(listener) {}

  /// `bytes` is a multiple of 8 except for nothing: all pieces are padded.
  void put(const std::vector<uint8_t> &data) {
    for (size_t i = 0; i + 8 <= data.size(); i += 8) {
      uint64_t word;
      std::memcpy(&word, data.data() + i, 8);
      hash = (hash ^ word) * 0x100000001b3ull;
    }
    os.write(reinterpret_cast<const char *>(data.data()), data.size());
    done += static_cast<int64_t>(data.size());
    if (progress)
      progress(done, total);
  }
  void padTo(int64_t offset) { put(std::vector<uint8_t>(offset - done, 0)); }
  uint64_t checksum() const { return hash; }

private:
  llvm::raw_ostream &os;
  int64_t total, done = 0;
  uint64_t hash = 0xcbf29ce484222325ull;
  const std::function<void(int64_t, int64_t)> &progress;
};
} // namespace

/// One tile of 64 columns at a time: each column is a row of a source.
static void writePacked(const WeightPiece &piece, llvm::ArrayRef<SourceTensor> sources, Writer &out) {
  int64_t parts = static_cast<int64_t>(sources.size()), columns = tileColumns / parts,
          bytes = storageBytes(piece.storage), line = lineBytes(piece.storage), inStep = line / tileColumns / bytes;
  std::vector<uint8_t> tile(productSteps(piece.k, piece.storage) * line);
  for (int64_t first = 0; first < piece.n; first += columns) {
    std::fill(tile.begin(), tile.end(), 0);
    for (int64_t part = 0; part < parts; ++part)
      for (int64_t c = 0; c < columns && first + c < piece.n; ++c) {
        uint8_t *to = tile.data() + (part * columns + c) * inStep * bytes;
        for (int64_t i = 0; i < piece.k; ++i)
          convert(sources[part], (first + c) * piece.k + i, piece.storage, to + i / inStep * line + i % inStep * bytes);
      }
    out.put(tile);
  }
}

static void writeTable(const WeightPiece &piece, const SourceTensor &source, Writer &out) {
  int64_t bytes = storageBytes(piece.storage);
  std::vector<uint8_t> row(roundUp(piece.k, 16) * bytes, 0);
  for (int64_t r = 0; r < piece.n; ++r) {
    for (int64_t i = 0; i < piece.k; ++i)
      convert(source, r * piece.k + i, piece.storage, row.data() + i * bytes);
    out.put(row);
  }
}

/// Angles in double: at position 30,000 a float angle would be off by a thousandth of a turn.
static void writeRotary(const WeightPiece &piece, Writer &out) {
  std::vector<uint8_t> all;
  for (int part = 0; part < 2; ++part) {
    for (int64_t p = 0; p < piece.n; ++p) {
      for (int64_t i = 0; i < piece.k; ++i) {
        double angle =
            static_cast<double>(p) * std::pow(piece.theta, -static_cast<double>(i) / static_cast<double>(piece.k));
        float f = static_cast<float>(part ? std::sin(angle) : std::cos(angle));
        const auto *bytes = reinterpret_cast<const uint8_t *>(&f);
        all.insert(all.end(), bytes, bytes + 4);
      }
      if (all.size() >= 65536 && all.size() % 8 == 0) {
        out.put(all);
        all.clear();
      }
    }
  }
  out.put(all);
}

bool quoin::cpu::writeWeights(const WeightPlan &plan, llvm::StringRef path,
                              llvm::function_ref<bool(llvm::StringRef, SourceTensor &, std::string &)> read,
                              const std::function<void(int64_t, int64_t)> &progress, uint64_t &checksum,
                              std::string &error) {
  std::error_code ec;
  llvm::raw_fd_ostream os(path, ec, llvm::sys::fs::OF_None);
  if (ec) {
    error = "cannot write '" + path.str() + "': " + ec.message();
    return false;
  }
  os.SetBufferSize(1 << 20);
  Writer out(os, plan.bytes(), progress);
  for (const WeightPiece &piece : plan.pieces) {
    out.padTo(piece.offset);
    std::vector<SourceTensor> sources;
    for (const std::string &name : piece.sources) {
      SourceTensor tensor;
      if (!read(name, tensor, error))
        return false;
      std::vector<int64_t> expected =
          piece.kind == Kind::Vector ? std::vector<int64_t>{piece.n} : std::vector<int64_t>{piece.n, piece.k};
      if (tensor.shape != expected) {
        error = "expects a tensor of another shape for weight '" + name + "'";
        return false;
      }
      sources.push_back(std::move(tensor));
    }
    switch (piece.kind) {
    case Kind::Packed:
    case Kind::GateUp:
      writePacked(piece, sources, out);
      break;
    case Kind::Table:
      writeTable(piece, sources[0], out);
      break;
    case Kind::Rotary:
      writeRotary(piece, out);
      break;
    case Kind::Vector: {
      std::vector<uint8_t> data(piece.bytes, 0);
      for (int64_t i = 0; i < piece.n; ++i)
        convert(sources[0], i, Storage::F32, data.data() + i * 4);
      out.put(data);
    }
    }
    if (os.has_error())
      break;
  }
  out.padTo(plan.bytes() - 8);
  checksum = out.checksum();
  os.write(reinterpret_cast<const char *>(&checksum), 8);
  os.close();
  if (os.has_error()) {
    error = "cannot write '" + path.str() + "': " + os.error().message();
    os.clear_error();
    return false;
  }
  return true;
}
