//===- AttentionTile.cpp - streaming softmax over pages ------------------------===//
//
// A row is a (token, query head) pair of one key head, so that grouped heads share the loads of its keys. A tile's rows
// pass over the pages together, four at a time, which fill the registers: 4 x 64 sums, or where those are fewer or
// shorter as many columns at a time as fit, 4 x 16 on AVX2. (Six rows would fill its registers better, but most blocks
// are short, and what four rows lack to a multiple of them is computed for nothing.) For each page of 64 keys, in slot
// order, and each four rows, first 1 to 3 for all of the tile and then 4, so that either keys or values fill the
// first-level cache:
//   1. 4 x 64 scores, one accumulator each, over the features in order;
//   2. if a score lies more than 8 above its row's reference (in units of log 2), the row's reference becomes its
//      largest score, and what the row summed so far is scaled down: so rarely that the usual path has no reduction
//      over lanes, no exponential of a factor and no product with one;
//   3. exponentials (base 2: log2(e) is folded into the scale) of what is above the reference;
//   4. 4 x head_dim sums of values, over the keys in order.
//
// With pages of BF16 features (in 1) and keys (in 4) go in pairs. Where the machine multiplies pairs, queries and
// probabilities are narrowed; elsewhere keys and values are widened and all arithmetic is f32: a page at a time for all
// rows of the tile, or in the product, where a line of its few columns leaves room for both halves. Sums always are
// f32.
//
// A page whose tile is full takes this path as it stands. In a partial one the rows' words say who is seen; the other
// scores count as the worst and their exponentials are replaced by 0. What none of four rows sees is left out where
// that is cheap: half a page of scores, values before the first key and after the last. Adding 0 times a value would
// not have changed a bit. Empty pages are not touched.
//
// A row's bits depend on its own query, keys and words alone: a row next to others that see a page where it sees
// nothing keeps its reference and adds zeros; a full tile and a partial one in which the row sees everything give the
// same operations.
//
// References are scores as they come out of the product, and a score is compared with one by subtracting first and
// scaling then: the difference is exact where it is small, and overflows only where it weighs nothing, so the largest
// score has the exponential 1 at any size. A row that has seen nothing has the worst reference, an infinity. The first
// key that it sees sets it, to a finite number even if the score is infinitely bad, which then weighs 0. From there on
// NaN and a score that is infinitely good make NaN of the row's sums, as in a softmax by its definition; so does a row
// whose scores are all infinitely bad, in the division by their sum.
//
// A value that is not finite must not reach the sums of rows that do not see its key, but 0 * NaN is NaN. Nobody pays
// for that as long as sums are finite. If one is not, its tile is computed again by a careful copy of the function, one
// row at a time, in which values of unseen keys keep only their sign: the operations are the same, and so are the bits
// of every row that was right.
//
//===----------------------------------------------------------------------===//

#include "compiler/cpu/AttentionTile.h"
#include "compiler/cpu/AttentionProduct.h"
#include "compiler/cpu/RowFunctions.h"
#include "runtime/include/quoin/program.h"
#include "llvm/ADT/Twine.h"
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

using namespace mlir;
using namespace quoin::cpu;
using Compare = KernelBuilder::Compare;

namespace {
constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double largest = std::numeric_limits<float>::max();
constexpr double slack = 8; ///< how far a score may exceed the reference

struct TileEmitter {
  KernelBuilder &kb;
  const AttentionShape &shape;
  const bool careful;
  const TileArguments &in;
  const PageLayout &page = shape.page;
  const int64_t passRows = careful ? 1 : 4;
  const int64_t ratio = shape.heads / page.kvHeads;
  const int64_t valueVectors = page.valueWidth() / 16;
  /// Where scores go through a formula they are scaled before it, and are what comes out.
  const double scale = shape.score ? 1 : std::clamp(shape.scale, -largest, largest);
  const double factor = std::clamp(scale * 1.4426950408889634, -largest, largest);
  /// A factor so small, or zero, that differences that it makes small again could overflow before.
  const bool faint = std::abs(factor) < 0x1p-100;
  const double worst = factor >= 0 ? -infinity : infinity; ///< with a negative scale the lowest product is the best
  const bool brief = page.storage == Storage::BF16;
  const bool narrowed = brief && kb.options.brain;
  /// Columns of a register tile, in vectors.
  const int64_t tileVectors = vectorsAtOnce(kb.options, passRows);
  /// Pages are widened before their rows pass, on the stack, as long as that is small and widening them in the product
  /// would be in the way of its sums.
  const bool unpacked =
      brief && !narrowed && !careful && page.valueWidth() <= 128 && tileVectors == 4 && !kb.options.threads;
  const bool pairs = brief && !unpacked; ///< a line of a product holds two elements
  const AttentionProduct product{kb, passRows, tileVectors, narrowed, pairs};

