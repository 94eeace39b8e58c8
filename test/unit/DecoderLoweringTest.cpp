// DecoderLoweringTest.cpp: decoders as machine code do what their programs say.

#include "DecoderHost.h"
#include "gtest/gtest.h"
#include <bit>
#include <cmath>
#include <cstring>
#include <functional>

using namespace quoin;
using namespace quoin::test;

namespace {

using Tokens = std::vector<int32_t>;

std::string decoderText(const std::string &body, const std::string &settings = "") {
  return "quoin.decoder @d(%x, %max) settings {" + settings + "} {\n%c0 = arith.constant 0 : index\n" + body + "\n}\n";
}

/// Runs the decoder @d on the prompt 5, 6, 7 with max = 4.
struct Outcome {
  int32_t status = -1;
  Tokens result;
  std::string error;
};
Outcome runBody(const std::string &body, const std::string &settings = "") {
  mlir::MLIRContext context;
  CompiledDecoders code(context, decoderText(body, settings));
  if (!code.ok())
    return {-1, {}, code.diagnostic};
  Session session(code, "d");
  int32_t status = session.run({5, 6, 7}, 4);
  return {status, session.result, session.error};
}

const char appendAll[] = R"(
  %y = quoin.append %x, %ids
  %n = quoin.length %y
  %p = quoin.length %x
  quoin.return %y[%p to %n]
)";

//===----------------------------------------------------------------------===//
// Whole programs against plain C++
//===----------------------------------------------------------------------===//

const char sdarText[] = R"(
#block = #quoin.mask<(q, k) : k floordiv 4 le q floordiv 4>
quoin.decoder @sdar(%x0, %max) settings {steps = 4 : index, threshold = 0.85 : f32} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %B = arith.constant 4 : index
  %true = arith.constant true
  %S = quoin.setting @steps : index
  %thr = quoin.setting @threshold : f32
  %P = quoin.length %x0
  %want = arith.addi %P, %max : index
  %blocks = arith.ceildivui %want, %B : index
  %end = arith.muli %blocks, %B : index
  %grow = arith.subi %end, %P : index
  %tail = arith.remui %P, %B : index
  %lo0 = arith.subi %P, %tail : index
  %x1 = quoin.extend %x0 by %grow
  %x2 = quoin.commit %x1 to %lo0 by pass of @m mask #block
  %xe, %hie, %ge = scf.while (%x = %x2, %lo = %lo0, %go = %true) : (!quoin.sequence, index, i1) -> (!quoin.sequence, index, i1) {
    %in = arith.cmpi ult, %lo, %end : index
    %c = arith.andi %in, %go : i1
    scf.condition(%c) %x, %lo, %go : !quoin.sequence, index, i1
  } do {
  ^bb0(%x: !quoin.sequence, %lo: index, %go: i1):
    %hi = arith.addi %lo, %B : index
    %full, %steps = quoin.denoise %x[%lo to %hi] carry %c0 : index -> index {
    ^bb0(%y: !quoin.sequence, %rows: tensor<?xindex>, %s: index):
      %e = quoin.evaluation
      %l = quoin.forward @m of %y[to %hi] read %rows mask #block
      %tok, %conf = quoin.score %l [token, confidence] by #quoin.sampler<temperature> at %rows, %e : tensor<?xi32>, tensor<?xf32>
      %n = tensor.dim %rows, %c0 : tensor<?xindex>
      %q0 = arith.divui %B, %S : index
      %r = arith.remui %B, %S : index
      %early = arith.cmpi ult, %s, %r : index
      %more = arith.select %early, %c1, %c0 : index
      %q1 = arith.addi %q0, %more : index
      %quota = arith.minui %q1, %n : index
      %t = tensor.splat %thr[%n] : tensor<?xf32>
      %sure = arith.cmpf ogt, %conf, %t : tensor<?xf32>
      %many = quoin.count %sure
      %enough = arith.cmpi uge, %many, %quota : index
      %best = quoin.top %conf, %quota
      %pick = arith.select %enough, %sure, %best : tensor<?xi1>
      %z = quoin.fill %y at %rows with %tok where %pick
      %s1 = arith.addi %s, %c1 : index
      quoin.yield %z, %s1 : index
    }
    %done = quoin.commit %full to %hi by pass of @m mask #block
    %stop = quoin.find_stop %done[%P to %hi]
    %on = arith.cmpi eq, %stop, %hi : index
    scf.yield %done, %hi, %on : !quoin.sequence, index, i1
  }
  quoin.return %xe[%P to %hie]
}
)";

struct Expected {
  Tokens tokens;
  int64_t evaluations = 0;
};

