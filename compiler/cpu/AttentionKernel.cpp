//===- AttentionKernel.cpp - attention divided among the workers --------------===//
//
// The rows of a group are cut into blocks of 64 tokens (of the group, or reads), those into tiles of rows, for each key
// head: AttentionTile.cpp computes one of them. What a tile costs is known before: the pages that its block visits. The
// tiles of all groups, head after head, are laid end to end by their costs, and a worker takes those that start in its
// part of the whole, so that workers finish together whatever the mask, and each stays with few heads.
//
//===----------------------------------------------------------------------===//

#include "compiler/cpu/AttentionTile.h"
#include "runtime/include/quoin/program.h"
#include <cstddef>

using namespace mlir;
using namespace quoin::cpu;
using Compare = KernelBuilder::Compare;

namespace {
struct Dealer {
  KernelBuilder &kb;
  const AttentionShape &shape;
  Val layers, queries, outputs, pageOffset, lse, blind;
  const PageLayout &page = shape.page;
  const int64_t ratio = shape.heads / page.kvHeads;
  Val tileRows = {}; ///< rows of a tile, at most

  Val field(Type type, Val base, size_t offset) { return kb.load(type, kb.at(base, int64_t(offset))); }

  /// The tokens of a group: rows of the step, or reads.
  struct Tokens {
    Val group, first, count;
    Val blocks() const { return count.kb->ceilDiv(count, blockTokens); }
  };

  /// Calls `body` for each group; `carried` are its results and the next group's arguments.
  Vals eachGroup(ArrayRef<Val> carried, function_ref<Vals(const Tokens &, ArrayRef<Val>)> body) {
    Val groups = field(kb.i64, layers, offsetof(quoin_layers_t, groups));
    Val reads = field(kb.i64, layers, offsetof(quoin_layers_t, reads));
    Val readGroup = field(kb.ptr, layers, offsetof(quoin_layers_t, read_group));
    Vals start(carried.begin(), carried.end());
    start.push_back(kb.index(0)); // the first read of the group
    return kb.loop(kb.index(0), groups, 1, start, [&](Val g, ArrayRef<Val> c) {
      Tokens t;
      t.group = kb.at(field(kb.ptr, layers, offsetof(quoin_layers_t, group)), g * int64_t(sizeof(quoin_group_t)));
      Val cursor = c.back();
      if (shape.reads) {
        t.first = cursor;
        cursor = kb.loopWhile(
            {cursor},
            [&](ArrayRef<Val> at) {
              return kb.choose(
                  kb.compare(Compare::slt, at[0], reads),
                  [&]() -> Vals { return {kb.compare(Compare::eq, kb.load(kb.i64, kb.at(readGroup, at[0] * 8)), g)}; },
                  [&]() -> Vals { return {kb.integer(kb.i1, 0)}; })[0];
            },
            [&](ArrayRef<Val> at) -> Vals { return {at[0] + 1}; })[0];
        t.count = cursor - t.first;
      } else {
        t.first = field(kb.i64, t.group, offsetof(quoin_group_t, first_row));
        t.count = field(kb.i64, t.group, offsetof(quoin_group_t, rows));
      }
      Vals next = body(t, c.drop_back());
      next.push_back(cursor);
      return next;
    });
  }

  Val blockRows(const Tokens &t, Val block) {
    return kb.min(t.count - block * blockTokens, kb.index(blockTokens)) * ratio;
  }

  /// What a tile of the block costs: pages that it visits, and one for the rest.
  Val tileCost(const Tokens &t, Val block) {
    Val tiles = kb.ceilDiv(field(kb.i64, t.group, offsetof(quoin_group_t, slots)), tileColumns);
    if (shape.reads)
      return tiles + 1;
    Val line = kb.at(field(kb.ptr, t.group, offsetof(quoin_group_t, tiles)), block * tiles);
    // Eight classes at a time (0, 1 or 2 in each byte), then one by one.
    Val ones = kb.index(0x0101010101010101), whole = kb.bitAnd(tiles, kb.index(-8));
    Val count = kb.loop(kb.index(0), whole, 8, {kb.index(1)}, [&](Val i, ArrayRef<Val> c) -> Vals {
      Val eight = kb.load(kb.i64, kb.at(line, i), 1);
      Val visited = kb.bitAnd(kb.bitOr(eight, kb.shiftRight(eight, kb.index(1))), ones);
      return {c[0] + kb.shiftRight(visited * ones, kb.index(56))};
    })[0];
    return kb.loop(whole, tiles, 1, {count}, [&](Val i, ArrayRef<Val> c) -> Vals {
      Val empty = kb.compare(Compare::eq, kb.load(kb.i8, kb.at(line, i)), 0);
      return {c[0] + kb.select(empty, kb.index(0), kb.index(1))};
    })[0];
  }

