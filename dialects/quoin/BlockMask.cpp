//===- BlockMask.cpp - evaluation of mask formulas -------------------------===//

#include "dialects/quoin/BlockMask.h"
#include "llvm/Support/MathExtras.h"
#include <algorithm>

using namespace quoin;
using Op = BlockMask::Op;

BlockMask::BlockMask(std::vector<Node> nodes, std::vector<std::string> symbols, std::vector<LabelArray> arrays)
    : formula(std::move(nodes)), names(std::move(symbols)), labels(std::move(arrays)) {}

llvm::hash_code quoin::hash_value(const BlockMask &mask) {
  llvm::hash_code hash = llvm::hash_value(mask.formula.size());
  for (const BlockMask::Node &n : mask.formula)
    hash = llvm::hash_combine(hash, static_cast<int>(n.op), n.value, n.lhs, n.rhs);
  for (const std::string &name : mask.names)
    hash = llvm::hash_combine(hash, name);
  for (const LabelArray &array : mask.labels)
    hash = llvm::hash_combine(hash, array.name, llvm::hash_combine_range(array.values));
  return hash;
}

bool BlockMask::uses(Op op) const {
  return llvm::any_of(formula, [&](const Node &n) { return n.op == op; });
}

BlockMask BlockMask::causal() { return BlockMask({{Op::KeyPosition}, {Op::QueryPosition}, {Op::Le, 0, 0, 1}}, {}); }
BlockMask BlockMask::full() { return BlockMask({{Op::KeyPosition}, {Op::Constant, 0}, {Op::Ge, 0, 0, 1}}, {}); }
BlockMask BlockMask::blockCausal(int64_t block) {
  return BlockMask(
      {{Op::KeyPosition}, {Op::FloorDiv, block, 0}, {Op::QueryPosition}, {Op::FloorDiv, block, 2}, {Op::Le, 0, 1, 3}},
      {});
}
BlockMask BlockMask::window(int64_t width) {
  return BlockMask({{Op::KeyPosition},
                    {Op::QueryPosition},
                    {Op::Le, 0, 0, 1},
                    {Op::Sub, 0, 1, 0},
                    {Op::Constant, width},
                    {Op::Lt, 0, 3, 4},
                    {Op::And, 0, 2, 5}},
                   {});
}

BlockMask BlockMask::within(const BlockMask &other) const {
  BlockMask both = *this;
  int32_t own = root(), shift = own + 1;
  for (Node node : other.formula) {
    node.lhs += node.lhs < 0 ? 0 : shift;
    node.rhs += node.rhs < 0 ? 0 : shift;
    both.formula.push_back(node);
  }
  both.formula.push_back({Op::And, 0, own, both.root()});
  return both;
}

//===----------------------------------------------------------------------===//
// One pair
//===----------------------------------------------------------------------===//

/// Sums and products wrap as they do in compiled code.
static int64_t wrap(uint64_t v) { return static_cast<int64_t>(v); }

bool BlockMask::see(const MaskToken &q, const MaskToken &k, llvm::ArrayRef<int64_t> values) const {
  llvm::SmallVector<int64_t, 32> v(formula.size());
  for (auto [i, n] : llvm::enumerate(formula)) {
    int64_t a = n.lhs < 0 ? 0 : v[n.lhs], b = n.rhs < 0 ? 0 : v[n.rhs];
    uint64_t ua = static_cast<uint64_t>(a), ub = static_cast<uint64_t>(b);
    switch (n.op) {
    case Op::QueryPosition:
      v[i] = q.position;
      break;
    case Op::KeyPosition:
      v[i] = k.position;
      break;
    case Op::QuerySlot:
      v[i] = q.slot;
      break;
    case Op::KeySlot:
      v[i] = k.slot;
      break;
    case Op::QueryOpen:
      v[i] = q.open;
      break;
    case Op::KeyOpen:
      v[i] = k.open;
      break;
    case Op::QueryLabel:
      v[i] = q.label;
      break;
    case Op::KeyLabel:
      v[i] = k.label;
      break;
    case Op::QueryArray:
      v[i] = labels[n.value].at(q.slot);
      break;
    case Op::KeyArray:
      v[i] = labels[n.value].at(k.slot);
      break;
    case Op::Symbol:
      v[i] = values[n.value];
      break;
    case Op::Constant:
      v[i] = n.value;
      break;
    case Op::Add:
      v[i] = wrap(ua + ub);
      break;
    case Op::Sub:
      v[i] = wrap(ua - ub);
      break;
    case Op::Mul:
      v[i] = wrap(ua * static_cast<uint64_t>(n.value));
      break;
    case Op::FloorDiv:
      v[i] = floorDivide(a, n.value);
      break;
    case Op::Mod:
      v[i] = floorModulo(a, n.value);
      break;
    case Op::Le:
      v[i] = a <= b;
      break;
    case Op::Lt:
      v[i] = a < b;
      break;
    case Op::Ge:
      v[i] = a >= b;
      break;
    case Op::Gt:
      v[i] = a > b;
      break;
    case Op::Eq:
      v[i] = a == b;
      break;
    case Op::Ne:
      v[i] = a != b;
      break;
    case Op::And:
      v[i] = a & b;
      break;
    case Op::Or:
      v[i] = a | b;
      break;
    case Op::Not:
      v[i] = !a;
      break;
    }
  }
  return v.back() != 0;
}