  // On the stack, of each row: its query, its reference, its sum of exponentials in 16 lanes, its sums of values,
  // its words, their distance from tile to tile, its line of `tiles`, its probabilities of a page. Of a pass: scores
  // [rows][64].
  Val queries, references, exponentials, sums, words, wordBytes, classes, scores, probabilities, wide;
  Val slots, tileCount;

  TileEmitter(KernelBuilder &builder, const AttentionShape &s, bool isCareful, const TileArguments &arguments)
      : kb(builder), shape(s), careful(isCareful), in(arguments) {
    const int64_t rows = attentionTileRows(kb.options);
    queries = kb.stack(rows * queryBytes());
    references = kb.stack(rows * 4);
    exponentials = kb.stack(rows * 64);
    sums = kb.stack(rows * page.valueWidth() * 4);
    words = kb.stack(rows * 8);
    wordBytes = kb.stack(rows * 8);
    classes = kb.stack(rows * 8);
    scores = kb.stack(passRows * tileColumns * 4);
    probabilities = kb.stack(rows * probabilityBytes());
    if (unpacked)
      wide = kb.stack(wideValues() + tileColumns * page.valueLineBytes());
    slots = field(kb.i64, offsetof(quoin_group_t, slots));
    tileCount = kb.ceilDiv(slots, tileColumns);
  }

  int64_t queryBytes() const { return roundUp(roundUp(page.headDim, 16) * (narrowed ? 2 : 4), 64); }
  int64_t wideValues() const { return roundUp(page.headDim, 2) * lineBytes(Storage::F32); }
  int64_t probabilityBytes() const { return tileColumns * (narrowed ? 2 : 4); }
  Val field(Type type, size_t offset) { return kb.load(type, kb.at(in.group, int64_t(offset))); }
  Val referenceAt(Val row) { return kb.at(references, row * 4); }
  Val exponentialsAt(Val row) { return kb.at(exponentials, row * 64); }
  Val probabilitiesAt(Val row) { return kb.at(probabilities, row * probabilityBytes()); }
  Val sumsAt(Val row) { return kb.at(sums, row * (valueVectors * 64)); }

  /// The block's token and the head (of those that share the key head) that a row of the tile is. What is beyond the
  /// last row repeats it and is dropped in the end.
  std::pair<Val, Val> tokenAndHead(Val row) {
    Val r = in.firstRow + kb.min(row, in.rows - 1);
    return {kb.quotient(r, kb.index(ratio)), kb.remainder(r, kb.index(ratio))};
  }

  /// 16 flags of a word.
  Val flags(Val word, int64_t quarter) {
    return kb.cast(kb.vec(kb.i1), kb.truncate(kb.i16, kb.shiftRight(word, kb.index(16 * quarter))));
  }
  Val anyLane(Val flags) { return kb.compare(Compare::ne, kb.cast(kb.i16, flags), 0); }

  /// Keys and values of a page as floats; the bits of a product are those of widening line by line.
  Val widen(Val keys, Val keyCount) {
    auto lines = [&](Val from, Val to, Val count, int64_t bytes) {
      kb.loop(kb.index(0), count, 1, [&](Val i) {
        for (int64_t offset = 0; offset < bytes; offset += 64) {
          Val pair = kb.load(kb.v16i, kb.at(kb.at(from, i * bytes), offset), 64), at = kb.at(to, i * (2 * bytes));
          kb.store(kb.widenLow(pair), kb.at(at, offset), 64);
          kb.store(kb.widenHigh(pair), kb.at(at, offset + bytes), 64);
        }
      });
    };
    lines(keys, wide, kb.index((page.headDim + 1) / 2), lineBytes(page.storage));
    lines(kb.at(keys, page.valueOffset()), kb.at(wide, wideValues()), kb.shiftRight(keyCount + 1, kb.index(1)),
          page.valueLineBytes());
    return wide;
  }

