//===- WeightOps.cpp - weights: their text, their constraints --------------===//

#include "dialects/quoin/RowSpaces.h"
#include "dialects/quoin/WeightFormula.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/SmallPtrSet.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace quoin;

//===----------------------------------------------------------------------===//
// Text
//===----------------------------------------------------------------------===//

/// @w : type from "file" tensor "name" (stored [..])? (at_row N)? transposed? {..}?, or
/// @w : type (by [@a, ..])? (attributes {..})? region
ParseResult WeightOp::parse(OpAsmParser &parser, OperationState &result) {
  StringAttr name, file, tensor;
  TypeAttr type;
  Properties &properties = result.getOrAddProperties<Properties>();
  if (parser.parseSymbolName(name) || parser.parseColon() || parser.parseAttribute(type))
    return failure();
  properties.sym_name = name;
  properties.type = type;
  if (succeeded(parser.parseOptionalKeyword("from"))) {
    if (parser.parseAttribute(file) || parser.parseKeyword("tensor") || parser.parseAttribute(tensor))
      return failure();
    properties.file = file;
    properties.tensor = tensor;
    if (succeeded(parser.parseOptionalKeyword("stored"))) {
      properties.stored = dyn_cast_or_null<DenseI64ArrayAttr>(DenseI64ArrayAttr::parse(parser, Type()));
      if (!properties.stored)
        return failure();
    }
    if (succeeded(parser.parseOptionalKeyword("at_row"))) {
      int64_t row = 0;
      if (parser.parseInteger(row))
        return failure();
      properties.at_row = parser.getBuilder().getI64IntegerAttr(row);
    }
    if (succeeded(parser.parseOptionalKeyword("transposed")))
      properties.transposed = parser.getBuilder().getUnitAttr();
  }
  properties.weights = parser.getBuilder().getArrayAttr({});
  if (succeeded(parser.parseOptionalKeyword("by")) && parser.parseAttribute(properties.weights))
    return failure();
  Region *formula = result.addRegion();
  // What stands in braces behind a tensor are attributes, and without one it is the formula.
  if (file)
    return parser.parseOptionalAttrDict(result.attributes);
  if (parser.parseOptionalAttrDictWithKeyword(result.attributes))
    return failure();
  OptionalParseResult region = parser.parseOptionalRegion(*formula);
  return failure(region.has_value() && failed(*region));
}

void WeightOp::print(OpAsmPrinter &p) {
  p << ' ';
  p.printSymbolName(getSymName());
  p << " : " << getType();
  if (getFileAttr())
    p << " from " << getFileAttr() << " tensor " << getTensorAttr();
  if (getStoredAttr()) {
    p << " stored ";
    getStoredAttr().print(p);
  }
  if (getAtRow())
    p << " at_row " << static_cast<int64_t>(*getAtRow());
  if (getTransposed())
    p << " transposed";
  if (!getWeights().empty())
    p << " by " << getWeights();
  const StringRef written[] = {getSymNameAttrName(), getTypeAttrName(),  getFileAttrName(),       getTensorAttrName(),
                               getStoredAttrName(),  getAtRowAttrName(), getTransposedAttrName(), getWeightsAttrName()};
  if (isFormula())
    p.printOptionalAttrDictWithKeyword((*this)->getAttrs(), written);
  else
    p.printOptionalAttrDict((*this)->getAttrs(), written);
  if (isFormula()) {
    p << ' ';
    p.printRegion(getFormula());
  }
}

std::string WeightOp::tensorOf(int64_t part) {
  auto [before, after] = getTensor()->split('*');
  return gathers() ? (before + Twine(part) + after).str() : getTensor()->str();
}

SmallVector<int64_t> WeightOp::getFileShape() {
  auto type = cast<RankedTensorType>(getType());
  if (auto stored = getStored())
    return SmallVector<int64_t>(*stored);
  SmallVector<int64_t> shape(gathers() ? type.getShape().drop_front() : type.getShape());
  if (getTransposed())
    std::swap(shape.front(), shape.back());
  return shape;
}

int64_t WeightOp::getFirstElement() {
  int64_t row = 1;
  for (int64_t size : ArrayRef(getFileShape()).drop_front())
    row *= size;
  return getAtRow() ? static_cast<int64_t>(*getAtRow()) * row : 0;
}

SmallVector<FlatSymbolRefAttr> WeightOp::dependencies() {
  auto named = getWeights().getAsRange<FlatSymbolRefAttr>();
  SmallVector<FlatSymbolRefAttr> all(named.begin(), named.end());
  if (isFormulaOfRows())
    for (Operation &op : getFormula().front())
      op.getAttrDictionary().walk([&](FlatSymbolRefAttr symbol) { all.push_back(symbol); });
  return all;
}

