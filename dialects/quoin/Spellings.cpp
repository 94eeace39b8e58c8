//===- Spellings.cpp - what spellings expand to, and their constraints ------===//

#include "dialects/quoin/FormulaBuilder.h"
#include "dialects/quoin/RowProgram.h"
#include "llvm/Support/MathExtras.h"
#include <cmath>

using namespace mlir;
using namespace quoin;
using FloatCompare = arith::CmpFPredicate;
using IntCompare = arith::CmpIPredicate;

using Made = SmallVector<Value, 2>;

static int64_t widthOf(Value rows) { return cast<RankedTensorType>(rows.getType()).getShape().back(); }

/// The length of a weight of rank 1, or none after an error.
static std::optional<int64_t> lengthOf(Operation *op, SymbolTableCollection &table, FlatSymbolRefAttr symbol,
                                       StringRef use) {
  auto weight = table.lookupNearestSymbolFrom<WeightOp>(op, symbol);
  if (!weight) {
    op->emitOpError("expects '") << use << "' to name a quoin.weight, but found " << symbol;
    return std::nullopt;
  }
  auto type = cast<RankedTensorType>(weight.getType());
  if (type.getRank() != 1) {
    op->emitOpError("expects weight '@") << weight.getSymName() << "' of rank 1, but found " << type;
    return std::nullopt;
  }
  return type.getDimSize(0);
}

/// A formula that is made of the same element of each operand.
static Made elementwise(Operation *op, OpBuilder &b, function_ref<Term(FormulaBuilder &)> formula) {
  FormulaBuilder f(b, op->getLoc(), op->getOperands(), {}, {}, op->getResultTypes());
  return f.finish(formula(f));
}

//===----------------------------------------------------------------------===//
// Activations
//===----------------------------------------------------------------------===//

static Term siluOf(Term x) { return x / (exp(-x) + 1); }

static Term geluOf(Term x, bool byTanh) {
  constexpr double rootOfTwoOverPi = 0.79788456080286535588, rootOfHalf = 0.70710678118654752440;
  Term bend = byTanh ? tanh((x + x * x * x * 0.044715) * rootOfTwoOverPi) : erf(x * rootOfHalf);
  return x * 0.5 * (bend + 1);
}

Made SiluOp::expand(OpBuilder &b) {
  return elementwise(*this, b, [](FormulaBuilder &f) { return siluOf(f.argument(0)); });
}

Made Relu2Op::expand(OpBuilder &b) {
  return elementwise(*this, b, [](FormulaBuilder &f) {
    Term x = max(f.argument(0), 0);
    return x * x;
  });
}

Made GeluOp::expand(OpBuilder &b) {
  return elementwise(*this, b, [&](FormulaBuilder &f) { return geluOf(f.argument(0), getTanh()); });
}

Made SwigluOp::expand(OpBuilder &b) {
  return elementwise(*this, b, [](FormulaBuilder &f) { return siluOf(f.argument(0)) * f.argument(1); });
}

Made GegluOp::expand(OpBuilder &b) {
  return elementwise(*this, b, [&](FormulaBuilder &f) { return geluOf(f.argument(0), getTanh()) * f.argument(1); });
}

Made ModulateOp::expand(OpBuilder &b) {
  return elementwise(*this, b, [](FormulaBuilder &f) { return f.argument(0) * (f.argument(1) + 1) + f.argument(2); });
}

//===----------------------------------------------------------------------===//
// Constants
//===----------------------------------------------------------------------===//

Made SpreadOp::expand(OpBuilder &b) {
  FormulaBuilder f(b, getLoc(), getOver(), {getWeightAttr()}, {widthOf(getOutput())}, getOutput().getType());
  return f.finish(f.argument(1));
}

LogicalResult SpreadOp::verifySymbolUses(SymbolTableCollection &table) {
  // spread_c1
  std::optional<int64_t> length = lengthOf(*this, table, getWeightAttr(), "weight");
  if (!length)
    return failure();
  if (*length == widthOf(getOutput()))
    return success();
  return emitOpError("expects weight '@")
         << getWeight() << "' of length " << widthOf(getOutput()) << ", but found " << *length;
}

//===----------------------------------------------------------------------===//
// Norms
//===----------------------------------------------------------------------===//

