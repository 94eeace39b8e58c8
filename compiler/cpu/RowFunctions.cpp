//===- RowFunctions.cpp - the functions of row programs on machine types ----===//

#include "compiler/cpu/RowFunctions.h"
#include "dialects/quoin/RowProgram.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/xxhash.h"
#include <limits>

using namespace mlir;
using namespace quoin;
using namespace quoin::cpu;

Type quoin::cpu::machineType(KernelBuilder &kb, Type element, int64_t lanes) {
  Type type = element.isIndex() ? kb.i64 : element;
  return lanes == 1 ? type : Type(kb.vec(type, lanes));
}

Val quoin::cpu::literalOf(KernelBuilder &kb, Attribute value, Type element, int64_t lanes) {
  Type type = machineType(kb, element, lanes);
  if (auto real = dyn_cast<FloatAttr>(value))
    return kb.constant(type, real.getValueAsDouble());
  auto integer = cast<IntegerAttr>(value);
  return kb.integer(type, element.isInteger(1) ? integer.getValue().getZExtValue() : integer.getValue().getSExtValue());
}

Val quoin::cpu::copyOf(KernelBuilder &kb, Operation *op, ArrayRef<Val> in, Type type) {
  OperationState state(kb.loc, op->getName());
  for (Val v : in)
    state.addOperands(v.value);
  state.addTypes(type);
  for (NamedAttribute attribute : op->getAttrs())
    if (attribute.getName() != roundedAttr)
      state.attributes.push_back(attribute);
  return kb.wrap(kb.b.create(state)->getResult(0));
}

Val quoin::cpu::applyFunction(KernelBuilder &kb, Operation *op, ArrayRef<Val> in, int64_t lanes) {
  Type type = machineType(kb, getElementTypeOrSelf(op->getResult(0)), lanes);
  auto intrinsic = [&](auto made) { return kb.wrap(made); };
  Val x = in[0];
  return TypeSwitch<Operation *, Val>(op)
      .Case([&](math::ExpOp) { return kb.exp(x); })
      .Case([&](math::Exp2Op) { return kb.exp2OfAny(x); })
      .Case([&](math::ExpM1Op) { return kb.expm1(x); })
      .Case([&](math::LogOp) { return kb.log(x); })
      .Case([&](math::Log2Op) { return kb.log2(x); })
      .Case([&](math::Log10Op) { return kb.log(x) * 0.4342944819032518; })
      .Case([&](math::Log1pOp) { return kb.log1p(x); })
      .Case([&](math::SqrtOp) { return kb.sqrt(x); })
      .Case([&](math::RsqrtOp) { return literal(x, 1.0) / kb.sqrt(x); })
      .Case([&](math::TanhOp) { return kb.tanh(x); })
      .Case([&](math::ErfOp) { return kb.erf(x); })
      .Case([&](math::SinOp) { return kb.sin(x); })
      .Case([&](math::CosOp) { return kb.cos(x); })
      .Case([&](math::CopySignOp) { return kb.copySign(x, in[1]); })
      .Case([&](math::FmaOp) { return kb.fma(x, in[1], in[2]); })
      .Case([&](math::AbsFOp) { return intrinsic(LLVM::FAbsOp::create(kb.b, kb.loc, type, x)); })
      .Case([&](math::FloorOp) { return intrinsic(LLVM::FFloorOp::create(kb.b, kb.loc, type, x)); })
      .Case([&](math::CeilOp) { return intrinsic(LLVM::FCeilOp::create(kb.b, kb.loc, type, x)); })
      .Case([&](math::TruncOp) { return intrinsic(LLVM::FTruncOp::create(kb.b, kb.loc, type, x)); })
      .Case([&](math::RoundEvenOp) { return intrinsic(LLVM::RoundEvenOp::create(kb.b, kb.loc, type, x)); })
      .Case([&](arith::IndexCastOp) {
        auto bits = [](Type t) { return getElementTypeOrSelf(t).getIntOrFloatBitWidth(); };
        if (bits(x.type()) == bits(type))
          return x;
        return bits(x.type()) < bits(type) ? kb.extend(type, x, true) : kb.truncate(type, x);
      })
      .Default([&](Operation *) { return copyOf(kb, op, in, type); });
}