/// Open slots hold the fill token.
std::vector<Slot> slotsOf(const Tokens &tokens, size_t to) {
  std::vector<Slot> slots;
  for (size_t i = 0; i < to; ++i)
    slots.push_back({tokens[i], static_cast<int64_t>(i), 0, 0});
  return slots;
}

Expected plainSdar(Tokens x, size_t max, size_t steps, float threshold, const std::set<int32_t> &stops) {
  size_t prompt = x.size(), end = (prompt + max + 3) / 4 * 4, lo = prompt / 4 * 4;
  std::vector<bool> open(end);
  std::fill(open.begin() + static_cast<long>(prompt), open.end(), true);
  x.resize(end, fillToken);
  Expected e;
  for (bool on = true; lo < end && on; lo += 4) {
    for (size_t s = 0;; ++s) {
      std::vector<size_t> rows;
      for (size_t i = lo; i < lo + 4; ++i)
        if (open[i])
          rows.push_back(i);
      if (rows.empty())
        break;
      std::vector<Slot> slots = slotsOf(x, lo + 4);
      std::vector<uint32_t> hashes;
      for (size_t r : rows)
        hashes.push_back(rowHash(slots, r, [](size_t q, size_t k) { return k / 4 <= q / 4; }));
      size_t quota = std::min(4 / steps + (s < 4 % steps), rows.size()), many = 0;
      for (uint32_t h : hashes)
        many += confidenceOf(h) > threshold;
      Tokens next = x;
      for (size_t i = 0; i < rows.size(); ++i) {
        size_t better = 0; // rows that the choice of the best prefers
        for (size_t j = 0; j < rows.size(); ++j)
          better += confidenceOf(hashes[j]) > confidenceOf(hashes[i]) ||
                    (confidenceOf(hashes[j]) == confidenceOf(hashes[i]) && j < i);
        if (many >= quota ? confidenceOf(hashes[i]) > threshold : better < quota) {
          next[rows[i]] = tokenOf(drawHash(hashes[i], e.evaluations, static_cast<int64_t>(rows[i])));
          open[rows[i]] = false;
        }
      }
      x = next;
      ++e.evaluations;
    }
    for (size_t i = prompt; i < lo + 4; ++i)
      on &= !stops.count(x[i]);
  }
  e.tokens.assign(x.begin() + static_cast<long>(prompt), x.begin() + static_cast<long>(lo));
  return e;
}

TEST(DecoderLowering, SdarIsWhatPlainCodeDoes) {
  mlir::MLIRContext context;
  CompiledDecoders code(context, sdarText), cached(context, sdarText, CompiledDecoders::Passes::CacheAndOutline);
  ASSERT_TRUE(code.ok()) << code.diagnostic;
  ASSERT_TRUE(cached.ok()) << cached.diagnostic;
  EXPECT_EQ(code.lowered.decoders[0].caches.size(), 0u);
  ASSERT_EQ(cached.lowered.decoders[0].caches.size(), 1u);
  EXPECT_EQ(cached.lowered.decoders[0].caches[0].model, 0);
  int stopped = 0;
  int64_t rows[2] = {0, 0};
  for (int32_t length = 1; length <= 9; ++length)
    for (size_t steps : {1, 3, 4})
      for (float threshold : {0.3f, 0.85f}) {
        Tokens prompt;
        for (int32_t i = 0; i < length; ++i)
          prompt.push_back(1 + (i * 7 + length) % 40);
        std::set<int32_t> stops = {9};
        Expected plain = plainSdar(prompt, 14, steps, threshold, stops);
        stopped += plain.tokens.size() < 14;
        for (const CompiledDecoders *c : {&code, &cached}) {
          Session session(*c, "sdar");
          session.stops = stops;
          session.set("steps", static_cast<double>(steps));
          session.set("threshold", threshold);
          ASSERT_EQ(session.run(prompt, 14), QUOIN_DONE) << session.error;
          EXPECT_EQ(session.result, plain.tokens);
          EXPECT_EQ(session.evaluations, plain.evaluations);
          EXPECT_EQ(session.scores, plain.evaluations);
          rows[c == &cached] += session.rows;
        }
      }
  EXPECT_LT(rows[1], rows[0]);
  EXPECT_GT(stopped, 0);
  EXPECT_LT(stopped, 54);
}

