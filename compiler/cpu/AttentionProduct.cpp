//===- AttentionProduct.cpp - the products of a tile of attention ----------===//

#include "compiler/cpu/AttentionProduct.h"
#include "llvm/ADT/Twine.h"
#include <algorithm>

using namespace mlir;
using namespace quoin::cpu;
using Compare = KernelBuilder::Compare;

void AttentionProduct::multiply(Side acc, bool fresh, Side a, Side b, Val lines, int64_t vectors, Val word) const {
  std::string name = ("attention_product_" + Twine(rows) + "x" + Twine(vectors) + "_" +
                      (narrowed ? "pairs"
                       : pairs  ? "widened"
                                : "f32") +
                      "_" + Twine(acc.bytes) + "_" + Twine(a.bytes) + "_" + Twine(b.bytes) + (fresh ? "_fresh" : "") +
                      (word.kb ? "_careful" : ""))
                         .str();
  int64_t some = std::min(vectors, atOnce);
  while (vectors % some)
    --some;
  LLVM::LLVMFuncOp f = kb.function(name, {kb.ptr, kb.ptr, kb.ptr, kb.i64, kb.i64}, [&](ArrayRef<Val> args) {
    auto columns = [&](Val sumsAt, Val linesAt) {
      Vals total;
      auto at = [&](int64_t i) { return kb.at(sumsAt, i / some * acc.bytes + i % some * 64); };
      for (int64_t i = 0; i < rows * some; ++i)
        total.push_back(fresh ? kb.constant(kb.v16f, 0) : kb.load(kb.v16f, at(i), 64));
      total = accumulate(total, {args[1], a.bytes}, {linesAt, b.bytes}, args[3], word.kb ? args[4] : Val());
      for (auto [i, sum] : llvm::enumerate(total))
        kb.store(sum, at(static_cast<int64_t>(i)), 64);
    };
    if (some == vectors)
      return columns(args[0], args[2]);
    kb.loop(kb.index(0), kb.index(vectors * 64), some * 64,
            [&](Val offset) { columns(kb.at(args[0], offset), kb.at(args[2], offset)); });
  });
  f.setNoInline(true);
  kb.call(f, {acc.at, a.at, b.at, lines, word.kb ? word : kb.index(0)});
}

Vals AttentionProduct::accumulate(Vals acc, Side a, Side b, Val lines, Val word) const {
  int64_t vectors = static_cast<int64_t>(acc.size()) / rows;
  auto run = [&](Val from, Val to, int64_t unroll) {
    acc = kb.loop(from, to, unroll, acc, [&](Val i, ArrayRef<Val> carried) {
      Vals out(carried.begin(), carried.end());
      for (int64_t u = 0; u < unroll; ++u) {
        Vals line;
        for (int64_t v = 0; v < vectors; ++v) {
          line.push_back(kb.load(kb.v16i, kb.at(kb.at(b.at, i * b.bytes), u * b.bytes + v * 64), 64));
          if (word.kb)
            line.back() = kb.bitAnd(line.back(), kb.splat(seenBits(word, i + u)));
        }
        step(out, kb.at(kb.at(a.at, i * stepBytes()), u * stepBytes()), a.bytes, line);
      }
      return out;
    });
  };
  Val whole = kb.bitAnd(lines, kb.index(-4));
  run(kb.index(0), whole, 4);
  run(whole, lines, 1);
  return acc;
}

/// One step: an element or a pair of each row of `a` times a line of `b`.
void AttentionProduct::step(Vals &acc, Val a, int64_t stride, ArrayRef<Val> line) const {
  int64_t vectors = static_cast<int64_t>(line.size());
  auto broadcast = [&](Type type, int64_t offset) { return kb.splat(kb.load(type, kb.at(a, offset))); };
  Vals low, high;
  for (Val l : line) {
    if (pairs && !narrowed)
      high.push_back(kb.widenHigh(l));
    low.push_back(narrowed ? l : pairs ? kb.widenLow(l) : kb.cast(kb.v16f, l));
  }
  for (int64_t r = 0; r < rows; ++r) {
    Val x = broadcast(narrowed ? kb.i32 : kb.f32, r * stride), y;
    if (!high.empty())
      y = broadcast(kb.f32, r * stride + 4);
    for (int64_t v = 0; v < vectors; ++v) {
      Val &sum = acc[r * vectors + v];
      sum = narrowed ? kb.dotPairs(sum, x, low[v]) : kb.fma(x, low[v], sum);
      if (!high.empty())
        sum = kb.fma(y, high[v], sum);
    }
  }
}

/// Which bits of a value line stay: all if the key is seen, else the sign's; in halves for a pair of keys.
Val AttentionProduct::seenBits(Val word, Val line) const {
  auto bits = [&](Val key, int64_t all, int64_t sign) {
    Val seen = kb.compare(Compare::ne, kb.bitAnd(kb.shiftRight(word, key), kb.index(1)), 0);
    return kb.select(seen, kb.integer(kb.i32, int32_t(all)), kb.integer(kb.i32, int32_t(sign)));
  };
  if (!pairs)
    return bits(line, 0xffffffff, 0x80000000);
  return kb.bitOr(bits(line * 2, 0xffff, 0x8000), bits(line * 2 + 1, 0xffff0000, 0x80000000));
}
