//===- AttentionSpellings.cpp - what spellings around attention expand to ---===//

#include "dialects/quoin/AttentionShape.h"
#include "dialects/quoin/FormulaBuilder.h"
#include "dialects/quoin/RowProgram.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include <limits>

using namespace mlir;
using namespace quoin;

using Made = SmallVector<Value, 2>;

static constexpr double nothing = -std::numeric_limits<double>::infinity();

static int64_t widthOf(Value rows) { return cast<RankedTensorType>(rows.getType()).getShape().back(); }

static Term isNothing(Term lse) {
  return lse.builder->compare(arith::CmpFPredicate::OEQ, lse, lse.builder->constant(lse.shape(), nothing));
}

//===----------------------------------------------------------------------===//
// Parts put together
//===----------------------------------------------------------------------===//

Made MergeAttentionOp::expand(OpBuilder &b) {
  int64_t heads = widthOf(getLse()), size = widthOf(getOutput()) / heads;
  FormulaBuilder f(b, getLoc(), getOperands(), {}, {}, getResultTypes());
  Term lseA = f.argument(1), lseB = f.argument(3);
  // What a part weighs, and 0 for one that saw nothing, whose output may be anything.
  auto share = [&](Term part, Term lse, Term other) {
    Term rows = f.reshape(part, {heads, size}), weight = 1.0 / (exp(other - lse) + 1);
    return select(isNothing(spreadLike(lse, rows)), f.constant(rows.shape(), 0), rows * spreadLike(weight, rows));
  };
  Term out = share(f.argument(0), lseA, lseB) + share(f.argument(2), lseB, lseA);
  Term high = f.make<arith::MaximumFOp>(lseA, lseB), apart = f.make<math::AbsFOp>(lseA - lseB);
  Term lse = select(isNothing(high), high, high + f.make<math::Log1pOp>(exp(-apart)));
  return f.finish({f.reshape(out, {heads * size}), lse});
}

LogicalResult MergeAttentionOp::verify() {
  // merge_attention_c1
  if (widthOf(getOutput()) % widthOf(getLse()) == 0)
    return success();
  return emitOpError("expects logarithms of as many heads as divide the width ")
         << widthOf(getOutput()) << ", but found " << widthOf(getLse());
}

//===----------------------------------------------------------------------===//
// Mass
//===----------------------------------------------------------------------===//

/// Values that say whether a key is of group `first`, `first + 1`, ..: 1 or 0, the same for each key head.
static Value membersOf(AttentionMassOp op, OpBuilder &b, int64_t first) {
  int64_t heads = op.getKvHeads(), size = op.getHeadDim();
  FormulaBuilder f(b, op.getLoc(), op.getGroup(), {}, {}, op.getKey().getType());
  Term own = f.spread(f.argument(0), 1, size);
  Term numbers = f.spread(f.make<arith::AddIOp>(f.numbers(size), f.integer({size}, static_cast<int32_t>(first))), 0, 1);
  Term member =
      select(f.compare(arith::CmpIPredicate::eq, own, numbers), f.constant({1, size}, 1), f.constant({1, size}, 0));
  return f.finish(f.reshape(f.spread(f.reshape(member, {size}), 0, heads), {heads * size}))[0];
}

Made AttentionMassOp::expand(OpBuilder &b) {
  int64_t heads = getHeads(), size = getHeadDim(), groups = widthOf(getMass());
  SmallVector<Value> parts;
  for (int64_t first = 0; first < groups; first += size)
    parts.push_back(AttentionOp::create(b, getLoc(), getQuery().getType(), Type(), getQuery(), getKey(),
                                        membersOf(*this, b, first), Value(), getHeadsAttr(), getKvHeadsAttr(),
                                        getHeadDimAttr(), getScaleAttr(), getWithinAttr())
                        .getOutput());
  FormulaBuilder f(b, getLoc(), parts, {}, {}, getMass().getType());
  SmallVector<Term> means;
  for (unsigned i = 0; i < parts.size(); ++i) {
    int64_t own = std::min(size, groups - i * size);
    Term each = f.reshape(f.argument(i), {heads, size});
    Term mean = f.reduce<arith::AddFOp>(each, 0, f.constant({size}, 0)) / static_cast<double>(heads);
    means.push_back(own == size ? mean : f.slice(mean, 0, own));
  }
  return f.finish(f.concat(means));
}

LogicalResult AttentionMassOp::verify() {
  // attention_mass_c1 to attention_mass_c5
  int64_t heads = getHeads(), kvHeads = getKvHeads(), size = getHeadDim();
  if (failed(verifyAttention(*this, {heads, kvHeads, size, getScaleAttr(), getWithinAttr()}, getQuery(),
                             {{"a key", getKey()}})))
    return failure();
  // attention_mass_c6
  constexpr int64_t mostGroups = 1024;
  if (widthOf(getMass()) > mostGroups)
    return emitOpError("expects at most ") << mostGroups << " groups, but found " << widthOf(getMass());
  return success();
}

ModelOpCost AttentionMassOp::getCost() {
  int64_t size = getHeadDim(), attentions = (widthOf(getMass()) + size - 1) / size;
  return {0, 0, 1, 1, 4 * attentions * int64_t(getHeads()) * size};
}

int64_t AttentionMassOp::getStateWidth() { return getKvHeads() * getHeadDim() + 1; }
