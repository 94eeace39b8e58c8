//===- Weights.cpp - reads checkpoints into float64 ------------------------===//

#include "dialects/reference/Weights.h"
#include "support/Safetensors.h"
#include "llvm/Support/Path.h"

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

static LogicalResult read(WeightOp op, const SafetensorsFile &file, Weight &weight) {
  const TensorView *tensor = file.find(op.getTensor());
  if (!tensor)
    return op.emitOpError("expects tensor '") << op.getTensor() << "' in '" << file.path() << "', but found none";
  auto type = cast<RankedTensorType>(op.getType());
  if (ArrayRef<int64_t>(tensor->shape) != type.getShape())
    return op.emitOpError("expects tensor '")
           << op.getTensor() << "' of shape " << printShape(type.getShape()) << ", but found "
           << printShape(tensor->shape) << " in '" << file.path() << "'";
  bool vector = type.getRank() == 1;
  weight.stored.rows = vector ? 1 : type.getDimSize(0);
  weight.stored.columns = type.getDimSize(vector ? 0 : 1);
  if (!widenToDouble(*tensor, weight.stored.numbers))
    return op.emitOpError("expects tensor '")
           << op.getTensor() << "' of floating-point numbers, but found " << tensor->spelled;
  if (!vector)
    weight.transposed = transpose(weight.stored);
  return success();
}

FailureOr<Weights> Weights::load(ModuleOp module, StringRef folder) {
  Weights result;
  llvm::StringMap<std::unique_ptr<SafetensorsFile>> files;
  for (auto op : module.getOps<WeightOp>()) {
    std::unique_ptr<SafetensorsFile> &file = files[op.getFile()];
    if (!file) {
      SmallString<128> path(folder);
      llvm::sys::path::append(path, op.getFile());
      std::string error;
      file = SafetensorsFile::open(path.str().str(), error);
      if (!file)
        return op.emitOpError("expects a checkpoint file, but ") << error;
    }
    if (failed(read(op, *file, result.weights[op.getSymName()])))
      return failure();
  }
  return result;
}

const Weight *Weights::find(StringRef symbol) const {
  auto it = weights.find(symbol);
  return it == weights.end() ? nullptr : &it->second;
}
