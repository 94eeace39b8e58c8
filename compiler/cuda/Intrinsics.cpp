//===- Intrinsics.cpp - what threads of a block do together -----------------===//

#include "compiler/cuda/Intrinsics.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace quoin::cuda;

static Value constant(OpBuilder &b, Location loc, int64_t value) {
  return arith::ConstantOp::create(b, loc, b.getI32IntegerAttr(static_cast<int32_t>(value))).getResult();
}

Value quoin::cuda::intrinsic(OpBuilder &b, Location loc, Type result, StringRef name, ArrayRef<Value> arguments) {
  return LLVM::CallIntrinsicOp::create(b, loc, result, b.getStringAttr(name), arguments).getResult(0);
}

void quoin::cuda::meet(OpBuilder &b, Location loc) {
  LLVM::CallIntrinsicOp::create(b, loc, b.getStringAttr("llvm.nvvm.bar.warp.sync"),
                                ValueRange{constant(b, loc, teamMask)});
}

/// One word.
static Value wordFromThread(OpBuilder &b, Location loc, Value x, Value from) {
  return intrinsic(b, loc, b.getI32Type(), "llvm.nvvm.shfl.sync.idx.i32",
                   {constant(b, loc, teamMask), x, from, constant(b, loc, 31)});
}

Value quoin::cuda::fromThread(OpBuilder &b, Location loc, Value x, Value from) {
  Type type = x.getType(), i32 = b.getI32Type(), i64 = b.getI64Type();
  unsigned bits = type.getIntOrFloatBitWidth();
  Type whole = b.getIntegerType(bits);
  Value word = type == whole ? x : LLVM::BitcastOp::create(b, loc, whole, x).getResult();
  if (bits == 64) {
    Value by = arith::ConstantOp::create(b, loc, b.getI64IntegerAttr(32)).getResult();
    Value low = wordFromThread(b, loc, arith::TruncIOp::create(b, loc, i32, word), from);
    Value high =
        wordFromThread(b, loc, arith::TruncIOp::create(b, loc, i32, arith::ShRUIOp::create(b, loc, word, by)), from);
    word = arith::OrIOp::create(b, loc, arith::ExtUIOp::create(b, loc, i64, low),
                                arith::ShLIOp::create(b, loc, arith::ExtUIOp::create(b, loc, i64, high), by));
  } else if (bits == 32) {
    word = wordFromThread(b, loc, word, from);
  } else {
    word = wordFromThread(b, loc, arith::ExtUIOp::create(b, loc, i32, word), from);
    word = arith::TruncIOp::create(b, loc, whole, word);
  }
  return type == whole ? word : LLVM::BitcastOp::create(b, loc, type, word).getResult();
}