/// Groups of a row below each other; the row itself if it is one.
static Term groupsOf(Term x, int64_t group) {
  int64_t width = x.shape()[0];
  return width == group ? x : x.builder->reshape(x, {width / group, group});
}

static Term rowOf(Term groups) {
  return groups.shape().size() == 1 ? groups : groups.builder->reshape(groups, {groups.shape()[0] * groups.shape()[1]});
}

static Term meanOf(Term x) { return sumOf(x) / static_cast<double>(x.shape().back()); }

/// A vector for each of the groups.
static Term vectorLike(Term vector, Term x) {
  return x.shape().size() == 1 ? vector : vector.builder->spread(vector, 0, x.shape()[0]);
}

Made RmsNormOp::expand(OpBuilder &b) {
  auto weight = SymbolTable::lookupNearestSymbolFrom<WeightOp>(*this, getWeightAttr());
  int64_t group = cast<RankedTensorType>(weight.getType()).getDimSize(0);
  FormulaBuilder f(b, getLoc(), getInput(), getWeightAttr(), group, getOutput().getType());
  Term x = groupsOf(f.argument(0), group);
  Term y = x * spreadLike(rsqrt(meanOf(x * x) + getEpsilon().convertToDouble()), x);
  return f.finish(rowOf(y * vectorLike(f.argument(1), x)));
}

static LogicalResult verifyEpsilon(Operation *op, FloatAttr epsilon) {
  if (isEpsilon(epsilon.getValue()))
    return success();
  return op->emitOpError("expects an epsilon that is 0 or a positive normal number of f32, but found ") << epsilon;
}

LogicalResult RmsNormOp::verify() {
  // rms_norm_c2
  return verifyEpsilon(*this, getEpsilonAttr());
}

LogicalResult RmsNormOp::verifySymbolUses(SymbolTableCollection &table) {
  // rms_norm_c1
  std::optional<int64_t> group = lengthOf(*this, table, getWeightAttr(), "weight");
  if (!group)
    return failure();
  if (*group == 0 || widthOf(getInput()) % *group != 0)
    return emitOpError("expects a weight whose length divides the width ")
           << widthOf(getInput()) << ", but found " << *group;
  return success();
}

Made LayerNormOp::expand(OpBuilder &b) {
  SmallVector<FlatSymbolRefAttr, 2> vectors;
  for (FlatSymbolRefAttr symbol : {getWeightAttr(), getBiasAttr()})
    if (symbol)
      vectors.push_back(symbol);
  int64_t group = widthOf(getInput());
  if (!vectors.empty()) {
    auto weight = SymbolTable::lookupNearestSymbolFrom<WeightOp>(*this, vectors[0]);
    group = cast<RankedTensorType>(weight.getType()).getDimSize(0);
  }
  SmallVector<int64_t, 2> lengths(vectors.size(), group);
  FormulaBuilder f(b, getLoc(), getInput(), vectors, lengths, getOutput().getType());
  Term x = groupsOf(f.argument(0), group), d = x - spreadLike(meanOf(x), x);
  Term y = d * spreadLike(rsqrt(meanOf(d * d) + getEpsilon().convertToDouble()), x);
  if (getWeightAttr())
    y = y * vectorLike(f.argument(1), x);
  if (getBiasAttr())
    y = y + vectorLike(f.argument(getWeightAttr() ? 2 : 1), x);
  return f.finish(rowOf(y));
}

LogicalResult LayerNormOp::verify() {
  // layer_norm_c2
  return verifyEpsilon(*this, getEpsilonAttr());
}

LogicalResult LayerNormOp::verifySymbolUses(SymbolTableCollection &table) {
  // layer_norm_c1
  std::optional<int64_t> group;
  for (auto [use, symbol] : {std::pair("weight", getWeightAttr()), std::pair("bias", getBiasAttr())}) {
    if (!symbol)
      continue;
    std::optional<int64_t> length = lengthOf(*this, table, symbol, use);
    if (!length)
      return failure();
    if (widthOf(getInput()) % *length != 0 || (group && *group != *length))
      return emitOpError("expects a ") << use << " whose length divides the width " << widthOf(getInput())
                                       << (group ? " and is the weight's" : "") << ", but found " << *length;
    group = length;
  }
  return success();
}