  //===--------------------------------------------------------------------===//
  // A pass: some rows, one page
  //===--------------------------------------------------------------------===//

  Val better(Val x, Val y) { return factor >= 0 ? kb.max(x, y) : kb.min(x, y); }

  /// How far scores lie above a reference, in units of log 2.
  Val above(Val score, Val reference) {
    Val by = literal(score, factor);
    return faint ? score * by - reference * by : (score - reference) * by;
  }

  /// Step 2: `best` are the best scores of each row's lanes. `word` as in `weigh`.
  void raiseReferences(Val row, ArrayRef<Val> word, ArrayRef<Val> best) {
    // What is not a number is not settled either: infinite scores, and rows that have seen nothing.
    Vals settled;
    Val all;
    for (int64_t r = 0; r < passRows; ++r) {
      Val reference = kb.splat(kb.load(kb.f32, referenceAt(row + r)));
      settled.push_back(kb.compare(Compare::sle, above(best[r], reference), kb.constant(kb.v16f, slack)));
      all = r ? kb.bitAnd(all, settled[r]) : settled[r];
    }
    auto unlessEachLane = [&](Val flags, function_ref<void()> body) {
      kb.when(kb.compare(Compare::ne, kb.cast(kb.i16, flags), -1), body);
    };
    unlessEachLane(all, [&] {
      for (int64_t r = 0; r < passRows; ++r)
        unlessEachLane(settled[r], [&] {
          auto raise = [&] {
            Val at = referenceAt(row + r), before = kb.load(kb.f32, at);
            Val top = better(kb.reduceLanes(best[r], [&](Val x, Val y) { return better(x, y); }),
                             kb.real(factor >= 0 ? -largest : largest));
            Val first = kb.compare(Compare::eq, before, kb.real(worst));
            Val shrink = kb.select(first, kb.real(0), kb.exp2(above(before, top)));
            kb.store(top, at);
            kb.store(kb.load(kb.v16f, exponentialsAt(row + r), 64) * shrink, exponentialsAt(row + r), 64);
            Val from = sumsAt(row + r);
            kb.loop(kb.index(0), kb.index(valueVectors * 64), 64,
                    [&](Val o) { kb.store(kb.load(kb.v16f, kb.at(from, o), 64) * shrink, kb.at(from, o), 64); });
          };
          if (word.empty())
            return raise();
          kb.when(kb.compare(Compare::ne, word[r], 0), raise);
        });
    });
  }

  /// Step 1: products with the keys of one half of the page, or of both.
  void multiplyKeys(Val row, Val keys, int64_t firstVector, int64_t vectors) {
    product.multiply({kb.at(scores, firstVector * 64), tileColumns * 4}, true,
                     {kb.at(queries, row * queryBytes()), queryBytes()},
                     {kb.at(keys, firstVector * 64), lineBytes(page.storage)},
                     kb.index(pairs ? (page.headDim + 1) / 2 : page.headDim), vectors);
  }

  /// Between 1 and 2: what the formula makes of the scores of tile `t`, if there is one.
  void bendScores(Val row, Val t) {
    if (!shape.score)
      return;
    Val factorOf = kb.constant(kb.v16f, std::clamp(shape.scale, -largest, largest));
    Val keyPositions = kb.at(field(kb.ptr, offsetof(quoin_group_t, positions)), t * (tileColumns * 4));
    kb.loop(kb.index(0), kb.index(passRows), 1, [&](Val r) {
      auto [token, head] = tokenAndHead(row + r);
      Val position = kb.load(kb.i32, kb.at(field(kb.ptr, offsetof(quoin_group_t, positions)), slotOf(token) * 4));
      Val own = kb.splat(kb.truncate(kb.i32, in.firstHead + head)), query = kb.splat(position);
      kb.loop(kb.index(0), kb.index(tileColumns * 4), 64, [&](Val o) {
        Val at = kb.at(kb.at(scores, r * (tileColumns * 4)), o);
        kb.store(
            emitFormula(kb, *shape.score,
                        {kb.load(kb.v16f, at, 64) * factorOf, own, query, kb.load(kb.v16i, kb.at(keyPositions, o))}),
            at, 64);
      });
    });
  }

