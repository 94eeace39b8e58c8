//===- Inventory.cpp - what a model costs, read off its ops ----------------===//

#include "compiler/driver/Inventory.h"
#include <map>

using namespace mlir;
using namespace quoin;

ModelInventory quoin::takeInventory(ModelOp model, int64_t bytesPerWeight, int64_t bytesPerKey) {
  ModelInventory all;
  std::map<std::pair<int64_t, int64_t>, int64_t> counts;
  auto width = [](Value v) { return cast<RankedTensorType>(v.getType()).getDimSize(1); };
  model.walk([&](Operation *op) {
    auto modelOp = dyn_cast<ModelOpInterface>(op);
    if (!modelOp)
      return;
    ModelOpCost cost = modelOp.getCost();
    if (cost.out)
      ++counts[{cost.out, cost.in}];
    all.flopsPerRowAndKey += cost.flopsPerRowAndKey;
    all.cacheBytesPerToken += modelOp.getStateWidth() * bytesPerKey;
    if (auto attention = dyn_cast<AttentionOp>(op)) {
      ++all.layers;
      all.heads = attention.getHeads();
      all.kvHeads = attention.getKvHeads();
      all.headDim = attention.getHeadDim();
    }
  });
  all.hidden = width(cast<HiddenOp>(model.getBody().front().back()).getRows());
  auto head = SymbolTable::lookupNearestSymbolFrom<WeightOp>(model, model.getHeadAttr());
  all.vocabulary = cast<RankedTensorType>(head.getType()).getDimSize(0);
  ++counts[{all.vocabulary, all.hidden}];
  for (auto [shape, count] : counts) {
    auto [out, in] = shape;
    ProductCost cost{std::to_string(out) + "x" + std::to_string(in), count, count * out * in * bytesPerWeight,
                     count * 2 * out * in};
    all.weightBytesPerStep += cost.bytes;
    all.flopsPerRow += cost.flopsPerRow;
    all.products.push_back(cost);
  }
  return all;
}
