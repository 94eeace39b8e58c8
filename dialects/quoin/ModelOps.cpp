//===- ModelOps.cpp - verifiers of weights and model ops -------------------===//

#include "dialects/quoin/AttentionShape.h"
#include "dialects/quoin/QuoinDialect.h"
#include "dialects/quoin/RowProgram.h"
#include "dialects/quoin/RowSpaces.h"
#include "llvm/Support/MathExtras.h"
#include <cmath>
#include <limits>

using namespace mlir;
using namespace quoin;

static int64_t width(Value rows) { return cast<RankedTensorType>(rows.getType()).getDimSize(1); }

static int64_t rowsOf(WeightOp weight) { return cast<RankedTensorType>(weight.getType()).getDimSize(0); }

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

static bool isColumn(Type type) {
  auto rows = dyn_cast<RankedTensorType>(type);
  return rows && rows.getRank() == 2 && isRowsType(rows);
}

/// Most columns of a model beside its ids and positions, and most that it gives (QUOIN_MAX_COLUMNS).
static constexpr size_t mostColumns = 14, mostResults = 16;

LogicalResult ResultsOp::verify() {
  // results_c1
  if (getRows().empty() || getRows().size() > mostResults)
    return emitOpError("expects 1 to ") << mostResults << " results, but found " << getRows().size();
  return success();
}

LogicalResult HiddenOp::verify() {
  // hidden_c1
  if (getResults().size() >= mostResults)
    return emitOpError("expects at most ") << mostResults - 1 << " results, but found " << getResults().size();
  return success();
}

bool ModelOp::isOfTokens() {
  Block &block = getBody().front();
  auto first =
      block.getNumArguments() ? dyn_cast<RankedTensorType>(block.getArgument(0).getType()) : RankedTensorType();
  return getHead() || (first && first.getRank() == 1);
}

Value ModelOp::getRead() {
  Block &block = getBody().front();
  if (!isOfTokens() || block.getNumArguments() < 3)
    return {};
  BlockArgument last = block.getArguments().back();
  auto type = dyn_cast<RankedTensorType>(last.getType());
  return type && type.getRank() == 1 ? Value(last) : Value();
}

ArrayRef<BlockArgument> ModelOp::getColumns() {
  ArrayRef<BlockArgument> all = getBody().front().getArguments();
  if (!isOfTokens())
    return all;
  return all.drop_front(std::min<size_t>(2, all.size())).drop_back(getRead() ? 1 : 0);
}

bool ModelOp::isOfSequence(BlockArgument column) {
  return getEachSequence() && llvm::is_contained(*getEachSequence(), static_cast<int64_t>(column.getArgNumber()));
}

ValueRange ModelOp::getResultRows() {
  Block &block = getBody().front();
  if (block.empty())
    return {};
  if (auto hidden = dyn_cast<HiddenOp>(block.back()))
    return hidden.getResults();
  auto results = dyn_cast<ResultsOp>(block.back());
  return results ? ValueRange(results.getRows()) : ValueRange();
}

/// A function of rows.
static LogicalResult verifyRowModel(ModelOp model) {
  // model_c11
  if (model.getEachSequence())
    return model.emitOpError("expects 'each_sequence' in a model of tokens, but it has no ids");
  Block &block = model.getBody().front();
  if (block.getNumArguments() == 0 || block.getNumArguments() > mostColumns ||
      !llvm::all_of(block.getArgumentTypes(), isColumn))
    return model.emitOpError("expects 1 to ")
           << mostColumns << " arguments of rows in a model without ids, but found " << block.getArgumentTypes();
  if (block.empty() || !isa<ResultsOp>(block.back()))
    return model.emitOpError("expects a body that ends in 'quoin.results' without a head");
  for (Operation &op : block.without_terminator())
    if (auto known = dyn_cast<ModelOpInterface>(op);
        known && known.getRelation() != RowRelation::RowByRow && known.getRelation() != RowRelation::Before)
      return op.emitOpError("expects a head of its model, whose calls say who sees whom, but found none");
  return success(succeeded(RowSpaces::infer(model)));
}

LogicalResult ModelOp::verifyRegions() {
  if (getBias() && !getHead())
    return emitOpError("expects a head with 'bias', but found none");
  if (!isOfTokens())
    return verifyRowModel(*this);
  // model_c1
  Block &block = getBody().front();
  Builder b(getContext());
  auto vector = [](Type element) { return RankedTensorType::get({ShapedType::kDynamic}, element); };
  SmallVector<Type> expected = {vector(b.getI32Type()), vector(b.getIndexType())};
  size_t n = block.getNumArguments();
  auto isColumnType = [](BlockArgument column) { return isColumn(column.getType()); };
  if (n < 2 || !llvm::equal(TypeRange(block.getArgumentTypes()).take_front(2), expected) ||
      getColumns().size() > mostColumns || !llvm::all_of(getColumns(), isColumnType) ||
      (getRead() && getRead().getType() != expected[1]))
    return emitOpError("expects a body with arguments tensor<?xi32>, tensor<?xindex> and optionally tensor<?xindex>, "
                       "with up to ")
           << mostColumns << " columns in front of it, but found " << block.getArgumentTypes();
  for (int64_t number : getEachSequence().value_or(ArrayRef<int64_t>()))
    if (number < 2 || number >= static_cast<int64_t>(getColumns().size()) + 2)
      return emitOpError("expects 'each_sequence' to number columns from 2 to ")
             << getColumns().size() + 1 << ", but found " << number;
  // model_c2
  if (getHead() ? block.empty() || !isa<HiddenOp>(block.back()) : block.empty() || !isa<ResultsOp>(block.back()))
    return emitOpError("expects a body that ends in '") << (getHead() ? "quoin.hidden" : "quoin.results") << "'";
  // model_c4 to model_c8
  return success(succeeded(RowSpaces::infer(*this)));
}

