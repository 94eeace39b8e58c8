//===- MaskKernel.cpp - mask formulas become code ------------------------------===//
//
// For each group and each block of 64 of its rows, and for each span of 16 tiles, then for each of its tiles if the
// span is not decided as a whole:
//   1. the formula over intervals (the same rules as BlockMask::classify) says whether all is empty or full without
//      looking at single pairs: such a tile gets no words, and nobody reads any;
//   2. if it says neither of a tile, every row gets its 64-bit word by evaluating the formula over 16 keys at a
//      time. What depends on keys alone is computed once per tile, what depends on the query alone once per row.
// Keys from `slots` on count as unseen. Classes are exact: a tile that turns out all zero or all one is classed so.
//
// Overflow: positions, slots and labels fit 32 bits; symbols are taken to be below 2^40 in magnitude. A node whose
// interval could leave 64 bits under these bounds is treated as unknown, so step 1 stays sound.
//
//===----------------------------------------------------------------------===//

#include "compiler/cpu/Kernels.h"
#include "runtime/include/quoin/program.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/MathExtras.h"
#include <cmath>
#include <cstddef>

using namespace mlir;
using namespace quoin;
using namespace quoin::cpu;
using Compare = KernelBuilder::Compare;
using MaskOp = BlockMask::Op;

namespace {
/// Tiles that are tried together.
constexpr int64_t spanTiles = 16;

struct MaskEmitter {
  KernelBuilder &kb;
  const BlockMask &mask;
  ArrayRef<BlockMask::Node> nodes = mask.nodes();
  Val group;

  // Per node: does it depend on the query, on the key; may its interval overflow; is it kept per key of the tile.
  SmallVector<bool> onQuery, onKey, unknown;
  SmallVector<Val> perKey;

  MaskEmitter(KernelBuilder &builder, const BlockMask &formula, Val g) : kb(builder), mask(formula), group(g) {
    analyse();
  }

  Val field(Type type, size_t offset) { return kb.load(type, kb.at(group, int64_t(offset))); }

  void analyse() {
    SmallVector<double> bound;
    for (const BlockMask::Node &n : nodes) {
      bool q = n.op == MaskOp::QueryPosition || n.op == MaskOp::QuerySlot || n.op == MaskOp::QueryOpen ||
               n.op == MaskOp::QueryLabel;
      bool k =
          n.op == MaskOp::KeyPosition || n.op == MaskOp::KeySlot || n.op == MaskOp::KeyOpen || n.op == MaskOp::KeyLabel;
      double limit = n.op == MaskOp::Symbol ? 0x1p40 : n.op == MaskOp::Constant ? std::fabs(double(n.value)) : 0x1p31;
      if (n.lhs >= 0) {
        q |= onQuery[n.lhs] || (n.rhs >= 0 && onQuery[n.rhs]);
        k |= onKey[n.lhs] || (n.rhs >= 0 && onKey[n.rhs]);
        double a = bound[n.lhs], b = n.rhs >= 0 ? bound[n.rhs] : 0;
        limit = n.op == MaskOp::Mul   ? a * std::fabs(double(n.value))
                : n.op == MaskOp::Mod ? double(n.value)
                                      : a + b + 1;
      }
      if (BlockMask::isPredicate(n.op))
        limit = 1;
      onQuery.push_back(q);
      onKey.push_back(k);
      bound.push_back(limit);
      unknown.push_back(limit > 0x1p62);
    }
  }

  static bool isLeaf(const BlockMask::Node &n) { return n.lhs < 0; }

  //===--------------------------------------------------------------------===//
  // Values
  //===--------------------------------------------------------------------===//

  Val floorDiv(Val a, int64_t d) {
    if (llvm::isPowerOf2_64(d))
      return kb.shiftRightSigned(a, literal(a, llvm::Log2_64(d)));
    Val q = a / literal(a, d), rest = a - q * d;
    return kb.select(kb.compare(Compare::slt, rest, literal(a, 0)), q - 1, q);
  }
  Val floorMod(Val a, int64_t d) {
    if (llvm::isPowerOf2_64(d))
      return kb.bitAnd(a, literal(a, d - 1));
    return a - floorDiv(a, d) * d;
  }