Made UnitNormOp::expand(OpBuilder &b) {
  int64_t head = getHeadDim(), heads = widthOf(getInput()) / head;
  SmallVector<FlatSymbolRefAttr, 1> vectors;
  if (getWeightAttr())
    vectors.push_back(getWeightAttr());
  SmallVector<int64_t, 1> lengths(vectors.size(), heads);
  FormulaBuilder f(b, getLoc(), getInput(), vectors, lengths, getOutput().getType());
  Term x = groupsOf(f.argument(0), head), factor = 1.0 / max(sqrt(sumOf(x * x)), 1e-12);
  if (getWeightAttr())
    factor = factor * (heads == 1 ? f.reduce<arith::AddFOp>(f.argument(1), 0, f.constant({}, 0)) : f.argument(1));
  return f.finish(rowOf(x * spreadLike(factor, x)));
}

LogicalResult UnitNormOp::verify() {
  // unit_norm_c1
  int64_t head = getHeadDim();
  if (head > 0 && widthOf(getInput()) % head == 0)
    return success();
  return emitOpError("expects a head_dim that divides the width ") << widthOf(getInput()) << ", but found " << head;
}

LogicalResult UnitNormOp::verifySymbolUses(SymbolTableCollection &table) {
  // unit_norm_c2
  if (!getWeightAttr())
    return success();
  std::optional<int64_t> length = lengthOf(*this, table, getWeightAttr(), "times");
  int64_t heads = widthOf(getInput()) / static_cast<int64_t>(getHeadDim());
  if (!length)
    return failure();
  if (*length != heads)
    return emitOpError("expects a weight of ") << heads << " numbers, but found " << *length;
  return success();
}

//===----------------------------------------------------------------------===//
// Routers
//===----------------------------------------------------------------------===//

namespace {
constexpr double infinity = std::numeric_limits<double>::infinity();

/// The highest along the last dimension, where it lies first, and what is left once that is taken out.
struct Highest {
  Term value, number, rest;

  explicit Highest(Term x) {
    FormulaBuilder &f = *x.builder;
    int64_t last = lastDimension(x);
    value = maxOf(x);
    // A NaN is equal to nothing, and above all.
    Term isHighest =
        f.make<arith::OrIOp>(f.compare(FloatCompare::OEQ, x, spreadLike(value, x)), f.compare(FloatCompare::UNO, x, x));
    Term numbers = f.numbers(x.shape().back());
    for (int64_t d = last - 1; d >= 0; --d)
      numbers = f.spread(numbers, 0, x.shape()[static_cast<size_t>(d)]);
    constexpr int32_t none = std::numeric_limits<int32_t>::max();
    // Without a NaN the first that equals the highest; with one, the first of these.
    Term places = select(isHighest, numbers, f.integer(x.shape(), none));
    number = f.reduce<arith::MinSIOp>(places, last, f.integer(x.shape().drop_back(), none));
    Term isTaken = f.compare(IntCompare::eq, numbers, spreadLike(number, x));
    rest = select(isTaken, f.constant(x.shape(), -infinity), x);
    taken = isTaken;
  }

  Term taken; ///< where it was
};
} // namespace

/// Minus infinity where an expert's group is none of the `best`.
static Term withoutLowGroups(Term x, int64_t groups, int64_t best) {
  FormulaBuilder &f = *x.builder;
  int64_t count = x.shape()[0], each = count / groups;
  if (groups == best)
    return x;
  Term grouped = each == 1 ? x : f.reshape(x, {groups, each}), total = grouped;
  if (each > 1) {
    Highest first(grouped), second(first.rest);
    total = first.value + second.value;
  }
  for (int64_t i = 0; i < best; ++i)
    total = Highest(total).rest;
  // What was taken out is minus infinity.
  Term kept = f.compare(FloatCompare::OEQ, total, f.constant(total.shape(), -infinity));
  if (each == 1)
    return select(kept, x, f.constant(x.shape(), -infinity));
  Term left = select(kept, f.constant(total.shape(), 0), f.constant(total.shape(), -infinity));
  return f.reshape(select(f.compare(FloatCompare::OEQ, spreadLike(left, grouped), f.constant(grouped.shape(), 0)),
                          grouped, f.constant(grouped.shape(), -infinity)),
                   {count});
}

