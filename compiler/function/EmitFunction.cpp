//===- EmitFunction.cpp - attention over tensors as a step of all workers --===//
//
// The kernels of a model's step see groups of rows with pages of keys and values (quoin_layers_t). A function makes two
// such views of its call in the scratch, one of the keys as rows to be cached, one of the queries as rows that attend,
// with a group for each sequence:
//
//   1. worker 0 fills the views, the page table and, if there are labels, the arrays indexed by slot;
//   2. after a barrier, keys and values go into pages, each worker whole pages; the mask is made into words;
//   3. after another barrier, attention writes its results straight into the caller's tensors.
//
// Where the rows have an order of their own, positions are those of the tokens as they lie in the caller's tensors:
// step 2 takes keys and values from there, and step 3 takes queries and leaves results there.
//
//===----------------------------------------------------------------------===//

#include "compiler/function/Function.h"
#include "runtime/include/quoin/program.h"
#include <cstddef>

using namespace mlir;
using namespace quoin;
using namespace quoin::cpu;

namespace {
constexpr int64_t viewBytes = 128; // a quoin_layers_t
static_assert(sizeof(quoin_layers_t) <= viewBytes);
constexpr auto groupBytes = static_cast<int64_t>(sizeof(quoin_group_t));

/// What sequences take up: all of them, or those before one. Tiles are of 64 keys; `slots` are entries of the arrays
/// indexed by slot, which only labels need.
struct Extent {
  Val tiles, slots, words, classes;
};

/// Where things lie in the scratch. Most offsets are multiples of 64.
struct Layout {
  Val sequences, keyGroups, queryGroups, pageTable, positions, labels, words, classes, pages, end;
};

/// Rows of one sequence.
struct Sequence {
  Val firstQuery, queries, firstKey, keys;
};

struct FunctionEmitter {
  KernelBuilder &kb;
  const FunctionPlan &plan;
  const PageLayout &page = plan.attention.page;

  static Val align(Val bytes) { return bytes.kb->bitAnd(bytes + 63, bytes.kb->index(-64)); }

  Val field(Val call, size_t offset) { return kb.load(kb.ptr, kb.at(call, int64_t(offset))); }
  Val argument(Val call, int64_t number) {
    return kb.load(kb.ptr, kb.at(field(call, offsetof(quoin_call_t, arguments)), number * 8));
  }
  Val result(Val call, int64_t number) {
    return kb.load(kb.ptr, kb.at(field(call, offsetof(quoin_call_t, results)), number * 8));
  }
  Val length(Val call, int64_t size) {
    return size >= 0 ? kb.index(size)
                     : kb.load(kb.i64, kb.at(field(call, offsetof(quoin_call_t, lengths)), (-1 - size) * 8));
  }

  //===--------------------------------------------------------------------===//
  // Sequences
  //===--------------------------------------------------------------------===//

  Val sequences(Val call) {
    return plan.ragged() ? length(call, plan.arguments[plan.queryOffsets].sizes[0]) - 1 : kb.index(1);
  }

  Sequence sequence(Val call, Val number) {
    if (!plan.ragged())
      return {kb.index(0), length(call, plan.querySize()), kb.index(0), length(call, plan.keySize())};
    auto offset = [&](int64_t of, Val i) {
      return kb.extend(kb.i64, kb.load(kb.i32, kb.at(argument(call, of), i * 4)), true);
    };
    Val q = offset(plan.queryOffsets, number), k = offset(plan.keyOffsets, number);
    return {q, offset(plan.queryOffsets, number + 1) - q, k, offset(plan.keyOffsets, number + 1) - k};
  }

  Val tiles(const Sequence &s) { return kb.ceilDiv(s.keys, 64); }
  /// The slot of a sequence's first query. Vectors of 16 slots are read only where keys are.
  Val querySlot(const Sequence &s) { return plan.labelled ? tiles(s) * 64 : kb.index(0); }

  /// Calls `body` for each sequence with what those before it take up; gives what all take up.
  Extent eachSequence(Val call, function_ref<void(Val, const Sequence &, const Extent &)> body) {
    Val zero = kb.index(0);
    Vals all = kb.loop(zero, sequences(call), 1, {zero, zero, zero, zero}, [&](Val i, ArrayRef<Val> c) -> Vals {
      Sequence s = sequence(call, i);
      body(i, s, {c[0], c[1], c[2], c[3]});
      return {c[0] + tiles(s), plan.labelled ? c[1] + querySlot(s) + s.queries : zero, c[2] + s.queries * tiles(s),
              c[3] + kb.ceilDiv(s.queries, 64) * tiles(s)};
    });
    return {all[0], all[1], all[2], all[3]};
  }

