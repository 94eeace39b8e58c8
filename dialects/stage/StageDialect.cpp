//===- StageDialect.cpp - registration and types ---------------------------===//

#include "dialects/stage/ScanStage.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace quoin::stage;

#include "dialects/stage/StageDialect.cpp.inc"

#include "dialects/stage/StageEnums.cpp.inc"

#define GET_TYPEDEF_CLASSES
#include "dialects/stage/StageTypes.cpp.inc"

void StageDialect::initialize() {
  registerTypes();
  registerAttributes();
  addOperations<
#define GET_OP_LIST
#include "dialects/stage/StageOps.cpp.inc"
      >();
  addOperations<ScanOp>();
}

void StageDialect::registerTypes() {
  addTypes<
#define GET_TYPEDEF_LIST
#include "dialects/stage/StageTypes.cpp.inc"
      >();
}

Storage quoin::stage::storageOf(Type element) {
  if (auto scaled = dyn_cast<ScaledType>(element))
    return scaled.getBits() == 8 ? Storage::I8 : Storage::I4;
  return element.isBF16()       ? Storage::BF16
         : element.isF16()      ? Storage::F16
         : element.isInteger(8) ? Storage::I8
                                : Storage::F32;
}

Stored quoin::stage::storedAs(Type element) {
  auto scaled = dyn_cast<ScaledType>(element);
  return {storageOf(element), scaled ? scaled.getGroup() : 0};
}

LogicalResult ScaledType::verify(function_ref<InFlightDiagnostic()> error, Type whole, int64_t group) {
  // scaled_c1
  if (!whole.isSignlessInteger(8) && !whole.isSignlessInteger(4))
    return error() << "expects whole numbers i8 or i4, but found " << whole;
  // scaled_c2
  if (group != 32 && group != 64 && group != 128 && !(group == 0 && whole.isInteger(8)))
    return error() << "expects groups of 32, 64 or 128, or of i8 none, but found " << group;
  return success();
}

//===----------------------------------------------------------------------===//
// Buffers
//===----------------------------------------------------------------------===//

Type BufferType::parse(AsmParser &parser) {
  StringRef spelled;
  SMLoc loc = parser.getCurrentLocation();
  if (parser.parseLess() || parser.parseKeyword(&spelled))
    return {};
  std::optional<Space> space = symbolizeSpace(spelled);
  if (!space) {
    parser.emitError(loc, "expects a space out of 'row', 'read', 'host', 'sequence' and 'memory', but found '")
        << spelled << "'";
    return {};
  }
  SmallVector<int64_t, 1> width;
  Type element;
  if (parser.parseComma() || parser.parseDimensionList(width, /*allowDynamic=*/false) || parser.parseType(element) ||
      parser.parseGreater())
    return {};
  if (width.size() != 1) {
    parser.emitError(loc, "expects the width of a row, but found ") << width.size() << " sizes";
    return {};
  }
  return parser.getChecked<BufferType>(loc, parser.getContext(), *space, width[0], element);
}

void BufferType::print(AsmPrinter &printer) const {
  printer << '<' << stringifySpace(getSpace()) << ", " << getWidth() << 'x' << getElement() << '>';
}

LogicalResult BufferType::verify(function_ref<InFlightDiagnostic()> error, Space, int64_t width, Type element) {
  // buffer_c1
  if (width < 1 || width > maxWidth)
    return error() << "expects a row of 1 to " << maxWidth << " elements, but found " << width;
  // buffer_c2
  if (!element.isF32() && !element.isBF16() && !element.isSignlessInteger(8) && !element.isSignlessInteger(32) &&
      !element.isSignlessInteger(64))
    return error() << "expects elements f32, bf16, i8, i32 or i64, but found " << element;
  return success();
}

int64_t BufferType::getRowBytes() const { return rowBytes(getWidth(), storageOf(getElement())); }

//===----------------------------------------------------------------------===//
// Pages
//===----------------------------------------------------------------------===//

Type PagesType::parse(AsmParser &parser) {
  SmallVector<int64_t, 2> sizes;
  Type element;
  SMLoc loc = parser.getCurrentLocation();
  if (parser.parseLess() || parser.parseDimensionList(sizes, /*allowDynamic=*/false) || parser.parseType(element) ||
      parser.parseGreater())
    return {};
  if (sizes.size() != 2) {
    parser.emitError(loc, "expects heads and their features, but found ") << sizes.size() << " sizes";
    return {};
  }
  return parser.getChecked<PagesType>(loc, parser.getContext(), sizes[0], sizes[1], element);
}

void PagesType::print(AsmPrinter &printer) const {
  printer << '<' << getHeads() << 'x' << getHeadDim() << 'x' << getElement() << '>';
}

LogicalResult PagesType::verify(function_ref<InFlightDiagnostic()> error, int64_t heads, int64_t headDim,
                                Type element) {
  // pages_c1
  if (headDim < 1 || headDim > maxHeadDim || heads < 1 || heads > maxWidth / headDim)
    return error() << "expects heads of 1 to " << maxHeadDim << " features, at most " << maxWidth
                   << " in all, but found " << heads << " of " << headDim;
  // pages_c2
  if (!element.isF32() && !element.isBF16())
    return error() << "expects keys and values stored as f32 or bf16, but found " << element;
  return success();
}

PageLayout PagesType::getLayout() const { return {getHeads(), getHeadDim(), storageOf(getElement())}; }
