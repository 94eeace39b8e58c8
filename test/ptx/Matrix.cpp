//===- Matrix.cpp - ldmatrix, stmatrix, mma.sync -----------------------------===//
//
// Fragments: thread t holds, of a matrix of 8 x 8 elements of 16 bits, row t / 4 and columns 2 (t % 4) and the next.
//
//===----------------------------------------------------------------------===//

#include "test/ptx/Execution.h"
#include "test/ptx/Numbers.h"

namespace quoin::ptx {

static Outcome moveMatrices(Step &step) {
  if (!step.isWholeWarp())
    return Outcome::Again;
  const Instruction &in = step.in;
  Execution &x = step.x;
  bool store = in.op == Opcode::StMatrix;
  Lanes at = step.addresses(store ? 0 : 1);
  const std::vector<Operand> &registers = in.operands[store ? 1 : 0].parts;
  for (unsigned m = 0; m < in.count; ++m) {
    Lanes values = {};
    uint32_t poison = 0;
    if (store) {
      values = step.read(registers[m], poison);
      if (poison)
        x.fault(Fault::Kind::Unwritten, "expects numbers to store that were written, but found one that nobody wrote");
    }
    Lanes counted = {};
    for (unsigned row = 0; row < 8; ++row) {
      unsigned lane = m * 8 + row; // the thread that gives the row's address
      Execution::Place place = x.sharedPlace(step.block, at[lane], 16, 16, false);
      counted[row] = at[lane];
      if (store) {
        x.writes(place, step.thread(lane), step.stamp(lane), 16);
        place.shadow->markWritten(place.offset, 16);
      } else {
        x.reads(place, step.thread(lane), step.stamp(lane), 16);
      }
      for (unsigned column = 0; column < 8; ++column) {
        unsigned r = in.transposed ? column : row, c = in.transposed ? row : column, shift = 16 * (c % 2);
        uint64_t &value = values[r * 4 + c / 2];
        uint16_t element = uint16_t(value >> shift);
        if (store)
          std::memcpy(place.bytes + 2 * column, &element, 2);
        else {
          std::memcpy(&element, place.bytes + 2 * column, 2);
          value = (value & ~(uint64_t(0xffff) << shift)) | uint64_t(element) << shift;
        }
      }
    }
    x.count(counted, 0xff, 16, Space::Shared);
    if (!store)
      step.write(registers[m], values);
  }
  return Outcome::Next;
}

/// D = A B + C of 16 x 8 over a depth of 8 or 16. The order of sums is not PTX's to say: they are exact in a double
/// here and rounded once.
static Outcome multiply(Step &step) {
  if (!step.isWholeWarp())
    return Outcome::Again;
  const Instruction &in = step.in;
  uint32_t poison = 0;
  std::vector<Lanes> a, b, c;
  for (auto [operand, lanes] : {std::pair(1, &a), std::pair(2, &b), std::pair(3, &c)})
    for (const Operand &part : in.operands[size_t(operand)].parts)
      lanes->push_back(step.read(part, poison));
  if (poison)
    step.x.fault(Fault::Kind::Unwritten,
                 "expects numbers to multiply that were written, but found one that nobody wrote");
  Format format = formatOf(in.from);
  bool single = in.from == Type::TF32;
  unsigned perRegister = single ? 1 : 2, span = 4 * perRegister; // columns of k that four threads hold in a register
  auto element = [&](const std::vector<Lanes> &of, size_t reg, unsigned row, unsigned k) {
    uint64_t bits = of[reg][row * 4 + k % span / perRegister];
    return decode(format, single ? bits : bits >> (16 * (k % 2)) & 0xffff);
  };
  double left[16][16], right[16][8];
  for (unsigned k = 0; k < in.depth; ++k) {
    for (unsigned i = 0; i < 16; ++i)
      left[i][k] = element(a, k / span * 2 + i / 8, i % 8, k);
    for (unsigned j = 0; j < 8; ++j)
      right[k][j] = element(b, k / span, j, k);
  }
  std::array<Lanes, 4> d;
  for (unsigned l = 0; l < 32; ++l)
    for (unsigned q = 0; q < 4; ++q) {
      unsigned i = l / 4 + 8 * (q / 2), j = l % 4 * 2 + q % 2;
      double sum = decode(kSingle, c[q][l]);
      for (unsigned k = 0; k < in.depth; ++k)
        sum += left[i][k] * right[k][j];
      d[q][l] = encode(kSingle, sum);
    }
  for (size_t q = 0; q < 4; ++q)
    step.write(in.operands[0].parts[q], d[q], poison);
  ++step.x.counters().products;
  return Outcome::Next;
}

Outcome runMatrix(Step &step) { return step.in.op == Opcode::Mma ? multiply(step) : moveMatrices(step); }

} // namespace quoin::ptx
