//===- Pipeline.h - the phases of the compiler -----------------------------===//
//
// One table says which phases there are, what each promises and which passes lead to it. Drivers, `--help`, the
// documentation and tests read it.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_PASSES_PIPELINE_H
#define QUOIN_PASSES_PIPELINE_H

#include "mlir/Pass/PassManager.h"
#include "passes/Passes.h"
#include <optional>

namespace quoin {

/// An approximation that was asked for.
struct Approximation {
  ApproximationPolicy policy = ApproximationPolicy::Dual;
  int64_t refresh = 0;
};

struct PhaseOptions {
  /// 0: as many calls as published, 2: all exact passes.
  int level = 2;
  std::optional<Approximation> approximate;
};

struct Phase {
  llvm::StringLiteral name;
  /// What holds once it is reached: one line.
  llvm::StringLiteral promise;
  /// Adds the passes that lead here from the phase before.
  void (*addPasses)(mlir::OpPassManager &pm, const PhaseOptions &options);
};

/// The phases, in order.
llvm::ArrayRef<Phase> phases();

/// Adds the passes that lead from phase `from` (empty: from the program as written) to phase `to` (empty: the last).
/// Fails with a message if there is no such phase, `to` comes before `from`, or the approximation belongs to a phase
/// that is left out.
mlir::LogicalResult buildPipeline(mlir::OpPassManager &pm, llvm::StringRef from, llvm::StringRef to,
                                  const PhaseOptions &options, std::string &error);

/// Reads `policy` or `policy,refresh=N`; nothing and a message if it is neither.
std::optional<Approximation> parseApproximation(llvm::StringRef text, std::string &error);

/// Makes `--quoin-pipeline='from=.. to=.. level=.. approximate=..'` known to drivers.
void registerQuoinPipeline();

} // namespace quoin

#endif
