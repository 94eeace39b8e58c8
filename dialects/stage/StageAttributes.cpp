//===- StageAttributes.cpp - weights and their layouts ---------------------===//

#include "dialects/stage/ScaledDepth.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace quoin::stage;

#include "dialects/stage/StageAttrInterfaces.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "dialects/stage/StageAttributes.cpp.inc"

void StageDialect::registerAttributes() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialects/stage/StageAttributes.cpp.inc"
      >();
}

//===----------------------------------------------------------------------===//
// Layouts
//===----------------------------------------------------------------------===//

using ErrorFn = function_ref<InFlightDiagnostic()>;

/// <layout>_c1
static LogicalResult expectSizes(ErrorFn error, ArrayRef<int64_t> sizes) {
  int64_t elements = 1;
  for (int64_t size : sizes) {
    if (size < 1 || size > maxWidth)
      return error() << "expects a size of 1 to " << maxWidth << ", but found " << size;
    if (size > maxElements / elements)
      return error() << "expects at most " << maxElements << " elements, but found " << size << " times " << elements;
    elements *= size;
  }
  return success();
}

LogicalResult TilesAttr::verify(ErrorFn error, int64_t columns, int64_t depth) {
  return expectSizes(error, {columns, depth});
}
int64_t TilesAttr::getBytes(Stored stored, size_t sources) const {
  int64_t each = tileColumns / static_cast<int64_t>(sources);
  return roundUp(getColumns(), each) / each * tileBytes(getDepth(), stored);
}
std::pair<size_t, size_t> TilesAttr::getSources() const { return {1, 2}; }
SmallVector<int64_t, 3> TilesAttr::getSourceShape() const { return {getColumns(), getDepth()}; }

LogicalResult StackAttr::verify(ErrorFn error, int64_t matrices, int64_t columns, int64_t depth) {
  return expectSizes(error, {matrices, columns, depth});
}
int64_t StackAttr::getBytes(Stored stored, size_t sources) const {
  return getMatrices() * TilesAttr::get(getContext(), getColumns(), getDepth()).getBytes(stored, sources);
}
std::pair<size_t, size_t> StackAttr::getSources() const { return {1, 2}; }
SmallVector<int64_t, 3> StackAttr::getSourceShape() const { return {getMatrices(), getColumns(), getDepth()}; }

LogicalResult LineAttr::verify(ErrorFn error, int64_t length) { return expectSizes(error, {length}); }
int64_t LineAttr::getBytes(Stored, size_t) const { return roundUp(getLength(), tileColumns) * 4; }
std::pair<size_t, size_t> LineAttr::getSources() const { return {1, 1}; }
SmallVector<int64_t, 3> LineAttr::getSourceShape() const { return {getLength()}; }

LogicalResult HeadsAttr::verify(ErrorFn error, ArrayRef<int64_t> shape, int64_t outer, int64_t heads, int64_t inner) {
  if (failed(expectSizes(error, shape)) || failed(expectSizes(error, {outer, heads, inner})))
    return failure();
  // heads_c2
  int64_t elements = 1;
  for (int64_t size : shape)
    elements *= size;
  if (elements != outer * heads * inner)
    return error() << "expects as many elements as " << outer << " x " << heads << " x " << inner << ", but found "
                   << elements;
  return success();
}
int64_t HeadsAttr::getBytes(Stored, size_t) const {
  return getHeads() * roundUp(getOuter() * getInner(), 16) * storageBytes(Storage::F32);
}
std::pair<size_t, size_t> HeadsAttr::getSources() const { return {1, 1}; }
SmallVector<int64_t, 3> HeadsAttr::getSourceShape() const { return SmallVector<int64_t, 3>(getShape()); }

LogicalResult TableAttr::verify(ErrorFn error, int64_t count, int64_t width) {
  return expectSizes(error, {count, width});
}
int64_t TableAttr::getBytes(Stored stored, size_t) const {
  return getCount() * roundUp(getWidth(), 16) * storageBytes(stored.storage);
}
std::pair<size_t, size_t> TableAttr::getSources() const { return {1, 1}; }
SmallVector<int64_t, 3> TableAttr::getSourceShape() const { return {getCount(), getWidth()}; }

static LogicalResult expectTheta(ErrorFn error, FloatAttr theta) {
  if (theta.getType().isF64() && theta.getValue().isFiniteNonZero() && !theta.getValue().isNegative())
    return success();
  return error() << "expects a theta that is finite and positive, but found " << theta;
}

