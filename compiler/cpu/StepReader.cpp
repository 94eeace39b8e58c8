//===- StepReader.cpp - what machine code needs to know of a step ----------------===//

#include "compiler/cpu/StepReader.h"
#include "compiler/cpu/ScanKernel.h"
#include "dialects/stage/RowSchedule.h"
#include "dialects/stage/ScanStage.h"
#include "passes/stage/Barriers.h"
#include "llvm/ADT/TypeSwitch.h"
#include <map>

using namespace mlir;
using namespace quoin;
using namespace quoin::stage;
using namespace quoin::cpu;

static Arithmetic arithmeticFor(WeightAttr weight, bool narrowRows) {
  switch (storageOf(weight.getElement())) {
  case Storage::F32:
    return Arithmetic::F32;
  case Storage::F16:
    return Arithmetic::F16;
  case Storage::BF16:
    return narrowRows ? Arithmetic::Pairs : Arithmetic::Widened;
  case Storage::I8:
    return Arithmetic::Bytes;
  case Storage::I4:
    return Arithmetic::Nibbles;
  }
  llvm_unreachable("all types have an arithmetic");
}

LinearShape quoin::cpu::linearShape(ProductOp product) {
  BufferType input = product.getInput().getType(), output = product.getOutput().getType();
  return {input.getWidth(),
          output.getWidth(),
          arithmeticFor(product.getWeight(), input.getElement().isBF16()),
          static_cast<int64_t>(product.getWeight().getSources().size()),
          product.getBias().has_value(),
          stage::storageOf(output.getElement()),
          product.getEnd().empty() ? nullptr : &product.getEnd().front(),
          static_cast<int64_t>(product.getOthers().size()),
          storedAs(product.getWeight().getElement()).group};
}

ExpertShape quoin::cpu::expertShape(ExpertsOp op) {
  auto stack = cast<StackAttr>(op.getWeight().getLayout());
  ExpertShape shape;
  shape.product.k = stack.getDepth();
  shape.product.n = stack.getColumns();
  shape.product.arithmetic = arithmeticFor(op.getWeight(), false);
  shape.product.sources = static_cast<int64_t>(op.getWeight().getSources().size());
  shape.product.end = op.getEnd().empty() ? nullptr : &op.getEnd().front();
  shape.experts = stack.getMatrices();
  shape.choices = op.getChoice().getType().getWidth();
  shape.each = op.getInput().getType().getWidth() != shape.product.k;
  return shape;
}

static WeightPiece pieceOf(WeightAttr weight) {
  WeightPiece piece{};
  for (FlatSymbolRefAttr symbol : weight.getSources())
    piece.sources.push_back(symbol.getValue().str());
  piece.storage = storageOf(weight.getElement());
  piece.group = storedAs(weight.getElement()).group;
  llvm::TypeSwitch<Attribute>(weight.getLayout())
      .Case([&](TilesAttr tiles) {
        piece.kind = weight.getSources().size() == 2 ? WeightPiece::Kind::GateUp : WeightPiece::Kind::Packed;
        piece.n = tiles.getColumns();
        piece.k = tiles.getDepth();
      })
      .Case([&](StackAttr stack) {
        piece.kind = weight.getSources().size() == 2 ? WeightPiece::Kind::GateUp : WeightPiece::Kind::Packed;
        piece.n = stack.getColumns();
        piece.k = stack.getDepth();
        piece.matrices = stack.getMatrices();
      })
      .Case([&](LineAttr line) {
        piece.kind = WeightPiece::Kind::Vector;
        piece.n = line.getLength();
      })
      .Case([&](HeadsAttr heads) {
        piece.kind = WeightPiece::Kind::Heads;
        piece.n = heads.getHeads();
        piece.k = heads.getOuter() * heads.getInner();
        piece.outer = heads.getOuter();
      })
      .Case([&](TableAttr table) {
        piece.kind = WeightPiece::Kind::Table;
        piece.n = table.getCount();
        piece.k = table.getWidth();
      })
      .Case([&](AnglesAttr angles) {
        piece.kind = WeightPiece::Kind::Rotary;
        piece.n = angles.getPositions();
        piece.k = angles.getPairs();
        piece.theta = angles.getTheta().getValueAsDouble();
      });
  piece.offset = weight.getOffset();
  piece.bytes = piece.size();
  return piece;
}

