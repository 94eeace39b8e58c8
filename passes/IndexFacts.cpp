//===- IndexFacts.cpp - forms, ranges and bounds of index arithmetic -------===//

#include "passes/IndexFacts.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace quoin;

/// Numbers up to here add and multiply (by small factors) without leaving 64 bits.
static constexpr int64_t moderate = int64_t(1) << 40;
/// What a counter may go up by in a turn and yet never wrap.
static constexpr int64_t small = int64_t(1) << 16;
/// Most elements of a vector, and most tokens of a request; a run that has more fails.
static constexpr int64_t mostElements = int64_t(1) << 28, mostTokens = INT32_MAX, mostPositions = 2 * maxCapacity;

static constexpr IndexRange unknown;

//===----------------------------------------------------------------------===//
// Forms
//===----------------------------------------------------------------------===//

static std::optional<int64_t> constantOf(Value v) {
  APInt n;
  if (!matchPattern(v, m_ConstantInt(&n)) || n.getSignificantBits() > 41)
    return std::nullopt;
  return n.getSExtValue();
}

/// A setting that no request changes.
static std::optional<int64_t> fixedSetting(SettingOp op, DecoderOp decoder) {
  if (!op.getType().isIndex() || isRunTimeSetting(decoder, op.getName()))
    return std::nullopt;
  auto value = decoder.getSettings().getAs<IntegerAttr>(op.getName());
  if (!value || value.getValue().getSignificantBits() > 41)
    return std::nullopt;
  return value.getInt();
}

IndexForm IndexFacts::sum(const IndexForm &a, const IndexForm &b, int64_t factor) {
  IndexForm r = a;
  r.constant += factor * b.constant;
  for (auto [atom, c] : b.terms) {
    auto *same = llvm::find_if(r.terms, [&, atom = atom](auto &term) { return term.first == atom; });
    if (same == r.terms.end())
      r.terms.push_back({atom, factor * c});
    else
      same->second += factor * c;
  }
  llvm::erase_if(r.terms, [](auto &term) { return term.second == 0; });
  return r;
}

static IndexForm atom(Value v) { return {{{v, 1}}, 0}; }
static IndexForm number(int64_t n) { return {{}, n}; }
/// Coefficients and constants of forms stay moderate, so that they can be added.
static bool isModerate(const IndexForm &form) {
  return std::abs(form.constant) <= moderate &&
         llvm::all_of(form.terms, [](auto &term) { return std::abs(term.second) <= 1024; });
}

IndexForm IndexFacts::formOf(Value index, int depth) {
  if (isTooLong(depth))
    return atom(index);
  if (std::optional<int64_t> n = constantOf(index))
    return number(*n);
  Operation *op = index.getDefiningOp();
  auto combine = [&](Value a, Value b, int64_t factor) {
    IndexForm form = sum(formOf(a, depth + 1), formOf(b, depth + 1), factor);
    return isModerate(form) ? form : atom(index);
  };
  if (!op || !index.getType().isIndex())
    return atom(index);
  return llvm::TypeSwitch<Operation *, IndexForm>(op)
      .Case([&](arith::AddIOp o) { return combine(o.getLhs(), o.getRhs(), 1); })
      .Case([&](arith::SubIOp o) { return combine(o.getLhs(), o.getRhs(), -1); })
      .Case([&](arith::MulIOp o) {
        for (auto [a, b] : {std::pair(o.getLhs(), o.getRhs()), std::pair(o.getRhs(), o.getLhs())})
          if (IndexForm factor = formOf(b, depth + 1); factor.terms.empty() && std::abs(factor.constant) <= 1024) {
            IndexForm form = sum({}, formOf(a, depth + 1), factor.constant);
            return isModerate(form) ? form : atom(index);
          }
        return atom(index);
      })
      .Case([&](SettingOp o) {
        std::optional<int64_t> n = fixedSetting(o, decoder);
        return n ? number(*n) : atom(index);
      })
      .Case([&](LengthOp o) { return lengthOf(o.getSequence(), depth + 1); })
      .Case([&](tensor::DimOp o) {
        std::optional<int64_t> which = constantOf(o.getIndex());
        return which == 0 && o.getSource().getType().getRank() == 1 ? sizeOf(o.getSource(), depth + 1) : atom(index);
      })
      .Default([&](Operation *) { return atom(index); });
}

