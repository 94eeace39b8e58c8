//===- Weights.cpp - reads checkpoints into float64 ------------------------===//

#include "dialects/reference/Weights.h"
#include "dialects/quoin/Adapters.h"
#include "dialects/reference/WeightFormula.h"
#include "support/CheckpointTensors.h"
#include "support/LowRank.h"
#include "support/Quantization.h"

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

static LogicalResult read(WeightOp op, CheckpointTensors &files, std::vector<double> &numbers) {
  auto type = cast<RankedTensorType>(op.getType());
  for (int64_t part = 0; part < (op.gathers() ? type.getDimSize(0) : 1); ++part) {
    std::string error, name = op.tensorOf(part);
    const SafetensorsFile *file = files.fileOf(op.getFile()->str(), name, error);
    if (!file)
      return op.emitOpError("expects a checkpoint file, but ") << error;
    if (failed(append(op, name, op.getFileShape(), *file, numbers)))
      return failure();
  }
  // The rows that are asked for, and the other way round.
  numbers.erase(numbers.begin(), numbers.begin() + op.getFirstElement());
  numbers.resize(static_cast<size_t>(type.getNumElements()));
  if (op.getTransposed()) {
    Matrix file(type.getDimSize(1), type.getDimSize(0));
    file.numbers = std::move(numbers);
    numbers = transpose(file).numbers;
  }
  return success();
}

static double roundTo(Type element, double number) {
  APFloat rounded(number);
  bool inexact;
  rounded.convert(cast<FloatType>(element).getFloatSemantics(), APFloat::rmNearestTiesToEven, &inexact);
  return rounded.convertToDouble();
}

/// Adds what an adapter adds, in the arithmetic of those who pack weights.
static void adapt(WeightOp op, const AdapterUse &use, const Weights &all, Weight &weight) {
  auto floats = [](const Matrix &from) { return std::vector<float>(from.numbers.begin(), from.numbers.end()); };
  const Matrix &down = all.find(use.down)->stored;
  std::vector<float> numbers = floats(weight.stored);
  addLowRank(numbers.data(), weight.stored.rows, weight.stored.columns, floats(all.find(use.up)->stored).data(),
             floats(down).data(), down.rows, static_cast<float>(use.times));
  for (auto [number, merged] : llvm::zip_equal(weight.stored.numbers, numbers))
    number = roundTo(weight.element, merged);
  weight.transposed = transpose(weight.stored);
}

LogicalResult Weights::add(WeightOp op, CheckpointTensors &files, SymbolTableCollection &table) {
  if (weights.contains(op.getSymName()))
    return success();
  // The verifier has seen that this ends.
  for (FlatSymbolRefAttr symbol : op.dependencies())
    if (failed(add(table.lookupNearestSymbolFrom<WeightOp>(op, symbol), files, table)))
      return failure();
  std::optional<AdapterUse> use = adapterOf(op);
  if (use)
    for (FlatSymbolRefAttr symbol : {use->down, use->up})
      if (failed(add(table.lookupNearestSymbolFrom<WeightOp>(op, symbol), files, table)))
        return failure();
  Weight made;
  auto type = cast<RankedTensorType>(op.getType());
  if (failed(op.isFormula() ? evaluateFormula(op, *this, made.stored.numbers) : read(op, files, made.stored.numbers)))
    return failure();
  made.element = type.getElementType();
  made.stored.columns = type.getShape().back();
  made.stored.rows = type.getNumElements() / made.stored.columns;
  if (type.getRank() == 2)
    made.transposed = transpose(made.stored);
  if (type.getRank() == 3)
    made.matrices = type.getDimSize(0);
  if (use)
    adapt(op, *use, *this, made);
  weights[op.getSymName()] = std::move(made);
  return success();
}

FailureOr<Weights> Weights::load(ModuleOp module, StringRef folder) {
  Weights result;
  CheckpointTensors files(folder.str());
  SymbolTableCollection table;
  for (auto op : module.getOps<WeightOp>())
    if (failed(result.add(op, files, table)))
      return failure();
  return result;
}

FailureOr<Weights> Weights::load(WeightOp weight, CheckpointTensors &files) {
  Weights result;
  SymbolTableCollection table;
  if (failed(result.add(weight, files, table)))
    return failure();
  return result;
}

const Weight *Weights::find(StringRef symbol) const {
  auto it = weights.find(symbol);
  return it == weights.end() ? nullptr : &it->second;
}

const Weight &Weights::rounded(StringRef symbol, int bits, int64_t group) const {
  std::lock_guard lock(whole->mutex);
  auto [place, isNew] = whole->weights.try_emplace({symbol.str(), bits, group});
  Weight &made = place->second;
  if (!isNew)
    return made;
  made = *find(symbol);
  int64_t each = group ? group : made.stored.columns;
  std::vector<float> numbers(static_cast<size_t>(each));
  std::vector<int8_t> rounded(numbers.size());
  for (size_t at = 0; at < made.stored.numbers.size(); at += numbers.size()) {
    for (size_t i = 0; i < numbers.size(); ++i)
      numbers[i] = static_cast<float>(roundTo(made.element, made.stored.numbers[at + i]));
    float scale = quantizeGroup(numbers.data(), each, bits, rounded.data());
    for (size_t i = 0; i < numbers.size(); ++i)
      made.stored.numbers[at + i] = double(rounded[i]) * double(scale);
  }
  made.transposed = transpose(made.stored);
  return made;
}
