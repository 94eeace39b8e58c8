//===- StepEmitter.cpp - stages as calls of kernels --------------------------===//

#include "compiler/cpu/StepEmitter.h"
#include "compiler/cpu/ScanKernel.h"
#include "runtime/include/quoin/program.h"
#include "llvm/ADT/TypeSwitch.h"
#include <cstddef>

using namespace mlir;
using namespace quoin;
using namespace quoin::cpu;
using namespace quoin::stage;

StepEmitter::StepEmitter(KernelBuilder &builder, const StepFacts &f, ArrayRef<BlockMask> m, Val a, Val w, Val all)
    : kb(builder), facts(f), masks(m), args(a), worker(w), workers(all) {
  weights = field(kb.ptr, offsetof(quoin_layers_t, weights));
  scratch = field(kb.ptr, offsetof(quoin_layers_t, scratch));
  rows = field(kb.i64, offsetof(quoin_layers_t, rows));
  reads = field(kb.i64, offsetof(quoin_layers_t, reads));
  read = field(kb.ptr, offsetof(quoin_layers_t, read));
  ids = operand(0);
  positions = operand(1);
  barrier = field(kb.ptr, offsetof(quoin_layers_t, barrier));
  groups = field(kb.i64, offsetof(quoin_layers_t, groups));
  // A buffer holds rows of the step, of which each sequence has one at least, or rows read: room for the more of
  // them.
  room = kb.max(rows, reads);
  std::tie(rowBegin, rowEnd) = share(kb, rows, worker, workers);
  std::tie(readBegin, readEnd) = share(kb, reads, worker, workers);
  std::tie(groupBegin, groupEnd) = share(kb, groups, worker, workers);
}

Val StepEmitter::resultRows(int64_t number) {
  Val results = field(kb.ptr, offsetof(quoin_layers_t, results));
  int64_t at = number * int64_t(sizeof(quoin_output_t)) + int64_t(offsetof(quoin_output_t, row));
  return kb.load(kb.ptr, kb.at(results, at));
}

Val StepEmitter::buffer(Value v) {
  // Columns of the model stand behind the rows' numbers, which are not among the operands.
  if (auto column = dyn_cast<BlockArgument>(v))
    return operand(column.getArgNumber() - 1);
  return kb.at(scratch, room * place(facts.placeOffsets[*placeOf(v)]));
}

std::pair<Val, Val> StepEmitter::shareOf(Space space) {
  if (space == Space::Sequence)
    return {groupBegin, groupEnd};
  return space == Space::Row ? std::pair(rowBegin, rowEnd) : std::pair(readBegin, readEnd);
}
Val StepEmitter::countOf(Space space) { return space == Space::Row ? rows : space == Space::Sequence ? groups : reads; }

Val StepEmitter::rowsOf(Value v) {
  auto step = cast<StepOp>(v.getParentBlock()->getParentOp());
  if (v == step.getIds())
    return ids;
  if (v == step.getPositions())
    return positions;
  bool forHost = bufferOf(v).getSpace() == Space::Host;
  return forHost ? resultRows(v.use_begin()->getOperandNumber()) : buffer(v);
}

/// A table as the kernel reads it. Ids are tokens, and angles have all positions: only other numbers may be beyond
/// it.
RowTable StepEmitter::tableOf(stage::EachRowOp op, WeightAttr weight, unsigned column) {
  RowTable table{column, stage::storageOf(weight.getElement())};
  if (auto angles = dyn_cast<AnglesAttr>(weight.getLayout())) {
    table.rowBytes = angles.getPairs() * 2 * 4;
    return table;
  }
  int64_t count = weight.getLayout().getSourceShape()[0], width = weight.getLayout().getSourceShape()[1];
  if (isa<TilesAttr>(weight.getLayout()))
    table.depth = width;
  else
    table.rowBytes = roundUp(width, 16) * storageBytes(table.storage);
  if (op.getInputs()[column] != op->getParentOfType<StepOp>().getIds())
    table.rows = count;
  return table;
}

