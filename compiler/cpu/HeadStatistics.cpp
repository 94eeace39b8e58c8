//===- HeadStatistics.cpp - streaming statistics of a row of scores -----------===//
//
// Everything a decoder asks of a row (arg max, confidence, entropy, margin, one draw) is computed while the scores of
// 64 tokens at a time are still in the first-level cache, so no row of the vocabulary's size is ever stored.
//
// The draw is Gumbel-max: arg max of x / temperature - log(-log u), with u from Philox4x32-10 (Salmon et al., 2011),
// counter (token div 4, evaluation, position, stream), word token mod 4. A lane of the generator makes the numbers of
// four tokens, so scores are dealt into four vectors with tokens 4 i + j. Keys are compared by what scores lie above
// one of them, since x / temperature may be anything; the noise of the best is kept beside its score for that.
//
// Not a number. A row has no softmax if a score is NaN or plus infinity, or all are minus infinity. Then all statistics
// are NaN and the token is the lowest among the highest, for which NaN counts as plus infinity; there is no draw. Here
// the running maximum becomes infinite and x - maximum, and so the sum, NaN. It starts at the lowest finite number, so
// that minus infinity is always below it and weighs nothing.
//
//===----------------------------------------------------------------------===//

#include "compiler/cpu/HeadKernel.h"
#include "runtime/include/quoin/program.h"
#include "llvm/ADT/Twine.h"
#include <cstddef>
#include <limits>

using namespace mlir;
using namespace quoin::cpu;
using Compare = KernelBuilder::Compare;

static constexpr double unbounded = std::numeric_limits<double>::infinity();
static constexpr double largestScore = std::numeric_limits<float>::max();

Partial Partial::initial(KernelBuilder &kb) {
  Val low = kb.real(-unbounded), zero = kb.real(0), token = kb.integer(kb.i32, 0);
  return {kb.real(-largestScore), zero, zero, low, low, token, zero, zero, token, low, low};
}

/// x - y where its exponential is not 0; beyond, a number that times 0 is 0.
static Val difference(KernelBuilder &kb, Val x, Val y) {
  Val d = x - y;
  return kb.max(literal(d, -1000.0), d);
}

/// One over the temperature of a row; finite.
static Val inverseOf(KernelBuilder &kb, Val temperature) {
  return kb.min(kb.real(1) / temperature, kb.real(largestScore));
}

Partial Partial::load(KernelBuilder &kb, Val a) {
  auto f = [&](int64_t i) { return kb.load(kb.f32, kb.at(a, i)); };
  auto n = [&](int64_t i) { return kb.load(kb.i32, kb.at(a, i)); };
  return {f(0), f(4), f(8), f(12), f(16), n(20), f(24), f(28), n(32), f(36), f(40)};
}

void Partial::store(Val a) const {
  KernelBuilder &kb = *a.kb;
  int64_t offset = 0;
  for (Val v : {maximum, sum, weighted, best, second, bestToken, drawnSum, drawnNoise, drawnToken, drawnScore, of}) {
    kb.store(v, kb.at(a, offset));
    offset += 4;
  }
}

/// The four words of Philox4x32-10.
static Vals philox(KernelBuilder &kb, Vals c, Val key0, Val key1) {
  Type wide = kb.vec(kb.i64);
  auto multiply = [&](Val x, uint32_t m) -> std::pair<Val, Val> {
    Val product = kb.extend(wide, x, false) * int64_t(m);
    return {kb.truncate(kb.v16i, kb.shiftRight(product, kb.integer(wide, 32))), kb.truncate(kb.v16i, product)};
  };
  for (int round = 0; round < 10; ++round) {
    auto [high0, low0] = multiply(c[0], 0xD2511F53u);
    auto [high1, low1] = multiply(c[2], 0xCD9E8D57u);
    c = {kb.bitXor(kb.bitXor(high1, c[1]), key0), low1, kb.bitXor(kb.bitXor(high0, c[3]), key1), low0};
    key0 = key0 + int32_t(0x9E3779B9u);
    key1 = key1 + int32_t(0xBB67AE85u);
  }
  return c;
}

/// -log(-log u) for u = ((word >> 8) + 0.5) / 2^24. Near 1, u has no exact float but u - 1 has.
static Val gumbel(KernelBuilder &kb, Val word) {
  Val k = kb.shiftRight(word, kb.integer(kb.v16i, 8));
  Val u = (kb.toFloat(kb.v16f, k) + 0.5) * 0x1p-24, f, e;
  kb.logSplit(u, f, e);
  Val exact = (kb.toFloat(kb.v16f, k - (int64_t(1) << 24)) + 0.5) * 0x1p-24;
  f = kb.select(kb.compare(Compare::sge, k, int64_t(0xC00000)), exact, f);
  Val zero = kb.constant(kb.v16f, 0);
  return zero - kb.logOfNormal(zero - kb.logParts(f, e));
}

