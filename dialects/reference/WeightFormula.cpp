//===- WeightFormula.cpp - evaluates formulas of weights -------------------===//
//
// A formula of an element runs once for each element, so it is translated first: every value has a place in one list of
// numbers, every op is a function with the places of its operands. Steps are counted, since a loop's bounds are
// anybody's: a formula that goes on for minutes is a mistake.
//
//===----------------------------------------------------------------------===//

#include "dialects/reference/WeightFormula.h"
#include "dialects/reference/Elementwise.h"
#include "dialects/reference/Model.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace quoin;
using namespace quoin::ref;

namespace {
constexpr int64_t mostSteps = int64_t(1) << 33;

class ElementFormula {
public:
  ElementFormula(WeightOp weight, const Weights &weights);

  /// The element at these indices.
  FailureOr<double> at(ArrayRef<int64_t> indices);

private:
  struct Step;
  using Steps = std::vector<Step>;
  /// One op. Regions are its own steps; what they yield they have put in its results' places.
  struct Step {
    Operation *op = nullptr;
    ElementFunction function = {};
    SmallVector<size_t, 4> in = {}, out = {}, carried = {};
    const Matrix *table = nullptr;
    ArrayRef<int64_t> shape = {};
    Steps first = {}, second = {};
  };

  size_t placeOf(Value v) {
    auto [it, isNew] = places.try_emplace(v, numbers.size());
    if (isNew)
      numbers.emplace_back();
    return it->second;
  }
  SmallVector<size_t, 4> placesOf(ValueRange values) {
    SmallVector<size_t, 4> all;
    for (Value v : values)
      all.push_back(placeOf(v));
    return all;
  }
  void translate(Block &block, ArrayRef<size_t> results, Steps &steps);
  LogicalResult run(const Steps &steps);
  LogicalResult runOne(const Step &step);
  LogicalResult runLoop(const Step &step);
  LogicalResult extract(const Step &step);
  /// All at once: a loop may swap what it carries.
  void copy(ArrayRef<size_t> from, ArrayRef<size_t> to) {
    SmallVector<Number, 4> values;
    for (size_t place : from)
      values.push_back(numbers[place]);
    for (auto [value, place] : llvm::zip_equal(values, to))
      numbers[place] = value;
  }

  WeightOp weight;
  DenseMap<Value, size_t> places;
  DenseMap<Value, const Matrix *> tables;
  std::vector<Number> numbers;
  Steps steps;
  size_t result = 0;
  int64_t taken = 0;
};
} // namespace

ElementFormula::ElementFormula(WeightOp op, const Weights &weights) : weight(op) {
  Block &block = weight.getFormula().front();
  size_t rank = block.getNumArguments() - weight.getWeights().size();
  for (BlockArgument argument : block.getArguments())
    if (argument.getArgNumber() < rank)
      placeOf(argument);
    else
      tables[argument] =
          &weights.find(cast<FlatSymbolRefAttr>(weight.getWeights()[argument.getArgNumber() - rank]))->stored;
  result = placeOf(cast<ElementOp>(block.back()).getValue());
  translate(block, {}, steps);
}

/// `results` are where a region's yielded values go.
void ElementFormula::translate(Block &block, ArrayRef<size_t> results, Steps &into) {
  for (Operation &op : block) {
    Step step{&op};
    if (isa<ElementOp>(op))
      continue;
    if (auto constant = dyn_cast<arith::ConstantOp>(op)) {
      Number &number = numbers[placeOf(constant)];
      if (auto real = dyn_cast<FloatAttr>(constant.getValue()))
        number = Number::ofReal(real.getValueAsDouble());
      else if (auto integer = cast<IntegerAttr>(constant.getValue()); integer.getType().isInteger(1))
        number = Number::ofInteger(integer.getValue().getBoolValue());
      else
        number = Number::ofInteger(integer.getValue().getSExtValue());
      continue;
    }
    if (auto yield = dyn_cast<scf::YieldOp>(op)) {
      step.in = placesOf(yield.getOperands());
      step.out.assign(results.begin(), results.end());
    } else if (auto read = dyn_cast<tensor::ExtractOp>(op)) {
      step.in = placesOf(read.getIndices());
      step.table = tables.at(read.getTensor());
      step.shape = read.getTensor().getType().getShape();
    } else {
      step.in = placesOf(op.getOperands());
    }
    if (!isa<scf::YieldOp>(op))
      step.out = placesOf(op.getResults());
    if (auto loop = dyn_cast<scf::ForOp>(op)) {
      step.carried = placesOf(loop.getBody()->getArguments());
      translate(*loop.getBody(), ArrayRef(step.carried).drop_front(), step.first);
    } else if (auto condition = dyn_cast<scf::IfOp>(op)) {
      translate(condition.getThenRegion().front(), step.out, step.first);
      if (!condition.getElseRegion().empty())
        translate(condition.getElseRegion().front(), step.out, step.second);
    } else if (!isa<scf::YieldOp, tensor::ExtractOp, arith::SelectOp>(op)) {
      step.function = elementFunction(&op);
    }
    into.push_back(std::move(step));
  }
}

