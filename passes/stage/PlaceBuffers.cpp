//===- PlaceBuffers.cpp - places of buffers in scratch, of layers in a page -===//
//
// Stages run in their order, so a buffer lives from the stage that makes it to the last one that reads it; products
// beside each other are one stage. Front to back, the result of each stage gets
//
//   1. the place of an operand that dies there, of the same type, where the stage reads each element before it writes
//   it
//   2. else the smallest place that is free and large enough
//   3. else a new one
//
//===----------------------------------------------------------------------===//

#include "dialects/stage/ScanStage.h"
#include "passes/Counters.h"
#include "passes/Passes.h"
#include "passes/Remarks.h"

using namespace mlir;
using namespace quoin;
using namespace quoin::stage;

namespace quoin {
#define GEN_PASS_DEF_PLACEBUFFERSPASS
#include "passes/Passes.h.inc"
} // namespace quoin

namespace {
struct PlaceBuffers : quoin::impl::PlaceBuffersPassBase<PlaceBuffers> {
  Counter numPlaces{"place-buffers", "num-places"};
  Counter numInPlace{"place-buffers", "num-results-in-place"};

  void runOnOperation() override {
    StepOp step = getOperation();
    if (step.getPlaces()) {
      remark::missed(step.getLoc(), remarkOn<PlaceBuffers>("Places")) << "the step has places already";
      return;
    }
    number.clear();
    places.clear();
    int64_t stages = 0;
    for (Operation &op : step.getBody().front()) {
      auto product = dyn_cast<ProductOp>(op);
      number[&op] = product && product.getBeside() ? stages : ++stages;
    }
    for (Operation &op : step.getBody().front())
      for (Value result : scratchResults(&op))
        place(&op, cast<OpResult>(result).getResultNumber(), result);
    SmallVector<int64_t> bytes;
    int64_t total = 0;
    for (const Place &p : places) {
      bytes.push_back(p.bytes);
      total += p.bytes;
    }
    step.setPlaces(bytes);
    numPlaces += places.size();
    placeLayers(step);
    remark::passed(step.getLoc(), remarkOn<PlaceBuffers>("Places"))
        << std::to_string(places.size()) + " places, " + std::to_string(total) + " bytes a row";
  }

private:
  struct Place {
    int64_t bytes = 0;
    int64_t freeAfter = -1; ///< the last stage that needs what it holds
  };
  SmallVector<Place> places;
  DenseMap<Operation *, int64_t> number;

  int64_t lastStage(Value buffer) {
    int64_t last = number.lookup(buffer.getDefiningOp());
    for (Operation *user : buffer.getUsers())
      last = std::max(last, number.lookup(user));
    return last;
  }

  /// Does a product beside this one read it, too?
  bool isReadBeside(Operation *op, Value buffer) {
    return llvm::any_of(buffer.getUsers(),
                        [&](Operation *user) { return user != op && number.lookup(user) == number.lookup(op); });
  }

  /// Has another result of the same stage got this place?
  static bool isTaken(Operation *op, unsigned before, int64_t place) {
    return llvm::any_of(op->getResults().take_front(before), [&](Value other) { return placeOf(other) == place; });
  }

  void place(Operation *op, unsigned index, Value result) {
    int64_t now = number.lookup(op), bytes = bufferOf(result).getRowBytes();
    std::optional<int64_t> chosen;
    for (OpOperand *donor : cast<StageOpInterface>(op).getDonors(index))
      if (Value given = donor->get();
          lastStage(given) == now && given.getType() == result.getType() && !isReadBeside(op, given))
        if (std::optional<int64_t> its = placeOf(given); its && !isTaken(op, index, *its))
          chosen = its;
    numInPlace += chosen.has_value();
    if (!chosen)
      for (auto [i, p] : llvm::enumerate(places))
        if (p.freeAfter < now && p.bytes >= bytes && (!chosen || p.bytes < places[*chosen].bytes))
          chosen = i;
    if (!chosen) {
      chosen = places.size();
      places.push_back({bytes});
    }
    setPlace(result, *chosen);
    places[*chosen].freeAfter = lastStage(result);
  }

  void placeLayers(StepOp step) {
    int64_t page = 0;
    for (auto cache : step.getBody().getOps<stage::CacheOp>()) {
      cache.setOffset(page);
      page += cache.getPages().getType().getLayout().layerBytes();
    }
    step.setPage(page);
    int64_t kept = 0;
    for (auto scan : step.getBody().getOps<stage::ScanOp>()) {
      scan.setKept(kept);
      kept += keptBytes(scan);
    }
  }
};
} // namespace