/// Highest of four vectors, and the lowest token among equals.
static std::pair<Val, Val> argMax(KernelBuilder &kb, ArrayRef<Val> x, ArrayRef<Val> tokens) {
  Val high = kb.reduceMax(kb.max(kb.max(x[0], x[1]), kb.max(x[2], x[3])));
  Val none = kb.integer(kb.v16i, INT32_MAX), best = none;
  for (int i = 0; i < 4; ++i)
    best = kb.min(best, kb.select(kb.compare(Compare::eq, x[i], high), tokens[i], none));
  return {high, kb.reduceMin(best)};
}

namespace {
struct StatisticsEmitter {
  KernelBuilder &kb;
  Val row, first, end; // tokens as i32

  Val real(size_t offset) { return kb.load(kb.f32, kb.at(row, int64_t(offset))); }
  Val word(size_t offset) { return kb.load(kb.i32, kb.at(row, int64_t(offset))); }
  Val sumOf(ArrayRef<Val> v) { return kb.reduceAdd((v[0] + v[1]) + (v[2] + v[3])); }

  void draw(Partial &p, ArrayRef<Val> x, Val before, Val temperature) {
    Val inverse = inverseOf(kb, temperature);
    Vals e, keys, dealt, noise, tokens;
    for (int i = 0; i < 4; ++i) {
      Val in = kb.compare(Compare::slt, first + i * 16 + kb.iota(), kb.splat(end));
      e.push_back(kb.select(in, kb.exp((x[i] - p.maximum) * inverse), kb.real(0)));
    }
    p.drawnSum = kb.fma(p.drawnSum, kb.exp((before - p.maximum) * inverse), sumOf(e));
    Vals counter{kb.splat(kb.shiftRight(first, kb.integer(kb.i32, 2))) + kb.iota(),
                 kb.splat(word(offsetof(quoin_head_row_t, evaluation))),
                 kb.splat(word(offsetof(quoin_head_row_t, position))),
                 kb.splat(word(offsetof(quoin_head_row_t, stream)))};
    Vals random = philox(kb, counter, kb.splat(word(offsetof(quoin_head_row_t, key))),
                         kb.splat(word(offsetof(quoin_head_row_t, key) + 4)));
    Val forbid = word(offsetof(quoin_head_row_t, forbid));
    for (int64_t j = 0; j < 4; ++j) {
      SmallVector<int64_t> pick, join;
      for (int64_t i = 0; i < 8; ++i)
        pick.push_back(4 * i + j);
      for (int64_t i = 0; i < 16; ++i)
        join.push_back(i);
      dealt.push_back(kb.shuffle(kb.shuffle(x[0], x[1], pick), kb.shuffle(x[2], x[3], pick), join));
      tokens.push_back(kb.splat(first + j) + kb.iota(4));
      Val allowed = kb.bitAnd(kb.compare(Compare::slt, tokens[j], end), kb.compare(Compare::ne, tokens[j], forbid));
      noise.push_back(gumbel(kb, random[j]));
      keys.push_back(
          kb.select(allowed, kb.fma(dealt[j] - p.maximum, kb.splat(inverse), noise[j]), kb.real(-unbounded)));
    }
    auto [key, token] = argMax(kb, keys, tokens);
    // What the best was, in place of everything else.
    auto chosen = [&](ArrayRef<Val> of) {
      Val value = kb.constant(kb.v16f, -unbounded);
      for (int j = 0; j < 4; ++j)
        value = kb.max(kb.select(kb.compare(Compare::eq, tokens[j], token), of[j], kb.real(-unbounded)), value);
      return kb.reduceMax(value);
    };
    Val better = kb.compare(Compare::sgt, key, kb.fma(p.drawnScore - p.maximum, inverse, p.drawnNoise));
    p.drawnToken = kb.select(better, token, p.drawnToken);
    p.drawnScore = kb.select(better, chosen(dealt), p.drawnScore);
    p.drawnNoise = kb.select(better, chosen(noise), p.drawnNoise);
  }