LogicalResult ElementFormula::extract(const Step &step) {
  int64_t place = 0;
  for (auto [from, size] : llvm::zip_equal(step.in, step.shape)) {
    int64_t index = numbers[from].integer;
    if (index < 0 || index >= size)
      return step.op->emitOpError("expects an index below ") << size << ", but found " << index;
    place = place * size + index;
  }
  numbers[step.out[0]] = Number::ofReal(step.table->numbers[static_cast<size_t>(place)]);
  return success();
}

LogicalResult ElementFormula::runLoop(const Step &step) {
  int64_t from = numbers[step.in[0]].integer, to = numbers[step.in[1]].integer, by = numbers[step.in[2]].integer;
  if (by <= 0)
    return step.op->emitOpError("expects a positive step, but found ") << by;
  ArrayRef<size_t> carried = ArrayRef(step.carried).drop_front();
  copy(ArrayRef(step.in).drop_front(3), carried);
  for (int64_t i = from; i < to; i += by) {
    numbers[step.carried[0]] = Number::ofInteger(i);
    if (failed(run(step.first)))
      return failure();
    if (i > INT64_MAX - by)
      break;
  }
  copy(carried, step.out);
  return success();
}

LogicalResult ElementFormula::runOne(const Step &step) {
  if (++taken > mostSteps)
    return weight.emitOpError("expects a formula that ends within ") << mostSteps << " steps";
  if (step.function) {
    SmallVector<Number, 3> in;
    for (size_t place : step.in)
      in.push_back(numbers[place]);
    std::optional<Number> made = step.function(in);
    if (!made)
      return step.op->emitOpError("expects operands for which it is defined, but found ")
             << in.front().integer << " and " << in.back().integer;
    numbers[step.out[0]] = *made;
    return success();
  }
  return TypeSwitch<Operation *, LogicalResult>(step.op)
      .Case([&](scf::YieldOp) {
        copy(step.in, step.out);
        return success();
      })
      .Case([&](tensor::ExtractOp) { return extract(step); })
      .Case([&](arith::SelectOp) {
        numbers[step.out[0]] = numbers[step.in[numbers[step.in[0]].integer ? 1 : 2]];
        return success();
      })
      .Case([&](scf::IfOp) { return run(numbers[step.in[0]].integer ? step.first : step.second); })
      .Case([&](scf::ForOp) { return runLoop(step); })
      .DefaultUnreachable("an op that the verifier lets into a formula");
}

LogicalResult ElementFormula::run(const Steps &all) {
  for (const Step &step : all)
    if (failed(runOne(step)))
      return failure();
  return success();
}

FailureOr<double> ElementFormula::at(ArrayRef<int64_t> indices) {
  // The first places are the indices'.
  for (auto [place, index] : llvm::enumerate(indices))
    numbers[place] = Number::ofInteger(index);
  if (failed(run(steps)))
    return failure();
  return numbers[result].real;
}

//===----------------------------------------------------------------------===//
// Weights
//===----------------------------------------------------------------------===//

/// To nearest, ties to even.
static APFloat rounded(double value, Type type) {
  APFloat number(value);
  bool ignored;
  number.convert(cast<FloatType>(type).getFloatSemantics(), APFloat::rmNearestTiesToEven, &ignored);
  return number;
}

static double roundTo(Type type, double value) {
  return type.isF32() ? static_cast<double>(static_cast<float>(value)) : rounded(value, type).convertToDouble();
}

LogicalResult quoin::ref::evaluateFormula(WeightOp weight, const Weights &weights, std::vector<double> &numbers) {
  auto type = cast<RankedTensorType>(weight.getType());
  if (weight.isFormulaOfRows()) {
    FailureOr<Matrix> rows = evaluateRowsFormula(weight, weights);
    if (failed(rows))
      return failure();
    numbers = std::move(rows->numbers);
  } else {
    ElementFormula formula(weight, weights);
    SmallVector<int64_t, 4> index(static_cast<size_t>(type.getRank()));
    numbers.reserve(static_cast<size_t>(type.getNumElements()));
    for (int64_t i = 0; i < type.getNumElements(); ++i) {
      FailureOr<double> number = formula.at(index);
      if (failed(number))
        return failure();
      numbers.push_back(*number);
      for (size_t d = index.size(); d > 0 && ++index[d - 1] == type.getShape()[d - 1]; --d)
        index[d - 1] = 0;
    }
  }
  for (double &number : numbers)
    number = roundTo(type.getElementType(), number);
  return success();
}

void quoin::ref::storeAs(Type type, ArrayRef<double> numbers, std::vector<uint8_t> &bytes) {
  size_t each = type.getIntOrFloatBitWidth() / 8;
  bytes.resize(numbers.size() * each);
  for (auto [i, number] : llvm::enumerate(numbers)) {
    float single = static_cast<float>(number);
    uint16_t half = type.isF32() ? 0 : static_cast<uint16_t>(rounded(number, type).bitcastToAPInt().getZExtValue());
    std::memcpy(bytes.data() + i * each, type.isF32() ? static_cast<const void *>(&single) : &half, each);
  }
}