LogicalResult ModelOp::verifySymbolUses(SymbolTableCollection &table) {
  if (!getHead())
    return success();
  // model_c3
  WeightOp head = findWeight(*this, table, getHeadAttr(), "head");
  if (!head)
    return failure();
  auto hidden = cast<HiddenOp>(getBody().front().back());
  if (failed(expectShape(*this, head, {ShapedType::kDynamic, width(hidden.getRows())})))
    return failure();
  if (getBiasAttr()) {
    WeightOp bias = findWeight(*this, table, getBiasAttr(), "bias");
    if (!bias || failed(expectShape(*this, bias, {rowsOf(head)})))
      return failure();
  }
  // model_c10
  for (auto other : (*this)->getParentRegion()->front().getOps<ModelOp>()) {
    if (other == *this)
      break;
    if (!other.getHead())
      continue;
    auto first = table.lookupNearestSymbolFrom<WeightOp>(other, other.getHeadAttr());
    if (first && rowsOf(first) != rowsOf(head))
      return emitOpError("expects a head of as many tokens as that of '@")
             << other.getSymName() << "', " << rowsOf(first) << ", but found " << rowsOf(head);
  }
  // model_c9: ids are tokens, those that the head scores and what else the module says there are.
  auto said = (*this)->getParentOfType<ModuleOp>()->getAttrOfType<IntegerAttr>(module_attr::vocabulary);
  int64_t scored = rowsOf(head), tokens = said ? std::max(scored, said.getInt()) : scored;
  for (auto embed : getBody().getOps<EmbedOp>())
    if (auto weight = table.lookupNearestSymbolFrom<WeightOp>(embed, embed.getWeightAttr());
        weight && embed.isByToken() && rowsOf(weight) < tokens) {
      InFlightDiagnostic error = embed.emitOpError("expects a weight of at least ") << tokens << " rows, as many as ";
      if (tokens == scored)
        error << "head '@" << *getHead() << "' has";
      else
        error << "there are tokens";
      return error << ", but found " << rowsOf(weight);
    }
  return success();
}

bool EmbedOp::isByToken() {
  auto type = cast<RankedTensorType>(getIds().getType());
  return type.getRank() == 1 && type.getElementType().isInteger(32);
}

/// The type of what is looked up by is said unless it is that of ids.
ParseResult EmbedOp::parse(OpAsmParser &parser, OperationState &result) {
  OpAsmParser::UnresolvedOperand operand;
  FlatSymbolRefAttr symbol;
  Type type, rows;
  if (parser.parseOperand(operand) || parser.parseKeyword("by") ||
      parser.parseAttribute(symbol, "weight", result.attributes) || parser.parseOptionalAttrDict(result.attributes) ||
      parser.parseColonType(type))
    return failure();
  rows = type;
  if (failed(parser.parseOptionalArrow()))
    type = RankedTensorType::get({ShapedType::kDynamic}, parser.getBuilder().getI32Type());
  else if (parser.parseType(rows))
    return failure();
  result.addTypes(rows);
  return parser.resolveOperand(operand, type, result.operands);
}

void EmbedOp::print(OpAsmPrinter &printer) {
  printer << ' ' << getIds() << " by " << getWeightAttr();
  printer.printOptionalAttrDict((*this)->getAttrs(), {"weight"});
  printer << " : ";
  if (!isByToken())
    printer << getIds().getType() << " -> ";
  printer << getRows().getType();
}

LogicalResult EmbedOp::verifySymbolUses(SymbolTableCollection &table) {
  // embed_c1
  WeightOp weight = findWeight(*this, table, getWeightAttr(), "weight");
  return weight ? expectShape(*this, weight, {ShapedType::kDynamic, width(getRows())}) : failure();
}