  /// Steps 1 to 3. `word`: who is seen, of each row, and `any` by any of them; empty in a full tile.
  void weigh(Val row, ArrayRef<Val> word, Val any, Val keys, Val t) {
    if (any.kb && !kb.options.threads) {
      // What no row of the pass sees counts as nothing, so the score may be any.
      Val low = kb.truncate(kb.i32, any), high = kb.truncate(kb.i32, kb.shiftRight(any, kb.index(32)));
      kb.when(
          kb.compare(Compare::eq, high, 0), [&] { multiplyKeys(row, keys, 0, 2); },
          [&] {
            kb.when(
                kb.compare(Compare::eq, low, 0), [&] { multiplyKeys(row, keys, 2, 2); },
                [&] { multiplyKeys(row, keys, 0, 4); });
          });
    } else {
      multiplyKeys(row, keys, 0, 4);
    }
    bendScores(row, t);
    auto score = [&](int64_t r, int64_t v) { return kb.load(kb.v16f, kb.at(scores, r * 256 + v * 64), 64); };
    Vals seen, best;
    for (int64_t r = 0; r < passRows; ++r) {
      Vals s;
      for (int64_t v = 0; v < 4; ++v) {
        s.push_back(score(r, v));
        if (word.empty())
          continue;
        seen.push_back(flags(word[r], v));
        s[v] = kb.select(seen.back(), s[v], kb.constant(kb.v16f, worst));
      }
      best.push_back(better(better(s[0], s[1]), better(s[2], s[3])));
    }
    raiseReferences(row, word, best);
    for (int64_t r = 0; r < passRows; ++r) {
      Val reference = kb.splat(kb.load(kb.f32, referenceAt(row + r)));
      Vals p;
      for (int64_t v = 0; v < 4; ++v) {
        Val x = above(score(r, v), reference);
        p.push_back(brief ? kb.exp2Brief(x) : kb.exp2(x));
        if (!word.empty())
          p.back() = kb.select(seen[r * 4 + v], p.back(), kb.constant(kb.v16f, 0));
        Val to = kb.at(probabilitiesAt(row + r), v * probabilityBytes() / 4);
        if (narrowed)
          storeNarrow(kb, p.back(), to);
        else
          kb.store(p.back(), to, 64);
      }
      Val at = exponentialsAt(row + r);
      kb.store(kb.load(kb.v16f, at, 64) + ((p[0] + p[1]) + (p[2] + p[3])), at, 64);
    }
  }

  /// Step 4, of all rows for which `body` calls its argument, with the keys that any of them sees, or without a word if
  /// all do. The features go in parts of at most four vectors, as equal as can be, so that what all rows read of the
  /// values stays in the first-level cache.
  void sumValues(Val keys, Val keyCount, function_ref<void(function_ref<void(Val, Val)>)> eachPass) {
    Val values = kb.at(keys, unpacked ? wideValues() : page.valueOffset());
    int64_t parts = (valueVectors + 3) / 4, each = valueVectors / parts, larger = valueVectors % parts;
    auto some = [&](int64_t from, int64_t count, int64_t vectors) {
      kb.loop(kb.index(from * 64), kb.index((from + count * vectors) * 64), vectors * 64, [&](Val offset) {
        eachPass([&](Val row, Val any) {
          // Keys before the first that is seen, and after the last, have probability 0. The careful copy looks at all.
          Val first = kb.index(0), end = keyCount;
          if (any.kb && !careful) {
            first = kb.bitAnd(kb.zerosBelow(any), kb.index(-4));
            end = kb.index(64) - kb.zerosAbove(any);
          }
          Val line = pairs ? kb.shiftRight(first, kb.index(1)) : first,
              lines = (pairs ? kb.shiftRight(end + 1, kb.index(1)) : end) - line;
          product.multiply({kb.at(sumsAt(row), offset), valueVectors * 64}, false,
                           {kb.at(probabilitiesAt(row), line * product.stepBytes()), probabilityBytes()},
                           {kb.at(kb.at(values, offset), line * page.valueLineBytes()), page.valueLineBytes()}, lines,
                           vectors, careful ? any : Val());
        });
      });
    };
    if (larger)
      some(0, larger, each + 1);
    some(larger * (each + 1), parts - larger, each);
  }