IndexForm IndexFacts::lengthOf(Value sequence, int depth) {
  Operation *op = sequence.getDefiningOp();
  if (!op || isTooLong(depth))
    return atom(sequence);
  if (auto extend = dyn_cast<ExtendOp>(op))
    return sum(lengthOf(extend.getSequence(), depth + 1), formOf(extend.getCount(), depth + 1));
  if (auto append = dyn_cast<AppendOp>(op))
    return sum(lengthOf(append.getSequence(), depth + 1), sizeOf(append.getIds(), depth + 1));
  if (auto insert = dyn_cast<InsertOp>(op))
    return sum(lengthOf(insert.getSequence(), depth + 1), sizeOf(insert.getIds(), depth + 1));
  if (auto truncate = dyn_cast<TruncateOp>(op))
    return formOf(truncate.getTo(), depth + 1);
  if (isa<FillOp, EditOp, CommitOp, ReopenOp, RelabelOp>(op))
    return lengthOf(op->getOperand(0), depth + 1);
  return atom(sequence);
}

IndexForm IndexFacts::sizeOf(Value vector, int depth) {
  auto type = dyn_cast<RankedTensorType>(vector.getType());
  if (!type || type.getRank() != 1)
    return atom(vector);
  if (type.hasStaticShape())
    return number(std::min(type.getNumElements(), mostElements));
  Operation *op = vector.getDefiningOp();
  if (!op || isTooLong(depth))
    return atom(vector);
  if (op->hasTrait<OpTrait::Elementwise>() && op->getNumOperands() > 0 &&
      isa<RankedTensorType>(op->getOperands().back().getType()))
    return sizeOf(op->getOperands().back(), depth + 1);
  return llvm::TypeSwitch<Operation *, IndexForm>(op)
      .Case([&](tensor::SplatOp o) { return formOf(o.getDynamicSizes().front(), depth + 1); })
      .Case([&](tensor::EmptyOp o) { return formOf(o.getDynamicSizes().front(), depth + 1); })
      .Case([&](tensor::ConcatOp o) {
        IndexForm total;
        for (Value part : o.getInputs())
          total = sum(total, sizeOf(part, depth + 1));
        return isModerate(total) ? total : atom(vector);
      })
      .Case([&](tensor::ExtractSliceOp o) {
        if (o.getSourceType().getRank() != 1)
          return atom(vector);
        OpFoldResult size = o.getMixedSizes().front();
        if (auto value = dyn_cast<Value>(size))
          return formOf(value, depth + 1);
        return number(std::min(getConstantIntValue(size).value_or(0), mostElements));
      })
      .Case([&](tensor::CastOp o) { return sizeOf(o.getSource(), depth + 1); })
      .Case([&](SpanOp o) {
        IndexForm size = sum(formOf(o.getTo(), depth + 1), formOf(o.getFrom(), depth + 1), -1);
        return isModerate(size) && isNotNegative(size, depth + 1) ? size : atom(vector);
      })
      .Case<TokensOp, LabelsOp>([&](auto o) { return sizeOf(o.getPositions(), depth + 1); })
      .Case([&](GatherOp o) { return sizeOf(o.getIndices(), depth + 1); })
      .Case([&](AmongOp o) { return sizeOf(o.getValues(), depth + 1); })
      .Default([&](Operation *) { return atom(vector); });
}

IndexRange IndexFacts::rangeOfAtom(Value atom, int depth) {
  if (isa<SequenceType>(atom.getType()))
    return {atom == decoder.getBody().getArgument(0), mostPositions};
  return isa<RankedTensorType>(atom.getType()) ? IndexRange{0, mostElements} : rangeOf(atom, depth);
}

