//===- Inventory.cpp - what a model costs, read off its stages -------------===//

#include "compiler/driver/Inventory.h"
#include <map>

using namespace mlir;
using namespace quoin;
using namespace quoin::stage;

/// What matrices are stored as that are not whole numbers: as the head's, else as a product's.
static Type wideElementOf(StepOp step) {
  Type found = Float32Type::get(step.getContext());
  for (auto product : step.getBody().getOps<ProductOp>())
    if (!product.getWeight().getScaled())
      found = product.getWeight().getElement();
  HeadOp head = step.getHead();
  return head && !head.getWeight().getScaled() ? head.getWeight().getElement() : found;
}

/// Bytes of a matrix's numbers and their scales, without padding.
static int64_t bytesOf(Type element, int64_t out, int64_t in) {
  Stored stored = storedAs(element);
  if (isWhole(stored.storage))
    return out * in * (stored.storage == Storage::I8 ? 8 : 4) / 8 + out * groupsOf(in, stored) * 4;
  return out * in * storageBytes(stored.storage);
}

ModelInventory quoin::takeInventory(StepOp step) {
  ModelInventory all;
  all.name = step.getSymName().str();
  // Of each shape, the products and their bytes. Matrices that are not whole numbers count as the head's.
  std::map<std::pair<int64_t, int64_t>, std::pair<int64_t, int64_t>> counts;
  Type wide = wideElementOf(step);
  auto add = [&](int64_t out, int64_t in, int64_t weights, WeightAttr weight) {
    auto &[count, bytes] = counts[{out, in}];
    count += weights;
    bytes += weights * bytesOf(weight.getScaled() ? weight.getElement() : wide, out, in);
  };
  for (auto product : step.getBody().getOps<ProductOp>()) {
    int64_t out = bufferOf(product.getOutput()).getWidth(), in = bufferOf(product.getInput()).getWidth();
    auto weights = static_cast<int64_t>(product.getWeight().getSources().size());
    add(out, in, weights, product.getWeight());
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
  if (HeadOp head = step.getHead()) {
    all.hidden = head.getInput().getType().getWidth();
    all.vocabulary = head.getWeight().getLayout().getSourceShape()[0];
    add(all.vocabulary, all.hidden, 1, head.getWeight());
    all.flopsPerRow += 2 * all.vocabulary * all.hidden;
  }
  for (auto [shape, cost] : counts) {
    auto [out, in] = shape;
    auto [count, bytes] = cost;
    ProductCost product{std::to_string(out) + "x" + std::to_string(in), count, bytes, count * 2 * out * in};
    all.weightBytesPerStep += product.bytes;
    all.products.push_back(product);
  }
  return all;
}
