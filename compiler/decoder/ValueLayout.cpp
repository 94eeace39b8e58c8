//===- ValueLayout.cpp - how a decoder's values lie in registers and memory -===//

#include "compiler/decoder/ValueLayout.h"
#include "dialects/quoin/ProgramTensor.h"
#include "dialects/quoin/QuoinDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/BuiltinTypes.h"
#include "runtime/include/quoin/program.h"

using namespace mlir;

Type quoin::decoder::scalarType(Type type) {
  if (isa<IndexType, CacheType>(type))
    return IntegerType::get(type.getContext(), 64);
  if (type.isSignlessInteger(1) || type.isSignlessInteger(8) || type.isSignlessInteger(32) ||
      type.isSignlessInteger(64) || type.isF32() || type.isF64())
    return type;
  return {};
}

std::optional<quoin::decoder::ValueLayout> quoin::decoder::layoutOf(Type type) {
  MLIRContext *context = type.getContext();
  Type pointer = LLVM::LLVMPointerType::get(context);
  if (Type scalar = scalarType(type))
    return ValueLayout{{scalar}, QUOIN_KIND_SCALAR, {}};
  if (isa<SequenceType>(type))
    return ValueLayout{{pointer}, QUOIN_KIND_SEQUENCE, {}};
  if (isa<LogitsType>(type))
    return ValueLayout{{pointer}, QUOIN_KIND_LOGITS, {}};
  std::optional<ProgramTensor> tensor = programTensor(type);
  if (!tensor || isa<CacheType>(tensor->element))
    return std::nullopt;
  Type element = scalarType(tensor->element);
  if (!element)
    return std::nullopt;
  int64_t bytes = storedBytes(element);
  int kind = bytes == 1 ? QUOIN_KIND_TENSOR8 : bytes == 4 ? QUOIN_KIND_TENSOR32 : QUOIN_KIND_TENSOR64;
  return ValueLayout{{pointer, IntegerType::get(context, 64)}, kind, element};
}

Type quoin::decoder::storedType(Type element) {
  return element.isInteger(1) ? IntegerType::get(element.getContext(), 8) : element;
}

int64_t quoin::decoder::storedBytes(Type element) { return storedType(element).getIntOrFloatBitWidth() / 8; }