bool WeightOp::isFormulaOfRows() { return isFormula() && isa<ResultsOp>(getFormula().front().back()); }

//===----------------------------------------------------------------------===//
// Formulas
//===----------------------------------------------------------------------===//

static constexpr size_t mostOps = 1024;
static constexpr int64_t mostElements = int64_t(1) << 28;
static constexpr int mostDepth = 32;

bool quoin::isFormulaFunction(Operation *op) {
  return isa<arith::AddFOp, arith::SubFOp, arith::MulFOp, arith::DivFOp, arith::NegFOp, arith::RemFOp,
             arith::MaximumFOp, arith::MinimumFOp, arith::MaxNumFOp, arith::MinNumFOp, arith::CmpFOp, arith::SelectOp,
             arith::SIToFPOp, arith::UIToFPOp, arith::FPToSIOp, arith::FPToUIOp>(op) ||
         isa<arith::AddIOp, arith::SubIOp, arith::MulIOp, arith::DivSIOp, arith::DivUIOp, arith::RemSIOp,
             arith::RemUIOp, arith::FloorDivSIOp, arith::CeilDivSIOp, arith::CeilDivUIOp, arith::AndIOp, arith::OrIOp,
             arith::XOrIOp, arith::MaxSIOp, arith::MinSIOp, arith::MaxUIOp, arith::MinUIOp, arith::CmpIOp,
             arith::IndexCastOp, arith::ExtUIOp, arith::ExtSIOp, arith::TruncIOp>(op) ||
         isa<math::AbsFOp, math::ExpOp, math::Exp2Op, math::ExpM1Op, math::LogOp, math::Log2Op, math::Log10Op,
             math::Log1pOp, math::SqrtOp, math::RsqrtOp, math::TanhOp, math::ErfOp, math::SinOp, math::CosOp,
             math::PowFOp, math::FloorOp, math::CeilOp, math::TruncOp, math::RoundOp, math::RoundEvenOp,
             math::CopySignOp, math::FmaOp>(op);
}

/// A number of a formula: f64, an index, or an integer.
static bool isFormulaNumber(Type type) {
  return type.isF64() || type.isIndex() ||
         (type.isSignlessInteger() && type.getIntOrFloatBitWidth() >= 1 && type.getIntOrFloatBitWidth() <= 64);
}

/// weight_c8, of the ops of a block and those within.
static LogicalResult verifyElementOps(Block &block, size_t &left) {
  for (Operation &op : block) {
    if (left-- == 0)
      return op.emitOpError("expects a formula of at most ") << mostOps << " ops";
    for (Value result : op.getResults())
      if (!isFormulaNumber(result.getType()))
        return op.emitOpError("expects numbers of f64, index or integers of at most 64 bits in a formula, but found ")
               << result.getType();
    if (op.getNumRegions() == 0) {
      bool known = isFormulaFunction(&op) || isa<arith::ConstantOp, tensor::ExtractOp, scf::YieldOp, ElementOp>(op);
      // Who reads a tensor reads one element of it.
      bool numbers = isa<tensor::ExtractOp>(op) || llvm::all_of(op.getOperandTypes(), isFormulaNumber);
      if (!known || !numbers)
        return emitError(op.getLoc()) << "'quoin.weight' op expects ops that a formula may hold, but found '"
                                      << op.getName() << "'" << (known ? " of tensors" : "");
      continue;
    }
    if (!isa<scf::ForOp, scf::IfOp>(op))
      return emitError(op.getLoc()) << "'quoin.weight' op expects ops that a formula may hold, but found '"
                                    << op.getName() << "'";
    for (Region &region : op.getRegions()) {
      for (Block &inner : region) {
        for (BlockArgument argument : inner.getArguments())
          if (!isFormulaNumber(argument.getType()))
            return op.emitOpError(
                       "expects numbers of f64, index or integers of at most 64 bits in a formula, but found ")
                   << argument.getType();
        if (failed(verifyElementOps(inner, left)))
          return failure();
      }
    }
  }
  return success();
}