const char autoregressiveText[] = R"(
#causal = #quoin.mask<(q, k) : k le q>
quoin.decoder @autoregressive(%x0, %max) settings {} {
  %c1 = arith.constant 1 : index
  %true = arith.constant true
  %P = quoin.length %x0
  %end = arith.addi %P, %max : index
  %xe, %ge = scf.while (%x = %x0, %go = %true) : (!quoin.sequence, i1) -> (!quoin.sequence, i1) {
    %n = quoin.length %x
    %in = arith.cmpi ult, %n, %end : index
    %c = arith.andi %in, %go : i1
    scf.condition(%c) %x, %go : !quoin.sequence, i1
  } do {
  ^bb0(%x: !quoin.sequence, %go: i1):
    %n = quoin.length %x
    %last = arith.subi %n, %c1 : index
    %n1 = arith.addi %n, %c1 : index
    %row = quoin.span %last to %n
    %at = quoin.span %n to %n1
    %e = quoin.evaluation
    %l = quoin.forward @m of %x[to %n] read %row mask #causal
    %tok = quoin.score %l [token] by #quoin.sampler<temperature> at %at, %e : tensor<?xi32>
    %y = quoin.append %x, %tok
    %z = quoin.commit %y to %n1
    %stop = quoin.find_stop %z[%n to %n1]
    %on = arith.cmpi eq, %stop, %n1 : index
    scf.yield %z, %on : !quoin.sequence, i1
  }
  %m = quoin.length %xe
  quoin.return %xe[%P to %m]
}
)";

TEST(DecoderLowering, AutoregressiveIsWhatPlainCodeDoes) {
  mlir::MLIRContext context;
  CompiledDecoders code(context, autoregressiveText);
  ASSERT_TRUE(code.ok()) << code.diagnostic;
  for (int32_t first = 1; first < 30; ++first) {
    Tokens x = {first, 3, first};
    int64_t e = 0;
    for (; e < 12; ++e) {
      auto causal = [](size_t q, size_t k) { return k <= q; };
      uint32_t h = rowHash(slotsOf(x, x.size()), x.size() - 1, causal);
      x.push_back(tokenOf(drawHash(h, e, static_cast<int64_t>(x.size()))));
      if (x.back() == 4)
        break;
    }
    Session session(code, "autoregressive");
    session.stops = {4};
    ASSERT_EQ(session.run({first, 3, first}, 12), QUOIN_DONE) << session.error;
    EXPECT_EQ(session.result, Tokens(x.begin() + 3, x.end()));
    EXPECT_EQ(session.evaluations, e + (e < 12));
  }
}

/// A loop whose body calls a second time under a condition, with guidance over a reopened prompt, and keeps logits.
const char guidedText[] = R"(
#full = #quoin.mask<(q, k)[n] : k lt n>
quoin.decoder @guided(%x0, %max) settings {guidance = 0.5 : f32, period = 2 : index} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %g = quoin.setting @guidance : f32
  %period = quoin.setting @period : index
  %P = quoin.length %x0
  %n = arith.addi %P, %max : index
  %x1 = quoin.extend %x0 by %max
  %xe = scf.for %s = %c0 to %max step %c1 iter_args(%y = %x1) -> (!quoin.sequence) {
    %rows = quoin.open %y[%c0 to %n]
    %lc = quoin.forward @m of %y[to %n] read %rows mask #full[%n]
    %phase = arith.remui %s, %period : index
    %guided = arith.cmpi eq, %phase, %c0 : index
    %l = scf.if %guided -> (!quoin.logits) {
      %u = quoin.reopen %y[%c0 to %P]
      %lu = quoin.forward @m of %u[to %n] read %rows mask #full[%n]
      %m = quoin.guide %lc over %lu by %g
      scf.yield %m : !quoin.logits
    } else {
      scf.yield %lc : !quoin.logits
    }
    %one = quoin.rows %l[%c0 for %c1]
    %tok = quoin.score %one [token] : tensor<?xi32>
    %row = tensor.extract_slice %rows[0] [1] [1] : tensor<?xindex> to tensor<1xindex>
    %at = tensor.cast %row : tensor<1xindex> to tensor<?xindex>
    %z = quoin.fill %y at %at with %tok
    scf.yield %z : !quoin.sequence
  }
  quoin.return %xe[%P to %n]
}
)";

TEST(DecoderLowering, AForwardUnderAConditionMayOrMayNotHappen) {
  mlir::MLIRContext context;
  CompiledDecoders code(context, guidedText);
  ASSERT_TRUE(code.ok()) << code.diagnostic;
  Tokens x = {11, 12, 13};
  x.resize(8, fillToken);
  int64_t calls = 0;
  for (size_t s = 0; s < 5; ++s) {
    auto full = [](size_t, size_t) { return true; };
    uint32_t h = rowHash(slotsOf(x, 8), 3 + s, full);
    ++calls;
    if (s % 2 == 0) {
      Tokens u = x;
      std::fill(u.begin(), u.begin() + 3, fillToken);
      h = mix(mix(h, rowHash(slotsOf(u, 8), 3 + s, full)), 50) & 0xffffff;
      ++calls;
    }
    x[3 + s] = tokenOf(h);
  }
  Session session(code, "guided");
  ASSERT_EQ(session.run({11, 12, 13}, 5), QUOIN_DONE) << session.error;
  EXPECT_EQ(session.result, Tokens(x.begin() + 3, x.end()));
  EXPECT_EQ(session.evaluations, calls);
}