  static Compare predicate(MaskOp op) {
    switch (op) {
    case MaskOp::Le:
      return Compare::sle;
    case MaskOp::Lt:
      return Compare::slt;
    case MaskOp::Ge:
      return Compare::sge;
    case MaskOp::Gt:
      return Compare::sgt;
    case MaskOp::Eq:
      return Compare::eq;
    default:
      return Compare::ne;
    }
  }

  /// A node from its operands; scalars or vectors of i64, truth values as i1.
  Val apply(const BlockMask::Node &n, Val a, Val b) {
    switch (n.op) {
    case MaskOp::Add:
      return a + b;
    case MaskOp::Sub:
      return a - b;
    case MaskOp::Mul:
      return a * n.value;
    case MaskOp::FloorDiv:
      return floorDiv(a, n.value);
    case MaskOp::Mod:
      return floorMod(a, n.value);
    case MaskOp::And:
      return kb.bitAnd(a, b);
    case MaskOp::Or:
      return kb.bitOr(a, b);
    case MaskOp::Not:
      return kb.bitXor(a, literal(a, 1));
    default:
      return kb.compare(predicate(n.op), a, b);
    }
  }

  Val property(MaskOp op) {
    bool open = op == MaskOp::QueryOpen || op == MaskOp::KeyOpen,
         label = op == MaskOp::QueryLabel || op == MaskOp::KeyLabel;
    return field(kb.ptr, open    ? offsetof(quoin_group_t, open)
                         : label ? offsetof(quoin_group_t, labels)
                                 : offsetof(quoin_group_t, positions));
  }
  bool isSlot(MaskOp op) { return op == MaskOp::QuerySlot || op == MaskOp::KeySlot; }

  Val leafScalar(const BlockMask::Node &n, Val slot) {
    if (n.op == MaskOp::Constant)
      return kb.index(n.value);
    if (n.op == MaskOp::Symbol)
      return field(kb.i64, offsetof(quoin_group_t, symbols) + n.value * 8);
    if (isSlot(n.op))
      return slot;
    return kb.extend(kb.i64, kb.load(kb.i32, kb.at(property(n.op), slot * 4)), true);
  }

  /// 16 keys from `slot`.
  Val leafVector(const BlockMask::Node &n, Val slot) {
    Type wide = kb.vec(kb.i64);
    if (isSlot(n.op))
      return kb.extend(wide, kb.iota(), true) + kb.splat(slot);
    return kb.extend(wide, kb.load(kb.v16i, kb.at(property(n.op), slot * 4)), true);
  }

  //===--------------------------------------------------------------------===//
  // Intervals
  //===--------------------------------------------------------------------===//

  struct Bounds {
    Val low, high;
  };

  Bounds truth(Val always, Val never) {
    Val one = kb.index(1), zero = kb.index(0);
    return {kb.select(always, one, zero), kb.select(never, zero, one)};
  }

  Bounds compareBounds(MaskOp op, Bounds x, Bounds y) {
    auto is = [&](Compare p, Val a, Val b) { return kb.compare(p, a, b); };
    switch (op) {
    case MaskOp::Le:
      return truth(is(Compare::sle, x.high, y.low), is(Compare::sgt, x.low, y.high));
    case MaskOp::Lt:
      return truth(is(Compare::slt, x.high, y.low), is(Compare::sge, x.low, y.high));
    case MaskOp::Ge:
      return truth(is(Compare::sge, x.low, y.high), is(Compare::slt, x.high, y.low));
    case MaskOp::Gt:
      return truth(is(Compare::sgt, x.low, y.high), is(Compare::sle, x.high, y.low));
    default:
      break;
    }
    Val point = kb.bitAnd(is(Compare::eq, x.low, y.high), is(Compare::eq, x.high, y.low));
    Val apart = kb.bitOr(is(Compare::slt, x.high, y.low), is(Compare::slt, y.high, x.low));
    return op == MaskOp::Eq ? truth(point, apart) : truth(apart, point);
  }