  Layout layout(Val call) {
    Extent all = eachSequence(call, [](Val, const Sequence &, const Extent &) {});
    Layout l;
    l.sequences = sequences(call);
    l.keyGroups = kb.index(2 * viewBytes);
    l.queryGroups = l.keyGroups + align(l.sequences * groupBytes);
    l.pageTable = l.queryGroups + align(l.sequences * groupBytes);
    l.positions = l.pageTable + align(all.tiles * 8);
    l.labels = l.positions + align(all.slots * 4);
    l.words = l.labels + align(all.slots * 4);
    l.classes = l.words + align(all.words * 8);
    l.pages = l.classes + align(all.classes);
    l.end = l.pages + all.tiles * page.layerBytes();
    return l;
  }

  //===--------------------------------------------------------------------===//
  // Views
  //===--------------------------------------------------------------------===//

  void store(Val base, size_t offset, Val v) { kb.store(v, kb.at(base, int64_t(offset))); }

  /// A view of these groups.
  void view(Val at, Val rows, Val groups, Val count) {
    store(at, offsetof(quoin_layers_t, rows), rows);
    store(at, offsetof(quoin_layers_t, reads), kb.index(0));
    store(at, offsetof(quoin_layers_t, read), kb.null());
    store(at, offsetof(quoin_layers_t, read_group), kb.null());
    store(at, offsetof(quoin_layers_t, groups), count);
    store(at, offsetof(quoin_layers_t, group), groups);
  }

  /// The group of some rows of a sequence, whose arrays come after those of `before`.
  void group(Val at, Val firstRow, Val rows, Val firstSlot, const Sequence &s, const Extent &before, const Layout &l,
             Val scratch) {
    store(at, offsetof(quoin_group_t, first_row), firstRow);
    store(at, offsetof(quoin_group_t, rows), rows);
    store(at, offsetof(quoin_group_t, first_slot), firstSlot);
    store(at, offsetof(quoin_group_t, slots), s.keys);
    store(at, offsetof(quoin_group_t, mask), kb.index(0));
    store(at, offsetof(quoin_group_t, pages), kb.at(scratch, l.pageTable + before.tiles * 8));
    store(at, offsetof(quoin_group_t, positions), kb.at(scratch, l.positions + before.slots * 4));
    store(at, offsetof(quoin_group_t, labels), kb.at(scratch, l.labels + before.slots * 4));
    store(at, offsetof(quoin_group_t, open), kb.null());
    store(at, offsetof(quoin_group_t, words), kb.at(scratch, l.words + before.words * 8));
    store(at, offsetof(quoin_group_t, tiles), kb.at(scratch, l.classes + before.classes));
  }

  bool sorted() const { return plan.order.size() != 0; }

  /// A constant array of the program; returns its address.
  Val constantArray(ArrayRef<int32_t> numbers, StringRef name) {
    OpBuilder::InsertionGuard guard(kb.b);
    auto module = kb.b.getInsertionBlock()->getParentOp()->getParentOfType<ModuleOp>();
    Value address = LLVM::AddressOfOp::create(kb.b, kb.loc, kb.ptr, name);
    kb.b.setInsertionPointToStart(module.getBody());
    auto flat = DenseElementsAttr::get(RankedTensorType::get({static_cast<int64_t>(numbers.size())}, kb.i32), numbers);
    LLVM::GlobalOp::create(kb.b, kb.loc, LLVM::LLVMArrayType::get(kb.i32, numbers.size()), true,
                           LLVM::Linkage::Internal, name, flat);
    return kb.wrap(address);
  }

  /// The address of labels that are an argument or a constant.
  Val labels(Val call, int64_t number, DenseIntElementsAttr values, StringRef name) {
    if (number >= 0)
      return argument(call, number);
    return constantArray(SmallVector<int32_t>(values.getValues<int32_t>()), name);
  }

