//===- Functions.h - attention by itself, on its way to stages ---------------===//
//
// A module without a decoder may hold one function whose body is one `quoin.block_attention`. It stays as what the host
// calls; `quoin-lower-to-stages` makes a `stage.step` of its body, which runs. What the host gives and what the step
// takes are joined by a plan, made of the function.
//
// Positions and slots of queries and keys are their indices and nothing is open, so the mask is rewritten over slots.
// Nothing depends on a length: pages, words and tiles are made for each call (runtime/src/function.cpp).
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_PASSES_STAGE_FUNCTIONS_H
#define QUOIN_PASSES_STAGE_FUNCTIONS_H

#include "dialects/stage/StageDialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include <limits>
#include <string>
#include <vector>

namespace quoin {

/// An argument or a result, as in quoin_tensor_type_t: a size of -1 - n is length number n of a call.
struct FunctionTensor {
  std::string name;
  mlir::Type element;
  llvm::SmallVector<int64_t, 3> sizes;
  int64_t endsAt = std::numeric_limits<int64_t>::min(); ///< of offsets; see program.h
};

struct FunctionPlan {
  BlockAttentionOp op;
  std::string name;
  std::vector<FunctionTensor> arguments, results;
  int64_t lengths = 0; ///< how many different ones a call has

  // Which argument is what; -1: none.
  int64_t query = -1, key = -1, value = -1, queryLabels = -1, keyLabels = -1, queryOffsets = -1, keyOffsets = -1;
  mlir::DenseIntElementsAttr queryLabelValues, keyLabelValues; ///< labels known now
  llvm::SmallVector<int64_t, 4> symbols;
  int64_t outResult = -1, lseResult = -1;

  bool labelled = false;
  BlockMask mask; ///< over slots; see PlanFunction.cpp
  /// Slots take the rows in this order, which stay where they lie; empty: one after the other.
  TokenOrder order;

  int64_t querySize() const { return arguments[query].sizes[0]; }
  int64_t keySize() const { return arguments[key].sizes[0]; }
  bool ragged() const { return queryOffsets >= 0; }
  bool sorted() const { return order.size() != 0; }
};

/// The module's only function that is not declared elsewhere, if it holds a `quoin.block_attention` and the module no
/// decoder. Null otherwise.
mlir::func::FuncOp findFunction(mlir::ModuleOp module);

/// Fails with a diagnostic on what is not supported.
mlir::FailureOr<FunctionPlan> planFunction(mlir::func::FuncOp function);

/// Makes the step of such a function, before it: its columns are queries, keys and values, and it gives the function's
/// results. Fails as `planFunction` does.
mlir::FailureOr<stage::StepOp> lowerFunction(mlir::func::FuncOp function);

/// The step that `lowerFunction` made. Fails with a diagnostic if there is none, or one that does something else than
/// the plan says: a text of stages may say anything.
mlir::FailureOr<stage::StepOp> stepOf(mlir::func::FuncOp function, const FunctionPlan &plan);

} // namespace quoin

#endif
