//===- EmitFunction.cpp - attention over tensors as a step of all workers --===//
//
// The kernels of a model's step see groups of rows with pages of keys and values (quoin_layers_t). A function makes two
// such views of its call in the scratch, one of the keys as rows to be cached, one of the queries as rows that attend:
//
//   1. worker 0 fills the views, the page table and, if there are labels, the arrays indexed by slot;
//   2. after a barrier, keys and values go into pages, each worker whole pages; the mask is made into words;
//   3. after another barrier, attention writes its results straight into the caller's tensors.
//
//===----------------------------------------------------------------------===//

#include "compiler/function/Function.h"
#include "runtime/include/quoin/program.h"
#include <cstddef>

using namespace mlir;
using namespace quoin;
using namespace quoin::cpu;

namespace {
constexpr int64_t viewBytes = 320; // a quoin_layers_t, then its one quoin_group_t
constexpr int64_t groupOffset = 128;
static_assert(sizeof(quoin_layers_t) <= groupOffset && groupOffset + sizeof(quoin_group_t) <= viewBytes);

/// Where things lie in the scratch. All offsets are multiples of 64.
struct Layout {
  Val queries, keys;   ///< lengths
  Val tiles;           ///< of 64 keys
  Val slots, keySlots; ///< entries of the arrays indexed by slot; those of the keys
  Val positions, labels, pageTable, words, classes, pages, end;
};

struct FunctionEmitter {
  KernelBuilder &kb;
  const FunctionPlan &plan;
  const PageLayout &page = plan.attention.page;

  static Val align(Val bytes) { return bytes.kb->bitAnd(bytes + 63, bytes.kb->index(-64)); }

  Val length(Val lengths, int64_t size) {
    return size >= 0 ? kb.index(size) : kb.load(kb.i64, kb.at(lengths, (-1 - size) * 8));
  }

  Layout layout(Val lengths) {
    Layout l;
    l.queries = length(lengths, plan.querySize());
    l.keys = length(lengths, plan.keySize());
    l.tiles = kb.ceilDiv(l.keys, 64);
    l.keySlots = l.tiles * 64;
    // Vectors of 16 queries are read only where a tile of 64 keys is; the queries need no padding.
    l.slots = plan.labelled ? align(l.keySlots + l.queries) : kb.index(0);
    l.positions = kb.index(2 * viewBytes);
    l.labels = l.positions + l.slots * 4;
    l.pageTable = l.labels + l.slots * 4;
    l.words = l.pageTable + align(l.tiles * 8);
    l.classes = l.words + align(l.queries * l.tiles * 8);
    l.pages = l.classes + align(kb.ceilDiv(l.queries, 64) * l.tiles);
    l.end = l.pages + l.tiles * page.layerBytes();
    return l;
  }

  Val argument(Val call, int64_t number) {
    return kb.load(kb.ptr, kb.at(kb.load(kb.ptr, kb.at(call, int64_t(offsetof(quoin_call_t, arguments)))), number * 8));
  }
  Val result(Val call, int64_t number) {
    return kb.load(kb.ptr, kb.at(kb.load(kb.ptr, kb.at(call, int64_t(offsetof(quoin_call_t, results)))), number * 8));
  }

  /// A view whose only group has `rows` rows, slot `firstSlot` on; returns the group.
  Val view(Val at, Val rows, Val firstSlot, Val slots, const Layout &l, Val scratch) {
    Val group = kb.at(at, groupOffset), zero = kb.index(0);
    auto store = [&](Val base, size_t offset, Val v) { kb.store(v, kb.at(base, int64_t(offset))); };
    store(at, offsetof(quoin_layers_t, rows), rows);
    store(at, offsetof(quoin_layers_t, reads), zero);
    store(at, offsetof(quoin_layers_t, read), kb.null());
    store(at, offsetof(quoin_layers_t, read_group), kb.null());
    store(at, offsetof(quoin_layers_t, groups), kb.index(1));
    store(at, offsetof(quoin_layers_t, group), group);
    store(group, offsetof(quoin_group_t, first_row), zero);
    store(group, offsetof(quoin_group_t, rows), rows);
    store(group, offsetof(quoin_group_t, first_slot), firstSlot);
    store(group, offsetof(quoin_group_t, slots), slots);
    store(group, offsetof(quoin_group_t, mask), zero);
    store(group, offsetof(quoin_group_t, pages), kb.at(scratch, l.pageTable));
    store(group, offsetof(quoin_group_t, positions), kb.at(scratch, l.positions));
    store(group, offsetof(quoin_group_t, labels), kb.at(scratch, l.labels));
    store(group, offsetof(quoin_group_t, open), kb.null());
    store(group, offsetof(quoin_group_t, words), kb.at(scratch, l.words));
    store(group, offsetof(quoin_group_t, tiles), kb.at(scratch, l.classes));
    return group;
  }