bool IndexFacts::isNotNegative(const IndexForm &form, int depth) {
  if (!isModerate(form))
    return false;
  int64_t least = form.constant;
  int open = 0;
  for (auto [atom, c] : form.terms) {
    IndexRange range = rangeOfAtom(atom, depth + 1);
    int64_t end = c > 0 ? range.low : range.high;
    if (end < -moderate || end > moderate)
      return false;
    least += c * end;
    // One counter may have no bound above: a sum that wraps is negative, which no use of it takes.
    if (range.low < -moderate || range.high > moderate)
      open += c == 1 && range.low >= -moderate ? 1 : 2;
  }
  return open < 2 && least >= 0;
}

//===----------------------------------------------------------------------===//
// What regions carry
//===----------------------------------------------------------------------===//

namespace {
/// The values from which a value comes through a region: a start and what a turn gives, or what branches give.
struct Sources {
  Operation *through = nullptr;
  SmallVector<Value, 2> values;
};
} // namespace

static Sources sourcesOf(Value value) {
  Operation *parent = nullptr;
  unsigned number = 0;
  bool inside = false;
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    parent = argument.getOwner()->getParentOp();
    number = argument.getArgNumber();
    inside = true;
  } else {
    parent = value.getDefiningOp();
    number = cast<OpResult>(value).getResultNumber();
  }
  if (auto loop = dyn_cast<scf::ForOp>(parent)) {
    if (inside && number-- == 0)
      return {};
    return {parent, {loop.getInitArgs()[number], loop.getYieldedValues()[number]}};
  }
  if (auto loop = dyn_cast<scf::WhileOp>(parent)) {
    if (inside && cast<BlockArgument>(value).getOwner() == loop.getBeforeBody())
      return {parent, {loop.getInits()[number], loop.getYieldOp().getOperand(number)}};
    return {parent, {loop.getConditionOp().getArgs()[number]}};
  }
  if (auto loop = dyn_cast<DenoiseOp>(parent)) {
    unsigned first = inside ? 2 : 1;
    if (number < first)
      return {};
    number -= first;
    auto yield = cast<YieldOp>(loop.getBody().front().getTerminator());
    return {parent, {loop.getInits()[number], yield.getCarried()[number]}};
  }
  if (auto branch = dyn_cast<scf::IfOp>(parent); branch && !inside)
    return {parent, {branch.thenYield().getOperand(number), branch.elseYield().getOperand(number)}};
  return {};
}

//===----------------------------------------------------------------------===//
// Ranges
//===----------------------------------------------------------------------===//

static IndexRange hull(IndexRange a, IndexRange b) { return {std::min(a.low, b.low), std::max(a.high, b.high)}; }

/// a + b or a - b. A side without a bound stays so; what goes on counting in steps that are not small may wrap.
static IndexRange add(IndexRange a, IndexRange b) {
  if (!(a.isBelow(moderate) && b.isBelow(moderate)) && !a.isBelow(small) && !b.isBelow(small))
    return unknown;
  auto side = [](int64_t x, int64_t y, int64_t infinite) {
    int64_t r;
    return x == infinite || y == infinite || __builtin_add_overflow(x, y, &r) || std::abs(r) > 4 * moderate ? infinite
                                                                                                            : r;
  };
  return {side(a.low, b.low, INT64_MIN), side(a.high, b.high, INT64_MAX)};
}
static IndexRange negated(IndexRange a) {
  return {a.high == INT64_MAX ? INT64_MIN : -a.high, a.low == INT64_MIN ? INT64_MAX : -a.low};
}