TEST(DecoderLowering, ThenRowsLabelsSymbolsAndStatisticsArrive) {
  const char text[] = R"(
quoin.decoder @d(%x, %max) settings {} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c3 = arith.constant 3 : index
  %seven = arith.constant 7 : i32
  %then = tensor.splat %seven[%c2] : tensor<?xi32>
  %pos = quoin.span %c3 to %max
  %both = tensor.concat dim(0) %pos, %pos : (tensor<?xindex>, tensor<?xindex>) -> tensor<?xindex>
  %lab = quoin.span %c0 to %c2
  %read = quoin.span %c3 to %max
  %zero = quoin.span %c0 to %c1
  %l = quoin.forward @m of %x[to %c3] then %then at %both label %lab read %read mask #quoin.mask<(q, k)[a] : label(k) eq 1 or k lt a>[%c2]
  %e = quoin.evaluation
  %l2 = quoin.forward @m of %x[to %c3] read %zero mask #quoin.mask<causal>
  %res = quoin.draw_residual %l minus %l2 at %read, %e
  %p, %t = quoin.score %l [probability, token] of %res : tensor<?xf32>, tensor<?xi32>
  %u = quoin.uniform stream 3 at %read, %e
  %sum = arith.addf %p, %u : tensor<?xf32>
  %bits = arith.bitcast %sum : tensor<?xf32> to tensor<?xi32>
  %ids = tensor.concat dim(0) %res, %t, %bits : (tensor<?xi32>, tensor<?xi32>, tensor<?xi32>) -> tensor<?xi32>
  %y = quoin.append %x, %ids
  %n = quoin.length %y
  quoin.return %y[%c3 to %n]
}
)";
  mlir::MLIRContext context;
  CompiledDecoders code(context, text);
  ASSERT_TRUE(code.ok()) << code.diagnostic;
  EXPECT_EQ(code.lowered.masks.size(), 2u);
  Session session(code, "d");
  ASSERT_EQ(session.run({5, 6, 8}, 4), QUOIN_DONE) << session.error;

  std::vector<Slot> slots = {{5, 0, 0, 0}, {6, 1, 0, 0}, {8, 2, 0, 0}, {7, 3, 0, 0}, {7, 3, 1, 0}};
  uint32_t h = rowHash(slots, 3, [](size_t, size_t k) { return k == 4 || k < 2; });
  uint32_t first = rowHash(slotsOf({5, 6, 8}, 3), 0, [](size_t q, size_t k) { return k <= q; });
  int32_t residual = tokenOf(drawHash(mix(h, first) & 0xffffff, 1, 3));
  float sum = confidenceOf(mix(h, static_cast<uint32_t>(residual))) + 31.0f;
  int32_t bits;
  std::memcpy(&bits, &sum, 4);
  EXPECT_EQ(session.result, (Tokens{residual, tokenOf(h), bits}));
}

//===----------------------------------------------------------------------===//
// Single operations
//===----------------------------------------------------------------------===//

