//===- Inventory.h - what a model costs, read off its ops ------------------===//
//
// Bytes of weights and operations per row for every product of a model. The metadata shows them, and the benchmark
// computes the roofline of a step from them: bytes are read once a step, operations are done for each row, or for each
// sequence.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_COMPILER_DRIVER_INVENTORY_H
#define QUOIN_COMPILER_DRIVER_INVENTORY_H

#include "dialects/stage/StageDialect.h"
#include <string>
#include <vector>

namespace quoin {

/// All products of one shape.
struct ProductCost {
  std::string shape; // "128x64", out by in
  int64_t count = 0;
  int64_t bytes = 0; // of all of them together
  int64_t flopsPerRow = 0;
};

/// All products with experts of one shape: a step reads of each the matrices of experts that some row chose.
struct ExpertCost {
  std::string shape;               // "768x2048", out by in
  int64_t count = 0;               // weights
  int64_t experts = 0, chosen = 0; // of each weight, and by each row
  int64_t bytesPerExpert = 0;      // of all of these weights together
  int64_t flopsPerRow = 0;
};

struct ModelInventory {
  std::string name;
  int64_t hidden = 0, vocabulary = 0, layers = 0, heads = 0, kvHeads = 0, headDim = 0;
  int64_t weightBytesPerStep = 0; // all products and the head; not experts, nor the embedding, of which a row is read
  int64_t flopsPerRow = 0;        // all products, with experts, too, and the head
  int64_t flopsPerSequence = 0;   // products of what all rows of a sequence share, in no row's
  int64_t flopsPerRowAndKey = 0;  // attention
  int64_t cacheBytesPerToken = 0; // keys and values, all layers
  std::vector<ProductCost> products;
  std::vector<ExpertCost> experts;
};

/// Reads the costs off the step of a model, whose types are decided. A weight that is not whole numbers counts as
/// many bytes as one of the head, the largest.
ModelInventory takeInventory(stage::StepOp step);

} // namespace quoin

#endif
