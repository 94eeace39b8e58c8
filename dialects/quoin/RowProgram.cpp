//===- RowProgram.cpp - the grammar of row programs ------------------------===//

#include "dialects/quoin/RowProgram.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace quoin;

bool quoin::isRowFunction(Operation *op) {
  return isa<arith::AddFOp, arith::SubFOp, arith::MulFOp, arith::DivFOp, arith::NegFOp, arith::MaximumFOp,
             arith::MinimumFOp, arith::MaxNumFOp, arith::MinNumFOp, arith::CmpFOp, arith::SelectOp, arith::SIToFPOp>(
             op) ||
         isa<arith::AddIOp, arith::SubIOp, arith::MulIOp, arith::AndIOp, arith::OrIOp, arith::XOrIOp, arith::MaxSIOp,
             arith::MinSIOp, arith::CmpIOp, arith::IndexCastOp, arith::ExtUIOp>(op) ||
         isa<math::AbsFOp, math::ExpOp, math::Exp2Op, math::LogOp, math::Log2Op, math::Log10Op, math::Log1pOp,
             math::ExpM1Op, math::SqrtOp, math::RsqrtOp, math::TanhOp, math::ErfOp, math::SinOp, math::CosOp,
             math::FloorOp, math::CeilOp, math::TruncOp, math::RoundEvenOp, math::CopySignOp, math::FmaOp>(op);
}

Operation *quoin::rowCombiner(linalg::ReduceOp op) {
  Block &body = op.getCombiner().front();
  if (op.getInputs().size() != 1 || !llvm::hasNItems(body, 2))
    return nullptr;
  Operation *joins = &body.front(), *yield = body.getTerminator();
  if (!isa<arith::AddFOp, arith::MulFOp, arith::MaximumFOp, arith::MinimumFOp, arith::AddIOp, arith::MaxSIOp,
           arith::MinSIOp>(joins))
    return nullptr;
  // Both numbers, in either order.
  bool both = joins->getOperand(0) != joins->getOperand(1) && llvm::all_of(joins->getOperands(), [&](Value v) {
                auto argument = dyn_cast<BlockArgument>(v);
                return argument && argument.getOwner() == &body;
              });
  return both && yield->getOperand(0) == joins->getResult(0) ? joins : nullptr;
}

arith::MulFOp quoin::fusedProduct(Value v) {
  auto product = v.getDefiningOp<arith::MulFOp>();
  if (!product || !v.hasOneUse() || product->hasAttr(roundedAttr))
    return {};
  Operation *user = *v.getUsers().begin();
  if (auto reduce = dyn_cast<linalg::ReduceOp>(user))
    return reduce.getInputs()[0] == v && isa_and_nonnull<arith::AddFOp>(rowCombiner(reduce)) ? product
                                                                                             : arith::MulFOp();
  return isa<arith::AddFOp>(user) ? product : arith::MulFOp();
}

void quoin::keepRounded(Value v) {
  if (arith::MulFOp product = fusedProduct(v))
    product->setAttr(roundedAttr, UnitAttr::get(v.getContext()));
}

Type quoin::rowTypeOf(Type rows) {
  auto tensor = cast<RankedTensorType>(rows);
  if (tensor.getRank() == 1)
    return tensor.getElementType();
  return RankedTensorType::get(tensor.getShape().drop_front(), tensor.getElementType());
}

ArrayRef<int64_t> quoin::rowShapeOf(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor ? tensor.getShape() : ArrayRef<int64_t>();
}

int64_t quoin::rowElementsOf(Type type) {
  int64_t count = 1;
  for (int64_t d : rowShapeOf(type))
    count *= d;
  return count;
}

//===----------------------------------------------------------------------===//
// Verification
//===----------------------------------------------------------------------===//

/// each_row_c5
LogicalResult quoin::verifyRowType(Operation *op, Type type) {
  constexpr int64_t mostRank = 4, mostElements = int64_t(1) << 20;
  Type element = getElementTypeOrSelf(type);
  auto tensor = dyn_cast<RankedTensorType>(type);
  bool isNumber = element.isF32() || element.isInteger(32) || element.isInteger(1) || type.isIndex();
  if (!isNumber || (!tensor && type != element))
    return op->emitOpError("expects f32, i32 or i1, a tensor of them, or an index, but found ") << type;
  if (!tensor)
    return success();
  if (!tensor.hasStaticShape() || tensor.getRank() > mostRank || tensor.getEncoding())
    return op->emitOpError("expects a static shape of rank 0 to ") << mostRank << ", but found " << type;
  int64_t elements = 1;
  for (int64_t size : tensor.getShape()) {
    if (size < 1 || size > mostElements || (elements *= size) > mostElements)
      return op->emitOpError("expects 1 to ") << mostElements << " elements, but found " << type;
  }
  return success();
}

