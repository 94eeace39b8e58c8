//===- Adapters.cpp - weights that an adapter changes ----------------------===//

#include "dialects/quoin/Adapters.h"
#include <cmath>
#include <limits>

using namespace mlir;
using namespace quoin;

static std::optional<AdapterUse> useOf(Attribute attribute) {
  auto parts = dyn_cast_or_null<ArrayAttr>(attribute);
  if (!parts || parts.size() != 3)
    return std::nullopt;
  auto down = dyn_cast<FlatSymbolRefAttr>(parts[0]), up = dyn_cast<FlatSymbolRefAttr>(parts[1]);
  auto times = dyn_cast<FloatAttr>(parts[2]);
  if (!down || !up || !times)
    return std::nullopt;
  return AdapterUse{down, up, times.getValueAsDouble()};
}

std::optional<AdapterUse> quoin::adapterOf(WeightOp weight) { return useOf(weight->getDiscardableAttr(adapterAttr)); }

LogicalResult quoin::verifyAdapter(Operation *op, Attribute attribute) {
  auto weight = dyn_cast<WeightOp>(op);
  std::optional<AdapterUse> use = useOf(attribute);
  if (!weight || !use || !(std::abs(use->times) <= std::numeric_limits<float>::max()))
    return op->emitOpError("expects '")
           << adapterAttr << "' on a weight, of the names of two weights and a finite number of f32, but found "
           << attribute;
  auto shapeOf = [](WeightOp of) {
    auto type = of ? dyn_cast<RankedTensorType>(of.getType()) : RankedTensorType();
    return type && type.getRank() == 2 && type.hasStaticShape() ? type : RankedTensorType();
  };
  auto find = [&](FlatSymbolRefAttr name) { return SymbolTable::lookupNearestSymbolFrom<WeightOp>(op, name); };
  WeightOp downWeight = find(use->down), upWeight = find(use->up);
  RankedTensorType type = shapeOf(weight), down = shapeOf(downWeight), up = shapeOf(upWeight);
  if (!type || !down || !up || down.getDimSize(1) != type.getDimSize(1) || up.getDimSize(0) != type.getDimSize(0) ||
      up.getDimSize(1) != down.getDimSize(0))
    return op->emitOpError("expects matrices [out, in], [rank, in] and [out, rank] of '")
           << adapterAttr << "', but found " << weight.getType() << ", "
           << (downWeight ? Attribute(TypeAttr::get(downWeight.getType())) : Attribute(use->down)) << " and "
           << (upWeight ? Attribute(TypeAttr::get(upWeight.getType())) : Attribute(use->up));
  for (WeightOp part : {downWeight, upWeight})
    if (part->hasAttr(adapterAttr))
      return op->emitOpError("expects matrices that nothing adapts, but found '@") << part.getSymName() << "' adapted";
  return success();
}
