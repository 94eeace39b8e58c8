//===- Elementwise.cpp - what arith and math ops compute -------------------===//

#include "dialects/reference/Elementwise.h"
#include "dialects/quoin/ProgramTensor.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/MathExtras.h"
#include <cmath>

using namespace mlir;
using namespace quoin::ref;

namespace {

/// Integers of one width in a 64-bit number: sign-extended, but a truth value is 0 or 1.
struct Width {
  unsigned bits;

  explicit Width(Type type) {
    Type element = getElementTypeOrSelf(type);
    bits = element.isIndex() ? 64 : element.getIntOrFloatBitWidth();
  }
  uint64_t zeroExtended(int64_t v) const {
    return static_cast<uint64_t>(v) & (~uint64_t(0) >> (64 - std::min(bits, 64u)));
  }
  int64_t signExtended(int64_t v) const { return llvm::SignExtend64(static_cast<uint64_t>(v), std::min(bits, 64u)); }
  Number wrap(uint64_t v) const {
    return Number::ofInteger(bits == 1 ? static_cast<int64_t>(v & 1) : signExtended(static_cast<int64_t>(v)));
  }
};

using Elements = ArrayRef<Number>;
using MaybeUnsigned = std::optional<uint64_t>;
using MaybeSigned = std::optional<int64_t>;

} // namespace

/// `f` sees operands without their signs.
template <typename F> static ElementFunction onUnsigned(Operation *op, F f) {
  Width width(op->getResult(0).getType());
  return [=](Elements in) -> std::optional<Number> {
    MaybeUnsigned result = f(width.zeroExtended(in[0].integer), width.zeroExtended(in[1].integer));
    return result ? std::optional(width.wrap(*result)) : std::nullopt;
  };
}

/// `f` sees operands with their signs.
template <typename F> static ElementFunction onSigned(Operation *op, F f) {
  Width width(op->getResult(0).getType());
  return [=](Elements in) -> std::optional<Number> {
    MaybeSigned result = f(width.signExtended(in[0].integer), width.signExtended(in[1].integer));
    return result ? std::optional(width.wrap(static_cast<uint64_t>(*result))) : std::nullopt;
  };
}

template <typename F> static ElementFunction onReals(F f) {
  return [=](Elements in) -> std::optional<Number> { return Number::ofReal(f(in[0].real, in[1].real)); };
}

static ElementFunction onReal(double (*f)(double)) {
  return [=](Elements in) -> std::optional<Number> { return Number::ofReal(f(in[0].real)); };
}

//===----------------------------------------------------------------------===//
// Comparisons
//===----------------------------------------------------------------------===//

static bool compare(arith::CmpIPredicate predicate, int64_t a, int64_t b, Width width) {
  int64_t sa = width.signExtended(a), sb = width.signExtended(b);
  uint64_t ua = width.zeroExtended(a), ub = width.zeroExtended(b);
  switch (predicate) {
  case arith::CmpIPredicate::eq:
    return ua == ub;
  case arith::CmpIPredicate::ne:
    return ua != ub;
  case arith::CmpIPredicate::slt:
    return sa < sb;
  case arith::CmpIPredicate::sle:
    return sa <= sb;
  case arith::CmpIPredicate::sgt:
    return sa > sb;
  case arith::CmpIPredicate::sge:
    return sa >= sb;
  case arith::CmpIPredicate::ult:
    return ua < ub;
  case arith::CmpIPredicate::ule:
    return ua <= ub;
  case arith::CmpIPredicate::ugt:
    return ua > ub;
  case arith::CmpIPredicate::uge:
    return ua >= ub;
  }
  return false;
}