/// What arithmetic of fewer bits than 64 leaves of a range.
static IndexRange inType(Type type, IndexRange range) {
  auto integer = dyn_cast<IntegerType>(getElementTypeOrSelf(type));
  if (!integer || integer.getWidth() > 32)
    return range;
  int64_t half = int64_t(1) << (integer.getWidth() - 1);
  return range.low >= -half && range.high < half ? range : IndexRange{-half, half - 1};
}

static IndexRange rangeOfConstant(DenseElementsAttr dense) {
  if (!dense.getElementType().isIntOrIndex() || dense.empty() || dense.getNumElements() > small)
    return unknown;
  IndexRange r = {INT64_MAX, INT64_MIN};
  for (const APInt &v : dense.getValues<APInt>()) {
    if (v.getSignificantBits() > 41)
      return unknown;
    r = hull(r, {v.getSExtValue(), v.getSExtValue()});
  }
  return r;
}

IndexRange IndexFacts::rangeOfOp(Operation *op, int depth) {
  auto of = [&](Value v) { return rangeOf(v, depth + 1); };
  auto isNatural = [](IndexRange r) { return r.low >= 0; };
  return llvm::TypeSwitch<Operation *, IndexRange>(op)
      .Case([&](arith::AddIOp o) { return add(of(o.getLhs()), of(o.getRhs())); })
      .Case([&](arith::SubIOp o) { return add(of(o.getLhs()), negated(of(o.getRhs()))); })
      .Case([&](arith::MulIOp o) {
        IndexRange a = of(o.getLhs()), b = of(o.getRhs());
        int64_t most;
        if (!isNatural(a) || !isNatural(b) || __builtin_mul_overflow(a.high, b.high, &most) || most > moderate)
          return unknown;
        return IndexRange{a.low * b.low, most};
      })
      .Case<arith::DivUIOp, arith::DivSIOp>([&](auto o) {
        IndexRange a = of(o.getLhs()), b = of(o.getRhs());
        return isNatural(a) && isNatural(b) ? IndexRange{0, a.high} : unknown;
      })
      .Case([&](arith::RemUIOp o) {
        IndexRange b = of(o.getRhs());
        return isNatural(b) ? IndexRange{0, b.high} : unknown;
      })
      .Case<arith::MinSIOp, arith::MaxSIOp>([&](auto o) {
        IndexRange a = of(o.getLhs()), b = of(o.getRhs());
        return isa<arith::MinSIOp>(op) ? IndexRange{std::min(a.low, b.low), std::min(a.high, b.high)}
                                       : IndexRange{std::max(a.low, b.low), std::max(a.high, b.high)};
      })
      .Case<arith::MinUIOp, arith::MaxUIOp>([&](auto o) {
        IndexRange a = of(o.getLhs()), b = of(o.getRhs());
        if (!isNatural(a) || !isNatural(b))
          return unknown;
        return isa<arith::MinUIOp>(op) ? IndexRange{std::min(a.low, b.low), std::min(a.high, b.high)}
                                       : IndexRange{std::max(a.low, b.low), std::max(a.high, b.high)};
      })
      .Case([&](arith::SelectOp o) { return hull(of(o.getTrueValue()), of(o.getFalseValue())); })
      .Case<arith::IndexCastOp, arith::ExtSIOp, arith::IndexCastUIOp, arith::ExtUIOp>([&](auto o) {
        IndexRange from = of(o.getIn());
        auto width = [](Value v) {
          Type type = getElementTypeOrSelf(v.getType());
          return type.isIndex() ? 64u : type.getIntOrFloatBitWidth();
        };
        bool isUnsigned = isa<arith::IndexCastUIOp, arith::ExtUIOp>(op);
        unsigned in = width(o.getIn()), out = width(op->getResult(0));
        if (in < 64 && isUnsigned)
          return isNatural(from) && from.high < (int64_t(1) << (in - 1)) ? from : IndexRange{0, (int64_t(1) << in) - 1};
        return out >= in || from.isBelow((int64_t(1) << (out - 1)) - 1) ? from : unknown;
      })
      .Case([&](SettingOp o) {
        std::optional<int64_t> n = fixedSetting(o, decoder);
        return n ? IndexRange{*n, *n} : unknown;
      })
      .Case<LengthOp, CommittedOp, FirstOpenOp, FindStopOp, OpenOp>([](auto) { return IndexRange{0, mostPositions}; })
      .Case<CountOp, LeadingOp, tensor::DimOp, WhichOp>([](auto) { return IndexRange{0, mostElements}; })
      .Case([](EvaluationOp) { return IndexRange{0, INT64_MAX}; })
      .Case([&](SpanOp o) { return IndexRange{of(o.getFrom()).low, add(of(o.getTo()), {-1, -1}).high}; })
      .Case([&](tensor::SplatOp o) { return of(o.getInput()); })
      .Case([&](tensor::ExtractOp o) { return of(o.getTensor()); })
      .Case([&](GatherOp o) { return of(o.getValues()); })
      .Case([&](tensor::ExtractSliceOp o) { return of(o.getSource()); })
      .Case([&](tensor::CastOp o) { return of(o.getSource()); })
      .Case([](tensor::EmptyOp) { return IndexRange{0, 0}; })
      .Case([&](tensor::ConcatOp o) {
        std::optional<IndexRange> all;
        for (Value part : o.getInputs())
          if (!(sizeOf(part, depth + 1) == number(0)))
            all = all ? hull(*all, of(part)) : of(part);
        return all.value_or(IndexRange{0, 0});
      })
      .Default([](Operation *) { return unknown; });
}