void StepEmitter::emit(stage::EachRowOp op) {
  auto stored = [](Value v) {
    Type element = bufferOf(v).getElement();
    return element.isInteger(32) ? Storage::F32 : stage::storageOf(element); // as many bytes
  };
  RowProgram program{&op.getBody().front()};
  program.readsSlots = op.getSpace() == Space::Read;
  Vals arguments;
  for (Value input : op.getInputs()) {
    Space space = bufferOf(input).getSpace();
    program.inputs.push_back({space == op.getSpace()     ? RowFrom::Same
                              : space == Space::Sequence ? RowFrom::Sequence
                                                         : RowFrom::Read,
                              stored(input)});
    arguments.push_back(rowsOf(input));
  }
  for (WeightAttr vectorOrTable : weightsOf(op))
    arguments.push_back(weight(vectorOrTable));
  for (auto [table, column] : op.getLookups())
    program.tables.push_back(tableOf(op, table, column));
  for (Value output : op.getOutputs()) {
    program.results.push_back({stored(output), bufferOf(output).getSpace() == Space::Host});
    arguments.push_back(rowsOf(output));
  }
  arguments.push_back(read);
  if (program.has(RowFrom::Sequence))
    arguments.append({field(kb.ptr, offsetof(quoin_layers_t, group)), groups});
  auto [begin, end] = shareOf(op.getSpace());
  arguments.append({begin, end});
  kb.call(rowProgramKernel(kb, program), arguments);
}

void StepEmitter::emit(stage::ScanOp op) {
  Vals arguments = {args};
  for (ValueRange list : {op.getInputs(), op.getInitial()})
    for (Value v : list)
      arguments.push_back(buffer(v));
  for (auto w : op.getWeights().getAsRange<WeightAttr>())
    arguments.push_back(weight(w));
  for (Value v : op.getOutputs())
    arguments.push_back(buffer(v));
  arguments.append({worker, workers});
  ScanProgram program{&op.getBody().front(), stage::shapeOf(op), static_cast<int64_t>(*op.getKept()),
                      bool(op.getWords())};
  kb.call(scanKernel(kb, program), arguments);
}

void StepEmitter::emit(QuantizeOp op) {
  auto [begin, end] = shareOf(op.getOutput().getType().getSpace());
  kb.call(quantizeKernel(kb, op.getInput().getType().getWidth()),
          {buffer(op.getInput()), buffer(op.getOutput()), begin, end});
}

/// A product and those beside it: the workers divide the tiles of all.
void StepEmitter::emit(ProductOp op) {
  if (op.getBeside())
    return;
  SmallVector<ProductOp> all = {op};
  int64_t tiles = linearShape(op).tiles();
  for (auto next = dyn_cast<ProductOp>(op->getNextNode()); next && next.getBeside();
       next = dyn_cast<ProductOp>(next->getNextNode())) {
    all.push_back(next);
    tiles += linearShape(next).tiles();
  }
  auto [first, last] = share(kb, kb.index(tiles), worker, workers);
  int64_t before = 0;
  for (ProductOp product : all) {
    int64_t own = linearShape(product).tiles();
    auto within = [&](Val tile) {
      return own == tiles ? tile : kb.max(kb.index(0), kb.min(tile - before, kb.index(own)));
    };
    emitTiles(product, within(first), within(last));
    before += own;
  }
}

Vals StepEmitter::productArguments(ProductOp op, Val begin, Val end) {
  Vals arguments{buffer(op.getInput()), weight(op.getWeight()), op.getBias() ? weight(*op.getBias()) : kb.null()};
  for (Value other : op.getOthers())
    arguments.push_back(buffer(other));
  arguments.append({buffer(op.getOutput()), countOf(op.getOutput().getType().getSpace()), begin, end});
  return arguments;
}