LogicalResult AnglesAttr::verify(ErrorFn error, int64_t positions, int64_t pairs, FloatAttr theta) {
  if (failed(expectSizes(error, {positions, pairs})))
    return failure();
  // angles_c2
  return expectTheta(error, theta);
}
int64_t AnglesAttr::getBytes(Stored, size_t) const { return getPositions() * getPairs() * 2 * 4; }
std::pair<size_t, size_t> AnglesAttr::getSources() const { return {0, 0}; }
SmallVector<int64_t, 3> AnglesAttr::getSourceShape() const { return {}; }

//===----------------------------------------------------------------------===//
// Weights
//===----------------------------------------------------------------------===//

Attribute WeightAttr::parse(AsmParser &parser, Type) {
  SMLoc loc = parser.getCurrentLocation();
  SmallVector<FlatSymbolRefAttr, 2> sources;
  auto one = [&]() -> ParseResult {
    StringAttr name;
    if (parser.parseSymbolName(name))
      return failure();
    sources.push_back(FlatSymbolRefAttr::get(name));
    return success();
  };
  if (parser.parseLess())
    return {};
  StringAttr single;
  if (succeeded(parser.parseOptionalSymbolName(single)))
    sources.push_back(FlatSymbolRefAttr::get(single));
  else if (succeeded(parser.parseOptionalLSquare()) && (parser.parseCommaSeparatedList(one) || parser.parseRSquare()))
    return {};
  Type element;
  Attribute layout;
  int64_t offset = -1;
  if (succeeded(parser.parseOptionalKeyword("as")) && parser.parseType(element))
    return {};
  if (succeeded(parser.parseOptionalKeyword("in"))) {
    SMLoc at = parser.getCurrentLocation();
    if (parser.parseAttribute(layout))
      return {};
    if (!isa<LayoutAttrInterface>(layout)) {
      parser.emitError(at, "expects the layout of a weight, but found ") << layout;
      return {};
    }
  }
  if (succeeded(parser.parseOptionalKeyword("at")) && parser.parseInteger(offset))
    return {};
  if (parser.parseGreater())
    return {};
  return parser.getChecked<WeightAttr>(loc, parser.getContext(), sources, element,
                                       llvm::cast_or_null<LayoutAttrInterface>(layout), offset);
}

void WeightAttr::print(AsmPrinter &printer) const {
  printer << '<';
  StringRef space = "";
  if (getSources().size() == 1) {
    printer << getSources()[0];
    space = " ";
  } else if (!getSources().empty()) {
    printer << '[';
    llvm::interleaveComma(getSources(), printer);
    printer << ']';
    space = " ";
  }
  if (getElement()) {
    printer << space << "as " << getElement();
    space = " ";
  }
  if (getLayout())
    printer << space << "in " << getLayout();
  if (isPacked())
    printer << " at " << getOffset();
  printer << '>';
}

LogicalResult WeightAttr::verify(ErrorFn error, ArrayRef<FlatSymbolRefAttr> sources, Type element,
                                 LayoutAttrInterface layout, int64_t offset) {
  // weight_c1
  if (element && !element.isF32() && !element.isBF16() && !element.isF16() && !isa<ScaledType>(element))
    return error() << "expects a weight stored as f32, bf16, f16 or !stage.scaled, but found " << element;
  // weight_c2
  if (!layout) {
    if (offset != -1)
      return error() << "expects a layout with a byte of the weight file, but found none at " << offset;
    if (sources.empty())
      return error() << "expects the symbol of a weight, but found none";
    return success();
  }
  if (!element || offset < -1 || (offset != -1 && offset % 64 != 0))
    return error() << "expects a stored type and a multiple of 64 with a layout, but found "
                   << (element ? "" : "no type and ") << offset;
  // weight_c3
  auto [least, most] = layout.getSources();
  if (sources.size() < least || sources.size() > most)
    return error() << "expects " << least << " to " << most << " weights in " << layout << ", but found "
                   << sources.size();
  // weight_c4
  auto scaled = dyn_cast<ScaledType>(element);
  if (!scaled)
    return success();
  auto tiles = dyn_cast<TilesAttr>(layout);
  if (!tiles)
    return error() << "expects tiles for a weight that is scaled, but found " << layout;
  return expectFilledDepth(error, scaled, tiles.getDepth());
}

int64_t WeightAttr::getBytes() const { return getLayout().getBytes(storedAs(getElement()), getSources().size()); }

WeightAttr WeightAttr::withElement(Type stored) const {
  return get(getContext(), getSources(), stored, getLayout(), getOffset());
}

WeightAttr WeightAttr::packed(LayoutAttrInterface as, int64_t at) const {
  return get(getContext(), getSources(), getElement(), as, at);
}
