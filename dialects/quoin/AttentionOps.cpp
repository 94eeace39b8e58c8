//===- AttentionOps.cpp - attention by itself, rows in another order -------===//

#include "dialects/quoin/QuoinDialect.h"

using namespace mlir;
using namespace quoin;

static RankedTensorType typeOf(Value v) { return cast<RankedTensorType>(v.getType()); }

/// True if the two sizes are known to be different.
static bool differ(int64_t a, int64_t b) { return !ShapedType::isDynamic(a) && !ShapedType::isDynamic(b) && a != b; }

LogicalResult BlockAttentionOp::verify() {
  RankedTensorType query = typeOf(getQuery()), key = typeOf(getKey()), value = typeOf(getValue());
  // block_attention_c1
  int64_t heads = query.getDimSize(1), kvHeads = key.getDimSize(1);
  if (value.getDimSize(1) != kvHeads)
    return emitOpError("expects as many value heads as key heads ") << kvHeads << ", but found " << value.getDimSize(1);
  if (kvHeads <= 0 || heads <= 0 || heads % kvHeads != 0)
    return emitOpError("expects key heads that divide the query heads ") << heads << ", but found " << kvHeads;
  // block_attention_c2
  int64_t size = query.getDimSize(2);
  if (size < 8 || size > 256)
    return emitOpError("expects a head size from 8 to 256, but found ") << size;
  for (RankedTensorType type : {key, value})
    if (type.getDimSize(2) != size)
      return emitOpError("expects the query's head size ")
             << size << ", but found " << type.getDimSize(2) << " in " << type;
  // block_attention_c3
  if (differ(key.getDimSize(0), value.getDimSize(0)))
    return emitOpError("expects as many values as keys ") << key.getDimSize(0) << ", but found " << value.getDimSize(0);
  // block_attention_c4
  size_t symbols = getMask().getFormula().symbols().size();
  if (getSymbols().size() != symbols)
    return emitOpError("expects ") << symbols << " symbols of the mask, but found " << getSymbols().size();
  // block_attention_c5
  if (getQueryLabels()) {
    auto check = [&](Value labels, int64_t length, StringRef whose) -> LogicalResult {
      if (!differ(typeOf(labels).getDimSize(0), length))
        return success();
      return emitOpError("expects ") << length << " labels of the " << whose << ", but found "
                                     << typeOf(labels).getDimSize(0);
    };
    if (failed(check(getQueryLabels(), query.getDimSize(0), "queries")) ||
        failed(check(getKeyLabels(), key.getDimSize(0), "keys")))
      return failure();
  }
  // block_attention_c7
  for (const LabelArray &array : getMask().getFormula().arrays()) {
    auto count = static_cast<int64_t>(array.values.size());
    if (getQueryLabels())
      return emitOpError("expects labels of the mask or operands, but found '") << array.name << "' and operands";
    if (size_t first = getMask().getFormula().arrays().front().values.size(); first != array.values.size())
      return emitOpError("expects ") << first << " labels '" << array.name << "', as many as of '"
                                     << getMask().getFormula().arrays().front().name << "', but found " << count;
    for (auto [length, whose] : {std::pair(query.getDimSize(0), "queries"), std::pair(key.getDimSize(0), "keys")})
      if (differ(count, length))
        return emitOpError("expects ") << length << " labels '" << array.name << "', as many as " << whose
                                       << ", but found " << count;
  }
  // block_attention_c6
  if (getLse() && typeOf(getLse()).getShape() != query.getShape().take_front(2))
    return emitOpError("expects 'lse' of shape ")
           << RankedTensorType::get(query.getShape().take_front(2), typeOf(getLse()).getElementType()) << ", but found "
           << getLse().getType();
  // block_attention_c8
  for (RankedTensorType type : {key, value})
    if (type.getElementType() != query.getElementType())
      return emitOpError("expects the query's element type ")
             << query.getElementType() << ", but found " << type.getElementType();
  // block_attention_c9
  if (getQueryOffsets()) {
    int64_t queries = typeOf(getQueryOffsets()).getDimSize(0), keys = typeOf(getKeyOffsets()).getDimSize(0);
    if (differ(queries, keys))
      return emitOpError("expects as many offsets of keys as of queries ") << queries << ", but found " << keys;
    if (queries == 0 || keys == 0)
      return emitOpError("expects at least one offset, but found none");
  }
  // block_attention_c10
  if (!isScale(getScale()))
    return emitOpError("expects a finite scale below 2^126, but found ") << getScaleAttr();
  return success();
}

LogicalResult PermuteRowsOp::verify() {
  // permute_rows_c1
  auto type = cast<RankedTensorType>(getInput().getType());
  int64_t rows = type.getRank() == 0 ? 0 : type.getDimSize(0), size = getOrder().getOrder().size();
  if (rows != size)
    return emitOpError("expects an order of ") << rows << " rows, but found one of " << size;
  return success();
}

/// permute_rows(permute_rows(x, a), inverse of a) -> x, and the identity does nothing.
OpFoldResult PermuteRowsOp::fold(FoldAdaptor) {
  if (getOrder().getOrder().isIdentity())
    return getInput();
  auto before = getInput().getDefiningOp<PermuteRowsOp>();
  if (before && getOrder().getOrder().after(before.getOrder().getOrder()).isIdentity())
    return before.getInput();
  return {};
}