  //===--------------------------------------------------------------------===//
  // The tile
  //===--------------------------------------------------------------------===//

  /// The word of a row at key tile `t`; tiles that are not partial have none in memory.
  Val wordOf(Val row, Val t, Val kind) {
    return kb.choose(
        kb.compare(Compare::eq, kind, 1),
        [&]() -> Vals {
          Val offset = t * kb.load(kb.i64, kb.at(wordBytes, row * 8));
          return {kb.load(kb.i64, kb.at(kb.load(kb.ptr, kb.at(words, row * 8)), offset))};
        },
        [&]() -> Vals { return {kb.select(kb.compare(Compare::eq, kind, 2), kb.index(-1), kb.index(0))}; })[0];
  }

  /// The slot of a token of the block.
  Val slotOf(Val token) {
    Val local = shape.reads ? kb.load(kb.i64, kb.at(in.read, token * 8)) : in.firstToken + token;
    return field(kb.i64, offsetof(quoin_group_t, first_slot)) + local -
           field(kb.i64, offsetof(quoin_group_t, first_row));
  }

  /// The row of a token of the block in the tensors, counted from where queries and outputs point.
  Val rowOf(Val token) {
    if (!shape.byPosition)
      return token;
    Val positions = field(kb.ptr, offsetof(quoin_group_t, positions));
    return kb.extend(kb.i64, kb.load(kb.i32, kb.at(positions, slotOf(token) * 4)), true);
  }

  Val placeOf(Val tensorRow, Val head, Storage storage) {
    return tensorRow * shape.rowBytes(storage) + head * (page.headDim * storageBytes(storage));
  }

  /// `count` <= 16 features; what is beyond becomes zero.
  void copyQuery(Val from, int64_t count, Val to) {
    if (shape.rows == Storage::F32) {
      Val x = kb.loadFloats(from, count);
      return narrowed ? storeNarrow(kb, x, to) : kb.store(x, to, 64);
    }
    Val x = kb.loadHalves(from, count);
    kb.store(narrowed ? x : kb.widenLow(kb.extend(kb.v16i, x, false)), to, 32);
  }

  void start(Val row) {
    auto [token, head] = tokenAndHead(row);
    Val query = kb.at(in.queries, placeOf(rowOf(token), head, shape.rows)), to = kb.at(queries, row * queryBytes());
    for (int64_t v = 0; v * 16 < page.headDim; ++v)
      copyQuery(kb.at(query, v * 16 * storageBytes(shape.rows)), std::min<int64_t>(16, page.headDim - v * 16),
                kb.at(to, v * (narrowed ? 32 : 64)));
    kb.store(kb.real(worst), referenceAt(row));
    kb.store(kb.constant(kb.v16f, 0), exponentialsAt(row), 64);
    for (int64_t v = 0; v < valueVectors; ++v)
      kb.store(kb.constant(kb.v16f, 0), kb.at(sumsAt(row), v * 64), 64);
    Val local = shape.reads
                    ? kb.load(kb.i64, kb.at(in.read, token * 8)) - field(kb.i64, offsetof(quoin_group_t, first_row))
                    : in.block * blockTokens + token;
    Val first = kb.bitAnd(local, kb.index(-blockTokens)), rest = field(kb.i64, offsetof(quoin_group_t, rows)) - first;
    kb.store(kb.at(field(kb.ptr, offsetof(quoin_group_t, words)), (first * (tileCount - 1) + local) * 8),
             kb.at(words, row * 8));
    kb.store(kb.min(rest, kb.index(blockTokens)) * 8, kb.at(wordBytes, row * 8));
    kb.store(kb.at(field(kb.ptr, offsetof(quoin_group_t, tiles)),
                   kb.shiftRight(local, kb.index(llvm::Log2_64(blockTokens))) * tileCount),
             kb.at(classes, row * 8));
  }