  void prepare(Val call, Val order, Val scratch, const Layout &l) {
    view(scratch, length(call, plan.keySize()), kb.at(scratch, l.keyGroups), l.sequences);
    view(kb.at(scratch, viewBytes), length(call, plan.querySize()), kb.at(scratch, l.queryGroups), l.sequences);
    Val keyLabels, queryLabels;
    if (plan.labelled) {
      keyLabels = labels(call, plan.keyLabels, plan.keyLabelValues, "key_labels");
      queryLabels = labels(call, plan.queryLabels, plan.queryLabelValues, "query_labels");
    }
    eachSequence(call, [&](Val i, const Sequence &s, const Extent &before) {
      group(kb.at(scratch, l.keyGroups + i * groupBytes), s.firstKey, s.keys, kb.index(0), s, before, l, scratch);
      Val queries = kb.at(scratch, l.queryGroups + i * groupBytes);
      group(queries, s.firstQuery, s.queries, querySlot(s), s, before, l, scratch);
      for (auto [n, number] : llvm::enumerate(plan.symbols))
        kb.store(kb.load(kb.i64, argument(call, number)),
                 kb.at(queries, int64_t(offsetof(quoin_group_t, symbols) + n * sizeof(int64_t))));
      kb.loop(kb.index(0), tiles(s), 1, [&](Val t) {
        Val number = before.tiles + t;
        kb.store(kb.at(scratch, l.pages + number * page.layerBytes()), kb.at(scratch, l.pageTable + number * 8));
      });
      if (!plan.labelled)
        return;
      // Positions and labels by slot. Without an order nobody asks where a key lies.
      auto place = [&](Val at, Val n) {
        Val position = sorted() ? kb.load(kb.i32, kb.at(order, n * 4)) : kb.truncate(kb.i32, n);
        kb.store(position, kb.at(scratch, l.positions + (at + n) * 4));
      };
      Val keySlot = before.slots, slot = before.slots + querySlot(s);
      kb.loop(kb.index(0), s.queries, 1, [&](Val n) {
        place(slot, n);
        Val label = kb.load(kb.i32, kb.at(queryLabels, (s.firstQuery + n) * 4));
        kb.store(label, kb.at(scratch, l.labels + (slot + n) * 4));
      });
      kb.loop(kb.index(0), s.keys, 1, [&](Val n) {
        if (sorted())
          place(keySlot, n);
        Val label = kb.load(kb.i32, kb.at(keyLabels, (s.firstKey + n) * 4));
        kb.store(label, kb.at(scratch, l.labels + (keySlot + n) * 4));
      });
    });
  }

  void step(Val call, Val worker, Val workers) {
    Val scratch = field(call, offsetof(quoin_call_t, scratch)), barrier = field(call, offsetof(quoin_call_t, barrier));
    LLVM::LLVMFuncOp meet = barrierKernel(kb);
    Val order;
    if (sorted())
      order = constantArray(SmallVector<int32_t>(plan.order.list()), "order");
    kb.when(kb.compare(KernelBuilder::Compare::eq, worker, 0), [&] { prepare(call, order, scratch, layout(call)); });
    kb.call(meet, {barrier, workers});
    Val queries = kb.at(scratch, viewBytes), keys = length(call, plan.keySize());
    auto [first, last] = share(kb, kb.ceilDiv(keys, 64), worker, workers);
    kb.call(cacheKernel(kb, page, true, plan.attention.rows, sorted()),
            {scratch, argument(call, plan.key), argument(call, plan.value), kb.index(0), first * 64,
             kb.min(last * 64, keys)});
    kb.call(maskKernel(kb, plan.mask), {queries, worker, workers});
    kb.call(meet, {barrier, workers});
    Vals arguments{queries, argument(call, plan.query), result(call, plan.outResult), kb.index(0), worker, workers};
    if (plan.attention.lse)
      arguments.push_back(result(call, plan.lseResult));
    arguments.push_back(field(call, offsetof(quoin_call_t, blind)));
    kb.call(attentionKernel(kb, plan.attention), arguments);
  }
};
} // namespace

void quoin::emitFunction(KernelBuilder &kb, const FunctionPlan &plan) {
  FunctionEmitter emit{kb, plan};
  kb.function(
      functionScratchName, {kb.ptr, kb.ptr}, [&](ArrayRef<Val> a) { kb.store(emit.layout(a[0]).end, a[1]); }, true);
  kb.function(functionStepName, {kb.ptr, kb.i64, kb.i64}, [&](ArrayRef<Val> a) { emit.step(a[0], a[1], a[2]); }, true);
}
