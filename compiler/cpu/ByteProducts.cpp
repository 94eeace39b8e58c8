//===- ByteProducts.cpp - products of bytes, four to a lane -----------------------===//
//
// x86 multiplies unsigned by signed bytes, which suits weights that are stored with an offset. AVX-512 VNNI, AVX-VNNI
// and AArch64's i8mm add four products to a sum of 32 bits at once. From SSSE3 on two products become a sum of 16 bits,
// which saturates: whoever uses it keeps the bytes small, and adds several such sums before a multiplication by ones
// widens them. Elsewhere bytes are cut out of their lanes. Sums are whole numbers, so all ways give the same.
//
//===----------------------------------------------------------------------===//

#include "compiler/cpu/KernelBuilder.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace quoin::cpu;

Val KernelBuilder::byRegisters(StringRef name, VectorType result, ArrayRef<Val> arguments) {
  int64_t parts = lanes / options.registerLanes;
  auto part = [&](VectorType of) { return VectorType::get({of.getNumElements() / parts}, of.getElementType()); };
  Value whole = parts == 1 ? Value() : integer(result, 0).value;
  for (int64_t number = 0; number < parts; ++number) {
    SmallVector<Value> own;
    for (Val argument : arguments) {
      int64_t count = part(llvm::cast<VectorType>(argument.type())).getNumElements();
      own.push_back(argument);
      if (parts > 1)
        own.back() = vector::ExtractStridedSliceOp::create(b, loc, own.back(), number * count, count, int64_t(1));
    }
    Value made = LLVM::CallIntrinsicOp::create(b, loc, part(result), b.getStringAttr(name), own).getResult(0);
    int64_t count = part(result).getNumElements();
    whole = parts == 1
                ? made
                : vector::InsertStridedSliceOp::create(b, loc, made, whole, number * count, int64_t(1)).getResult();
  }
  return wrap(whole);
}

static StringRef nameFor(int64_t lanes, std::initializer_list<const char *> names) {
  return names.begin()[lanes == 16 ? 2 : lanes == 8 ? 1 : 0];
}

Val KernelBuilder::dotBytes(Val sum, Val x, Val y) {
  if (options.bytes == ByteProducts::Fours) {
    VectorType bytes = vec(i8, 4 * lanes);
    StringRef name = nameFor(options.registerLanes, {"llvm.x86.avx512.vpdpbusd.128", "llvm.x86.avx512.vpdpbusd.256",
                                                     "llvm.x86.avx512.vpdpbusd.512"});
    if (options.arm)
      name = "llvm.aarch64.neon.usdot";
    return byRegisters(name, vec(i32), {sum, cast(bytes, x), cast(bytes, y)});
  }
  for (int64_t byte = 0; byte < 4; ++byte) {
    Val u = bitAnd(shiftRight(x, integer(v16i, 8 * byte)), integer(v16i, 255));
    Val s = shiftRightSigned(shiftLeft(y, integer(v16i, 24 - 8 * byte)), integer(v16i, 24));
    sum = sum + u * s;
  }
  return sum;
}

Val KernelBuilder::dotBytePairs(Val x, Val y) {
  VectorType bytes = vec(i8, 4 * lanes);
  StringRef name = nameFor(options.registerLanes, {"llvm.x86.ssse3.pmadd.ub.sw.128", "llvm.x86.avx2.pmadd.ub.sw",
                                                   "llvm.x86.avx512.pmaddubs.w.512"});
  return byRegisters(name, vec(i16, 2 * lanes), {cast(bytes, x), cast(bytes, y)});
}

Val KernelBuilder::addPairSums(Val sum, Val pairs, int64_t factor) {
  StringRef name = nameFor(options.registerLanes,
                           {"llvm.x86.sse2.pmadd.wd", "llvm.x86.avx2.pmadd.wd", "llvm.x86.avx512.pmaddw.d.512"});
  return sum + byRegisters(name, vec(i32), {pairs, integer(vec(i16, 2 * lanes), factor)});
}
