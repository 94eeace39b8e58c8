//===- WeightSource.h - the tensors that quoin.weight ops name -------------===//

#ifndef QUOIN_COMPILER_DRIVER_WEIGHTSOURCE_H
#define QUOIN_COMPILER_DRIVER_WEIGHTSOURCE_H

#include "compiler/cpu/WeightPacking.h"
#include "dialects/quoin/QuoinDialect.h"
#include "support/CheckpointTensors.h"

namespace quoin {

/// Maps the files that a module's weights refer to, when first asked for one.
class WeightSource {
public:
  /// Files are relative to `folder`.
  WeightSource(mlir::ModuleOp module, std::string folder);

  /// Finds the tensor of a `quoin.weight` symbol, or those that it gathers; checks that the file has them with the op's
  /// type and shape.
  bool read(llvm::StringRef symbol, cpu::SourceTensor &out, std::string &error);

private:
  bool find(WeightOp weight, const std::string &name, mlir::RankedTensorType type, cpu::SourceTensor &out,
            std::string &error);

  mlir::SymbolTable table;
  CheckpointTensors tensors;
};

} // namespace quoin

#endif
