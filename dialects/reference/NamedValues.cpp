//===- NamedValues.cpp - inputs and outputs of a request -------------------===//

#include "dialects/reference/NamedValues.h"
#include "dialects/quoin/ProgramTensor.h"
#include "dialects/reference/Machine.h"
#include "llvm/ADT/TypeSwitch.h"
#include <cmath>

using namespace mlir;
using namespace quoin;
using namespace quoin::ref;

static std::string printSizes(ArrayRef<int64_t> shape) {
  std::string text = "[";
  for (auto [i, size] : llvm::enumerate(shape))
    text += (i ? ", " : "") + (size < 0 ? std::string("?") : std::to_string(size));
  return text + "]";
}

/// The sizes that an input's type has.
static SmallVector<int64_t> sizesOf(const ProgramTensor &form) {
  SmallVector<int64_t> sizes;
  if (form.rank > 0)
    sizes.push_back(form.rows);
  if (form.rank > 1)
    sizes.push_back(form.width);
  return sizes;
}

/// Do these sizes make up such a tensor? A number is one element; the last sizes make up the width, and those in front
/// of them count rows.
static bool fits(ArrayRef<int64_t> shape, const ProgramTensor &form) {
  int64_t elements = 1;
  for (int64_t size : shape)
    elements *= size;
  if (form.rank == 0)
    return elements == 1;
  if (shape.empty() || (form.rank == 1 && shape.size() != 1))
    return false;
  int64_t width = 1;
  for (size_t i = shape.size(); --i > 0 && width != form.width;)
    width *= shape[i];
  return width == form.width && (form.rows < 0 || form.rows == elements / width);
}

std::string quoin::ref::whyNoInput(InputOp op, const NamedValues &given) {
  ProgramTensor form = *programTensor(op.getType());
  bool real = form.element.isF32(), found = given.kind == NamedValues::Kind::F32;
  std::string name = "expects input '" + op.getSymName().str() + "' of ";
  if (real != found)
    return name + (real ? "reals" : "integers") + ", but found " + (found ? "reals" : "integers");
  if (!fits(given.shape, form))
    return name + "shape " + printSizes(sizesOf(form)) + ", but found " + printSizes(given.shape);
  if (form.element.isInteger(32))
    for (int64_t v : given.integers)
      if (v != static_cast<int32_t>(v))
        return name + "numbers of 32 bits, but found " + std::to_string(v);
  return "";
}

LogicalResult Machine::input(InputValueOp op) {
  std::string name = op.getInput().str();
  ProgramTensor form = *programTensor(op.getValue().getType());
  Tensor elements;
  if (auto given = request.inputs.find(name); given != request.inputs.end()) {
    for (double v : given->second.reals)
      elements.push_back(Number::ofReal(static_cast<float>(v)));
    for (int64_t v : given->second.integers)
      elements.push_back(Number::ofInteger(v));
  } else if (auto said = request.settings.find(name); said != request.settings.end()) {
    elements.push_back(form.element.isF32() ? Number::ofReal(static_cast<float>(said->second))
                                            : Number::ofInteger(static_cast<int64_t>(said->second)));
  } else if (form.rank == 0) {
    elements.push_back(Number());
  }
  if (form.rank > 0)
    return setTensor(op, std::move(elements));
  set(op.getValue(), elements.front());
  return success();
}

LogicalResult Machine::output(OutputOp op) {
  NamedValues given;
  ProgramTensor form = *programTensor(op.getValue().getType());
  bool real = form.element.isF32();
  given.kind = real ? NamedValues::Kind::F32 : form.element.isIndex() ? NamedValues::Kind::I64 : NamedValues::Kind::I32;
  auto add = [&](const Number &n) { real ? given.reals.push_back(n.real) : given.integers.push_back(n.integer); };
  int64_t elements = 1;
  if (form.rank == 0) {
    add(number(op.getValue()));
  } else {
    for (const Number &n : tensor(op.getValue()))
      add(n);
    elements = static_cast<int64_t>(tensor(op.getValue()).size());
  }
  int64_t known = 1;
  SmallVector<int64_t> sizes = op.getSizes();
  for (int64_t size : sizes)
    known *= size < 0 ? 1 : size;
  for (int64_t size : sizes)
    given.shape.push_back(size < 0 ? elements / known : size);
  if (elements % known != 0)
    return op.emitOpError("expects a multiple of ") << known << " elements, but found " << elements;
  outputs[op.getName().str()] = std::move(given);
  return success();
}

Machine::Answer Machine::evaluateNamed(Operation *op) {
  if (auto o = dyn_cast<InputValueOp>(op))
    return input(o);
  if (auto o = dyn_cast<OutputOp>(op))
    return output(o);
  return std::nullopt;
}