static bool compare(arith::CmpFPredicate predicate, double a, double b) {
  bool unordered = std::isnan(a) || std::isnan(b);
  switch (predicate) {
  case arith::CmpFPredicate::AlwaysFalse:
    return false;
  case arith::CmpFPredicate::AlwaysTrue:
    return true;
  case arith::CmpFPredicate::OEQ:
    return a == b;
  case arith::CmpFPredicate::OGT:
    return a > b;
  case arith::CmpFPredicate::OGE:
    return a >= b;
  case arith::CmpFPredicate::OLT:
    return a < b;
  case arith::CmpFPredicate::OLE:
    return a <= b;
  case arith::CmpFPredicate::ONE:
    return !unordered && a != b;
  case arith::CmpFPredicate::ORD:
    return !unordered;
  case arith::CmpFPredicate::UEQ:
    return unordered || a == b;
  case arith::CmpFPredicate::UGT:
    return unordered || a > b;
  case arith::CmpFPredicate::UGE:
    return unordered || a >= b;
  case arith::CmpFPredicate::ULT:
    return unordered || a < b;
  case arith::CmpFPredicate::ULE:
    return unordered || a <= b;
  case arith::CmpFPredicate::UNE:
    return unordered || a != b;
  case arith::CmpFPredicate::UNO:
    return unordered;
  }
  return false;
}

//===----------------------------------------------------------------------===//
// Groups of ops
//===----------------------------------------------------------------------===//

static ElementFunction integerFunction(Operation *op) {
  using U = uint64_t;
  using S = int64_t;
  // The one quotient that does not fit.
  auto overflows = [](S a, S b) { return b == -1 && a == INT64_MIN; };
  unsigned bits = Width(op->getResult(0).getType()).bits;
  return llvm::TypeSwitch<Operation *, ElementFunction>(op)
      .Case([&](arith::AddIOp) { return onUnsigned(op, [](U a, U b) -> MaybeUnsigned { return a + b; }); })
      .Case([&](arith::SubIOp) { return onUnsigned(op, [](U a, U b) -> MaybeUnsigned { return a - b; }); })
      .Case([&](arith::MulIOp) { return onUnsigned(op, [](U a, U b) -> MaybeUnsigned { return a * b; }); })
      .Case([&](arith::AndIOp) { return onUnsigned(op, [](U a, U b) -> MaybeUnsigned { return a & b; }); })
      .Case([&](arith::OrIOp) { return onUnsigned(op, [](U a, U b) -> MaybeUnsigned { return a | b; }); })
      .Case([&](arith::XOrIOp) { return onUnsigned(op, [](U a, U b) -> MaybeUnsigned { return a ^ b; }); })
      .Case([&](arith::MinUIOp) { return onUnsigned(op, [](U a, U b) -> MaybeUnsigned { return std::min(a, b); }); })
      .Case([&](arith::MaxUIOp) { return onUnsigned(op, [](U a, U b) -> MaybeUnsigned { return std::max(a, b); }); })
      .Case([&](arith::MinSIOp) { return onSigned(op, [](S a, S b) -> MaybeSigned { return std::min(a, b); }); })
      .Case([&](arith::MaxSIOp) { return onSigned(op, [](S a, S b) -> MaybeSigned { return std::max(a, b); }); })
      .Case([&](arith::DivUIOp) {
        return onUnsigned(op, [](U a, U b) { return b ? MaybeUnsigned(a / b) : std::nullopt; });
      })
      .Case([&](arith::RemUIOp) {
        return onUnsigned(op, [](U a, U b) { return b ? MaybeUnsigned(a % b) : std::nullopt; });
      })
      .Case([&](arith::CeilDivUIOp) {
        return onUnsigned(op, [](U a, U b) { return b ? MaybeUnsigned(a / b + (a % b != 0)) : std::nullopt; });
      })
      .Case([&](arith::DivSIOp) {
        return onSigned(op, [=](S a, S b) { return b && !overflows(a, b) ? MaybeSigned(a / b) : std::nullopt; });
      })
      .Case([&](arith::RemSIOp) {
        return onSigned(op, [=](S a, S b) { return b && !overflows(a, b) ? MaybeSigned(a % b) : std::nullopt; });
      })
      .Case([&](arith::FloorDivSIOp) {
        return onSigned(op, [=](S a, S b) {
          return b && !overflows(a, b) ? MaybeSigned(a / b - ((a % b != 0) && ((a < 0) != (b < 0)))) : std::nullopt;
        });
      })
      .Case([&](arith::CeilDivSIOp) {
        return onSigned(op, [=](S a, S b) {
          return b && !overflows(a, b) ? MaybeSigned(a / b + ((a % b != 0) && ((a < 0) == (b < 0)))) : std::nullopt;
        });
      })
      .Case([&](arith::ShLIOp) {
        return onUnsigned(op, [=](U a, U b) { return b < bits ? MaybeUnsigned(a << b) : std::nullopt; });
      })
      .Case([&](arith::ShRUIOp) {
        return onUnsigned(op, [=](U a, U b) { return b < bits ? MaybeUnsigned(a >> b) : std::nullopt; });
      })
      .Case([&](arith::ShRSIOp) {
        return onSigned(
            op, [=](S a, S b) { return b >= 0 && b < static_cast<S>(bits) ? MaybeSigned(a >> b) : std::nullopt; });
      })
      .Default(ElementFunction());
}