  /// Writes the result of one row.
  void finish(Val row) {
    auto [token, head] = tokenAndHead(row);
    Val sum = kb.reduceAdd(kb.load(kb.v16f, exponentialsAt(row), 64)), reference = kb.load(kb.f32, referenceAt(row));
    Val none = kb.compare(Compare::eq, reference, kb.real(worst)), tensorRow = rowOf(token);
    Val inverse = kb.select(none, kb.real(0), kb.real(1) / sum),
        output = kb.at(in.outputs, placeOf(tensorRow, head, shape.result));
    for (int64_t v = 0; v < valueVectors; ++v) {
      Val x = kb.load(kb.v16f, kb.at(sumsAt(row), v * 64), 64) * inverse;
      int64_t count = std::min<int64_t>(16, page.headDim - v * 16);
      if (shape.result == Storage::BF16)
        kb.storeHalves(kb.narrow(x), kb.at(output, v * 32), count);
      else
        kb.storeFloats(x, kb.at(output, v * 64), count);
    }
    if (shape.lse) {
      // Without a weight there is no softmax, and its logarithm is no number either.
      Val value = kb.select(kb.compare(Compare::sgt, sum, kb.real(0)), kb.fma(reference, kb.real(scale), kb.log(sum)),
                            kb.real(std::numeric_limits<double>::quiet_NaN()));
      kb.store(kb.select(none, kb.real(-infinity), value), kb.at(in.lse, tensorRow * shape.lseRowBytes() + head * 4));
    }
    if (shape.blind)
      kb.when(none, [&] { kb.atomicMin(in.blind, shape.byPosition ? tensorRow : in.firstToken + token); });
  }

  /// True if all sums are finite.
  Val finite() {
    Val zero = kb.constant(kb.v16f, 0);
    Val wrong = kb.loop(kb.index(0), in.rows * (valueVectors * 64), 64, {zero}, [&](Val o, ArrayRef<Val> c) -> Vals {
      return {kb.fma(kb.load(kb.v16f, kb.at(sums, o), 64), zero, c[0])};
    })[0];
    return kb.compare(Compare::eq, kb.cast(kb.i16, kb.compare(Compare::eq, wrong, zero)), -1);
  }

  /// Fetches the share of a pass in the next page, which otherwise waits for the third-level cache.
  void fetchNext(Val row, Val rows, Val t) {
    Val pages = field(kb.ptr, offsetof(quoin_group_t, pages)), next = kb.min(t + 1, tileCount - 1);
    Val from = kb.at(kb.load(kb.ptr, kb.at(pages, next * 8)), in.pageOffset), bytes = kb.index(page.headBytes());
    Val passes = kb.quotient(rows, kb.index(passRows)), lines = kb.ceilDiv(bytes, 64);
    Val share = kb.ceilDiv(lines, passes) * 64, first = kb.quotient(row, kb.index(passRows)) * share;
    kb.loop(first, kb.min(first + share, bytes), 64, [&](Val line) { kb.prefetch(kb.at(from, line)); });
  }

