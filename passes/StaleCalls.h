//===- StaleCalls.h - calls of a loop of which a part may be stale ----------===//
//
// An approximation looks for a `quoin.forward` in a loop that reads the open positions of a range [a, b) which is known
// before the loop: what is outside of the range may then be as an earlier step of the loop left it. Which calls these
// are, and how a loop carries what is kept from step to step, is the same whatever is kept.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_PASSES_STALECALLS_H
#define QUOIN_PASSES_STALECALLS_H

#include "dialects/quoin/QuoinDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace quoin {

/// The rows that a call reads are open positions of [from, to), each less `shift`.
struct ReadRange {
  mlir::Value from, to;
  int64_t shift = 0;
};

/// A call that can be approximated, in its loop.
struct StaleCall {
  ForwardOp call;
  ReadRange region;
  /// The sequence is this argument of the loop's body, or `reopen`ed from it.
  mlir::BlockArgument sequence;
  ReopenOp reopened;
};

/// The call as one of those, or nothing and why not.
std::optional<StaleCall> matchStaleCall(ForwardOp call, std::string &reason);

/// Do both read the open positions of one range of one sequence?
bool readSameRange(const StaleCall &a, const StaleCall &b);

/// The block of a loop (`scf.for`, `scf.while`, `quoin.denoise`) that runs at each step.
mlir::Block *bodyOfLoop(mlir::Operation *loop);

/// The value that the loop's body gets first as `argument`; of `scf.while`, whose condition decides which it is, some
/// sequence of those that the loop starts with, which does since the first call is whole.
mlir::Value initOfCarried(mlir::Operation *loop, mlir::BlockArgument argument);

/// Puts in the loop's place one that carries more values, which its body yields as it got them; gives them in the body.
llvm::SmallVector<mlir::BlockArgument> addCarried(mlir::Operation *&loop, mlir::ValueRange added);

/// Arithmetic before a call.
struct CallBuilder : mlir::ImplicitLocOpBuilder {
  using ImplicitLocOpBuilder::ImplicitLocOpBuilder;
  using Value = mlir::Value;

  mlir::RankedTensorType vectorOf(mlir::Type element) {
    return mlir::RankedTensorType::get({mlir::ShapedType::kDynamic}, element);
  }
  mlir::RankedTensorType indices() { return vectorOf(getIndexType()); }
  Value number(int64_t n) { return mlir::arith::ConstantIndexOp::create(*this, n); }
  Value plus(Value a, Value b) { return mlir::arith::AddIOp::create(*this, a, b); }
  Value minus(Value a, Value b) { return mlir::arith::SubIOp::create(*this, a, b); }
  Value either(Value a, Value b) { return mlir::arith::OrIOp::create(*this, a, b); }
  Value choose(Value flag, Value a, Value b) { return mlir::arith::SelectOp::create(*this, flag, a, b); }
  Value compare(mlir::arith::CmpIPredicate p, Value a, Value b) { return mlir::arith::CmpIOp::create(*this, p, a, b); }
  Value splat(Value element, Value count) { return mlir::tensor::SplatOp::create(*this, indices(), element, count); }
  Value span(Value from, Value to) { return SpanOp::create(*this, indices(), from, to); }
  Value tokens(Value sequence, Value at) { return TokensOp::create(*this, vectorOf(getI32Type()), sequence, at); }
  Value concat(Value a, Value b) {
    return mlir::tensor::ConcatOp::create(*this, a.getType(), getI64IntegerAttr(0), mlir::ValueRange{a, b});
  }
};

} // namespace quoin

#endif
