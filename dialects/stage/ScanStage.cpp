//===- ScanStage.cpp - verifier of the stage of a recurrence ---------------===//

#include "dialects/stage/ScanStage.h"
#include "dialects/quoin/RowProgram.h"

using namespace mlir;
using namespace quoin::stage;

#define GET_OP_CLASSES
#include "dialects/stage/ScanStage.cpp.inc"

quoin::ScanShape quoin::stage::shapeOf(ScanOp op) {
  return quoin::ScanShape::of(op.getBody().front(), static_cast<int64_t>(op.getHeads()), op.getAxes(),
                              op.getInputs().size(), op.getInitial().size(), op.getWeights().size());
}

int64_t quoin::stage::keptBytes(ScanOp op) {
  int64_t bytes = 0;
  for (BlockArgument state : op.getBody().front().getArguments().take_front(shapeOf(op).states))
    bytes += stateBytes(quoin::rowElementsOf(state.getType()));
  return bytes * static_cast<int64_t>(op.getHeads());
}

HeadsAttr quoin::stage::layoutOf(ScanOp op, size_t number, ArrayRef<int64_t> shape) {
  quoin::HeadPart part = shapeOf(op).weights[number];
  return HeadsAttr::get(op.getContext(), shape, part.outer, part.heads, part.inner);
}

bool ScanOp::dividesRows() { return false; }

LogicalResult ScanOp::verifyRegions() {
  quoin::ScanSizes sizes;
  auto take = [&](ValueRange buffers, SmallVectorImpl<SmallVector<int64_t>> &list) -> LogicalResult {
    for (Value v : buffers) {
      // scan_c1
      BufferType type = bufferOf(v);
      if (type.getSpace() != Space::Row || !type.getElement().isF32())
        return emitOpError("expects rows of f32 in space 'row', but found ") << type;
      list.push_back({type.getWidth()});
    }
    return success();
  };
  sizes.weights = getWeights().size();
  if (failed(take(getInputs(), sizes.inputs)) || failed(take(getInitial(), sizes.initial)) ||
      failed(take(getOutputs().drop_back(getWords() && getNumResults() > 0), sizes.outputs)) ||
      failed(verifyScan(*this, static_cast<int64_t>(getHeads()), getAxes(), sizes)))
    return failure();
  // scan_c2
  quoin::ScanShape shape = shapeOf(*this);
  for (auto [weight, part] : llvm::zip_equal(getWeights().getAsRange<WeightAttr>(), shape.weights)) {
    auto layout = llvm::dyn_cast_or_null<HeadsAttr>(weight.getLayout());
    bool fits = !weight.getLayout() || (layout && layout.getOuter() == part.outer && layout.getHeads() == part.heads &&
                                        layout.getInner() == part.inner);
    if (weight.getSources().size() != 1 || (weight.getElement() && !weight.getElement().isF32()) || !fits)
      return emitOpError("expects one weight stored as f32 in heads of ")
             << part.outer << " x " << part.heads << " x " << part.inner << ", but found " << weight;
  }
  // scan_c3
  if (getNumResults() == (getWords() ? 1 : 0))
    return emitOpError("expects at least one result, but found none");
  if (getPlaces() && getPlaces()->size() != getNumResults())
    return emitOpError("expects ") << getNumResults() << " places, but found " << getPlaces()->size();
  // scan_c5
  if (getWords()) {
    auto states = BufferType::get(getContext(), Space::Row, keptBytes(*this) / 4, Float32Type::get(getContext()));
    if (getNumResults() == 0 || getOutputs().back().getType() != states)
      return emitOpError("expects a last result ")
             << states << " with words, but found " << (getNumResults() ? getOutputs().back().getType() : Type(states));
  }
  // scan_c4
  if (getKept() && (static_cast<int64_t>(*getKept()) < 0 || *getKept() % 64 != 0))
    return emitOpError("expects states at a multiple of 64, but found ") << getKeptAttr();
  return success();
}

LogicalResult ScanOp::verifySymbolUses(SymbolTableCollection &table) {
  SmallVector<FlatSymbolRefAttr> symbols;
  for (auto weight : getWeights().getAsRange<WeightAttr>()) {
    FlatSymbolRefAttr symbol = weight.getSources()[0];
    auto source = table.lookupNearestSymbolFrom<quoin::WeightOp>(*this, symbol);
    if (source && weight.getLayout() &&
        !llvm::equal(cast<RankedTensorType>(source.getType()).getShape(), weight.getLayout().getSourceShape()))
      return emitOpError("expects a layout of ") << source.getType() << ", but found " << weight.getLayout();
    symbols.push_back(symbol);
  }
  return quoin::verifyScanWeights(
      *this, table, symbols, static_cast<int64_t>(getHeads()),
      quoin::weightAxes(getAxes(), getInputs().size() + getInitial().size(), getWeights().size()));
}