  /// The address of labels that are an argument or a constant.
  Val labels(Val call, int64_t number, DenseIntElementsAttr values, StringRef name) {
    if (number >= 0)
      return argument(call, number);
    OpBuilder::InsertionGuard guard(kb.b);
    auto module = kb.b.getInsertionBlock()->getParentOp()->getParentOfType<ModuleOp>();
    Value address = LLVM::AddressOfOp::create(kb.b, kb.loc, kb.ptr, name);
    kb.b.setInsertionPointToStart(module.getBody());
    auto type = LLVM::LLVMArrayType::get(kb.i32, values.getNumElements());
    SmallVector<int32_t> numbers(values.getValues<int32_t>());
    auto flat = DenseElementsAttr::get(RankedTensorType::get({values.getNumElements()}, kb.i32), ArrayRef(numbers));
    LLVM::GlobalOp::create(kb.b, kb.loc, type, true, LLVM::Linkage::Internal, name, flat);
    return kb.wrap(address);
  }

  void prepare(Val call, Val scratch, const Layout &l) {
    view(scratch, l.keys, kb.index(0), l.keys, l, scratch);
    Val group =
        view(kb.at(scratch, viewBytes), l.queries, plan.labelled ? l.keySlots : kb.index(0), l.keys, l, scratch);
    for (auto [i, number] : llvm::enumerate(plan.symbols))
      kb.store(kb.load(kb.i64, argument(call, number)),
               kb.at(group, int64_t(offsetof(quoin_group_t, symbols) + i * sizeof(int64_t))));
    kb.loop(kb.index(0), l.tiles, 1, [&](Val t) {
      kb.store(kb.at(kb.at(scratch, l.pages), t * page.layerBytes()), kb.at(kb.at(scratch, l.pageTable), t * 8));
    });
    if (!plan.labelled)
      return;
    Val positions = kb.at(kb.at(scratch, l.positions), l.keySlots * 4);
    kb.loop(kb.index(0), l.queries, 1, [&](Val i) { kb.store(kb.truncate(kb.i32, i), kb.at(positions, i * 4)); });
    auto copy = [&](Val from, Val count, Val slot) {
      Val to = kb.at(kb.at(scratch, l.labels), slot * 4);
      kb.loop(kb.index(0), count, 1, [&](Val i) { kb.store(kb.load(kb.i32, kb.at(from, i * 4)), kb.at(to, i * 4)); });
    };
    copy(labels(call, plan.keyLabels, plan.keyLabelValues, "key_labels"), l.keys, kb.index(0));
    copy(labels(call, plan.queryLabels, plan.queryLabelValues, "query_labels"), l.queries, l.keySlots);
  }

  void step(Val call, Val worker, Val workers) {
    Val lengths = kb.load(kb.ptr, kb.at(call, int64_t(offsetof(quoin_call_t, lengths))));
    Val scratch = kb.load(kb.ptr, kb.at(call, int64_t(offsetof(quoin_call_t, scratch))));
    Val barrier = kb.load(kb.ptr, kb.at(call, int64_t(offsetof(quoin_call_t, barrier))));
    Layout l = layout(lengths);
    LLVM::LLVMFuncOp meet = barrierKernel(kb);
    kb.when(kb.compare(KernelBuilder::Compare::eq, worker, 0), [&] { prepare(call, scratch, l); });
    kb.call(meet, {barrier, workers});
    Val queries = kb.at(scratch, viewBytes);
    auto [firstPage, lastPage] = share(kb, l.tiles, worker, workers);
    kb.call(cacheKernel(kb, page, true), {scratch, argument(call, plan.key), argument(call, plan.value), kb.index(0),
                                          firstPage * 64, kb.min(lastPage * 64, l.keys)});
    kb.call(maskKernel(kb, plan.mask), {queries, worker, workers});
    kb.call(meet, {barrier, workers});
    Vals arguments{queries, argument(call, plan.query), result(call, plan.outResult), kb.index(0), worker, workers};
    if (plan.attention.lse)
      arguments.push_back(result(call, plan.lseResult));
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
