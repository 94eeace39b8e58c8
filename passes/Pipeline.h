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
  /// What matrices are stored as.
  WeightStorage weights = WeightStorage::Keep;
  /// Numbers of Int8 or Int4 that share a scale; 0: a column of Int8, 128 of Int4.
  int64_t group = 0;
  /// What the head's matrix is stored as: Int8, Int4, or Keep: no whole numbers, else what `weights` says.
  WeightStorage head = WeightStorage::Keep;
  /// The target multiplies pairs of bf16 faster than it would in f32.
  bool pairs = false;
};

struct Phase {
  llvm::StringLiteral name;
  /// What holds once it is reached: one line.
  llvm::StringLiteral promise;
  /// Adds the passes that lead here from the phase before; null for a phase that is no IR of ours but a target's code.
  void (*addPasses)(mlir::OpPassManager &pm, const PhaseOptions &options);

  bool isCode() const { return !addPasses; }
};

/// The phases, in order; those that are code come last.
llvm::ArrayRef<Phase> phases();
/// The phase of that name, or null.
const Phase *findPhase(llvm::StringRef name);
/// Phases of the IR alone.
llvm::ArrayRef<Phase> phasesOfIR();

/// Adds the passes that lead from phase `from` (empty: from the program as written) to phase `to` (empty: the last
/// of the IR). Fails with a message if there is no such phase, `to` comes before `from`, or the approximation belongs
/// to a phase that is left out.
mlir::LogicalResult buildPipeline(mlir::OpPassManager &pm, llvm::StringRef from, llvm::StringRef to,
                                  const PhaseOptions &options, std::string &error);

/// Reads `policy` or `policy,refresh=N`; nothing and a message if it is neither.
std::optional<Approximation> parseApproximation(llvm::StringRef text, std::string &error);

/// Reads `keep`, `f32`, `bf16`, `int8` or `int4`; nothing and a message if it is none of them.
std::optional<WeightStorage> parseWeightStorage(llvm::StringRef text, std::string &error);
/// The same of the head's matrix, which `keep`, `int8` or `int4` are said of.
std::optional<WeightStorage> parseHeadStorage(llvm::StringRef text, std::string &error);

/// Makes `--quoin-pipeline='from=.. to=.. level=.. approximate=..'` known to drivers.
void registerQuoinPipeline();

} // namespace quoin

#endif