IndexRange IndexFacts::rangeOf(Value value, int depth) {
  if (isTooLong(depth))
    return unknown;
  for (auto &[known, range] : assumedRanges)
    if (known == value)
      return range;
  if (std::optional<int64_t> n = constantOf(value))
    return {*n, *n};
  DenseElementsAttr dense;
  if (matchPattern(value, m_Constant(&dense)))
    return rangeOfConstant(dense);
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    if (argument == decoder.getBody().getArgument(1))
      return {1, mostTokens};
    auto loop = dyn_cast<scf::ForOp>(argument.getOwner()->getParentOp());
    if (loop && argument.getArgNumber() == 0) {
      // The step is positive, or the run fails.
      IndexRange from = rangeOf(loop.getLowerBound(), depth + 1), to = rangeOf(loop.getUpperBound(), depth + 1);
      return {from.low, to.high == INT64_MAX ? to.high : to.high - 1};
    }
    auto denoise = dyn_cast<DenoiseOp>(argument.getOwner()->getParentOp());
    if (denoise && argument.getArgNumber() == 1)
      return {0, mostPositions};
  }
  Sources sources = sourcesOf(value);
  if (!sources.through)
    return inType(value.getType(), value.getDefiningOp() ? rangeOfOp(value.getDefiningOp(), depth) : unknown);
  if (isa<scf::IfOp>(sources.through) || sources.values.size() == 1) {
    IndexRange all = rangeOf(sources.values.front(), depth + 1);
    for (Value v : llvm::drop_begin(sources.values))
      all = hull(all, rangeOf(v, depth + 1));
    return all;
  }
  IndexRange start = rangeOf(sources.values[0], depth + 1), guess = start;
  for (int widened = 0; widened < 3; ++widened) {
    assumedRanges.push_back({value, guess});
    IndexRange next = rangeOf(sources.values[1], depth + 1);
    assumedRanges.pop_back();
    if (next.low >= guess.low && next.high <= guess.high)
      return guess;
    guess = {next.low < guess.low ? INT64_MIN : guess.low, next.high > guess.high ? INT64_MAX : guess.high};
  }
  return unknown;
}

//===----------------------------------------------------------------------===//
// Bounds
//===----------------------------------------------------------------------===//

