//===- WeightSource.cpp - the tensors that quoin.weight ops name -----------===//

#include "compiler/driver/WeightSource.h"
#include "dialects/quoin/Adapters.h"
#include "dialects/reference/WeightFormula.h"
#include <cstring>

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
  case cpu::Storage::I8:
  case cpu::Storage::I4:
    break;
  }
  return false;
}

/// Tensor `name` of the file that the weight names, which must have these sizes and elements.
bool WeightSource::find(WeightOp weight, const std::string &name, ArrayRef<int64_t> shape, cpu::SourceTensor &out,
                        std::string &error) {
  auto type = RankedTensorType::get(shape, cast<RankedTensorType>(weight.getType()).getElementType());
  const SafetensorsFile *file = tensors.fileOf(weight.getFile()->str(), name, error);
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
  out.blocks = tensor->blocks;
  out.pairedRows = tensor->pairedRows;
  return true;
}

/// A tensor of blocks or of rows in another order, of which a part or the transpose is asked for: as plain numbers.
static void writePlain(cpu::SourceTensor &tensor) {
  int64_t elements = 1;
  for (int64_t size : tensor.shape)
    elements *= size;
  auto own = std::make_shared<std::vector<uint8_t>>(static_cast<size_t>(elements * storageBytes(tensor.storage)));
  cpu::convertElements(tensor, {0, elements}, tensor.storage, own->data());
  tensor.data = own->data();
  tensor.own = std::move(own);
  tensor.mapped = false;
  tensor.blocks = nullptr;
  tensor.pairedRows = 0;
}

/// From the tensor as it lies in the file to the weight.
bool WeightSource::reshape(WeightOp weight, cpu::SourceTensor &tensor) {
  auto type = cast<RankedTensorType>(weight.getType());
  size_t bytes = cpu::storageBytes(tensor.storage);
  if ((tensor.blocks || tensor.pairedRows) && (weight.getTransposed() || type.getShape() != ArrayRef(tensor.shape)))
    writePlain(tensor);
  tensor.first = weight.getFirstElement();
  tensor.data += static_cast<size_t>(tensor.first) * bytes;
  tensor.shape.assign(type.getShape().begin(), type.getShape().end());
  tensor.turned = weight.getTransposed();
  return true;
}

/// Keeps the numbers as the weight's type has them.
bool WeightSource::evaluate(WeightOp weight, cpu::SourceTensor &out, std::string &error) {
  auto type = cast<RankedTensorType>(weight.getType());
  out.storage = type.getElementType().isF32()    ? cpu::Storage::F32
                : type.getElementType().isBF16() ? cpu::Storage::BF16
                                                 : cpu::Storage::F16;
  out.shape.assign(type.getShape().begin(), type.getShape().end());
  out.name = ("formula of weight '@" + weight.getSymName() + "'").str();
  auto [place, isNew] = evaluated.try_emplace(weight.getSymName().str());
  std::vector<uint8_t> &bytes = place->second;
  out.data = bytes.data();
  if (!isNew)
    return true;
  ScopedDiagnosticHandler keep(weight.getContext(), [&](Diagnostic &diagnostic) {
    if (error.empty())
      error = diagnostic.str();
    return success();
  });
  FailureOr<ref::Weights> loaded = ref::Weights::load(weight, tensors);
  if (failed(loaded))
    return false;
  ref::storeAs(type.getElementType(), loaded->find(weight.getSymName())->stored.numbers, bytes);
  out.data = bytes.data();
  return true;
}

bool WeightSource::read(StringRef symbol, cpu::SourceTensor &out, std::string &error) {
  auto weight = table.lookup<WeightOp>(symbol);
  if (!readOwn(weight, out, error))
    return false;
  std::optional<AdapterUse> use = adapterOf(weight);
  if (!use)
    return true;
  auto change = std::make_shared<cpu::SourceChange>();
  change->times = static_cast<float>(use->times);
  out.change = change;
  return readOwn(table.lookup<WeightOp>(use->down.getAttr()), change->down, error) &&
         readOwn(table.lookup<WeightOp>(use->up.getAttr()), change->up, error);
}

bool WeightSource::readOwn(WeightOp weight, cpu::SourceTensor &out, std::string &error) {
  auto type = cast<RankedTensorType>(weight.getType());
  if (weight.isFormula())
    return evaluate(weight, out, error);
  SmallVector<int64_t> file = weight.getFileShape();
  if (!weight.gathers())
    return find(weight, weight.getTensor()->str(), file, out, error) && reshape(weight, out);
  for (int64_t part = 0; part < type.getDimSize(0); ++part)
    if (!find(weight, weight.tensorOf(part), file, out.parts.emplace_back(), error))
      return false;
  out.storage = out.parts[0].storage;
  out.shape.assign(type.getShape().begin(), type.getShape().end());
  return true;
}