/// each_row_c4, each_row_c6, each_row_c7
static LogicalResult verifyKind(Operation *op) {
  return TypeSwitch<Operation *, LogicalResult>(op)
      .Case<arith::ConstantOp, tensor::SplatOp, tensor::ExpandShapeOp, tensor::CollapseShapeOp, tensor::ConcatOp,
            linalg::BroadcastOp>([](auto) { return success(); })
      .Case([&](tensor::ExtractOp o) -> LogicalResult {
        // Of one number there is nothing to choose.
        if (o.getTensor().getType().hasStaticShape() && o.getTensor().getType().getNumElements() == 1)
          return success();
        return o.emitOpError("expects a tensor of one number, but found ") << o.getTensor().getType();
      })
      .Case([&](tensor::ExtractSliceOp o) -> LogicalResult {
        bool isConstant = o.getOffsets().empty() && o.getSizes().empty() && o.getStrides().empty();
        if (isConstant && o.getType().getRank() == o.getSourceType().getRank() &&
            llvm::all_of(o.getStaticStrides(), [](int64_t stride) { return stride > 0; }))
          return success();
        return o.emitOpError("expects constant bounds, positive strides and the operand's rank, but found ")
               << o.getSourceType() << " to " << o.getType();
      })
      .Case([&](linalg::ReduceOp o) -> LogicalResult {
        if (rowCombiner(o))
          return success();
        return o.emitOpError("expects one operand, joined by one of addf, mulf, maximumf, minimumf, addi, maxsi and "
                             "minsi on two numbers");
      })
      .Case([&](tensor::EmptyOp o) -> LogicalResult {
        for (OpOperand &use : o->getUses())
          if (auto broadcast = dyn_cast<linalg::BroadcastOp>(use.getOwner());
              !broadcast || &use != &broadcast.getInitMutable())
            return o.emitOpError("expects to be what 'linalg.broadcast' fills, but '")
                   << use.getOwner()->getName() << "' reads it";
        return success();
      })
      .Default([&](Operation *) -> LogicalResult {
        if (isRowFunction(op))
          return success();
        return emitError(op->getLoc()) << "'quoin.each_row' op expects ops that work on one row, but found '"
                                       << op->getName() << "'";
      });
}

LogicalResult quoin::verifyRowProgram(Operation *op, TypeRange rows, size_t vectors, TypeRange results) {
  // each_row_c1
  Block &block = op->getRegion(0).front();
  if (rows.empty())
    return op->emitOpError("expects at least one operand, but found none");
  if (block.getNumArguments() != rows.size() + vectors)
    return op->emitOpError("expects ") << rows.size() + vectors
                                       << " arguments, the operands' rows and the vectors, but found "
                                       << block.getNumArguments();
  for (BlockArgument argument : block.getArguments()) {
    unsigned number = argument.getArgNumber();
    auto type = dyn_cast<RankedTensorType>(argument.getType());
    if (number < rows.size() && argument.getType() != rows[number])
      return op->emitOpError("expects argument #")
             << number << " of type " << rows[number] << ", a row of its operand, but found " << argument.getType();
    if (number >= rows.size() && (!type || type.getRank() != 1 || !type.getElementType().isF32()))
      return op->emitOpError("expects argument #")
             << number << " to be a vector of f32, but found " << argument.getType();
    if (failed(verifyRowType(op, argument.getType())))
      return failure();
  }
  // each_row_c3
  auto row = dyn_cast<RowOp>(block.getTerminator());
  if (!row)
    return op->emitOpError("expects a body that ends in 'quoin.row'");
  if (row.getRows().size() != results.size())
    return row.emitOpError("expects ") << results.size() << " rows, but found " << row.getRows().size();
  for (auto [i, made, result] : llvm::enumerate(row.getRows(), results))
    if (made.getType() != result)
      return row.emitOpError("expects row #") << i << " of type " << result << ", but found " << made.getType();
  return verifyRowOps(op);
}

