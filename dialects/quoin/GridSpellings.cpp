//===- GridSpellings.cpp - what spellings on grids expand to ----------------===//

#include "dialects/quoin/FormulaBuilder.h"
#include "dialects/quoin/RowProgram.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace quoin;

using Made = SmallVector<Value, 2>;

/// What one row program may hold, and what one op of products may choose.
static constexpr int64_t mostNumbers = int64_t(1) << 20;

static ArrayRef<int64_t> sizesOf(Value rows) { return cast<RankedTensorType>(rows.getType()).getShape().drop_front(); }

/// The shape of a weight, or nothing after an error.
static std::optional<ArrayRef<int64_t>> shapeOf(Operation *op, SymbolTableCollection &table, FlatSymbolRefAttr symbol,
                                                StringRef use) {
  auto weight = table.lookupNearestSymbolFrom<WeightOp>(op, symbol);
  if (weight)
    return cast<RankedTensorType>(weight.getType()).getShape();
  op->emitOpError("expects '") << use << "' to name a quoin.weight, but found " << symbol;
  return std::nullopt;
}

/// Fails unless the attribute is two sizes of at least 1, of at most 2^15.
static LogicalResult expectTwo(Operation *op, StringRef what, ArrayRef<int64_t> sizes) {
  bool good = sizes.size() == 2 && llvm::all_of(sizes, [](int64_t n) { return n >= 1 && n <= (1 << 15); });
  if (good)
    return success();
  InFlightDiagnostic error = op->emitOpError("expects ") << what << " of two sizes from 1 to 32768, but found [";
  llvm::interleaveComma(sizes, error);
  return error << "]";
}

/// Fails unless rows are the cells of a grid, of `features` numbers each.
static LogicalResult expectGrid(Operation *op, StringRef what, Value rows, ArrayRef<int64_t> grid, int64_t features) {
  int64_t cells = grid[0] * grid[1];
  if (sizesOf(rows).size() == 2 && sizesOf(rows)[0] == cells && sizesOf(rows)[1] == features)
    return success();
  return op->emitOpError("expects ") << what << " of " << cells << " cells with " << features
                                     << " features each, but found " << rows.getType();
}

static LogicalResult expectNumbers(Operation *op, ArrayRef<int64_t> sizes) {
  uint64_t count = 1;
  for (int64_t n : sizes)
    count = llvm::SaturatingMultiply(count, static_cast<uint64_t>(n));
  if (count <= static_cast<uint64_t>(mostNumbers))
    return success();
  return op->emitOpError("expects at most ") << mostNumbers << " numbers at once, but found " << count;
}

//===----------------------------------------------------------------------===//
// Resampling
//===----------------------------------------------------------------------===//

Made ResampleOp::expand(OpBuilder &b) {
  int64_t h = getGrid()[0], w = getGrid()[1], lines = getTo()[0], columns = getTo()[1], c = sizesOf(getInput())[1];
  FormulaBuilder f(b, getLoc(), getInput(), {getLinesAttr(), getColumnsAttr()}, {lines * h, columns * w},
                   getOutput().getType());
  // [lines, h, w * c], of which h goes; then [lines, columns, w, c], of which w goes.
  Term x = f.spread(f.reshape(f.argument(0), {h, w * c}), 0, lines);
  Term z = f.spread(f.reshape(f.argument(1), {lines, h}), 2, w * c) * x;
  z = f.reduce<arith::AddFOp>(z, 1, f.constant({lines, w * c}, 0));
  z = f.spread(f.reshape(z, {lines, w, c}), 1, columns);
  Term by = f.spread(f.spread(f.reshape(f.argument(2), {columns, w}), 2, c), 0, lines);
  Term y = f.reduce<arith::AddFOp>(by * z, 2, f.constant({lines, columns, c}, 0));
  return f.finish(f.reshape(y, {lines * columns, c}));
}

LogicalResult ResampleOp::verify() {
  if (failed(expectTwo(*this, "a grid", getGrid())) || failed(expectTwo(*this, "a grid", getTo())))
    return failure();
  // resample_c1
  int64_t features = sizesOf(getInput()).back();
  if (failed(expectGrid(*this, "an operand", getInput(), getGrid(), features)) ||
      failed(expectGrid(*this, "a result", getOutput(), getTo(), features)))
    return failure();
  // resample_c3
  int64_t h = getGrid()[0], w = getGrid()[1];
  return failure(failed(expectNumbers(*this, {getTo()[0], h, w, features})) ||
                 failed(expectNumbers(*this, {getTo()[0], getTo()[1], w, features})));
}