  Val blockTiles(const Tokens &t, Val block) { return kb.ceilDiv(blockRows(t, block), tileRows); }

  /// What the group costs for one key head.
  Val headCost(const Tokens &t) {
    return kb.loop(kb.index(0), t.blocks(), 1, {kb.index(0)}, [&](Val block, ArrayRef<Val> c) -> Vals {
      return {c[0] + tileCost(t, block) * blockTiles(t, block)};
    })[0];
  }

  void callTile(LLVM::LLVMFuncOp tile, const Tokens &t, Val block, Val head, Val row) {
    TileArguments a;
    Val first = t.first + block * blockTokens;
    Val row0 = shape.byPosition ? kb.index(0) : first; // of what the tile's rows are counted from
    auto place = [&](Storage storage) {
      return row0 * shape.rowBytes(storage) + head * (ratio * page.headDim * storageBytes(storage));
    };
    a.group = t.group;
    a.block = block;
    a.read = shape.reads ? kb.at(field(kb.ptr, layers, offsetof(quoin_layers_t, read)), first * 8) : kb.null();
    a.queries = kb.at(queries, place(shape.rows));
    a.outputs = kb.at(outputs, place(shape.result));
    a.lse = shape.lse ? kb.at(lse, row0 * shape.lseRowBytes() + head * (ratio * 4)) : kb.null();
    a.blind = shape.blind ? blind : kb.null();
    a.firstToken = first;
    a.pageOffset = pageOffset + head * page.headBytes();
    a.firstRow = row;
    a.rows = kb.min(blockRows(t, block) - row, tileRows);
    if (shape.score)
      a.firstHead = head * ratio;
    callAttentionTile(kb, tile, a);
  }

  /// Large tiles read pages seldom; where they are too few to keep all workers busy they are cut smaller.
  Val chooseTileRows(Val workers) {
    Val most = kb.index(attentionTileRows(kb.options));
    Val tiles = eachGroup({kb.index(0)}, [&](const Tokens &t, ArrayRef<Val> c) -> Vals {
      return {c[0] + kb.ceilDiv(t.count * ratio, most) * page.kvHeads};
    })[0];
    return kb.select(kb.compare(Compare::slt, tiles, workers * 4),
                     kb.index(std::max<int64_t>(attentionTileRows(kb.options) / 4, 4)), most);
  }

  void deal(Val worker, Val workers) {
    LLVM::LLVMFuncOp tile = attentionTile(kb, shape);
    tileRows = chooseTileRows(workers);
    Val total = eachGroup({kb.index(0)}, [&](const Tokens &t, ArrayRef<Val> c) -> Vals {
      return {c[0] + headCost(t) * page.kvHeads};
    })[0];
    Val low = kb.quotient(total * worker, workers), high = kb.quotient(total * (worker + 1), workers);
    // Carried: where the next tile starts.
    eachGroup({kb.index(0)}, [&](const Tokens &t, ArrayRef<Val> carried) -> Vals {
      Val cost = headCost(t);
      return {kb.loop(kb.index(0), kb.index(page.kvHeads), 1, {carried[0]}, [&](Val head, ArrayRef<Val> c) -> Vals {
        Val start = c[0], end = start + cost;
        Val mine = kb.bitAnd(kb.compare(Compare::slt, start, high), kb.compare(Compare::sgt, end, low));
        kb.when(mine, [&] {
          kb.loop(kb.index(0), t.blocks(), 1, {start}, [&](Val block, ArrayRef<Val> at) -> Vals {
            Val each = tileCost(t, block);
            return kb.loop(kb.index(0), blockTiles(t, block), 1, {at[0]}, [&](Val number, ArrayRef<Val> here) -> Vals {
              kb.when(kb.bitAnd(kb.compare(Compare::sge, here[0], low), kb.compare(Compare::slt, here[0], high)),
                      [&] { callTile(tile, t, block, head, number * tileRows); });
              return {here[0] + each};
            });
          });
        });
        return {end};
      })[0]};
    });
  }
};
} // namespace

LLVM::LLVMFuncOp quoin::cpu::attentionKernel(KernelBuilder &kb, const AttentionShape &shape) {
  SmallVector<Type> types{kb.ptr, kb.ptr, kb.ptr, kb.i64, kb.i64, kb.i64};
  types.append(size_t(shape.lse) + size_t(shape.blind), kb.ptr);
  return kb.function(attentionName(shape), types, [&](ArrayRef<Val> a) {
    Dealer{kb, shape, a[0], a[1], a[2], a[3], shape.lse ? a[6] : Val(), shape.blind ? a.back() : Val()}.deal(a[4],
                                                                                                             a[5]);
  });
}