  void run() {
    Val zero = kb.index(0), rows = kb.bitAnd(in.rows + (passRows - 1), kb.index(-passRows));
    Val pages = field(kb.ptr, offsetof(quoin_group_t, pages));
    kb.loop(zero, rows, 1, [&](Val row) { start(row); });
    auto overRows = [&](function_ref<void(Val)> body) { kb.loop(zero, rows, passRows, body); };
    auto kindOf = [&](Val row, Val t) {
      return kb.extend(kb.i64, kb.load(kb.i8, kb.at(kb.load(kb.ptr, kb.at(classes, row * 8)), t)), false);
    };
    kb.loop(zero, tileCount, 1, [&](Val t) {
      Val keyCount = kb.min(slots - t * tileColumns, kb.index(tileColumns));
      auto openPage = [&] {
        Val keys = kb.at(kb.load(kb.ptr, kb.at(pages, t * 8)), in.pageOffset);
        return unpacked ? widen(keys, keyCount) : keys;
      };
      auto masked = [&](Val kind) {
        Val keys = openPage();
        auto eachSeeing = [&](function_ref<void(Val, ArrayRef<Val>, Val)> body) {
          overRows([&](Val row) {
            Vals word;
            for (int64_t r = 0; r < passRows; ++r)
              word.push_back(wordOf(row + r, t, kind.kb ? kind : kindOf(row + r, t)));
            Val any = word[0];
            for (int64_t r = 1; r < passRows; ++r)
              any = kb.bitOr(any, word[r]);
            kb.when(kb.compare(Compare::ne, any, 0), [&] { body(row, word, any); });
          });
        };
        eachSeeing([&](Val row, ArrayRef<Val> word, Val any) { weigh(row, word, any, keys, t); });
        sumValues(keys, keyCount, [&](function_ref<void(Val, Val)> body) {
          eachSeeing([&](Val row, ArrayRef<Val>, Val any) { body(row, any); });
        });
      };
      // Reads come from any blocks.
      if (shape.reads)
        return masked({});
      Val kind = kindOf(zero, t);
      kb.when(kb.compare(Compare::ne, kind, 0), [&] {
        if (careful)
          return masked(kind);
        kb.when(
            kb.compare(Compare::eq, kind, 2),
            [&] {
              Val keys = openPage();
              overRows([&](Val row) {
                // Widening reads a page from end to end, which the machine foresees.
                if (!unpacked)
                  fetchNext(row, rows, t);
                weigh(row, {}, {}, keys, t);
              });
              sumValues(keys, kb.index(tileColumns),
                        [&](function_ref<void(Val, Val)> body) { overRows([&](Val row) { body(row, {}); }); });
            },
            [&] { masked(kb.index(1)); });
      });
    });
    kb.loop(zero, in.rows, 1, [&](Val row) { finish(row); });
  }
};

LLVM::LLVMFuncOp emitTile(KernelBuilder &kb, const AttentionShape &shape, bool careful) {
  SmallVector<Type> types{kb.ptr, kb.i64, kb.ptr, kb.ptr, kb.ptr, kb.ptr, kb.ptr, kb.i64, kb.i64, kb.i64, kb.i64};
  if (shape.score)
    types.push_back(kb.i64);
  std::string name = attentionName(shape) + (careful ? "_careful" : "_tile");
  LLVM::LLVMFuncOp f = kb.function(name, types, [&](ArrayRef<Val> a) {
    TileArguments arguments{a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8], a[9], a[10], {}};
    if (shape.score)
      arguments.firstHead = a[11];
    TileEmitter emit(kb, shape, careful, arguments);
    emit.run();
    if (careful)
      return;
    LLVM::LLVMFuncOp again = emitTile(kb, shape, true);
    kb.when(emit.finite(), [] {}, [&] { callAttentionTile(kb, again, arguments); });
  });
  // Inlined into its caller, it would take as long again to compile.
  f.setNoInline(true);
  return f;
}
} // namespace

LLVM::LLVMFuncOp quoin::cpu::attentionTile(KernelBuilder &kb, const AttentionShape &shape) {
  return emitTile(kb, shape, false);
}

void quoin::cpu::callAttentionTile(KernelBuilder &kb, LLVM::LLVMFuncOp tile, const TileArguments &a) {
  Vals arguments{a.group, a.block,      a.read,       a.queries,  a.outputs, a.lse,
                 a.blind, a.firstToken, a.pageOffset, a.firstRow, a.rows};
  if (a.firstHead.kb)
    arguments.push_back(a.firstHead);
  kb.call(tile, arguments);
}

std::string quoin::cpu::attentionName(const AttentionShape &shape) {
  return ("attention_" + Twine(shape.heads) + "_" + Twine(shape.page.kvHeads) + "_" + Twine(shape.page.headDim) + "_" +
          storageName(shape.page.storage) + "_" + storageName(shape.rows) + "_" + storageName(shape.result) + "_" +
          Twine::utohexstr(llvm::bit_cast<uint64_t>(shape.scale)) + (shape.reads ? "_reads" : "") +
          (shape.packed ? "_packed" : "") + (shape.lse ? "_lse" : "") + (shape.blind ? "_blind" : "") +
          (shape.byPosition ? "_by_position" : "") + formulaName(shape.score))
      .str();
}
