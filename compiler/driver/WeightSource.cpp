//===- WeightSource.cpp - the tensors that quoin.weight ops name -----------===//

#include "compiler/driver/WeightSource.h"

using namespace mlir;
using namespace quoin;

WeightSource::WeightSource(ModuleOp owner, std::string from) : table(owner), tensors(std::move(from)) {}

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

static bool isStored(cpu::Storage storage, Type element) {
  switch (storage) {
  case cpu::Storage::F32:
    return element.isF32();
  case cpu::Storage::BF16:
    return element.isBF16();
  case cpu::Storage::F16:
    return element.isF16();
  }
  return false;
}

/// Tensor `name` of the file that the weight names, which must be of this type.
bool WeightSource::find(WeightOp weight, const std::string &name, RankedTensorType type, cpu::SourceTensor &out,
                        std::string &error) {
  const SafetensorsFile *file = tensors.fileOf(weight.getFile().str(), name, error);
  if (!file)
    return false;
  const TensorView *tensor = file->find(name);
  std::string where = file->path() + ": tensor '" + name + "'";
  if (!tensor) {
    error = where + " is missing";
    return false;
  }
  std::optional<cpu::Storage> storage = storageOf(tensor->dtype);
  if (!storage || !isStored(*storage, type.getElementType()) || ArrayRef(tensor->shape) != type.getShape()) {
    std::string wanted, found;
    llvm::raw_string_ostream(wanted) << type;
    llvm::raw_string_ostream os(found);
    os << tensor->spelled << " [";
    llvm::interleaveComma(tensor->shape, os);
    os << "]";
    error = where + " expects " + wanted + ", but found " + found;
    return false;
  }
  out.data = tensor->data;
  out.storage = *storage;
  out.shape = tensor->shape;
  out.name = where;
  out.mapped = true;
  return true;
}

bool WeightSource::read(StringRef symbol, cpu::SourceTensor &out, std::string &error) {
  auto weight = table.lookup<WeightOp>(symbol);
  auto type = cast<RankedTensorType>(weight.getType());
  if (!weight.gathers())
    return find(weight, weight.getTensor().str(), type, out, error);
  auto each = RankedTensorType::get(type.getShape().drop_front(), type.getElementType());
  for (int64_t part = 0; part < type.getDimSize(0); ++part)
    if (!find(weight, weight.tensorOf(part), each, out.parts.emplace_back(), error))
      return false;
  out.storage = out.parts[0].storage;
  out.shape.assign(type.getShape().begin(), type.getShape().end());
  return true;
}