  void run(Val address, Val scores) {
    Partial p = Partial::load(kb, address);
    Val forbid = word(offsetof(quoin_head_row_t, forbid)), of = word(offsetof(quoin_head_row_t, of));
    Val logits = kb.load(kb.ptr, kb.at(row, offsetof(quoin_head_row_t, logits)));
    Val stored = kb.compare(Compare::ne, kb.wrap(LLVM::PtrToIntOp::create(kb.b, kb.loc, kb.i64, logits)), 0);
    Vals x, raw, in, tokens, choice, e, w;
    for (int64_t i = 0; i < 4; ++i) {
      tokens.push_back(kb.splat(first + i * 16) + kb.iota());
      in.push_back(kb.compare(Compare::slt, tokens[i], end));
      raw.push_back(kb.load(kb.v16f, kb.at(scores, i * 64), 64));
      x.push_back(kb.select(in[i], kb.min(raw[i], kb.constant(kb.v16f, unbounded)), kb.real(-unbounded)));
    }
    kb.when(stored, [&] {
      for (int64_t i = 0; i < 4; ++i)
        LLVM::MaskedStoreOp::create(kb.b, kb.loc, raw[i], kb.at(logits, kb.extend(kb.i64, first, true) * 4 + i * 64),
                                    in[i], kb.b.getI32IntegerAttr(4));
    });
    Val before = p.maximum;
    p.maximum = kb.max(before, kb.reduceMax(kb.max(kb.max(x[0], x[1]), kb.max(x[2], x[3]))));
    Val down = difference(kb, before, p.maximum), factor = kb.exp(down);
    for (int64_t i = 0; i < 4; ++i) {
      Val y = difference(kb, x[i], p.maximum);
      e.push_back(kb.select(in[i], kb.exp(y), kb.real(0)));
      w.push_back(y * e[i]);
      choice.push_back(
          kb.select(kb.bitAnd(in[i], kb.compare(Compare::ne, tokens[i], forbid)), x[i], kb.real(-unbounded)));
    }
    p.weighted = kb.fma(factor, kb.fma(down, p.sum, p.weighted), sumOf(w));
    p.sum = kb.fma(p.sum, factor, sumOf(e));

    auto [best, token] = argMax(kb, choice, tokens);
    Val second = kb.constant(kb.v16f, -unbounded);
    for (int64_t i = 0; i < 4; ++i)
      second = kb.max(second, kb.select(kb.compare(Compare::eq, tokens[i], token), kb.real(-unbounded), choice[i]));
    // Strictly better: among equals the lower token, which came first, stays.
    Val better = kb.compare(Compare::sgt, best, p.best);
    p.second = kb.select(better, kb.max(p.best, kb.reduceMax(second)), kb.max(p.second, best));
    p.bestToken = kb.select(better, token, p.bestToken);
    p.best = kb.select(better, best, p.best);

    Val offset = of - first;
    Val here = kb.bitAnd(kb.compare(Compare::sge, offset, 0), kb.compare(Compare::slt, offset, 64));
    Val index = kb.extend(kb.i64, kb.bitAnd(offset, kb.integer(kb.i32, 63)), false);
    p.of = kb.select(here, kb.load(kb.f32, kb.at(scores, index * 4)), p.of);

    Val temperature = real(offsetof(quoin_head_row_t, temperature));
    Vals drawn = kb.choose(
        kb.compare(Compare::sgt, temperature, kb.real(0)),
        [&]() -> Vals {
          Partial next = p;
          draw(next, x, before, temperature);
          return {next.drawnSum, next.drawnNoise, next.drawnToken, next.drawnScore};
        },
        [&]() -> Vals { return {p.drawnSum, p.drawnNoise, p.drawnToken, p.drawnScore}; });
    p.drawnSum = drawn[0];
    p.drawnNoise = drawn[1];
    p.drawnToken = drawn[2];
    p.drawnScore = drawn[3];
    p.store(address);
  }
};
} // namespace

LLVM::LLVMFuncOp quoin::cpu::tileStatistics(KernelBuilder &kb) {
  return kb.function("head_statistics", {kb.ptr, kb.ptr, kb.ptr, kb.i32, kb.i32},
                     [&](ArrayRef<Val> a) { StatisticsEmitter{kb, a[0], a[3], a[4]}.run(a[1], a[2]); });
}