  Bounds applyBounds(const BlockMask::Node &n, Bounds a, Bounds b) {
    bool lost = unknown[n.lhs] || (n.rhs >= 0 && unknown[n.rhs]);
    switch (n.op) {
    case MaskOp::Add:
      return {a.low + b.low, a.high + b.high};
    case MaskOp::Sub:
      return {a.low - b.high, a.high - b.low};
    case MaskOp::Mul:
      return n.value >= 0 ? Bounds{a.low * n.value, a.high * n.value} : Bounds{a.high * n.value, a.low * n.value};
    case MaskOp::FloorDiv:
      return {floorDiv(a.low, n.value), floorDiv(a.high, n.value)};
    case MaskOp::Mod: {
      Bounds all{kb.index(0), kb.index(n.value - 1)};
      if (lost)
        return all;
      Val same = kb.compare(Compare::eq, floorDiv(a.low, n.value), floorDiv(a.high, n.value));
      return {kb.select(same, floorMod(a.low, n.value), all.low), kb.select(same, floorMod(a.high, n.value), all.high)};
    }
    case MaskOp::And:
      return {kb.bitAnd(a.low, b.low), kb.bitAnd(a.high, b.high)};
    case MaskOp::Or:
      return {kb.bitOr(a.low, b.low), kb.bitOr(a.high, b.high)};
    case MaskOp::Not:
      return {kb.index(1) - a.high, kb.index(1) - a.low};
    default:
      return lost ? Bounds{kb.index(0), kb.index(1)} : compareBounds(n.op, a, b);
    }
  }

  /// Smallest and largest value of a property over `count` > 0 slots: 16 at a time, then one by one.
  Bounds range(MaskOp op, Val from, Val count) {
    if (isSlot(op))
      return {from, from + count - 1};
    Val base = kb.at(property(op), from * 4), whole = kb.bitAnd(count, kb.index(-16));
    Val first = kb.load(kb.i32, base), all = kb.splat(first);
    Vals v = kb.loop(kb.index(0), whole, 16, {all, all}, [&](Val i, ArrayRef<Val> c) -> Vals {
      Val x = kb.load(kb.v16i, kb.at(base, i * 4));
      return {kb.min(c[0], x), kb.max(c[1], x)};
    });
    Vals r = kb.loop(whole, count, 1, {kb.reduceMin(v[0]), kb.reduceMax(v[1])}, [&](Val i, ArrayRef<Val> c) -> Vals {
      Val x = kb.load(kb.i32, kb.at(base, i * 4));
      return {kb.min(c[0], x), kb.max(c[1], x)};
    });
    return {kb.extend(kb.i64, r[0], true), kb.extend(kb.i64, r[1], true)};
  }

  /// Intervals of the leaves that depend on the query (or on the key).
  void leafBounds(bool query, Val from, Val count, SmallVector<Bounds> &out) {
    for (auto [i, n] : llvm::enumerate(nodes))
      if (isLeaf(n) && (query ? onQuery[i] : onKey[i]))
        out[i] = range(n.op, from, count);
  }

  //===--------------------------------------------------------------------===//
  // Tiles
  //===--------------------------------------------------------------------===//

  /// Nodes that depend on keys alone and are used by one that does not: kept for the 64 keys of a tile.
  void makeKeyBuffers() {
    perKey.resize(nodes.size());
    auto keep = [&](int32_t i) {
      if (i >= 0 && onKey[i] && !onQuery[i] && !isLeaf(nodes[i]) && !perKey[i].kb)
        perKey[i] = kb.stack(64 * 8);
    };
    for (auto [i, n] : llvm::enumerate(nodes))
      if (onQuery[i]) {
        keep(n.lhs);
        keep(n.rhs);
      }
    keep(mask.root());
  }

  void fillKeyBuffers(Val firstKey) {
    kb.loop(kb.index(0), kb.index(64), 16, [&](Val k) {
      SmallVector<Val> v(nodes.size());
      for (auto [i, n] : llvm::enumerate(nodes)) {
        if (onQuery[i])
          continue;
        if (isLeaf(n))
          v[i] = onKey[i] ? leafVector(n, firstKey + k) : leafScalar(n, firstKey);
        else
          v[i] = apply(n, v[n.lhs], n.rhs >= 0 ? v[n.rhs] : Val());
        if (perKey[i].kb)
          kb.store(BlockMask::isPredicate(n.op) ? kb.extend(kb.vec(kb.i64), v[i], false) : v[i],
                   kb.at(perKey[i], k * 8));
      }
    });
  }