/// Fails unless all passes have decided what they decide.
static LogicalResult expectComplete(StepOp step, int64_t positions) {
  if (!step.getPlaces() || !step.getPage())
    return step.emitOpError("expects places, but found none: 'quoin-place-buffers' did not run");
  for (Operation &op : step.getBody().front()) {
    for (WeightAttr weight : weightsOf(&op))
      if (!weight.isPacked())
        return op.emitOpError("expects weights with a place in the weight file, but found ") << weight;
    // Threads of a context have a MiB of stack, a host's may have less.
    constexpr int64_t most = int64_t(256) << 10;
    if (auto scan = dyn_cast<stage::ScanOp>(op)) {
      Block &body = scan.getBody().front();
      int64_t bytes = RowSchedule(body).getKeptBytes() + scanStackBytes({&body, stage::shapeOf(scan)});
      if (bytes > most)
        return scan.emitOpError("expects states and rows of a head that take at most ")
               << most << " bytes of a worker's stack, but found " << bytes;
    }
    if (auto scan = dyn_cast<stage::ScanOp>(op); scan && !scan.getKept())
      return scan.emitOpError("expects the place of its states in what the model keeps, but found none");
    if (auto rows = dyn_cast<stage::EachRowOp>(op)) {
      for (auto [table, column] : rows.getLookups())
        if (auto angles = dyn_cast<AnglesAttr>(table.getLayout()); angles && angles.getPositions() != positions)
          return rows.emitOpError("expects angles of as many positions as the module's programs reach, ")
                 << positions << ", but found " << angles.getPositions();
      int64_t kept = RowSchedule(rows.getBody().front()).getKeptBytes();
      // Rows that are gathered from tiles lie there, too.
      for (auto [table, column] : rows.getLookups())
        if (auto tiles = dyn_cast<TilesAttr>(table.getLayout()))
          kept += tiles.getDepth() * 4;
      if (kept > most)
        return rows.emitOpError("expects a row program that keeps at most ")
               << most << " bytes between its sweeps, but found " << kept;
    }
    for (Value result : scratchResults(&op))
      if (!placeOf(result))
        return op.emitOpError("expects a place for its result, but found none");
    if (auto cache = dyn_cast<stage::CacheOp>(op); cache && !cache.getOffset())
      return cache.emitOpError("expects the place of its layer in a page, but found none");
  }
  return verifyBarriers(step);
}

/// About as many multiplications of a row as a weight has numbers, for all heads.
static int64_t shapeWork(stage::ScanOp scan, const HeadPart &weight) {
  return weight.numbers() * static_cast<int64_t>(scan.getHeads());
}

static StepColumn columnOf(Value rows) {
  BufferType type = bufferOf(rows);
  return {type.getWidth(), type.getElement(), type.getSpace()};
}

/// What places say.
static StepFacts finish(StepFacts facts, StepOp step) {
  int64_t offset = 0;
  ArrayRef<int64_t> places = *step.getPlaces();
  for (int64_t bytes : places) {
    facts.placeOffsets.push_back(offset);
    offset += bytes;
  }
  facts.scratchRowBytes = std::max<int64_t>(offset, 64);
  facts.pageBytes = *step.getPage();
  return facts;
}

FailureOr<StepFacts> quoin::cpu::readStep(StepOp step, const KernelOptions &kernels, int64_t positions) {
  if (failed(expectComplete(step, positions)))
    return failure();
  StepFacts facts;
  std::map<int64_t, WeightAttr> pieces; // by offset: what is the same lies there once
  HeadOp head = step.getHead();
  bool pairs = head && head.getNarrow();
  for (Operation &op : step.getBody().front()) {
    for (WeightAttr weight : weightsOf(&op))
      pieces[weight.getOffset()] = weight;
    if (auto product = dyn_cast<ProductOp>(op)) {
      facts.fusedEpilogues += !product.getEnd().empty();
      facts.layersWork += bufferOf(product.getInput()).getWidth() * bufferOf(product.getOutput()).getWidth() *
                          static_cast<int64_t>(product.getWeight().getSources().size());
      pairs |= bufferOf(product.getInput()).getElement().isBF16();
    }
    if (auto experts = dyn_cast<ExpertsOp>(op)) {
      ExpertShape shape = expertShape(experts);
      facts.fusedEpilogues += !experts.getEnd().empty();
      facts.layersWork += shape.choices * shape.product.k * shape.product.n * shape.product.sources;
    }
    if (auto scan = dyn_cast<stage::ScanOp>(op)) {
      for (const HeadPart &part : stage::shapeOf(scan).weights)
        facts.layersWork += shapeWork(scan, part);
      facts.stateBytes = std::max<int64_t>(facts.stateBytes, static_cast<int64_t>(*scan.getKept()) + keptBytes(scan));
    }
    facts.layers += isa<stage::CacheOp, stage::ScanOp>(op);
    auto stage = dyn_cast<StageOpInterface>(op);
    facts.barriers += stage && stage.getBarrier();
  }
  if (pairs && !kernels.brain)
    return LogicalResult(step.emitOpError("expects a target that multiplies pairs of bf16, but this one does not"));
  for (const auto &[offset, weight] : pieces)
    facts.weights.pieces.push_back(pieceOf(weight));
  for (BlockArgument column : step.getColumns())
    facts.columns.push_back(columnOf(column));
  // The rows of a head or of results: nothing else ends a step.
  for (Value rows : step.getBody().front().back().getOperands())
    facts.results.push_back(columnOf(rows));
  if (!head)
    return finish(facts, step);
  facts.hidden = head.getInput().getType().getWidth();
  facts.head.hidden = facts.hidden;
  facts.head.vocabulary = cast<TilesAttr>(head.getWeight().getLayout()).getColumns();
  facts.head.arithmetic = arithmeticFor(head.getWeight(), head.getNarrow());
  facts.head.group = storedAs(head.getWeight().getElement()).group;
  facts.head.weightOffset = head.getWeight().getOffset();
  if (head.getBias())
    facts.head.biasOffset = head.getBias()->getOffset();
  return finish(facts, step);
}