//===----------------------------------------------------------------------===//
// A box of pairs
//===----------------------------------------------------------------------===//

namespace {
/// An interval, or "anything" once arithmetic left the range of int64_t.
struct Range {
  Interval of;
  bool any = false;
};
} // namespace

static Range sum(const Range &a, const Range &b, bool subtract) {
  Range r;
  Interval o = subtract ? Interval{b.of.high, b.of.low} : b.of;
  r.any = a.any || b.any;
  if (subtract)
    r.any |= llvm::SubOverflow(a.of.low, o.low, r.of.low) || llvm::SubOverflow(a.of.high, o.high, r.of.high);
  else
    r.any |= llvm::AddOverflow(a.of.low, o.low, r.of.low) || llvm::AddOverflow(a.of.high, o.high, r.of.high);
  return r;
}

static Range product(const Range &a, int64_t c) {
  Range r;
  int64_t x, y;
  r.any = a.any || llvm::MulOverflow(a.of.low, c, x) || llvm::MulOverflow(a.of.high, c, y);
  if (!r.any)
    r.of = {std::min(x, y), std::max(x, y)};
  return r;
}

static Range modulo(const Range &a, int64_t d) {
  // Inside one period the remainder is monotone; across a border all remainders may occur.
  if (!a.any && floorDivide(a.of.low, d) == floorDivide(a.of.high, d))
    return {{floorModulo(a.of.low, d), floorModulo(a.of.high, d)}};
  return {{0, d - 1}};
}

/// Truth values are intervals in {0, 1}.
static Range truth(bool always, bool never) { return {{always ? 1 : 0, never ? 0 : 1}}; }

static Range compare(Op op, const Range &a, const Range &b) {
  if (a.any || b.any)
    return truth(false, false);
  const Interval &x = a.of, &y = b.of;
  bool point = x.low == x.high && y.low == y.high && x.low == y.low, apart = x.high < y.low || y.high < x.low;
  switch (op) {
  case Op::Le:
    return truth(x.high <= y.low, x.low > y.high);
  case Op::Lt:
    return truth(x.high < y.low, x.low >= y.high);
  case Op::Ge:
    return truth(x.low >= y.high, x.high < y.low);
  case Op::Gt:
    return truth(x.low > y.high, x.high <= y.low);
  case Op::Eq:
    return truth(point, apart);
  default:
    return truth(apart, point);
  }
}

/// The values of an array over some slots.
static Range valuesOf(const LabelArray &array, const Interval &slots) {
  int64_t last = std::min(slots.high, static_cast<int64_t>(array.values.size()) - 1);
  Interval r{array.at(slots.high), array.at(slots.high)};
  for (int64_t i = std::max<int64_t>(slots.low, 0); i <= last; ++i)
    r = {std::min(r.low, array.at(i)), std::max(r.high, array.at(i))};
  return {r};
}

Tile BlockMask::classify(const MaskBox &q, const MaskBox &k, llvm::ArrayRef<int64_t> values) const {
  llvm::SmallVector<Range, 32> v(formula.size());
  static const Range none;
  for (auto [i, n] : llvm::enumerate(formula)) {
    const Range &a = n.lhs < 0 ? none : v[n.lhs], &b = n.rhs < 0 ? none : v[n.rhs];
    switch (n.op) {
    case Op::QueryPosition:
      v[i] = {q.position};
      break;
    case Op::KeyPosition:
      v[i] = {k.position};
      break;
    case Op::QuerySlot:
      v[i] = {q.slot};
      break;
    case Op::KeySlot:
      v[i] = {k.slot};
      break;
    case Op::QueryOpen:
      v[i] = {q.open};
      break;
    case Op::KeyOpen:
      v[i] = {k.open};
      break;
    case Op::QueryLabel:
      v[i] = {q.label};
      break;
    case Op::KeyLabel:
      v[i] = {k.label};
      break;
    case Op::QueryArray:
      v[i] = valuesOf(labels[n.value], q.slot);
      break;
    case Op::KeyArray:
      v[i] = valuesOf(labels[n.value], k.slot);
      break;
    case Op::Symbol:
      v[i] = {{values[n.value], values[n.value]}};
      break;
    case Op::Constant:
      v[i] = {{n.value, n.value}};
      break;
    case Op::Add:
      v[i] = sum(a, b, false);
      break;
    case Op::Sub:
      v[i] = sum(a, b, true);
      break;
    case Op::Mul:
      v[i] = product(a, n.value);
      break;
    case Op::FloorDiv:
      v[i] = {{floorDivide(a.of.low, n.value), floorDivide(a.of.high, n.value)}, a.any};
      break;
    case Op::Mod:
      v[i] = modulo(a, n.value);
      break;
    case Op::And:
      v[i] = {{a.of.low & b.of.low, a.of.high & b.of.high}};
      break;
    case Op::Or:
      v[i] = {{a.of.low | b.of.low, a.of.high | b.of.high}};
      break;
    case Op::Not:
      v[i] = {{1 - a.of.high, 1 - a.of.low}};
      break;
    default:
      v[i] = compare(n.op, a, b);
      break;
    }
  }
  Interval r = v.back().of;
  return r.high == 0 ? Tile::Empty : r.low == 1 ? Tile::Full : Tile::Partial;
}