LLVM::LLVMFuncOp quoin::cpu::rowResults(KernelBuilder &kb, int64_t vocabulary) {
  std::string name = ("head_results_" + Twine(vocabulary)).str();
  return kb.function(name, {kb.ptr, kb.ptr, kb.i64, kb.i64}, [&](ArrayRef<Val> a) {
    Val row = a[0];
    auto real = [&](size_t offset) { return kb.load(kb.f32, kb.at(row, int64_t(offset))); };
    auto word = [&](size_t offset) { return kb.load(kb.i32, kb.at(row, int64_t(offset))); };
    Val temperature = real(offsetof(quoin_head_row_t, temperature));
    Val warm = kb.compare(Compare::sgt, temperature, kb.real(0));
    Val inverse = kb.select(warm, inverseOf(kb, kb.select(warm, temperature, kb.real(1))), kb.real(1));
    Partial p = Partial::initial(kb);
    // Tokens start at the lowest that may be chosen, for a row in which nothing is above minus infinity.
    Val first = kb.select(kb.compare(Compare::eq, word(offsetof(quoin_head_row_t, forbid)), 0),
                          kb.integer(kb.i32, std::min<int64_t>(1, vocabulary - 1)), kb.integer(kb.i32, 0));
    Vals v =
        kb.loop(kb.index(0), a[2], 1,
                {p.maximum, p.sum, p.weighted, p.best, p.second, first, p.drawnSum, p.drawnNoise, first, p.drawnScore},
                [&](Val chunk, ArrayRef<Val> c) -> Vals {
                  Partial q = Partial::load(kb, kb.at(a[1], chunk * Partial::bytes));
                  Val m = kb.max(c[0], q.maximum), down = difference(kb, c[0], m), other = difference(kb, q.maximum, m),
                      f = kb.exp(down), g = kb.exp(other);
                  Val better = kb.compare(Compare::sgt, q.best, c[3]);
                  Val drawn = kb.compare(Compare::sgt, kb.fma(q.drawnScore - m, inverse, q.drawnNoise),
                                         kb.fma(c[9] - m, inverse, c[7]));
                  return {m,
                          kb.fma(c[1], f, q.sum * g),
                          kb.fma(f, kb.fma(down, c[1], c[2]), g * kb.fma(other, q.sum, q.weighted)),
                          kb.select(better, q.best, c[3]),
                          kb.select(better, kb.max(c[3], q.second), kb.max(c[4], q.best)),
                          kb.select(better, q.bestToken, c[5]),
                          kb.fma(c[6], kb.exp((c[0] - m) * inverse), q.drawnSum * kb.exp((q.maximum - m) * inverse)),
                          kb.select(drawn, q.drawnNoise, c[7]),
                          kb.select(drawn, q.drawnToken, c[8]),
                          kb.select(drawn, q.drawnScore, c[9])};
                });
    Val sum = v[1], valid = kb.compare(Compare::sgt, sum, kb.real(0)),
        nan = kb.real(std::numeric_limits<double>::quiet_NaN());
    // Without a softmax the maximum is NaN, and with it whatever is made of it.
    Val maximum = kb.select(valid, v[0], nan), logSum = kb.log(sum);
    auto probability = [&](Val score) { return kb.exp(score - maximum) / sum; };
    Val of = word(offsetof(quoin_head_row_t, of));
    Val asked = kb.compare(Compare::sge, of, 0);
    Val chunk = kb.quotient(kb.extend(kb.i64, kb.max(of, kb.integer(kb.i32, 0)), false), a[3]);
    Val ofScore = kb.load(kb.f32, kb.at(a[1], chunk * Partial::bytes + Partial::ofOffset));
    Val rawWanted = kb.compare(Compare::ne, word(offsetof(quoin_head_row_t, raw_confidence)), 0);
    // A draw needs a token with a mass.
    Val drew = kb.bitAnd(warm, kb.bitAnd(valid, kb.compare(Compare::sgt, v[9], kb.real(-unbounded))));
    Val score = kb.select(drew, v[9], v[3]);
    Val filtered = kb.exp((score - maximum) * inverse) / kb.select(warm, v[6], kb.real(1));
    auto put = [&](size_t offset, Val value) { kb.store(value, kb.at(row, int64_t(offset))); };
    put(offsetof(quoin_head_row_t, token), kb.select(drew, v[8], v[5]));
    put(offsetof(quoin_head_row_t, confidence),
        kb.select(kb.bitAnd(warm, kb.bitXor(rawWanted, kb.integer(kb.i1, 1))), filtered, probability(score)));
    Val logFiltered = (score - maximum) * inverse - kb.log(kb.select(warm, v[6], kb.real(1)));
    put(offsetof(quoin_head_row_t, log_confidence),
        kb.select(kb.bitAnd(warm, kb.bitXor(rawWanted, kb.integer(kb.i1, 1))), logFiltered, score - maximum - logSum));
    put(offsetof(quoin_head_row_t, probability), kb.select(asked, probability(ofScore), kb.real(0)));
    put(offsetof(quoin_head_row_t, entropy), kb.max(kb.real(0), logSum - v[2] / sum));
    put(offsetof(quoin_head_row_t, margin), probability(v[3]) - probability(v[4]));
    put(offsetof(quoin_head_row_t, log_sum_exp), maximum + logSum);
    put(offsetof(quoin_head_row_t, maximum), maximum);
  });
}