static LogicalResult verifyElementFormula(WeightOp weight) {
  // weight_c7
  auto type = cast<RankedTensorType>(weight.getType());
  Block &block = weight.getFormula().front();
  int64_t rank = type.getRank();
  size_t expected = static_cast<size_t>(rank) + weight.getWeights().size();
  bool good = block.getNumArguments() == expected;
  for (BlockArgument argument : block.getArguments()) {
    auto tensor = dyn_cast<RankedTensorType>(argument.getType());
    good &= argument.getArgNumber() < rank ? argument.getType().isIndex()
                                           : tensor && tensor.hasStaticShape() && tensor.getElementType().isF64();
  }
  if (!good)
    return weight.emitOpError("expects a formula with arguments of ")
           << rank << " indices, then " << weight.getWeights().size() << " tensors of f64, but found "
           << block.getArgumentTypes();
  if (!isa<ElementOp>(block.back()))
    return weight.emitOpError("expects a formula that ends in 'quoin.element' or 'quoin.results'");
  size_t left = mostOps;
  return verifyElementOps(block, left);
}

static LogicalResult verifyRowsFormula(WeightOp weight) {
  // weight_c7
  Block &block = weight.getFormula().front();
  auto isColumn = [](Type type) {
    auto rows = dyn_cast<RankedTensorType>(type);
    return rows && rows.getRank() == 2 && rows.getElementType().isF32() && isRowsType(rows);
  };
  if (block.getNumArguments() != weight.getWeights().size() || !llvm::all_of(block.getArgumentTypes(), isColumn))
    return weight.emitOpError("expects a formula of rows with an argument of rows for each weight of 'by', but found ")
           << block.getArgumentTypes();
  // weight_c9
  auto results = cast<ResultsOp>(block.back());
  auto type = cast<RankedTensorType>(weight.getType());
  if (results.getRows().size() != 1 || type.getRank() > 2 ||
      cast<RankedTensorType>(results.getRows()[0].getType()).getShape().drop_front() != type.getShape().take_back(1))
    return weight.emitOpError("expects one result with the weight's rows, but found ")
           << results.getRows().getTypes() << " for " << type;
  for (Operation &op : block.without_terminator())
    if (auto known = dyn_cast<ModelOpInterface>(op); known && known.getRelation() != RowRelation::RowByRow)
      return op.emitOpError("expects ops that work row by row in a formula");
  return success(succeeded(RowSpaces::infer(weight, block)));
}

//===----------------------------------------------------------------------===//
// Verification
//===----------------------------------------------------------------------===//

/// How a tensor lies in its file.
static LogicalResult verifyForm(WeightOp weight, uint64_t elements, uint64_t most) {
  // weight_c3
  auto type = cast<RankedTensorType>(weight.getType());
  if (size_t stars = weight.getTensor()->count('*'); stars > 0 && (stars > 1 || type.getRank() != 3))
    return weight.emitOpError("expects a '*' in the name of a tensor of rank 3 only, and once, but found ")
           << stars << " in '" << *weight.getTensor() << "' of " << type;
  if (weight.gathers()) {
    // weight_c4
    if (weight.getStored() || weight.getAtRow() || weight.getTransposed())
      return weight.emitOpError("expects another form of one tensor, but found '*' in '") << *weight.getTensor() << "'";
    return success();
  }
  uint64_t held = 1;
  SmallVector<int64_t> file = weight.getFileShape();
  for (int64_t size : file) {
    if (size < 1 || size > INT32_MAX)
      return weight.emitOpError("expects stored sizes from 1 to ") << INT32_MAX << ", but found " << size;
    held = llvm::SaturatingMultiply(held, static_cast<uint64_t>(size));
  }
  if (file.empty() || file.size() > 4 || held > most)
    return weight.emitOpError("expects one to four stored sizes of at most ")
           << most << " elements, but found " << file.size() << " of " << held;
  auto rows = static_cast<uint64_t>(file[0]);
  uint64_t row = held / rows;
  if (weight.getAtRow()) {
    uint64_t wanted = elements / row, first = *weight.getAtRow();
    if (elements % row != 0 || first >= rows || wanted > rows - first)
      return weight.emitOpError("expects whole rows of ")
             << row << " elements within the tensor's " << rows << ", but found " << elements << " elements from row "
             << static_cast<int64_t>(first);
  } else if (held != elements) {
    return weight.emitOpError("expects stored sizes of ") << elements << " elements, but found " << held;
  }
  // weight_c5
  if (weight.getTransposed() && type.getRank() != 2)
    return weight.emitOpError("expects rank 2 of what is transposed, but found ") << type;
  return success();
}

