//===- Weights.h - the checkpoint behind a module's weights ----------------===//

#ifndef QUOIN_DIALECTS_REFERENCE_WEIGHTS_H
#define QUOIN_DIALECTS_REFERENCE_WEIGHTS_H

#include "dialects/quoin/QuoinDialect.h"
#include "dialects/reference/Matrix.h"
#include "llvm/ADT/StringMap.h"
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <tuple>

namespace quoin {
class CheckpointTensors;
}

namespace quoin::ref {

/// A weight widened to float64.
struct Weight {
  /// `[out, in]` as stored; a vector is one row, matrices of rank 3 lie below each other.
  Matrix stored;
  /// `[in, out]`, for products; of matrices alone.
  Matrix transposed;
  /// How many matrices there are.
  int64_t matrices = 1;
  /// The type that it is stored as; numbers of a formula are not rounded to it.
  mlir::Type element = {};
};

/// The product that scores hidden rows, and what is added to it, if anything.
struct Head {
  const Weight *weight = nullptr, *bias = nullptr;
};

/// All weights of a module by symbol. They do not change once loaded.
class Weights {
public:
  /// Reads the files that `quoin.weight` ops name in `folder`, and evaluates formulas. Errors are on the ops.
  static mlir::FailureOr<Weights> load(mlir::ModuleOp module, llvm::StringRef folder);
  /// One weight, and what its formula reads.
  static mlir::FailureOr<Weights> load(WeightOp weight, CheckpointTensors &files);

  /// Never null for a symbol that the verifier has seen.
  const Weight *find(llvm::StringRef symbol) const;
  const Weight *find(mlir::FlatSymbolRefAttr symbol) const { return find(symbol.getValue()); }
  /// A matrix as whole numbers of so many bits stand for it, `group` of a row (0: all of it) sharing a scale; made when
  /// it is first asked for, by whichever thread.
  const Weight &rounded(llvm::StringRef symbol, int bits, int64_t group) const;

private:
  mlir::LogicalResult add(WeightOp op, CheckpointTensors &files, mlir::SymbolTableCollection &table);

  llvm::StringMap<Weight> weights;
  struct Rounded {
    std::mutex mutex;
    std::map<std::tuple<std::string, int, int64_t>, Weight> weights;
  };
  std::unique_ptr<Rounded> whole = std::make_unique<Rounded>();
};

} // namespace quoin::ref

#endif