LogicalResult quoin::verifyRowOps(Operation *op) {
  Block &block = op->getRegion(0).front();
  // each_row_c8: what an element is made of is followed by recursion.
  constexpr size_t mostOps = 1024;
  if (size_t count = llvm::range_size(block.without_terminator()); count > mostOps)
    return op->emitOpError("expects a body of at most ") << mostOps << " ops, but found " << count;
  // each_row_c4 to each_row_c7
  for (Operation &o : block.without_terminator()) {
    if (failed(verifyKind(&o)))
      return failure();
    for (Value value : o.getResults())
      if (failed(verifyRowType(&o, value.getType())))
        return failure();
  }
  return success();
}

LogicalResult quoin::verifyRowVectors(Operation *op, SymbolTableCollection &table, size_t first,
                                      ArrayRef<FlatSymbolRefAttr> symbols) {
  auto arguments = op->getRegion(0).getArguments().slice(first, symbols.size());
  for (auto [symbol, argument] : llvm::zip_equal(symbols, arguments)) {
    auto weight = table.lookupNearestSymbolFrom<WeightOp>(op, symbol);
    if (!weight)
      return op->emitOpError("expects 'by' to name a quoin.weight, but found ") << symbol;
    auto type = cast<RankedTensorType>(weight.getType());
    if (type.getShape() != rowShapeOf(argument.getType()))
      return op->emitOpError("expects weight '@")
             << weight.getSymName() << "' of shape [" << rowShapeOf(argument.getType())[0] << "], but found " << type;
  }
  return success();
}

LogicalResult quoin::verifyFormula(Operation *op, Region &region, TypeRange arguments, StringRef what) {
  constexpr size_t mostOps = 256;
  if (!region.hasOneBlock())
    return op->emitOpError("expects ") << what << " of one block, but found " << region.getBlocks().size();
  Block &block = region.front();
  if (block.getArgumentTypes() != arguments) {
    InFlightDiagnostic error = op->emitOpError("expects ") << what << " with arguments ";
    llvm::interleaveComma(arguments, error);
    error << ", but found ";
    llvm::interleaveComma(block.getArgumentTypes(), error);
    return error;
  }
  if (block.empty() || !isa<NumberOp>(block.back()))
    return op->emitOpError("expects ") << what << " that ends in 'quoin.number'";
  if (size_t count = llvm::range_size(block.without_terminator()); count > mostOps)
    return op->emitOpError("expects ") << what << " of at most " << mostOps << " ops, but found " << count;
  for (Operation &o : block.without_terminator()) {
    if (!isRowFunction(&o) && !isa<arith::ConstantOp>(o))
      return emitError(o.getLoc()) << "'" << op->getName() << "' op expects " << what
                                   << " of 'arith' and 'math' ops, but found '" << o.getName() << "'";
    for (Type type : o.getResultTypes())
      if (!type.isF32() && !type.isInteger(32) && !type.isInteger(1))
        return o.emitOpError("expects f32, i32 or i1, but found ") << type;
  }
  return success();
}

SmallVector<Type, 4> quoin::scoreTypes(MLIRContext *context) {
  Type f32 = Float32Type::get(context), i32 = IntegerType::get(context, 32);
  return {f32, i32, i32, i32};
}

LogicalResult RowOp::verify() {
  if ((*this)->getParentOp()->hasTrait<HoldsRowProgram>())
    return success();
  return emitOpError("expects to end a row program, but found '") << (*this)->getParentOp()->getName() << "' around it";
}

LogicalResult NumberOp::verify() {
  // number_c1
  if ((*this)->getParentOp()->hasTrait<HoldsFormula>())
    return success();
  return emitOpError("expects to end a formula on numbers, but found '")
         << (*this)->getParentOp()->getName() << "' around it";
}

LogicalResult EachRowOp::verifyRegions() {
  return verifyRowProgram(*this, llvm::map_to_vector(getInputs().getTypes(), rowTypeOf), getWeights().size(),
                          llvm::map_to_vector(getOutputs().getTypes(), rowTypeOf));
}

LogicalResult EachRowOp::verifySymbolUses(SymbolTableCollection &table) {
  // each_row_c2
  return verifyRowVectors(*this, table, getInputs().size(),
                          llvm::to_vector(getWeights().getAsRange<FlatSymbolRefAttr>()));
}