/// Tiles [first, last) of one.
void StepEmitter::emitTiles(ProductOp op, Val first, Val last) {
  kb.call(linearKernel(kb, linearShape(op)), productArguments(op, first, last));
}

void StepEmitter::emit(ExpertsOp op) {
  kb.call(expertKernel(kb, expertShape(op)),
          {buffer(op.getInput()), buffer(op.getChoice()), weight(op.getWeight()), buffer(op.getOutput()),
           countOf(op.getOutput().getType().getSpace()), worker, workers});
}

/// Workers take whole pages of a memory.
void StepEmitter::emitMemory(stage::CacheOp op) {
  PageLayout page = op.getPages().getType().getLayout();
  Val memory = field(kb.ptr, offsetof(quoin_layers_t, memory));
  Val keys = kb.load(kb.i64, kb.at(memory, int64_t(offsetof(quoin_layers_t, rows))));
  auto [first, last] = share(kb, kb.ceilDiv(keys, tileColumns), worker, workers);
  kb.call(cacheKernel(kb, page, true, page.storage, op.getSorted()),
          {memory, buffer(op.getKey()), buffer(op.getValue()), place(*op.getOffset()), first * tileColumns,
           kb.min(last * tileColumns, keys)});
}

void StepEmitter::emit(stage::CacheOp op) {
  if (op.getKey().getType().getSpace() == Space::Memory)
    return emitMemory(op);
  kb.call(cacheKernel(kb, op.getPages().getType().getLayout()),
          {args, buffer(op.getKey()), buffer(op.getValue()), place(*op.getOffset()), rowBegin, rowEnd});
}

void StepEmitter::emit(AttendOp op) {
  AttentionShape shape;
  shape.heads = op.getHeads();
  shape.page = op.getPages().getType().getLayout();
  shape.scale = op.getScale().convertToDouble();
  shape.reads = bool(op.getRows());
  shape.result = stage::storageOf(op.getOutput().getType().getElement());
  shape.score = op.getScore().empty() ? nullptr : &op.getScore().front();
  int64_t layer = *op.getPages().getDefiningOp<stage::CacheOp>().getOffset();
  bool host = op.getQuery().getType().getSpace() == Space::Host;
  auto given = [&](Value result) { return kb.load(kb.ptr, resultRows(result.use_begin()->getOperandNumber())); };
  shape.lse = bool(op.getLse());
  if (host) {
    shape.packed = shape.blind = true;
    shape.byPosition = op.getSorted();
    shape.rows = stage::storageOf(op.getQuery().getType().getElement());
  }
  Val out = host ? given(op.getOutput()) : buffer(op.getOutput());
  Vals arguments{args, buffer(op.getQuery()), out, place(layer), worker, workers};
  if (shape.lse)
    arguments.push_back(host ? given(op.getLse()) : buffer(op.getLse()));
  if (shape.blind)
    arguments.push_back(field(kb.ptr, offsetof(quoin_layers_t, blind)));
  kb.call(attentionKernel(kb, shape), arguments);
}

void StepEmitter::emit(MasksOp op) {
  auto formula = [](MaskAttr mask) { return mask ? &mask.getFormula() : nullptr; };
  kb.call(maskKernel(kb, masks, formula(op.getWithinAttr()), formula(op.getFormulaAttr())), {args, worker, workers});
}

Val StepEmitter::operand(int64_t number) {
  Val operands = field(kb.ptr, offsetof(quoin_layers_t, operands));
  int64_t at = number * int64_t(sizeof(quoin_operand_t)) + int64_t(offsetof(quoin_operand_t, data));
  return kb.load(kb.ptr, kb.at(operands, at));
}

void StepEmitter::emit(Operation *stage) {
  llvm::TypeSwitch<Operation *>(stage)
      .Case<MasksOp, stage::EachRowOp, stage::ScanOp, QuantizeOp, ProductOp, ExpertsOp, stage::CacheOp, AttendOp>(
          [&](auto op) { emit(op); });
}
