//===- Function.h - attention by itself, as an artefact --------------------===//
//
// A module that holds one function whose body is one `quoin.block_attention` becomes a folder with model.so, model.json
// and model.h: no weights, no decoder. The shared object exports `quoin_function_query` (program.h).
//
//   1. plan      which argument is what, which lengths are equal, the mask over slots instead of positions
//   2. step      one function that all workers run: a page table, then keys and values into pages and the mask
//                into words, then attention; the kernels are those of a model's step
//   3. object    descriptors of arguments and results, machine code, folder
//
// Nothing depends on a length: pages, words and tiles lie in the scratch of a call.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_COMPILER_FUNCTION_FUNCTION_H
#define QUOIN_COMPILER_FUNCTION_FUNCTION_H

#include "compiler/cpu/EmitObject.h"
#include "compiler/cpu/Kernels.h"
#include "dialects/quoin/QuoinDialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include <limits>
#include <string>
#include <vector>

namespace quoin {

struct FunctionOptions {
  std::string output;               ///< a folder
  std::string targetCpu = "native"; ///< or a CPU that LLVM knows
  bool object = false;              ///< model.o instead of model.so
  std::string input;                ///< the file it came from, which the folder must not replace
  std::string symbol;               ///< what model.o calls its query; empty: quoin_function_query
};

/// The function that `compileFunction` would compile: the module's only one that is not declared elsewhere, if it holds
/// a `quoin.block_attention` and the module no decoder. Null otherwise.
mlir::func::FuncOp findFunction(mlir::ModuleOp module);

/// Compiles the module's function into a folder. False with `error` set if it fails; then there is no folder.
bool compileFunction(mlir::ModuleOp module, const FunctionOptions &options, std::string &error);

//===----------------------------------------------------------------------===//
// The steps
//===----------------------------------------------------------------------===//

/// An argument or a result, as in quoin_tensor_type_t: a size of -1 - n is length number n of a call.
struct FunctionTensor {
  std::string name;
  int32_t dtype = 0;
  llvm::SmallVector<int64_t, 3> sizes;
  int64_t endsAt = std::numeric_limits<int64_t>::min(); ///< of offsets; see program.h
};

struct FunctionPlan {
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
  cpu::AttentionShape attention;

  int64_t querySize() const { return arguments[query].sizes[0]; }
  int64_t keySize() const { return arguments[key].sizes[0]; }
  bool ragged() const { return queryOffsets >= 0; }
};

/// Fails with a diagnostic on what is not supported.
mlir::FailureOr<FunctionPlan> planFunction(mlir::func::FuncOp function);

inline constexpr llvm::StringLiteral functionQueryName = "quoin_function_query";
inline constexpr llvm::StringLiteral functionStepName = "function_step";
inline constexpr llvm::StringLiteral functionScratchName = "function_scratch_bytes";

/// Adds the two functions of quoin_function_program_t and the kernels they call to `program`.
void emitFunction(cpu::KernelBuilder &kb, const FunctionPlan &plan);

/// Adds the descriptors and `quoin_function_query`.
void emitDescriptors(mlir::ModuleOp program, const FunctionPlan &plan, llvm::StringRef requiredFeatures);

} // namespace quoin

#endif
