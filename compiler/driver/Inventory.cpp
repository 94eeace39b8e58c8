//===- Inventory.cpp - what a model costs, read off its stages -------------===//

#include "compiler/driver/Inventory.h"
#include <map>

using namespace mlir;
using namespace quoin;
using namespace quoin::stage;

ModelInventory quoin::takeInventory(StepOp step) {
  ModelInventory all;
  all.name = step.getSymName().str();
  std::map<std::pair<int64_t, int64_t>, int64_t> counts;
  for (auto product : step.getBody().getOps<ProductOp>()) {
    int64_t out = bufferOf(product.getOutput()).getWidth(), in = bufferOf(product.getInput()).getWidth();
    auto weights = static_cast<int64_t>(product.getWeight().getSources().size());
    counts[{out, in}] += weights;
    (bufferOf(product.getOutput()).getSpace() == Space::Sequence ? all.flopsPerSequence : all.flopsPerRow) +=
        weights * 2 * out * in;
  }
  for (auto experts : step.getBody().getOps<ExpertsOp>()) {
    SmallVector<int64_t, 3> shape = experts.getWeight().getLayout().getSourceShape();
    auto weights = static_cast<int64_t>(experts.getWeight().getSources().size());
    ExpertCost cost{std::to_string(shape[1]) + "x" + std::to_string(shape[2]), 0, shape[0],
                    bufferOf(experts.getChoice()).getWidth()};
    auto same = llvm::find_if(all.experts, [&](const ExpertCost &c) {
      return c.shape == cost.shape && c.experts == cost.experts && c.chosen == cost.chosen;
    });
    ExpertCost &sum = same == all.experts.end() ? all.experts.emplace_back(cost) : *same;
    int64_t numbers = weights * shape[1] * shape[2];
    sum.count += weights;
    sum.bytesPerExpert += numbers * storageBytes(storageOf(experts.getWeight().getElement()));
    sum.flopsPerRow += 2 * numbers * cost.chosen;
    all.flopsPerRow += 2 * numbers * cost.chosen;
  }
  for (auto attend : step.getBody().getOps<AttendOp>()) {
    PagesType pages = attend.getPages().getType();
    all.heads = attend.getHeads();
    all.kvHeads = pages.getHeads();
    all.headDim = pages.getHeadDim();
    all.flopsPerRowAndKey += 4 * all.heads * all.headDim;
  }
  // Attentions may share their keys and values.
  for (auto cache : step.getBody().getOps<stage::CacheOp>()) {
    PagesType pages = cache.getPages().getType();
    ++all.layers;
    all.cacheBytesPerToken += 2 * pages.getHeads() * pages.getHeadDim() * storageBytes(pages.getLayout().storage);
  }
  int64_t bytesPerWeight = 4;
  if (HeadOp head = step.getHead()) {
    all.hidden = head.getInput().getType().getWidth();
    all.vocabulary = head.getWeight().getLayout().getSourceShape()[0];
    bytesPerWeight = storageBytes(storageOf(head.getWeight().getElement()));
    ++counts[{all.vocabulary, all.hidden}];
    all.flopsPerRow += 2 * all.vocabulary * all.hidden;
  } else {
    for (auto product : step.getBody().getOps<ProductOp>())
      bytesPerWeight = storageBytes(storageOf(product.getWeight().getElement()));
  }
  for (auto [shape, count] : counts) {
    auto [out, in] = shape;
    ProductCost cost{std::to_string(out) + "x" + std::to_string(in), count, count * out * in * bytesPerWeight,
                     count * 2 * out * in};
    all.weightBytesPerStep += cost.bytes;
    all.products.push_back(cost);
  }
  return all;
}