static ElementFunction realFunction(Operation *op) {
  return llvm::TypeSwitch<Operation *, ElementFunction>(op)
      .Case([](arith::AddFOp) { return onReals([](double a, double b) { return a + b; }); })
      .Case([](arith::SubFOp) { return onReals([](double a, double b) { return a - b; }); })
      .Case([](arith::MulFOp) { return onReals([](double a, double b) { return a * b; }); })
      .Case([](arith::DivFOp) { return onReals([](double a, double b) { return a / b; }); })
      .Case([](arith::RemFOp) { return onReals([](double a, double b) { return std::fmod(a, b); }); })
      .Case([](arith::MinNumFOp) { return onReals([](double a, double b) { return std::fmin(a, b); }); })
      .Case([](arith::MaxNumFOp) { return onReals([](double a, double b) { return std::fmax(a, b); }); })
      .Case([](arith::MinimumFOp) {
        return onReals([](double a, double b) { return std::isnan(a) || std::isnan(b) ? NAN : std::fmin(a, b); });
      })
      .Case([](arith::MaximumFOp) {
        return onReals([](double a, double b) { return std::isnan(a) || std::isnan(b) ? NAN : std::fmax(a, b); });
      })
      .Case([](math::PowFOp) { return onReals([](double a, double b) { return std::pow(a, b); }); })
      .Case([](math::CopySignOp) { return onReals([](double a, double b) { return std::copysign(a, b); }); })
      .Case([](math::FmaOp) {
        return [](Elements in) { return std::optional(Number::ofReal(std::fma(in[0].real, in[1].real, in[2].real))); };
      })
      .Case([](arith::NegFOp) { return onReal([](double x) { return -x; }); })
      .Case([](math::AbsFOp) { return onReal([](double x) { return std::fabs(x); }); })
      .Case([](math::ExpOp) { return onReal([](double x) { return std::exp(x); }); })
      .Case([](math::Exp2Op) { return onReal([](double x) { return std::exp2(x); }); })
      .Case([](math::ExpM1Op) { return onReal([](double x) { return std::expm1(x); }); })
      .Case([](math::LogOp) { return onReal([](double x) { return std::log(x); }); })
      .Case([](math::Log2Op) { return onReal([](double x) { return std::log2(x); }); })
      .Case([](math::Log10Op) { return onReal([](double x) { return std::log10(x); }); })
      .Case([](math::Log1pOp) { return onReal([](double x) { return std::log1p(x); }); })
      .Case([](math::SqrtOp) { return onReal([](double x) { return std::sqrt(x); }); })
      .Case([](math::RsqrtOp) { return onReal([](double x) { return 1 / std::sqrt(x); }); })
      .Case([](math::ErfOp) { return onReal([](double x) { return std::erf(x); }); })
      .Case([](math::TanhOp) { return onReal([](double x) { return std::tanh(x); }); })
      .Case([](math::SinOp) { return onReal([](double x) { return std::sin(x); }); })
      .Case([](math::CosOp) { return onReal([](double x) { return std::cos(x); }); })
      .Case([](math::FloorOp) { return onReal([](double x) { return std::floor(x); }); })
      .Case([](math::CeilOp) { return onReal([](double x) { return std::ceil(x); }); })
      .Case([](math::TruncOp) { return onReal([](double x) { return std::trunc(x); }); })
      .Case([](math::RoundOp) { return onReal([](double x) { return std::round(x); }); })
      .Case([](math::RoundEvenOp) { return onReal([](double x) { return std::nearbyint(x); }); })
      .Default(ElementFunction());
}