Val quoin::cpu::neutralOf(KernelBuilder &kb, Operation *joins, int64_t lanes) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  Type type = machineType(kb, getElementTypeOrSelf(joins->getResult(0)), lanes);
  bool wide = getElementTypeOrSelf(type).isInteger(64);
  return TypeSwitch<Operation *, Val>(joins)
      .Case([&](arith::AddFOp) { return kb.constant(type, 0); })
      .Case([&](arith::MulFOp) { return kb.constant(type, 1); })
      .Case([&](arith::MaximumFOp) { return kb.constant(type, -infinity); })
      .Case([&](arith::MinimumFOp) { return kb.constant(type, infinity); })
      .Case([&](arith::MaxSIOp) { return kb.integer(type, wide ? INT64_MIN : INT32_MIN); })
      .Case([&](arith::MinSIOp) { return kb.integer(type, wide ? INT64_MAX : INT32_MAX); })
      .Default([&](Operation *) { return kb.integer(type, 0); });
}

//===----------------------------------------------------------------------===//
// Formulas on numbers
//===----------------------------------------------------------------------===//

Val quoin::cpu::emitFormula(KernelBuilder &kb, Block &formula, ArrayRef<Val> arguments) {
  auto vector = dyn_cast<VectorType>(arguments[0].type());
  int64_t lanes = vector ? vector.getDimSize(0) : 1;
  DenseMap<Value, Val> made;
  for (auto [argument, value] : llvm::zip_equal(formula.getArguments(), arguments))
    made[argument] = value;
  for (Operation &op : formula.without_terminator()) {
    Value v = op.getResult(0);
    if (auto constant = dyn_cast<arith::ConstantOp>(op)) {
      made[v] = literalOf(kb, constant.getValue(), v.getType(), lanes);
      continue;
    }
    // A product that only a sum reads is made there.
    if (fusedProduct(v))
      continue;
    auto number = [&](Value operand) {
      if (arith::MulFOp rest = made.contains(operand) ? arith::MulFOp() : fusedProduct(operand))
        made[operand] = applyFunction(kb, rest, {made[rest.getLhs()], made[rest.getRhs()]}, lanes);
      return made[operand];
    };
    if (auto add = dyn_cast<arith::AddFOp>(op))
      for (auto [product, other] : {std::pair(add.getLhs(), add.getRhs()), std::pair(add.getRhs(), add.getLhs())})
        if (arith::MulFOp fused = made.contains(v) ? arith::MulFOp() : fusedProduct(product))
          made[v] = kb.fma(made[fused.getLhs()], made[fused.getRhs()], number(other));
    if (made.contains(v))
      continue;
    Vals in;
    for (Value operand : op.getOperands())
      in.push_back(number(operand));
    made[v] = applyFunction(kb, &op, in, lanes);
  }
  return made[formula.getTerminator()->getOperand(0)];
}

std::string quoin::cpu::formulaName(Block *formula) {
  if (!formula)
    return "";
  std::string text;
  llvm::raw_string_ostream os(text);
  DenseMap<Value, size_t> numbers;
  os << formula->getNumArguments();
  for (BlockArgument argument : formula->getArguments())
    numbers.try_emplace(argument, numbers.size());
  for (Operation &op : *formula) {
    os << op.getName() << op.getAttrDictionary();
    for (Value operand : op.getOperands())
      os << " " << numbers.at(operand);
    for (Value result : op.getResults()) {
      os << " " << result.getType();
      numbers.try_emplace(result, numbers.size());
    }
  }
  auto hash = llvm::xxh3_128bits(llvm::ArrayRef(reinterpret_cast<const uint8_t *>(text.data()), text.size()));
  return "_" + llvm::utohexstr(hash.high64) + llvm::utohexstr(hash.low64);
}
