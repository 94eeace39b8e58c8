//===- InputOps.cpp - verifiers of what requests give and get --------------===//

#include "dialects/quoin/ProgramTensor.h"
#include "dialects/quoin/QuoinDialect.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace quoin;

std::optional<ProgramTensor> quoin::programTensor(Type type) {
  ProgramTensor form;
  form.element = type;
  if (auto tensor = dyn_cast<RankedTensorType>(type)) {
    if (tensor.getRank() < 1 || tensor.getRank() > 2 || tensor.getEncoding())
      return std::nullopt;
    form.element = tensor.getElementType();
    form.rank = tensor.getRank();
    form.rows = tensor.isDynamicDim(0) ? -1 : tensor.getDimSize(0);
    if (form.rank == 2) {
      if (tensor.isDynamicDim(1) || tensor.getDimSize(1) < 1 || tensor.getDimSize(1) > maxProgramElements)
        return std::nullopt;
      form.width = tensor.getDimSize(1);
    }
    if (form.rows > maxProgramElements / form.width)
      return std::nullopt;
  }
  return form;
}

std::string quoin::whyNoSlice(tensor::ExtractSliceOp slice) {
  if (slice.getSourceType().getRank() < 2)
    return "";
  std::optional<int64_t> first = getConstantIntValue(slice.getMixedOffsets()[1]),
                         count = getConstantIntValue(slice.getMixedSizes()[1]),
                         stride = getConstantIntValue(slice.getMixedStrides()[1]);
  if (!first || !count || stride != 1)
    return "expects a static range of columns with stride 1";
  int64_t width = slice.getSourceType().getDimSize(1);
  if (*first < 0 || *count < 1 || *first > width || *count > width - *first)
    return "expects columns in [0, " + std::to_string(width) + "), but found [" + std::to_string(*first) + ", " +
           std::to_string(*first + *count) + ")";
  return "";
}

/// Also of an element that a request can hold.
static std::optional<ProgramTensor> requestTensor(Type type) {
  std::optional<ProgramTensor> form = programTensor(type);
  if (form && (form->element.isIndex() || form->element.isInteger(32) || form->element.isF32()))
    return form;
  return std::nullopt;
}

static InFlightDiagnostic refuseType(Operation *op, Type type) {
  return op->emitOpError("expects index, i32, f32 or a tensor of those of rank 1 or 2 with a static width, but found ")
         << type;
}

LogicalResult InputOp::verify() {
  // input_c1
  std::optional<ProgramTensor> form = requestTensor(getType());
  if (!form)
    return refuseType(*this, getType());
  // input_c2
  if (getSymName() == "prompt")
    return emitOpError("expects a name other than 'prompt', which is the tokens'");
  // input_c3
  if (getOptional() && form->rank > 0 && form->rows >= 0)
    return emitOpError("expects an optional tensor of any number of rows, but found ") << getType();
  return success();
}

LogicalResult InputValueOp::verifySymbolUses(SymbolTableCollection &table) {
  // input_value_c1
  auto input = table.lookupNearestSymbolFrom<InputOp>(*this, getInputAttr());
  if (!input)
    return emitOpError("expects a quoin.input, but found ") << getInputAttr();
  if (input.getType() != getValue().getType())
    return emitOpError("expects input '")
           << getInput() << "' of type " << input.getType() << ", but found " << getValue().getType();
  return success();
}

SmallVector<int64_t> OutputOp::getSizes() {
  if (std::optional<ArrayRef<int64_t>> shape = getShape())
    return SmallVector<int64_t>(*shape);
  ProgramTensor form = *programTensor(getValue().getType());
  SmallVector<int64_t> sizes;
  if (form.rank > 0)
    sizes.push_back(form.rows);
  if (form.rank > 1)
    sizes.push_back(form.width);
  return sizes;
}

LogicalResult OutputOp::verify() {
  // output_c1
  std::optional<ProgramTensor> form = requestTensor(getValue().getType());
  if (!form)
    return refuseType(*this, getValue().getType());
  // output_c2
  if (getName() == "ids")
    return emitOpError("expects a name other than 'ids', which is the tokens'");
  // output_c3
  if (std::optional<ArrayRef<int64_t>> shape = getShape()) {
    if (form->rank == 0 || shape->empty() || shape->size() > 4)
      return emitOpError("expects one to four sizes of a tensor, but found ") << shape->size();
    bool open = shape->front() == -1;
    int64_t elements = 1;
    for (int64_t size : shape->drop_front(open)) {
      if (size < 1 || size > maxProgramElements / elements)
        return emitOpError("expects sizes of at least 1, and at most ")
               << maxProgramElements << " elements, but found " << getShapeAttr();
      elements *= size;
    }
    bool fits = form->rows < 0 ? open && (elements % form->width == 0 || form->width % elements == 0)
                : open         ? form->rows * form->width % elements == 0
                               : form->rows * form->width == elements;
    if (!fits)
      return emitOpError("expects a shape for the elements of ")
             << getValue().getType() << ", but found " << getShapeAttr();
  }
  // output_c4
  auto decoder = (*this)->getParentOfType<DecoderOp>();
  if (!decoder)
    return success();
  OutputOp first;
  decoder.getBody().walk([&](OutputOp other) {
    if (other.getName() != getName())
      return WalkResult::advance();
    first = other;
    return WalkResult::interrupt();
  });
  if (getElementTypeOrSelf(first.getValue()) == getElementTypeOrSelf(getValue()))
    return success();
  return emitOpError("expects elements of one type of output '")
         << getName() << "', but found " << getValue().getType() << " behind " << first.getValue().getType();
}
