//===- ScalarLowering.cpp - arith and math, on scalars and element by element ===//
//
// A scalar op is written again with `i64` for `index`; the same, inside a loop over the elements, serves tensors. What
// would be undefined (a division by zero, a shift too far, a conversion out of range) is checked, and promises that an
// op makes of its operands (`nsw`, `exact`, fast math) are dropped: a program must fail or give the same on every
// machine.
//
//===----------------------------------------------------------------------===//

#include "compiler/decoder/Emitter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include <cmath>

using namespace mlir;
using namespace quoin;
using namespace quoin::decoder;

using Pred = LLVM::ICmpPredicate;

static bool isDivision(Operation *op) {
  return isa<arith::DivUIOp, arith::RemUIOp, arith::CeilDivUIOp, arith::DivSIOp, arith::RemSIOp, arith::CeilDivSIOp,
             arith::FloorDivSIOp>(op);
}

static void checkDivision(Emitter &e, Operation *op, Value lhs, Value rhs) {
  std::string name = op->getName().getStringRef().str();
  Type type = rhs.getType();
  e.require(e.compare(Pred::ne, rhs, e.integer(type, 0)),
            name + " expects a divisor other than zero, but found {0} and {1}", lhs, rhs);
  if (isa<arith::DivUIOp, arith::RemUIOp, arith::CeilDivUIOp>(op))
    return;
  APInt lowest = APInt::getSignedMinValue(type.getIntOrFloatBitWidth());
  Value low = LLVM::ConstantOp::create(e.b, type, e.b.getIntegerAttr(type, lowest));
  Value safe = LLVM::OrOp::create(e.b, e.compare(Pred::ne, lhs, low), e.compare(Pred::ne, rhs, e.integer(type, -1)));
  e.require(safe, name + " expects a quotient that fits, but found {0} and {1}", lhs, rhs);
}

static void checkShift(Emitter &e, Operation *op, Value distance) {
  unsigned bits = distance.getType().getIntOrFloatBitWidth();
  Value limit = e.integer(distance.getType(), bits == 1 ? -1 : bits); // of i1 the bits of 1 are those of -1
  std::string text = op->getName().getStringRef().str() + " expects to shift by less than " + std::to_string(bits) +
                     " bits, but found {0}";
  e.require(e.compare(Pred::ult, distance, limit), text, distance, distance);
}

/// Between floating-point numbers of any width.
static Value widened(Emitter &e, Value v) {
  return v.getType() == e.f64 ? v : Value(LLVM::FPExtOp::create(e.b, e.f64, v));
}

/// A conversion whose result fits; NaN does not.
static Value convert(Emitter &e, Operation *op, Value v, Type to) {
  bool isSigned = isa<arith::FPToSIOp>(op);
  unsigned bits = to.getIntOrFloatBitWidth();
  Value real = widened(e, v), whole = LLVM::FTruncOp::create(e.b, real);
  auto number = [&](double n) -> Value { return LLVM::ConstantOp::create(e.b, e.f64, e.b.getF64FloatAttr(n)); };
  Value high = LLVM::FCmpOp::create(e.b, LLVM::FCmpPredicate::olt, whole, number(std::exp2(bits - (isSigned ? 1 : 0))));
  Value low = LLVM::FCmpOp::create(e.b, LLVM::FCmpPredicate::oge, whole, number(isSigned ? -std::exp2(bits - 1) : 0));
  std::string text = op->getName().getStringRef().str() + " expects a number that fits in " + std::to_string(bits) +
                     " bits, but found {0f}";
  Value shown = LLVM::BitcastOp::create(e.b, e.i64, real);
  e.require(LLVM::AndOp::create(e.b, low, high), text, shown, shown);
  if (isSigned)
    return LLVM::FPToSIOp::create(e.b, to, v);
  return LLVM::FPToUIOp::create(e.b, to, v);
}

/// Between integers of any width.
static Value resize(Emitter &e, Value v, Type to, bool isSigned) {
  unsigned from = v.getType().getIntOrFloatBitWidth(), width = to.getIntOrFloatBitWidth();
  if (from == width)
    return v;
  if (from > width)
    return LLVM::TruncOp::create(e.b, to, v);
  return isSigned ? Value(LLVM::SExtOp::create(e.b, to, v)) : Value(LLVM::ZExtOp::create(e.b, to, v));
}

/// What an op is beside its promises.
static SmallVector<NamedAttribute> meaning(Operation *op) {
  SmallVector<NamedAttribute> kept;
  for (NamedAttribute a : op->getAttrs())
    if (!llvm::is_contained({"overflowFlags", "isExact", "nonNeg", "fastmath"}, a.getName().getValue()))
      kept.push_back(a);
  return kept;
}

