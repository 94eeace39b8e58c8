//===- NamedLowering.cpp - inputs and outputs of a decoder ------------------===//

#include "compiler/decoder/Emitter.h"
#include "runtime/include/quoin/program.h"

using namespace mlir;
using namespace quoin;
using namespace quoin::decoder;

static int64_t numberOf(ArrayRef<StringRef> names, StringRef name) { return llvm::find(names, name) - names.begin(); }

static void lowerInput(Emitter &e, InputValueOp op) {
  ValueLayout layout = *layoutOf(op.getValue().getType());
  Value inputs = e.load(e.pointer, e.state, offsetof(quoin_state_t, inputs));
  int64_t place = numberOf(e.inputs, op.getInput()) * static_cast<int64_t>(sizeof(quoin_tensor_t));
  if (layout.element)
    return e.set(op.getValue(), e.loadTensor(layout.element, inputs, place));
  Value data = e.load(e.pointer, inputs, place + static_cast<int64_t>(offsetof(quoin_tensor_t, data)));
  e.set(op.getValue(), e.load(layout.types[0], data));
}

static void lowerOutput(Emitter &e, OutputOp op) {
  ValueLayout layout = *layoutOf(op.getValue().getType());
  TensorParts value;
  if (layout.element) {
    value = e.tensor(op.getValue());
  } else {
    value = e.allocateTensor(layout.types[0], e.constant(1), "quoin.output");
    e.storeElement(value, e.constant(0), e.get(op.getValue()));
  }
  const auto *table = llvm::find_if(e.outputs, [&](const LoweredTensor &t) { return isOutput(t, op); });
  int64_t number = table - e.outputs.begin();
  e.callHost(offsetof(quoin_host_t, output), {}, {e.constant(number), e.scratch(0, value)});
}

std::optional<LogicalResult> quoin::decoder::lowerNamedOp(Emitter &e, Operation *op) {
  if (auto input = dyn_cast<InputValueOp>(op))
    return lowerInput(e, input), success();
  if (auto output = dyn_cast<OutputOp>(op))
    return lowerOutput(e, output), success();
  return std::nullopt;
}