  /// The word of a row over one tile.
  Val word(Val slot, Val firstKey) {
    SmallVector<Val> scalar(nodes.size());
    for (auto [i, n] : llvm::enumerate(nodes))
      if (!onKey[i])
        scalar[i] = isLeaf(n) ? leafScalar(n, slot) : apply(n, scalar[n.lhs], n.rhs >= 0 ? scalar[n.rhs] : Val());
    return kb.loop(kb.index(0), kb.index(64), 16, {kb.index(0)}, [&](Val k, ArrayRef<Val> sofar) -> Vals {
      SmallVector<Val> v(scalar);
      for (auto [i, n] : llvm::enumerate(nodes)) {
        if (!onKey[i])
          continue;
        if (perKey[i].kb) {
          v[i] = kb.load(kb.vec(kb.i64), kb.at(perKey[i], k * 8));
          if (BlockMask::isPredicate(n.op))
            v[i] = kb.compare(Compare::ne, v[i], kb.integer(kb.vec(kb.i64), 0));
        } else if (isLeaf(n)) {
          v[i] = leafVector(n, firstKey + k);
        } else if (v[n.lhs].kb && (n.rhs < 0 || v[n.rhs].kb)) {
          v[i] = apply(n, v[n.lhs], n.rhs >= 0 ? v[n.rhs] : Val());
        } // else: inside a kept node
      }
      Val root = v[mask.root()];
      if (!isa<VectorType>(root.type()))
        root = kb.splat(root);
      Val bits = kb.extend(kb.i64, kb.cast(kb.i16, root), false);
      return {kb.bitOr(sofar[0], kb.shiftLeft(bits, k))};
    })[0];
  }

  /// The formula's interval over the rows of `fixed` and `count` keys from `firstKey` on.
  Bounds rootBounds(ArrayRef<Bounds> fixed, Val firstKey, Val count) {
    SmallVector<Bounds> bounds(fixed);
    leafBounds(false, firstKey, count, bounds);
    for (auto [i, n] : llvm::enumerate(nodes)) {
      if (!isLeaf(n)) {
        bounds[i] = applyBounds(n, bounds[n.lhs], n.rhs >= 0 ? bounds[n.rhs] : Bounds());
      } else if (!onQuery[i] && !onKey[i]) {
        Val x = leafScalar(n, firstKey);
        bounds[i] = {x, x};
      }
    }
    return bounds[mask.root()];
  }

  /// The class of one tile that the intervals leave open: of 64 rows, and `keys` of them are there.
  Val classByWords(Val from, Val count, Val firstSlot, Val t, Val tiles, Val keys) {
    Val words = field(kb.ptr, offsetof(quoin_group_t, words)), firstKey = t * 64;
    Val valid = kb.shiftRight(kb.index(-1), kb.index(64) - keys);
    fillKeyBuffers(firstKey);
    Vals both = kb.loop(kb.index(0), count, 1, {kb.index(0), kb.index(-1)}, [&](Val r, ArrayRef<Val> c) -> Vals {
      Val w = kb.bitAnd(word(firstSlot + r, firstKey), valid);
      kb.store(w, kb.at(words, (from * tiles + t * count + r) * 8));
      return {kb.bitOr(c[0], w), kb.bitAnd(c[1], w)};
    });
    Val none = kb.compare(Compare::eq, both[0], 0), all = kb.compare(Compare::eq, both[1], -1);
    return kb.select(none, kb.index(0), kb.select(all, kb.index(2), kb.index(1)));
  }

