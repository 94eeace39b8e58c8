//===- JoinProducts.cpp - products of the same rows become one stage --------------===//
//
// Front to back, behind each product come those that multiply the same rows, and stand beside it:
//
//   1. they go up to it, in their order, if nothing that they end with is made in between;
//   2. they become one stage: the workers divide the columns of all, so none waits while another is at the last ones.
//
// Queries, keys and values are such products, gates and what they gate, a router and a shared expert. Each keeps its
// weight, bias, stored type and end, and its sums their order: no bit changes.
//
//===----------------------------------------------------------------------===//

#include "dialects/stage/StageDialect.h"
#include "passes/Counters.h"
#include "passes/Passes.h"
#include "passes/Remarks.h"

using namespace mlir;
using namespace quoin;
using namespace quoin::stage;

namespace quoin {
#define GEN_PASS_DEF_JOINPRODUCTSPASS
#include "passes/Passes.h.inc"
} // namespace quoin

namespace {
struct JoinProducts : quoin::impl::JoinProductsPassBase<JoinProducts> {
  Counter numJoined{"join-products", "num-products-beside-another"};

  void runOnOperation() override {
    int64_t joined = 0;
    for (auto first : llvm::make_early_inc_range(getOperation().getBody().getOps<ProductOp>()))
      if (!first.getBeside())
        joined += join(first);
    numJoined += joined;
    if (joined > 0)
      remark::passed(getOperation().getLoc(), remarkOn<JoinProducts>("Products"))
          << std::to_string(joined) + " products stand beside another of the same rows";
  }

private:
  /// Is all that it reads made before the product `first`?
  static bool mayStandBeside(ProductOp product, ProductOp first) {
    return llvm::all_of(product->getOperands(), [&](Value rows) {
      Operation *maker = rows.getDefiningOp();
      return !maker || maker->isBeforeInBlock(first);
    });
  }

  /// How many products it could put beside this one.
  int64_t join(ProductOp first) {
    SmallVector<ProductOp> others;
    for (Operation *user : first.getInput().getUsers())
      if (auto product = dyn_cast<ProductOp>(user); product && product.getInput() == first.getInput() &&
                                                    first->isBeforeInBlock(product) &&
                                                    !llvm::is_contained(others, product))
        others.push_back(product);
    llvm::sort(others, [](ProductOp a, ProductOp b) { return a->isBeforeInBlock(b); });
    int64_t joined = 0;
    ProductOp last = first;
    for (ProductOp product : others) {
      if (product.getBeside())
        continue;
      if (!mayStandBeside(product, first)) {
        remark::missed(product.getLoc(), remarkOn<JoinProducts>("Products"))
            << "it ends with rows that are made behind the product of the same rows";
        continue;
      }
      product->moveAfter(last);
      product.setBeside(true);
      last = product;
      ++joined;
    }
    return joined;
  }
};
} // namespace
