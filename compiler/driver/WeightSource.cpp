//===- WeightSource.cpp - the tensors that quoin.weight ops name -----------===//

#include "compiler/driver/WeightSource.h"
#include "llvm/Support/Path.h"

using namespace mlir;
using namespace quoin;

WeightSource::WeightSource(ModuleOp owner, std::string from) : module(owner), table(owner), folder(std::move(from)) {}

static std::optional<cpu::Storage> storageOf(DType dtype) {
  switch (dtype) {
  case DType::F32:
    return cpu::Storage::F32;
  case DType::BF16:
    return cpu::Storage::BF16;
  case DType::F16:
    return cpu::Storage::F16;
  default:
    return std::nullopt;
  }
}

bool WeightSource::read(StringRef symbol, cpu::SourceTensor &out, std::string &error) {
  auto weight = table.lookup<WeightOp>(symbol);
  SmallString<128> path(weight.getFile());
  if (!llvm::sys::path::is_absolute(path)) {
    path = folder;
    llvm::sys::path::append(path, weight.getFile());
  }
  std::unique_ptr<SafetensorsFile> &file = files[std::string(path)];
  if (!file && !(file = SafetensorsFile::open(std::string(path), error)))
    return false;
  const TensorView *tensor = file->find(weight.getTensor().str());
  std::string where = std::string(path) + ": tensor '" + weight.getTensor().str() + "'";
  if (!tensor) {
    error = where + " is missing";
    return false;
  }
  auto type = cast<RankedTensorType>(weight.getType());
  std::optional<cpu::Storage> storage = storageOf(tensor->dtype);
  Type element = type.getElementType();
  bool sameType = storage && (*storage == cpu::Storage::F32    ? element.isF32()
                              : *storage == cpu::Storage::BF16 ? element.isBF16()
                                                               : element.isF16());
  if (!sameType || ArrayRef(tensor->shape) != type.getShape()) {
    std::string wanted, found;
    llvm::raw_string_ostream(wanted) << type;
    llvm::raw_string_ostream os(found);
    os << tensor->spelled << " [";
    llvm::interleaveComma(tensor->shape, os);
    os << "]";
    error = where + " expects " + wanted + ", but found " + found;
    return false;
  }
  out = {tensor->data, *storage, tensor->shape, where, /*mapped=*/true};
  return true;
}