/// Compiled programs reduce angles of f32 alone without a bound.
static ElementFunction angleFunction(Operation *op) {
  if (!isa<math::SinOp, math::CosOp>(op) || !getElementTypeOrSelf(op->getResult(0).getType()).isF64())
    return {};
  return [sine = isa<math::SinOp>(op)](Elements in) -> std::optional<Number> {
    double x = in[0].real;
    if (std::isfinite(x) && !(std::fabs(x) < 0x1p24))
      return std::nullopt;
    return Number::ofReal(sine ? std::sin(x) : std::cos(x));
  };
}

static ElementFunction castFunction(Operation *op) {
  // Numbers of floating-point types are doubles, whatever their width.
  if (isa<arith::ExtFOp, arith::TruncFOp>(op))
    return [](Elements in) { return std::optional(in[0]); };
  Type fromType = getElementTypeOrSelf(op->getOperand(0).getType());
  Type toType = getElementTypeOrSelf(op->getResult(0).getType());
  if (isa<arith::SIToFPOp, arith::UIToFPOp>(op))
    return [width = Width(fromType), isSigned = isa<arith::SIToFPOp>(op)](Elements in) {
      int64_t v = in[0].integer;
      return std::optional(Number::ofReal(isSigned ? static_cast<double>(width.signExtended(v))
                                                   : static_cast<double>(width.zeroExtended(v))));
    };
  if (isa<arith::FPToSIOp, arith::FPToUIOp>(op))
    return [width = Width(toType), isSigned = isa<arith::FPToSIOp>(op)](Elements in) -> std::optional<Number> {
      double v = std::trunc(in[0].real);
      double low = isSigned ? -std::exp2(width.bits - 1) : 0, high = std::exp2(width.bits - (isSigned ? 1 : 0));
      if (!(v >= low && v < high))
        return std::nullopt;
      return width.wrap(isSigned ? static_cast<uint64_t>(static_cast<int64_t>(v)) : static_cast<uint64_t>(v));
    };
  if (isa<arith::IndexCastOp, arith::ExtSIOp, arith::TruncIOp>(op))
    return [from = Width(fromType), to = Width(toType)](Elements in) {
      return std::optional(to.wrap(static_cast<uint64_t>(from.signExtended(in[0].integer))));
    };
  if (isa<arith::IndexCastUIOp, arith::ExtUIOp>(op))
    return [from = Width(fromType), to = Width(toType)](Elements in) {
      return std::optional(to.wrap(from.zeroExtended(in[0].integer)));
    };
  return {};
}

/// Everything but numbers of at most 64 bits and tensors of them.
static bool isUnsupported(Type type, bool anyRank) {
  if (auto tensor = dyn_cast<RankedTensorType>(type)) {
    if (!anyRank && !quoin::programTensor(type))
      return true;
    type = tensor.getElementType();
  }
  if (type.isIndex())
    return false;
  return !isa<IntegerType, FloatType>(type) || type.getIntOrFloatBitWidth() < 1 || type.getIntOrFloatBitWidth() > 64;
}

ElementFunction quoin::ref::elementFunction(Operation *op, bool anyRank) {
  auto unsupported = [&](Type type) { return isUnsupported(type, anyRank); };
  if (op->getNumResults() != 1 || op->getNumOperands() == 0 || op->getNumRegions() != 0 ||
      llvm::any_of(op->getOperandTypes(), unsupported) || unsupported(op->getResult(0).getType()))
    return {};
  if (auto cmp = dyn_cast<arith::CmpIOp>(op))
    return [predicate = cmp.getPredicate(), width = Width(cmp.getLhs().getType())](Elements in) {
      return std::optional(Number::ofInteger(compare(predicate, in[0].integer, in[1].integer, width)));
    };
  if (auto cmp = dyn_cast<arith::CmpFOp>(op))
    return [predicate = cmp.getPredicate()](Elements in) {
      return std::optional(Number::ofInteger(compare(predicate, in[0].real, in[1].real)));
    };
  for (auto group : {castFunction, integerFunction, angleFunction, realFunction})
    if (ElementFunction f = group(op))
      return f;
  return {};
}
