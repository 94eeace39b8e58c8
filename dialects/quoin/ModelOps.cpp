//===- ModelOps.cpp - verifiers of weights and model ops -------------------===//

#include "dialects/quoin/QuoinDialect.h"

using namespace mlir;
using namespace quoin;

static int64_t width(Value rows) { return cast<RankedTensorType>(rows.getType()).getDimSize(1); }

/// The weight a symbol names, or null after an error.
static WeightOp findWeight(Operation *op, SymbolTableCollection &table, FlatSymbolRefAttr symbol, StringRef use) {
  auto weight = table.lookupNearestSymbolFrom<WeightOp>(op, symbol);
  if (!weight)
    op->emitOpError("expects '") << use << "' to name a quoin.weight, but found " << symbol;
  return weight;
}

/// Fails unless the weight has this shape.
static LogicalResult expectShape(Operation *op, WeightOp weight, ArrayRef<int64_t> shape) {
  auto type = cast<RankedTensorType>(weight.getType());
  bool same = type.getRank() == static_cast<int64_t>(shape.size());
  for (size_t i = 0; same && i < shape.size(); ++i)
    same = ShapedType::isDynamic(shape[i]) || type.getDimSize(i) == shape[i];
  if (same)
    return success();
  InFlightDiagnostic error = op->emitOpError("expects weight '@") << weight.getSymName() << "' of shape [";
  llvm::interleaveComma(shape, error, [&](int64_t d) {
    if (ShapedType::isDynamic(d))
      error << "?";
    else
      error << d;
  });
  return error << "], but found " << type;
}

LogicalResult WeightOp::verify() {
  // weight_c1
  auto type = dyn_cast<RankedTensorType>(getType());
  if (!type || !type.hasStaticShape() || type.getRank() < 1 || type.getRank() > 2)
    return emitOpError("expects a static shape of rank 1 or 2, but found ") << getType();
  if (!type.getElementType().isF32() && !type.getElementType().isBF16() && !type.getElementType().isF16())
    return emitOpError("expects elements f32, bf16 or f16, but found ") << type.getElementType();
  return success();
}

LogicalResult ModelOp::verifyRegions() {
  // model_c1
  Block &block = getBody().front();
  Builder b(getContext());
  auto vector = [](Type element) { return RankedTensorType::get({ShapedType::kDynamic}, element); };
  SmallVector<Type> expected = {vector(b.getI32Type()), vector(b.getIndexType()), vector(b.getIndexType())};
  unsigned n = block.getNumArguments();
  if (n < 2 || n > 3 || !llvm::equal(block.getArgumentTypes(), ArrayRef(expected).take_front(n)))
    return emitOpError("expects a body with arguments tensor<?xi32>, tensor<?xindex> and optionally tensor<?xindex>, "
                       "but found ")
           << block.getArgumentTypes();
  // model_c2
  if (block.empty() || !isa<HiddenOp>(block.back()))
    return emitOpError("expects a body that ends in 'quoin.hidden'");
  return success();
}

LogicalResult ModelOp::verifySymbolUses(SymbolTableCollection &table) {
  // model_c3
  WeightOp head = findWeight(*this, table, getHeadAttr(), "head");
  if (!head)
    return failure();
  auto hidden = cast<HiddenOp>(getBody().front().back());
  return expectShape(*this, head, {ShapedType::kDynamic, width(hidden.getRows())});
}

LogicalResult EmbedOp::verifySymbolUses(SymbolTableCollection &table) {
  // embed_c1
  WeightOp weight = findWeight(*this, table, getWeightAttr(), "weight");
  return weight ? expectShape(*this, weight, {ShapedType::kDynamic, width(getRows())}) : failure();
}

LogicalResult RmsNormOp::verifySymbolUses(SymbolTableCollection &table) {
  // rms_norm_c1
  WeightOp weight = findWeight(*this, table, getWeightAttr(), "weight");
  if (!weight || failed(expectShape(*this, weight, {ShapedType::kDynamic})))
    return failure();
  int64_t group = cast<RankedTensorType>(weight.getType()).getDimSize(0);
  if (group == 0 || width(getInput()) % group != 0)
    return emitOpError("expects a weight whose length divides the width ")
           << width(getInput()) << ", but found " << group;
  return success();
}

LogicalResult RmsNormOp::verify() {
  // rms_norm_c2
  if (!getEpsilon().isFinite() || getEpsilon().isNegative())
    return emitOpError("expects an epsilon that is finite and not negative, but found ") << getEpsilonAttr();
  return success();
}

LogicalResult LinearOp::verifySymbolUses(SymbolTableCollection &table) {
  // linear_c1
  WeightOp weight = findWeight(*this, table, getWeightAttr(), "weight");
  if (!weight || failed(expectShape(*this, weight, {width(getOutput()), width(getInput())})))
    return failure();
  // linear_c2
  if (!getBiasAttr())
    return success();
  WeightOp bias = findWeight(*this, table, getBiasAttr(), "bias");
  return bias ? expectShape(*this, bias, {width(getOutput())}) : failure();
}

LogicalResult RotaryOp::verify() {
  // rotary_c1
  int64_t head = getHeadDim();
  if (head <= 0 || head % 2 != 0 || width(getInput()) % head != 0)
    return emitOpError("expects an even head_dim that divides the width ")
           << width(getInput()) << ", but found " << head;
  // rotary_c2
  if (!getTheta().isFiniteNonZero() || getTheta().isNegative())
    return emitOpError("expects a theta that is finite and positive, but found ") << getThetaAttr();
  return success();
}

LogicalResult AttentionOp::verify() {
  // attention_c1
  int64_t heads = getHeads(), kvHeads = getKvHeads(), size = getHeadDim();
  if (kvHeads <= 0 || heads <= 0 || size <= 0 || heads % kvHeads != 0)
    return emitOpError("expects kv_heads that divides heads ") << heads << ", but found " << kvHeads;
  // attention_c2
  auto expectWidth = [&](Value value, StringRef what, int64_t expected) -> LogicalResult {
    if (width(value) == expected)
      return success();
    return emitOpError("expects ") << what << " of width " << expected << ", but found " << width(value);
  };
  if (failed(expectWidth(getQuery(), "a query", heads * size)) ||
      failed(expectWidth(getKey(), "a key", kvHeads * size)) ||
      failed(expectWidth(getValue(), "a value", kvHeads * size)))
    return failure();
  // attention_c3
  if (!getScale().isFinite())
    return emitOpError("expects a finite scale, but found ") << getScaleAttr();
  return success();
}