LogicalResult WeightOp::verify() {
  // weight_c1
  auto type = dyn_cast<RankedTensorType>(getType());
  if (!type || !type.hasStaticShape() || type.getRank() < 1 || type.getRank() > 4)
    return emitOpError("expects a static shape of rank 1 to 4, but found ") << getType();
  if (!type.getElementType().isF32() && !type.getElementType().isBF16() && !type.getElementType().isF16())
    return emitOpError("expects elements f32, bf16 or f16, but found ") << type.getElementType();
  // weight_c2
  constexpr uint64_t most = uint64_t(1) << 40;
  uint64_t elements = 1;
  for (int64_t size : type.getShape()) {
    if (size < 1 || size > INT32_MAX)
      return emitOpError("expects sizes from 1 to ") << INT32_MAX << ", but found " << size;
    elements = llvm::SaturatingMultiply(elements, static_cast<uint64_t>(size));
  }
  if (elements > most)
    return emitOpError("expects at most ") << most << " elements, but found " << elements;
  // weight_c6
  bool isTensor = getFile() && getTensor();
  if (isTensor == isFormula() || bool(getFile()) != bool(getTensor()))
    return emitOpError("expects a file and a tensor, or a formula, but found ") << (isTensor ? "both" : "neither");
  if (!isFormula() && !getWeights().empty())
    return emitOpError("expects 'by' with a formula only");
  if (isFormula() && (getStored() || getAtRow() || getTransposed()))
    return emitOpError("expects 'stored', 'at_row' and 'transposed' with a tensor only");
  if (isTensor && failed(verifyForm(*this, elements, most)))
    return failure();
  // weight_c10
  if (isFormula() && static_cast<int64_t>(elements) > mostElements)
    return emitOpError("expects at most ") << mostElements << " elements of a formula, but found " << elements;
  return success();
}

LogicalResult WeightOp::verifyRegions() {
  if (!isFormula())
    return success();
  if (getFormula().front().empty())
    return emitOpError("expects a formula that ends in 'quoin.element' or 'quoin.results'");
  return isFormulaOfRows() ? verifyRowsFormula(*this) : verifyElementFormula(*this);
}

/// weight_c11: fails where a weight that `weight` reads, at whatever depth, is `owner`, or too deep.
static LogicalResult verifyReads(WeightOp owner, WeightOp weight, int depth, SymbolTableCollection &table,
                                 llvm::SmallPtrSetImpl<Operation *> &seen) {
  if (depth > mostDepth)
    return owner.emitOpError("expects formulas of formulas at most ") << mostDepth << " deep";
  for (FlatSymbolRefAttr symbol : weight.dependencies()) {
    auto read = table.lookupNearestSymbolFrom<WeightOp>(weight, symbol);
    if (!read) // that weight's own error
      continue;
    if (read == owner)
      return owner.emitOpError("expects a formula that does not depend on its own weight");
    if (seen.insert(read).second && failed(verifyReads(owner, read, depth + 1, table, seen)))
      return failure();
  }
  return success();
}

LogicalResult WeightOp::verifySymbolUses(SymbolTableCollection &table) {
  if (!isFormula())
    return success();
  // weight_c11
  int64_t rows = 0;
  auto arguments = getFormula().getArguments().take_back(getWeights().size());
  for (auto [symbol, argument] : llvm::zip_equal(getWeights().getAsRange<FlatSymbolRefAttr>(), arguments)) {
    auto weight = table.lookupNearestSymbolFrom<WeightOp>(*this, symbol);
    if (!weight)
      return emitOpError("expects 'by' to name a quoin.weight, but found ") << symbol;
    auto type = dyn_cast<RankedTensorType>(weight.getType());
    if (!type) // that weight's own error
      return failure();
    // weight_c7, weight_c9
    ArrayRef<int64_t> shape = type.getShape(), wanted = cast<RankedTensorType>(argument.getType()).getShape();
    bool same = isFormulaOfRows() ? type.getRank() <= 2 && wanted.back() == shape.back() : wanted == shape;
    if (!same)
      return emitOpError("expects an argument for ")
             << symbol << " of its shape, " << type << ", but found " << argument.getType();
    int64_t count = type.getRank() == 1 ? 1 : shape[0];
    if (isFormulaOfRows() && rows != 0 && count != rows)
      return emitOpError("expects weights of as many rows, but found ") << rows << " and " << count;
    rows = count;
  }
  auto type = cast<RankedTensorType>(getType());
  if (isFormulaOfRows() && rows != (type.getRank() == 1 ? 1 : type.getDimSize(0)))
    return emitOpError("expects as many rows as the weights read have, ") << rows << ", but found " << type;
  llvm::SmallPtrSet<Operation *, 16> seen;
  return verifyReads(*this, *this, 1, table, seen);
}
