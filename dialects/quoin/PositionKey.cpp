//===- PositionKey.cpp - keys of positions, evaluated ------------------------===//

#include "dialects/quoin/PositionKey.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

static AffineMap keyOf(AffineExpr key) { return AffineMap::get(1, 0, key); }

AffineMap quoin::wavefrontKey(MLIRContext &context, int64_t width) {
  AffineExpr p = getAffineDimExpr(0, &context);
  return keyOf(p.floorDiv(width) + p % width);
}

AffineMap quoin::cellKey(MLIRContext &context, int64_t width, int64_t side) {
  AffineExpr p = getAffineDimExpr(0, &context);
  return keyOf(p.floorDiv(width).floorDiv(side) * llvm::divideCeil(width, side) + (p % width).floorDiv(side));
}

AffineMap quoin::subsampleKey(MLIRContext &context, int64_t width, int64_t step) {
  AffineExpr p = getAffineDimExpr(0, &context);
  return keyOf(p.floorDiv(width) % step * step + p % width % step);
}

AffineMap quoin::remainderKey(MLIRContext &context, int64_t streams) {
  return keyOf(getAffineDimExpr(0, &context) % streams);
}

std::string quoin::checkPositionKey(AffineMap map) {
  if (map.getNumDims() != 1 || map.getNumSymbols() != 0 || map.getNumResults() != 1)
    return "one dimension, no symbols and one result";
  bool bad = false;
  map.getResult(0).walk([&](AffineExpr e) {
    auto binary = dyn_cast<AffineBinaryOpExpr>(e);
    if (!binary || e.getKind() == AffineExprKind::Add)
      return;
    auto constant = dyn_cast<AffineConstantExpr>(binary.getRHS());
    bad |= !constant || (e.getKind() != AffineExprKind::Mul && constant.getValue() <= 0);
  });
  return bad ? "products with constants and divisions by positive ones" : "";
}

static int64_t evaluate(AffineExpr e, int64_t position) {
  if (auto constant = dyn_cast<AffineConstantExpr>(e))
    return constant.getValue();
  auto binary = dyn_cast<AffineBinaryOpExpr>(e);
  if (!binary)
    return position;
  int64_t a = evaluate(binary.getLHS(), position), b = evaluate(binary.getRHS(), position);
  switch (e.getKind()) {
  case AffineExprKind::Add:
    return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
  case AffineExprKind::Mul:
    return static_cast<int64_t>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
  case AffineExprKind::FloorDiv:
    return llvm::divideFloorSigned(a, b);
  case AffineExprKind::CeilDiv:
    return llvm::divideCeilSigned(a, b);
  default:
    return llvm::mod(a, b);
  }
}

int64_t quoin::positionKey(AffineMap map, int64_t position) { return evaluate(map.getResult(0), position); }