/// One op on scalars.
static Value emitScalar(Emitter &e, Operation *op, ValueRange operands, Type result) {
  if (isa<arith::IndexCastOp>(op))
    return resize(e, operands[0], result, /*isSigned=*/true);
  if (isa<arith::IndexCastUIOp>(op))
    return resize(e, operands[0], result, /*isSigned=*/false);
  if (isa<arith::FPToSIOp, arith::FPToUIOp>(op))
    return convert(e, op, operands[0], result);
  if (isDivision(op))
    checkDivision(e, op, operands[0], operands[1]);
  if (isa<arith::ShLIOp, arith::ShRSIOp, arith::ShRUIOp>(op))
    checkShift(e, op, operands[1]);
  if (Value known = emitFunction(e, op, operands))
    return known;
  OperationState again(op->getLoc(), op->getName(), operands, result, meaning(op));
  return e.b.create(again)->getResult(0);
}

static LogicalResult lowerConstant(Emitter &e, arith::ConstantOp op) {
  if (Type scalar = scalarType(op.getType())) {
    if (auto number = dyn_cast<FloatAttr>(op.getValue()))
      e.set(op, Value(LLVM::ConstantOp::create(e.b, scalar, number)));
    else
      e.set(op, Value(LLVM::ConstantOp::create(
                    e.b, scalar, e.b.getIntegerAttr(scalar, cast<IntegerAttr>(op.getValue()).getValue()))));
    return success();
  }
  auto dense = dyn_cast<DenseElementsAttr>(op.getValue());
  if (!dense)
    return op.emitOpError("expects a dense constant in a decoder");
  Type element = scalarType(dense.getElementType());
  if (dense.getNumElements() == 0) {
    e.set(op, e.emptyTensor(element));
    return success();
  }
  LLVM::GlobalOp global = e.tables.elements(op.getLoc(), dense, storedType(element));
  Value data = LLVM::AddressOfOp::create(e.b, global);
  e.set(op, TensorParts{data, e.constant(dense.getNumElements()), element});
  return success();
}

/// select with one flag chooses whole values, of any type.
static void lowerWholeSelect(Emitter &e, arith::SelectOp op) {
  Value flag = e.get(op.getCondition());
  SmallVector<Value> chosen;
  for (auto [yes, no] :
       llvm::zip(SmallVector<Value>(e.parts(op.getTrueValue())), SmallVector<Value>(e.parts(op.getFalseValue()))))
    chosen.push_back(LLVM::SelectOp::create(e.b, flag, yes, no));
  e.set(op, ValueRange(chosen));
}

static void lowerElementwise(Emitter &e, Operation *op) {
  Value result = op->getResult(0);
  auto type = cast<RankedTensorType>(result.getType());
  std::string name = op->getName().getStringRef().str();
  SmallVector<TensorParts> operands;
  for (Value v : op->getOperands())
    operands.push_back(e.tensor(v));
  Value count = operands.front().size;
  for (const TensorParts &t : llvm::drop_begin(operands))
    e.requireEqual(count, t.size, name, "elements");
  TensorParts made = e.allocateTensor(scalarType(type.getElementType()), count, name);
  e.forEach(count, [&](Value i) {
    SmallVector<Value> elements;
    for (const TensorParts &t : operands)
      elements.push_back(e.loadElement(t, i));
    e.storeElement(made, i, emitScalar(e, op, elements, made.element));
  });
  e.set(result, made);
}

std::optional<LogicalResult> quoin::decoder::lowerScalarOp(Emitter &e, Operation *op) {
  if (auto constant = dyn_cast<arith::ConstantOp>(op))
    return lowerConstant(e, constant);
  if (auto select = dyn_cast<arith::SelectOp>(op))
    if (select.getCondition().getType().isInteger(1))
      return lowerWholeSelect(e, select), success();

  bool isArith = isa<arith::ArithDialect>(op->getDialect()) && !isa<arith::RemFOp>(op);
  bool isMath = isa<math::MathDialect>(op->getDialect()) && isSupportedMath(op);
  if (!(isArith || isMath) || !OpTrait::hasElementwiseMappableTraits(op) || op->getNumResults() != 1 ||
      op->getNumOperands() == 0)
    return std::nullopt;
  auto isTensor = [](Type t) { return isa<RankedTensorType>(t); };
  if (llvm::all_of(op->getOperandTypes(), isTensor)) {
    lowerElementwise(e, op);
    return success();
  }
  if (llvm::any_of(op->getOperandTypes(), isTensor) || !scalarType(op->getResult(0).getType()))
    return std::nullopt;
  SmallVector<Value> operands;
  for (Value v : op->getOperands())
    operands.push_back(e.get(v));
  e.set(op->getResult(0), emitScalar(e, op, operands, scalarType(op->getResult(0).getType())));
  return success();
}
