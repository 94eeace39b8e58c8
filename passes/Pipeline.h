//===- Pipeline.h - the phases of the compiler -----------------------------===//
//
// One table says which phases there are, what each promises and which passes lead to it. Drivers, `--help`, the
// documentation and tests read it.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_PASSES_PIPELINE_H
#define QUOIN_PASSES_PIPELINE_H

#include "mlir/Pass/PassManager.h"

namespace quoin {

struct Phase {
  llvm::StringLiteral name;
  /// What holds once it is reached: one line.
  llvm::StringLiteral promise;
  /// Adds the passes that lead here from the phase before; level 0 or 2.
  void (*addPasses)(mlir::OpPassManager &pm, int level);
};

/// The phases, in order.
llvm::ArrayRef<Phase> phases();

/// Adds the passes that lead from phase `from` (empty: from the program as written) to phase `to` (empty: the last) at
/// optimisation level 0 or 2. Fails with a message if there is no such phase or `to` comes before `from`.
mlir::LogicalResult buildPipeline(mlir::OpPassManager &pm, llvm::StringRef from, llvm::StringRef to, int level,
                                  std::string &error);

/// Makes `--quoin-pipeline='from=.. to=.. level=..'` known to drivers.
void registerQuoinPipeline();

} // namespace quoin

#endif