  /// The block of rows from `from` on, `count` <= 64 of them.
  void block(Val from, Val count) {
    Val slots = field(kb.i64, offsetof(quoin_group_t, slots)), tiles = kb.ceilDiv(slots, 64);
    Val firstSlot = field(kb.i64, offsetof(quoin_group_t, first_slot)) + from;
    Val classes = kb.at(field(kb.ptr, offsetof(quoin_group_t, tiles)), kb.shiftRight(from, kb.index(6)) * tiles);
    SmallVector<Bounds> fixed(nodes.size());
    leafBounds(true, firstSlot, count, fixed);
    makeKeyBuffers();
    auto decide = [&](Val firstKey, Val keys, int64_t whole) {
      Bounds root = rootBounds(fixed, firstKey, keys);
      // The last page counts as partial even if all of its keys are seen, so that nothing looks beyond them.
      return std::pair(kb.bitAnd(kb.compare(Compare::eq, root.low, 1), kb.compare(Compare::eq, keys, whole)),
                       kb.compare(Compare::eq, root.high, 0));
    };
    auto store = [&](Val t, Val kind) { kb.store(kb.truncate(kb.i8, kind), kb.at(classes, t)); };
    kb.loop(kb.index(0), tiles, spanTiles, [&](Val first) {
      Val end = kb.min(first + spanTiles, tiles);
      auto [full, empty] = decide(first * 64, kb.min(slots - first * 64, kb.index(spanTiles * 64)), spanTiles * 64);
      kb.when(
          kb.bitOr(full, empty),
          [&, full = full] {
            Val kind = kb.select(full, kb.index(2), kb.index(0));
            kb.loop(first, end, 1, [&](Val t) { store(t, kind); });
          },
          [&] {
            kb.loop(first, end, 1, [&](Val t) {
              Val keys = kb.min(slots - t * 64, kb.index(64));
              auto [all, none] = decide(t * 64, keys, 64);
              store(t, kb.choose(
                           kb.bitOr(all, none),
                           [&, all = all]() -> Vals { return {kb.select(all, kb.index(2), kb.index(0))}; },
                           [&]() -> Vals { return {classByWords(from, count, firstSlot, t, tiles, keys)}; })[0]);
            });
          });
    });
  }
};
} // namespace

LLVM::LLVMFuncOp quoin::cpu::maskKernel(KernelBuilder &kb, ArrayRef<BlockMask> masks, const BlockMask *within,
                                        const BlockMask *only) {
  std::string suffix;
  for (auto [formula, word] : {std::pair(only, "_of_"), std::pair(within, "_within_")}) {
    if (!formula)
      continue;
    llvm::raw_string_ostream os(suffix);
    os << word;
    formula->print(os);
  }
  std::replace(suffix.begin(), suffix.end(), ' ', '_');
  if (only)
    masks = ArrayRef(*only);
  SmallVector<LLVM::LLVMFuncOp> blocks;
  for (auto [i, mask] : llvm::enumerate(masks))
    blocks.push_back(kb.function(("mask_" + Twine(i) + suffix).str(), {kb.ptr, kb.i64, kb.i64}, [&](ArrayRef<Val> a) {
      BlockMask seen = within ? mask.within(*within) : mask;
      MaskEmitter(kb, seen, a[0]).block(a[1], a[2]);
    }));
  return kb.function("masks" + suffix, {kb.ptr, kb.i64, kb.i64}, [&](ArrayRef<Val> a) {
    Val groups = kb.load(kb.i64, kb.at(a[0], offsetof(quoin_layers_t, groups)));
    Val base = kb.load(kb.ptr, kb.at(a[0], offsetof(quoin_layers_t, group)));
    kb.loop(kb.index(0), groups, 1, {kb.index(0)}, [&](Val gi, ArrayRef<Val> done) -> Vals {
      Val group = kb.at(base, gi * int64_t(sizeof(quoin_group_t)));
      Val rows = kb.load(kb.i64, kb.at(group, offsetof(quoin_group_t, rows)));
      Val mask = kb.load(kb.i64, kb.at(group, offsetof(quoin_group_t, mask)));
      kb.loop(kb.index(0), rows, 64, [&](Val from) {
        Val item = done[0] + kb.shiftRight(from, kb.index(6));
        // A division of 64 bits is a call on a GPU.
        bool brief = kb.options.threads;
        Val mine = brief ? kb.extend(kb.i64, kb.remainder(kb.truncate(kb.i32, item), kb.truncate(kb.i32, a[2])), false)
                         : kb.remainder(item, a[2]);
        kb.when(kb.compare(Compare::eq, mine, a[1]), [&] {
          for (auto [i, f] : llvm::enumerate(blocks))
            kb.when(kb.compare(Compare::eq, mask, int64_t(i)),
                    [&] { kb.call(f, {group, from, kb.min(rows - from, kb.index(64))}); });
        });
      });
      return {done[0] + kb.ceilDiv(rows, 64)};
    });
  });
}