TEST(DecoderLowering, TensorOperations) {
  Outcome o = runBody(std::string(R"(
    %c1 = arith.constant 1 : index
    %c2 = arith.constant 2 : index
    %c6 = arith.constant 6 : index
    %i = quoin.span %c2 to %c6
    %slice = tensor.extract_slice %i[1] [%c2] [1] : tensor<?xindex> to tensor<?xindex>
    %odd = tensor.extract_slice %i[0] [2] [2] : tensor<?xindex> to tensor<2xindex>
    %odds = tensor.cast %odd : tensor<2xindex> to tensor<?xindex>
    %fixed = arith.constant dense<[9, -9]> : tensor<2xi32>
    %given = tensor.cast %fixed : tensor<2xi32> to tensor<?xi32>
    %empty = tensor.empty(%c0) : tensor<?xi32>
    %product = arith.muli %slice, %odds : tensor<?xindex>
    %a = arith.index_cast %product : tensor<?xindex> to tensor<?xi32>
    %few = arith.cmpi ult, %i, %iota : tensor<?xindex>
    %many = quoin.count %few
    %run = quoin.leading %few
    %last = tensor.extract %i[%c1] : tensor<?xindex>
    %n0 = tensor.dim %i, %c0 : tensor<?xindex>
    %three = tensor.empty() : tensor<3xindex>
    %stats = arith.constant dense<0> : tensor<1xindex>
    %many32 = arith.index_cast %many : index to i32
    %run32 = arith.index_cast %run : index to i32
    %last32 = arith.index_castui %last : index to i32
    %n32 = arith.index_cast %n0 : index to i32
    %t0 = tensor.splat %many32[%c1] : tensor<?xi32>
    %t1 = tensor.splat %run32[%c1] : tensor<?xi32>
    %t2 = tensor.splat %last32[%c2] : tensor<?xi32>
    %t3 = tensor.splat %n32[%c1] : tensor<?xi32>
    %ids = tensor.concat dim(0) %a, %given, %empty, %t0, %t1, %t2, %t3 : (tensor<?xi32>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>) -> tensor<?xi32>
  )")
                          .replace(0, 0, R"(
    %d = arith.constant dense<[3, 4, 0, 9]> : tensor<4xindex>
    %iota = tensor.cast %d : tensor<4xindex> to tensor<?xindex>
  )") + appendAll);
  ASSERT_EQ(o.status, QUOIN_DONE) << o.error;
  // The span is 2 3 4 5: slices (3, 4) * (2, 4); flags 1 1 0 1.
  EXPECT_EQ(o.result, (Tokens{6, 16, 9, -9, 3, 2, 3, 3, 4}));
}

TEST(DecoderLowering, ScalarOperations) {
  Outcome o = runBody(std::string(R"(
    %m7 = arith.constant -7 : i32
    %i2 = arith.constant 2 : i32
    %true = arith.constant true
    %half = arith.constant 2.5 : f32
    %big = arith.constant 1.0e9 : f32
    %a = arith.ceildivsi %m7, %i2 : i32
    %b = arith.floordivsi %m7, %i2 : i32
    %c = arith.ceildivui %i2, %i2 : i32
    %d = arith.maxsi %m7, %i2 : i32
    %e = arith.fptosi %big : f32 to i32
    %f = math.sqrt %half : f32
    %g = math.floor %f : f32
    %h = arith.fptoui %g : f32 to i32
    %i = arith.extui %true : i1 to i32
    %j = arith.shli %i2, %i2 : i32
    %k = arith.select %true, %x, %x : !quoin.sequence
    %l = quoin.committed %k
    %m = arith.index_cast %l : index to i32
    %c1 = arith.constant 1 : index
    %ta = tensor.splat %a[%c1] : tensor<?xi32>
    %tb = tensor.splat %b[%c1] : tensor<?xi32>
    %tc = tensor.splat %c[%c1] : tensor<?xi32>
    %td = tensor.splat %d[%c1] : tensor<?xi32>
    %te = tensor.splat %e[%c1] : tensor<?xi32>
    %th = tensor.splat %h[%c1] : tensor<?xi32>
    %ti = tensor.splat %i[%c1] : tensor<?xi32>
    %tj = tensor.splat %j[%c1] : tensor<?xi32>
    %tm = tensor.splat %m[%c1] : tensor<?xi32>
    %p0 = tensor.concat dim(0) %ta, %tb, %tc, %td : (tensor<?xi32>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>) -> tensor<?xi32>
    %ids = tensor.concat dim(0) %p0, %te, %th, %ti, %tj, %tm : (tensor<?xi32>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>) -> tensor<?xi32>
  )") + appendAll);
  ASSERT_EQ(o.status, QUOIN_DONE) << o.error;
  EXPECT_EQ(o.result, (Tokens{-3, -4, 1, 2, 1000000000, 1, 1, 8, 0}));
}

/// Runs one function of f32 on many numbers.
/// `before` makes a second operand, %e.
void checkAgainst(const std::string &op, const std::function<double(double)> &exact, const std::vector<float> &inputs,
                  double tolerance, const std::string &before = "") {
  mlir::MLIRContext context;
  CompiledDecoders code(context, decoderText("%c1 = arith.constant 1 : index\n"
                                             "%two = arith.constant 2.0 : f32\n"
                                             "%v = quoin.setting @threshold : f32\n" +
                                                 before + "%f = " + op + (before.empty() ? " %v" : " %e") +
                                                 " : f32\n"
                                                 "%b = arith.bitcast %f : f32 to i32\n"
                                                 "%ids = tensor.splat %b[%c1] : tensor<?xi32>" +
                                                 std::string(appendAll),
                                             "threshold = 0.0 : f32"));
  ASSERT_TRUE(code.ok()) << op << ": " << code.diagnostic;
  for (float v : inputs) {
    Session session(code, "d");
    session.set("threshold", v);
    ASSERT_EQ(session.run({1}, 1), QUOIN_DONE) << session.error;
    float found, wanted = static_cast<float>(exact(v));
    std::memcpy(&found, session.result.data(), 4);
    if (std::isnan(wanted))
      EXPECT_TRUE(std::isnan(found)) << op << ' ' << v;
    else if (tolerance == 0 || std::isinf(wanted) || wanted == 0) {
      EXPECT_EQ(found, wanted) << op << ' ' << v;
      EXPECT_EQ(std::signbit(found), std::signbit(wanted)) << op << ' ' << v;
    } else
      EXPECT_NEAR(found, wanted, tolerance * std::max(1.0f, std::abs(wanted))) << op << ' ' << v;
  }
}

void checkFunction(const std::string &op, double (*exact)(double), const std::vector<float> &inputs, double tolerance) {
  checkAgainst(op, exact, inputs, tolerance);
}

TEST(DecoderLowering, FunctionsNeedNoLibraryAndRoundAsOne) {
  std::vector<float> inputs = {0.0f,      -0.0f, 1.0f,  1e-45f, 1e-20f,  3e38f,  INFINITY,
                               -INFINITY, NAN,   88.7f, 89.0f,  -103.0f, -110.0f};
  uint32_t h = 1;
  for (int i = 0; i < 400; ++i) {
    h = mix(h, 7);
    inputs.push_back((static_cast<float>(h % 100000) - 50000) / 700.0f);
    inputs.push_back(static_cast<float>(h % 997) * 1e-3f);
  }
  checkFunction("math.exp", std::exp, inputs, 0);
  checkFunction("math.exp2", std::exp2, inputs, 0);
  checkFunction("math.log", std::log, inputs, 0);
  checkFunction("math.log2", std::log2, inputs, 0);
  checkFunction("math.log10", std::log10, inputs, 0);
  checkFunction("math.absf", std::fabs, inputs, 0);
  checkFunction("math.sqrt", std::sqrt, inputs, 0);
  std::vector<float> small = {0.0f, 0.5f, -0.5f, 1.0f, 3.0f, -2.0f, 6.5f, INFINITY, -INFINITY, NAN};
  checkFunction("math.tanh", std::tanh, small, 1e-6);
  // Angles of any size, also next to multiples of pi/2, where the most digits cancel.
  std::vector<float> angles = small;
  for (float v : inputs)
    angles.push_back(v);
  for (int e = -140; e < 128; ++e)
    for (float m : {1.0f, -1.3173828f, 1.9999999f})
      angles.push_back(std::ldexp(m, e));
  for (int i = 1; i <= 60; ++i) {
    angles.push_back(static_cast<float>(i * 1.5707963267948966));
    angles.push_back(static_cast<float>(std::ldexp(i * 1.5707963267948966, i)));
  }
  for (float v : {16777215.0f, 16777216.0f, -16777218.0f, 16367173.0f * 0x1p72f, 1.70141183e38f, 3.40282347e38f})
    angles.push_back(v);
  checkFunction("math.sin", std::sin, angles, 0);
  checkFunction("math.cos", std::cos, angles, 0);
  checkFunction("math.expm1", std::expm1, small, 1e-6);
  std::vector<float> positive = {0.25f, 0.5f, 1.0f, 1.7f, 3.0f, 6.5f, 0.0f, -2.0f, INFINITY, -INFINITY, NAN};
  checkFunction("math.log1p", std::log1p, positive, 1e-6);
  checkFunction("math.rsqrt", [](double v) { return 1 / std::sqrt(v); }, positive, 1e-6);
  std::vector<float> bases = {0.0f,  -0.0f, 1e-45f, -1e-45f, 0.25f,     0.99999994f, 1.0f,  -1.0f,   1.0000001f,
                              -1.5f, -2.0f, 3.0f,   10.0f,   -1e20f,    3e38f,       6.5f,  -0.125f, INFINITY,
                              -3.0f, NAN,   -1e-3f, 1e-3f,   -INFINITY, -4.0f,       -7.0f, 1.7f,    33.0f};
  for (float exponent :
       {0.0f, -0.0f,  1.0f,    -1.0f,      2.0f,        3.0f,         -3.0f, 0.5f,   -0.5f,    1e-3f,     2.5f,
        7.0f, 101.0f, -100.0f, 8388609.0f, 16777216.0f, -16777217.0f, 1e30f, -3e38f, INFINITY, -INFINITY, NAN}) {
    // Written as bits, which NaN and infinities have too.
    uint32_t bits = std::bit_cast<uint32_t>(exponent);
    char text[64];
    std::snprintf(text, sizeof(text), "%%e = arith.constant 0x%08X : f32\n", bits);
    checkAgainst("math.powf %v,", [&](double v) { return std::pow(v, static_cast<double>(exponent)); }, bases, 0, text);
  }
  checkFunction(
      "math.powf %v,", [](double v) { return std::pow(v, v); }, {0.25f, 0.5f, 1.0f, 1.7f, 3.0f, 6.5f, -2.0f, NAN},
      1e-6);
  // Two operands, of which one is not a number: the ops say by their names what becomes of it.
  checkFunction("arith.maximumf %two,", [](double v) { return v >= 2 || std::isnan(v) ? v : 2; }, inputs, 0);
  checkFunction("arith.minimumf %two,", [](double v) { return v <= 2 || std::isnan(v) ? v : 2; }, inputs, 0);
  checkFunction("arith.maxnumf %two,", [](double v) { return std::fmax(v, 2); }, inputs, 0);
  checkFunction("arith.minnumf %two,", [](double v) { return std::fmin(v, 2); }, inputs, 0);
  checkFunction("arith.divf %two,", [](double v) { return 2 / v; }, inputs, 0);
  checkFunction("math.copysign %two,", [](double v) { return std::copysign(2, v); }, {INFINITY, -INFINITY, -0.0f}, 0);
}

//===----------------------------------------------------------------------===//
// What fails
//===----------------------------------------------------------------------===//

TEST(DecoderLowering, FailuresSayWhatTheInterpreterSays) {
  const std::string end = "\nquoin.return %x[%c0 to %c0]";
  const std::string ten = "%c10 = arith.constant 10 : index\n%m1 = arith.constant -1 : index\n"
                          "%r = quoin.span %c0 to %max\n%s = quoin.span %c0 to %c10\n";
  struct Case {
    const char *body, *type, *error; // the type of %v, if it is to be used: what nobody uses is removed
  };
  const Case cases[] = {
      {"%v = tensor.extract %r[%c10] : tensor<?xindex>", "index",
       "tensor.extract expects an index in [0, 4), but found 10"},
      {"%v = tensor.extract %r[%m1] : tensor<?xindex>", "index",
       "tensor.extract expects an index in [0, 4), but found -1"},
      {"%v = tensor.extract_slice %r[%c10] [1] [1] : tensor<?xindex> to tensor<1xindex>", "tensor<1xindex>",
       "tensor.extract_slice expects an offset in [0, 4], but found 10"},
      {"%v = tensor.extract_slice %r[1] [%c10] [1] : tensor<?xindex> to tensor<?xindex>", "tensor<?xindex>",
       "tensor.extract_slice expects a size in [0, 3], but found 10"},
      {"%v = tensor.extract_slice %r[1] [%max] [2] : tensor<?xindex> to tensor<?xindex>", "tensor<?xindex>",
       "tensor.extract_slice expects a size in [0, 2], but found 4"},
      {"%v = tensor.splat %c0[%m1] : tensor<?xindex>", "tensor<?xindex>",
       "tensor.splat expects a size of at least 0 and at most 268435456, but found -1"},
      {"%v = arith.addi %r, %s : tensor<?xindex>", "tensor<?xindex>", "arith.addi expects 4 elements, but found 10"},
      {"%v = arith.divui %max, %c0 : index", "index",
       "arith.divui expects a divisor other than zero, but found 4 and 0"},
      {"%v = arith.remui %r, %r : tensor<?xindex>", "tensor<?xindex>",
       "arith.remui expects a divisor other than zero, but found 0 and 0"},
      {"%low = arith.constant -9223372036854775808 : index\n%v = arith.divsi %low, %m1 : index", "index",
       "arith.divsi expects a quotient that fits, but found -9223372036854775808 and -1"},
      {"%w = arith.constant 64 : index\n%v = arith.shli %max, %w : index", "index",
       "arith.shli expects to shift by less than 64 bits, but found 64"},
      {"%f = arith.constant -1.5e19 : f32\n%i = arith.fptosi %f : f32 to i64\n%v = arith.index_cast %i : i64 to index",
       "index", "arith.fptosi expects a number that fits in 64 bits, but found -15000000520515485696.000000"},
      {"%v = tensor.cast %r : tensor<?xindex> to tensor<3xindex>", "tensor<3xindex>",
       "tensor.cast expects a result of 3 elements, but found 4"},
      {"%v = quoin.first_open %x[%c0 to %c10]", "index", "range (0, 10)"},
      {"scf.for %i = %c0 to %c10 step %c0 {\n}", "", "scf.for expects a step of at least 1, but found 0"},
      {"%y = quoin.extend %x by %max\n%n = quoin.length %y\n%z = quoin.denoise %y[%c0 to %n] {\n"
       "^bb0(%i: !quoin.sequence, %rows: tensor<?xindex>):\n  quoin.yield %i\n}\n%v = quoin.length %z",
       "index", "quoin.denoise expects each step to fill a position, but 4 stay open"},
      {"cf.br ^bb1\n^bb1:\n%v = arith.constant 5 : index\nquoin.return %x[%v to %c10]\n^bb2:", "",
       "quoin.return expects an end in [0, 3], but found 10"},
  };
  for (const Case &c : cases) {
    std::string type = c.type, use;
    if (!type.empty() && type != "index")
      use = "\n%dim = tensor.dim %v, %c0 : " + type + "\n%ok = arith.cmpi eq, %dim, %dim : index\ncf.assert %ok, \"?\"";
    else if (!type.empty())
      use = "\n%ok = arith.cmpi eq, %v, %v : index\ncf.assert %ok, \"?\"";
    Outcome o = runBody(ten + c.body + use + end);
    EXPECT_EQ(o.status, QUOIN_FAILED) << c.body << o.error;
    EXPECT_EQ(o.error, c.error);
  }
}

TEST(DecoderLowering, WhatHasNoLoweringIsNamed) {
  auto refused = [](const std::string &body) { return runBody(body + "\nquoin.return %x[%c0 to %c0]"); };
  Outcome o = refused(
      "%f = arith.constant 1.0 : f32\n%g = math.erf %f : f32\n%b = arith.cmpf olt, %f, %g : f32\ncf.assert %b, \"x\"");
  EXPECT_NE(o.error.find("'math.erf' op expects an operation that decoders may use"), std::string::npos) << o.error;
  o = refused("%f = arith.constant 1.0 : f16\n%b = arith.cmpf olt, %f, %f : f16\ncf.assert %b, \"x\"");
  EXPECT_NE(o.error.find("of type 'f16'"), std::string::npos) << o.error;

  mlir::MLIRContext context;
  CompiledDecoders code(context, sdarText, CompiledDecoders::Passes::None);
  EXPECT_FALSE(code.ok());
  EXPECT_NE(code.diagnostic.find("'quoin-outline-steps' makes them"), std::string::npos) << code.diagnostic;
}

//===----------------------------------------------------------------------===//
// The program's table
//===----------------------------------------------------------------------===//

TEST(ProgramTable, HoldsWhatTheHeaderSays) {
  mlir::MLIRContext context;
  CompiledDecoders code(context, std::string(sdarText) + autoregressiveText);
  ASSERT_TRUE(code.ok()) << code.diagnostic;
  const quoin_program_t &p = *code.program;
  EXPECT_EQ(code.query(0), nullptr);
  EXPECT_EQ(code.query(QUOIN_ABI_VERSION + 1), &p);
  EXPECT_EQ(p.abi_version, QUOIN_ABI_VERSION);
  EXPECT_EQ(p.struct_size, sizeof(quoin_program_t));
  EXPECT_STREQ(p.target_features, "avx2,fma");
  ASSERT_EQ(p.models_count, 1);
  EXPECT_STREQ(p.models[0].name, "m");
  EXPECT_EQ(p.models[0].results[0].width, hiddenWidth);
  EXPECT_EQ(p.capacity, 1000);
  EXPECT_EQ(p.weights_checksum, 0xfedcba9876543210);
  EXPECT_EQ(p.models[0].steps[0].worker_bytes, 77);
  ASSERT_EQ(p.stops_count, 2);
  EXPECT_EQ(p.stops[1], 9);
  EXPECT_EQ(p.fill, fillToken);
  EXPECT_EQ(p.masks_count, 2);
  ASSERT_EQ(p.models[0].steps_count, 1);
  EXPECT_EQ(p.models[0].steps[0].run, nullptr);
  ASSERT_EQ(p.decoders_count, 2);
  const quoin_decoder_t &d = p.decoders[0];
  EXPECT_STREQ(d.name, "sdar");
  EXPECT_EQ(d.exact, 1);
  EXPECT_GE(d.frame_slots, 2);
  ASSERT_EQ(d.settings_count, 2);
  EXPECT_STREQ(d.settings[0].name, "steps");
  EXPECT_EQ(d.settings[0].type, QUOIN_SETTING_INDEX);
  EXPECT_EQ(d.settings[0].value, 4);
  EXPECT_STREQ(d.settings[1].name, "threshold");
  EXPECT_EQ(d.settings[1].type, QUOIN_SETTING_REAL);
  EXPECT_EQ(d.settings[1].run_time, isRunTimeSetting("threshold"));
  EXPECT_STREQ(p.decoders[1].name, "autoregressive");
  EXPECT_EQ(p.decoders[1].settings, nullptr);
}

} // namespace
