//===- Weights.cpp - reads checkpoints into float64 ------------------------===//

#include "dialects/reference/Weights.h"
#include "support/CheckpointTensors.h"

using namespace mlir;
using namespace quoin;
using namespace quoin::ref;

static std::string printShape(ArrayRef<int64_t> shape) {
  std::string text = "[";
  llvm::raw_string_ostream os(text);
  llvm::interleaveComma(shape, os);
  return text + "]";
}

static Matrix transpose(const Matrix &m) {
  Matrix t(m.columns, m.rows);
  for (int64_t i = 0; i < m.rows; ++i)
    for (int64_t j = 0; j < m.columns; ++j)
      t.row(j)[i] = m.row(i)[j];
  return t;
}

/// Adds the numbers of tensor `name`, which must have this shape.
static LogicalResult append(WeightOp op, StringRef name, ArrayRef<int64_t> shape, const SafetensorsFile &file,
                            std::vector<double> &numbers) {
  const TensorView *tensor = file.find(name);
  if (!tensor)
    return op.emitOpError("expects tensor '") << name << "' in '" << file.path() << "', but found none";
  if (ArrayRef<int64_t>(tensor->shape) != shape)
    return op.emitOpError("expects tensor '") << name << "' of shape " << printShape(shape) << ", but found "
                                              << printShape(tensor->shape) << " in '" << file.path() << "'";
  std::vector<double> own;
  if (!widenToDouble(*tensor, own))
    return op.emitOpError("expects tensor '") << name << "' of floating-point numbers, but found " << tensor->spelled;
  if (numbers.empty())
    numbers = std::move(own);
  else
    numbers.insert(numbers.end(), own.begin(), own.end());
  return success();
}

static LogicalResult read(WeightOp op, CheckpointTensors &files, Weight &weight) {
  auto type = cast<RankedTensorType>(op.getType());
  ArrayRef<int64_t> shape = type.getShape();
  for (int64_t part = 0; part < (op.gathers() ? shape[0] : 1); ++part) {
    std::string error, name = op.tensorOf(part);
    const SafetensorsFile *file = files.fileOf(op.getFile().str(), name, error);
    if (!file)
      return op.emitOpError("expects a checkpoint file, but ") << error;
    if (failed(append(op, name, op.gathers() ? shape.drop_front() : shape, *file, weight.stored.numbers)))
      return failure();
  }
  weight.stored.columns = shape.back();
  weight.stored.rows = type.getNumElements() / shape.back();
  if (type.getRank() == 2)
    weight.transposed = transpose(weight.stored);
  if (type.getRank() == 3)
    weight.matrices = shape[0];
  return success();
}

FailureOr<Weights> Weights::load(ModuleOp module, StringRef folder) {
  Weights result;
  CheckpointTensors files(folder.str());
  for (auto op : module.getOps<WeightOp>())
    if (failed(read(op, files, result.weights[op.getSymName()])))
      return failure();
  return result;
}

const Weight *Weights::find(StringRef symbol) const {
  auto it = weights.find(symbol);
  return it == weights.end() ? nullptr : &it->second;
}