Made RouteOp::expand(OpBuilder &b) {
  int64_t experts = widthOf(getInput());
  SmallVector<FlatSymbolRefAttr, 1> vectors;
  if (getCorrectionAttr())
    vectors.push_back(getCorrectionAttr());
  SmallVector<int64_t, 1> lengths(vectors.size(), experts);
  FormulaBuilder f(b, getLoc(), getInput(), vectors, lengths, getResultTypes());
  Term x = f.argument(0), scores = x;
  if (getScores() == RouterScores::Softmax) {
    Term power = exp(x - spreadLike(maxOf(x), x));
    scores = power / spreadLike(sumOf(power), power);
  } else if (getScores() == RouterScores::Sigmoid) {
    scores = 1.0 / (exp(-x) + 1);
  }
  Term by = getCorrectionAttr() ? scores + f.argument(1) : scores;
  if (getGroups())
    by = withoutLowGroups(by, *getGroups(), *getBest());
  SmallVector<Term, 8> choices, shares;
  for (int64_t i = 0; i < static_cast<int64_t>(getTop()); ++i) {
    Highest highest(by);
    by = highest.rest;
    choices.push_back(f.spread(highest.number, 0, 1));
    // A sum of zeros and the one score.
    Term share = getCorrectionAttr() ? sumOf(select(highest.taken, scores, f.constant({experts}, 0))) : highest.value;
    shares.push_back(share);
  }
  if (getNormalise()) {
    Term total = shares[0];
    for (Term share : ArrayRef(shares).drop_front())
      total = total + share;
    total = total + 1e-20;
    for (Term &share : shares)
      share = share / total;
  }
  for (Term &share : shares) {
    if (getScale())
      share = share * getScale()->convertToDouble();
    share = f.spread(share, 0, 1);
  }
  return f.finish({f.concat(choices), f.concat(shares)});
}

LogicalResult RouteOp::verify() {
  int64_t experts = widthOf(getInput()), top = getTop();
  // route_c2
  constexpr int64_t mostTop = 32, mostBest = 16;
  if (top < 1 || top > mostTop)
    return emitOpError("expects 'top' from 1 to ") << mostTop << ", but found " << top;
  // route_c1
  for (auto [name, made] : {std::pair("choices", Value(getChoice())), std::pair("shares", Value(getShare()))})
    if (widthOf(made) != top)
      return emitOpError("expects ") << top << " " << name << " a row, but found " << widthOf(made);
  // route_c3
  int64_t eligible = experts;
  if (getGroups()) {
    int64_t groups = *getGroups(), best = *getBest();
    if (groups < 1 || experts % groups != 0)
      return emitOpError("expects 'groups' that divide ") << experts << " experts, but found " << groups;
    if (best < 1 || best > std::min(groups, mostBest))
      return emitOpError("expects 'best' from 1 to ") << std::min(groups, mostBest) << ", but found " << best;
    eligible = experts / groups * best;
  }
  // route_c4
  if (eligible < top)
    return emitOpError("expects at least ") << top << " experts to choose from, but found " << eligible;
  // route_c6
  if (getScale() && !(std::fabs(getScale()->convertToDouble()) <= std::numeric_limits<float>::max()))
    return emitOpError("expects a finite scale of f32, but found ") << getScaleAttr();
  return success();
}

LogicalResult RouteOp::verifySymbolUses(SymbolTableCollection &table) {
  // route_c5
  if (!getCorrectionAttr())
    return success();
  std::optional<int64_t> length = lengthOf(*this, table, getCorrectionAttr(), "correction");
  if (!length)
    return failure();
  if (*length != widthOf(getInput()))
    return emitOpError("expects a correction of ") << widthOf(getInput()) << " numbers, but found " << *length;
  return success();
}

Made MixOp::expand(OpBuilder &b) {
  FormulaBuilder f(b, getLoc(), getOperands(), {}, {}, getOutput().getType());
  Term x = f.argument(0), share = f.spread(f.argument(1), 1, x.shape()[1]);
  return f.finish(f.reduce<arith::AddFOp>(x * share, 0, f.constant(x.shape().drop_front(), 0)));
}

LogicalResult MixOp::verify() {
  // mix_c1
  ArrayRef<int64_t> each = getInput().getType().getShape();
  int64_t any = ShapedType::kDynamic, choices = widthOf(getShare()), width = widthOf(getOutput());
  if (each == ArrayRef({any, choices, width}))
    return success();
  return emitOpError("expects an operand tensor<?x")
         << choices << "x" << width << "xf32>, a row for each share, but found " << getInput().getType();
}