/// Does a form mean the same number in every turn of a loop, or branch?
static bool isFixedIn(Operation *region, const IndexForm &form) {
  return llvm::none_of(form.terms, [&](auto &term) {
    Operation *at = term.first.getDefiningOp();
    if (!at)
      at = cast<BlockArgument>(term.first).getOwner()->getParentOp();
    else if (at == region)
      return false;
    return region->isAncestor(at);
  });
}

bool IndexFacts::isAtLeast(Value value, const IndexForm &bound, int depth) {
  if (isTooLong(depth))
    return false;
  if (llvm::is_contained(assumedBounds, std::pair(value, bound)))
    return true;
  bool isVector = isa<RankedTensorType>(value.getType());
  if (isVector && sizeOf(value, depth + 1) == number(0))
    return true;
  if (!isVector && isNotNegative(sum(formOf(value, depth + 1), bound, -1), depth + 1))
    return true;
  if (bound.terms.empty() && rangeOf(value, depth + 1).low >= bound.constant)
    return true;

  auto all = [&](auto &&values) {
    return llvm::all_of(values, [&](Value v) { return isAtLeast(v, bound, depth + 1); });
  };
  auto any = [&](auto &&values) {
    return llvm::any_of(values, [&](Value v) { return isAtLeast(v, bound, depth + 1); });
  };
  if (Sources sources = sourcesOf(value); sources.through) {
    if (!isFixedIn(sources.through, bound))
      return false;
    assumedBounds.push_back({value, bound});
    bool holds = all(sources.values);
    assumedBounds.pop_back();
    return holds;
  }
  Operation *op = value.getDefiningOp();
  if (!op)
    return false;
  auto isNatural = [&](Value v) { return rangeOf(v, depth + 1).low >= 0; };
  return llvm::TypeSwitch<Operation *, bool>(op)
      .Case<SpanOp, OpenOp>([&](auto o) { return isAtLeast(o.getFrom(), bound, depth + 1); })
      .Case([&](tensor::SplatOp o) { return isAtLeast(o.getInput(), bound, depth + 1); })
      .Case([&](tensor::ConcatOp o) { return all(o.getInputs()); })
      .Case([&](tensor::ExtractSliceOp o) { return isAtLeast(o.getSource(), bound, depth + 1); })
      .Case([&](tensor::ExtractOp o) { return isAtLeast(o.getTensor(), bound, depth + 1); })
      .Case([&](tensor::CastOp o) { return isAtLeast(o.getSource(), bound, depth + 1); })
      .Case([&](GatherOp o) { return isAtLeast(o.getValues(), bound, depth + 1); })
      .Case([&](arith::SelectOp o) {
        return isAtLeast(o.getTrueValue(), bound, depth + 1) && isAtLeast(o.getFalseValue(), bound, depth + 1);
      })
      .Case([&](arith::MaxSIOp o) { return any(o->getOperands()); })
      .Case([&](arith::MinSIOp o) { return all(o->getOperands()); })
      // As signed ones, of numbers that are not negative.
      .Case([&](arith::MaxUIOp o) { return llvm::all_of(o->getOperands(), isNatural) && any(o->getOperands()); })
      .Case([&](arith::MinUIOp o) { return llvm::all_of(o->getOperands(), isNatural) && all(o->getOperands()); })
      .Case([&](arith::AddIOp o) {
        if (!isVector)
          return false;
        for (auto [a, b] : {std::pair(o.getLhs(), o.getRhs()), std::pair(o.getRhs(), o.getLhs())}) {
          IndexRange by = rangeOf(b, depth + 1);
          if (by.low >= 0 && by.high <= moderate && isAtLeast(a, bound, depth + 1))
            return true;
          auto splat = b.getDefiningOp<tensor::SplatOp>();
          if (!splat)
            continue;
          IndexForm less = sum(bound, formOf(splat.getInput(), depth + 1), -1);
          if (isModerate(less) && rangeOf(a, depth + 1).isBelow(moderate) && isAtLeast(a, less, depth + 1))
            return true;
        }
        return false;
      })
      .Default([](Operation *) { return false; });
}