bool quoin::isEpsilon(const APFloat &value) {
  double epsilon = value.convertToDouble();
  return epsilon == 0 || (epsilon >= std::numeric_limits<float>::min() && epsilon <= std::numeric_limits<float>::max());
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

ModelOpCost LinearOp::getCost() { return {width(getOutput()), width(getInput()), 1, 1, 0}; }

/// Number of choices, and the widths of the operand's and the result's features.
static std::tuple<int64_t, int64_t, int64_t> expertSizes(ExpertLinearOp op) {
  return {width(op.getChoice()), op.getInput().getType().getShape().back(), op.getOutput().getType().getShape().back()};
}

LogicalResult ExpertLinearOp::verify() {
  // expert_linear_c3
  auto [choices, in, out] = expertSizes(*this);
  if (choices > maxChoices)
    return emitOpError("expects at most ") << maxChoices << " choices a row, but found " << choices;
  // expert_linear_c2
  Type f32 = Float32Type::get(getContext());
  auto rows = [&](ArrayRef<int64_t> shape) { return RankedTensorType::get(shape, f32); };
  constexpr int64_t any = ShapedType::kDynamic;
  if (RankedTensorType type = getInput().getType(); type != rows({any, in}) && type != rows({any, choices, in}))
    return emitOpError("expects an operand ") << rows({any, in}) << " or " << rows({any, choices, in}) << " for "
                                              << choices << " choices, but found " << type;
  if (getOutput().getType() != rows({any, choices, out}))
    return emitOpError("expects a result ")
           << rows({any, choices, out}) << " for " << choices << " choices, but found " << getOutput().getType();
  return success();
}

LogicalResult ExpertLinearOp::verifySymbolUses(SymbolTableCollection &table) {
  // expert_linear_c1
  auto [choices, in, out] = expertSizes(*this);
  WeightOp weight = findWeight(*this, table, getWeightAttr(), "weight");
  if (!weight || failed(expectShape(*this, weight, {ShapedType::kDynamic, out, in})))
    return failure();
  if (rowsOf(weight) > maxExperts)
    return emitOpError("expects at most ") << maxExperts << " experts, but found " << rowsOf(weight);
  return success();
}

ModelOpCost ExpertLinearOp::getCost() {
  auto [choices, in, out] = expertSizes(*this);
  auto weight = SymbolTable::lookupNearestSymbolFrom<WeightOp>(*this, getWeightAttr());
  return {out, in, rowsOf(weight), choices, 0};
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

bool quoin::isOfPositionsAndLabels(MaskAttr mask) {
  using Op = BlockMask::Op;
  return llvm::none_of(mask.getFormula().nodes(), [](const BlockMask::Node &n) {
    return n.op >= Op::QuerySlot && n.op <= Op::Symbol && n.op != Op::QueryLabel && n.op != Op::KeyLabel;
  });
}

bool quoin::isScale(const APFloat &scale) { return std::fabs(scale.convertToDouble()) < std::ldexp(1.0, 126); }

LogicalResult quoin::verifyAttention(Operation *op, const AttentionShape &shape, Value query,
                                     ArrayRef<std::pair<StringRef, Value>> keys) {
  // attention_c1
  if (shape.kvHeads <= 0 || shape.heads <= 0 || shape.heads % shape.kvHeads != 0)
    return op->emitOpError("expects kv_heads that divides heads ") << shape.heads << ", but found " << shape.kvHeads;
  // attention_c4
  if (shape.headDim < 1 || shape.headDim > maxHeadDim)
    return op->emitOpError("expects a head_dim from 1 to ") << maxHeadDim << ", but found " << shape.headDim;
  // attention_c2
  auto expectWidth = [&](Value value, StringRef what, int64_t times) -> LogicalResult {
    uint64_t expected = llvm::SaturatingMultiply(static_cast<uint64_t>(times), static_cast<uint64_t>(shape.headDim));
    if (static_cast<uint64_t>(width(value)) == expected)
      return success();
    return op->emitOpError("expects ") << what << " of width " << expected << ", but found " << width(value);
  };
  if (failed(expectWidth(query, "a query", shape.heads)))
    return failure();
  for (auto [what, rows] : keys)
    if (failed(expectWidth(rows, what, shape.kvHeads)))
      return failure();
  // attention_c3
  if (!isScale(shape.scale.getValue()))
    return op->emitOpError("expects a finite scale below 2^126, but found ") << shape.scale;
  // attention_c5
  if (shape.within && !isOfPositionsAndLabels(shape.within))
    return op->emitOpError("expects a formula of positions and labels alone, but found ") << shape.within;
  return success();
}

LogicalResult AttentionOp::verify() {
  // attention_c1 to attention_c5
  int64_t heads = getHeads(), kvHeads = getKvHeads(), size = getHeadDim();
  if (failed(verifyAttention(*this, {heads, kvHeads, size, getScaleAttr(), getWithinAttr()}, getQuery(),
                             {{"a key", getKey()}, {"a value", getValue()}})))
    return failure();
  // attention_c7
  if (getLse() && width(getLse()) != heads)
    return emitOpError("expects 'lse' of ") << heads << " numbers a row, one a head, but found " << getLse().getType();
  return success();
}

LogicalResult AttentionOp::verifyRegions() {
  // attention_c6
  return getScore().empty() ? success() : verifyFormula(*this, getScore(), scoreTypes(getContext()), "a score");
}

ModelOpCost AttentionOp::getCost() { return {0, 0, 1, 1, 4 * int64_t(getHeads() * getHeadDim())}; }

int64_t AttentionOp::getStateWidth() { return 2 * getKvHeads() * getHeadDim(); }