LogicalResult ResampleOp::verifySymbolUses(SymbolTableCollection &table) {
  // resample_c2
  for (auto [symbol, d] : {std::pair(getLinesAttr(), 0), std::pair(getColumnsAttr(), 1)}) {
    auto shape = shapeOf(*this, table, symbol, "by");
    if (!shape)
      return failure();
    int64_t numbers = getTo()[d] * getGrid()[d];
    if (shape->size() != 1 || (*shape)[0] != numbers)
      return emitOpError("expects weight ") << symbol << " of shape [" << numbers << "], " << getTo()[d] << " times "
                                            << getGrid()[d] << ", but it has another";
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Convolution
//===----------------------------------------------------------------------===//

/// Lines of a grid whose cells are as many as an op of products takes.
static int64_t linesAtOnce(ArrayRef<int64_t> grid) {
  return std::min(grid[0], std::max<int64_t>(maxChoices / grid[1], 1));
}

Made ConvOp::expand(OpBuilder &b) {
  int64_t h = getGrid()[0], w = getGrid()[1], kh = getTaps()[0], kw = getTaps()[1], in = sizesOf(getInput())[1],
          out = sizesOf(getOutput())[1], together = linesAtOnce(getGrid());
  auto rows = [&](ArrayRef<int64_t> sizes, Type element) {
    SmallVector<int64_t> shape = {ShapedType::kDynamic};
    llvm::append_range(shape, sizes);
    return RankedTensorType::get(shape, element);
  };
  // Of each cell what lies around it, and the filter's number.
  SmallVector<Type> types;
  for (int64_t line = 0; line < h; line += together) {
    int64_t cells = std::min(together, h - line) * w;
    types.push_back(rows({cells, kh * kw * in}, b.getF32Type()));
    types.push_back(rows({cells}, b.getI32Type()));
  }
  FormulaBuilder f(b, getLoc(), getInput(), {}, {}, types);
  Term x = f.reshape(f.argument(0), {h, w, in});
  auto padded = [&](Term inner, int64_t dimension, int64_t by) {
    SmallVector<int64_t> shape(inner.shape());
    shape[static_cast<size_t>(dimension)] = by;
    if (by == 0)
      return inner;
    Term zeros = f.constant(shape, 0);
    return f.concat({zeros, inner, zeros}, dimension);
  };
  x = padded(padded(x, 1, (kw - 1) / 2), 0, (kh - 1) / 2);
  SmallVector<Term> given;
  for (int64_t line = 0; line < h; line += together) {
    int64_t lines = std::min(together, h - line);
    SmallVector<Term> around;
    for (int64_t a = 0; a < kh; ++a)
      for (int64_t column = 0; column < kw; ++column)
        around.push_back(f.slice(x, {line + a, column, 0}, {lines, w, in}));
    given.push_back(f.reshape(f.concat(around, 2), {lines * w, kh * kw * in}));
    given.push_back(f.integer({lines * w}, static_cast<int32_t>(getFilter())));
  }
  Made windows = f.finish(given);
  SmallVector<Value> parts;
  for (size_t i = 0; i < windows.size(); i += 2)
    parts.push_back(ExpertLinearOp::create(b, getLoc(), rows({sizesOf(windows[i])[0], out}, b.getF32Type()), windows[i],
                                           windows[i + 1], getWeightAttr()));
  if (parts.size() == 1 && !getBiasAttr())
    return {parts[0]};
  SmallVector<FlatSymbolRefAttr, 1> vectors;
  if (getBiasAttr())
    vectors.push_back(getBiasAttr());
  SmallVector<int64_t, 1> lengths(vectors.size(), out);
  FormulaBuilder joined(b, getLoc(), parts, vectors, lengths, getOutput().getType());
  SmallVector<Term> all;
  for (unsigned i = 0; i < parts.size(); ++i)
    all.push_back(joined.argument(i));
  if (getBiasAttr())
    for (Term &part : all)
      part = part + joined.spread(joined.argument(static_cast<unsigned>(parts.size())), 0, part.shape()[0]);
  return joined.finish(joined.concat(all));
}

LogicalResult ConvOp::verify() {
  if (failed(expectTwo(*this, "a grid", getGrid())) || failed(expectTwo(*this, "taps", getTaps())))
    return failure();
  // conv_c1
  int64_t in = sizesOf(getInput()).back(), out = sizesOf(getOutput()).back();
  if (failed(expectGrid(*this, "an operand", getInput(), getGrid(), in)) ||
      failed(expectGrid(*this, "a result", getOutput(), getGrid(), out)))
    return failure();
  // conv_c3
  for (int64_t taps : getTaps())
    if (taps % 2 == 0 || taps > 31)
      return emitOpError("expects odd numbers of taps, up to 31, but found ") << taps;
  // conv_c5
  int64_t w = getGrid()[1], kh = getTaps()[0], kw = getTaps()[1];
  if (w > maxChoices)
    return emitOpError("expects lines of at most ") << maxChoices << " cells, but found " << w;
  return failure(failed(expectNumbers(*this, {linesAtOnce(getGrid()) * w, kh * kw * in})) ||
                 failed(expectNumbers(*this, {(getGrid()[0] + kh - 1) * (w + kw - 1), in})));
}

LogicalResult ConvOp::verifySymbolUses(SymbolTableCollection &table) {
  // conv_c2
  auto shape = shapeOf(*this, table, getWeightAttr(), "by");
  if (!shape)
    return failure();
  int64_t inside = getTaps()[0] * getTaps()[1] * sizesOf(getInput()).back(), out = sizesOf(getOutput()).back();
  auto filter = static_cast<int64_t>(getFilter());
  if (shape->size() != 3 || (*shape)[1] != out || (*shape)[2] != inside || (*shape)[0] > maxExperts)
    return emitOpError("expects weight ") << getWeightAttr() << " of shape [filters, " << out << ", " << inside
                                          << "], at most " << maxExperts << " filters, but it has another";
  if (filter < 0 || filter >= (*shape)[0])
    return emitOpError("expects a filter below ") << (*shape)[0] << ", but found " << filter;
  // conv_c4
  if (!getBiasAttr())
    return success();
  auto bias = shapeOf(*this, table, getBiasAttr(), "bias");
  if (!bias)
    return failure();
  if (bias->size() != 1 || bias->front() != out)
    return emitOpError("expects a bias of length ") << out << ", but " << getBiasAttr() << " has another shape";
  return success();
}
