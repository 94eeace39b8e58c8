//===- WeightSource.h - the tensors that quoin.weight ops name -------------===//

#ifndef QUOIN_COMPILER_DRIVER_WEIGHTSOURCE_H
#define QUOIN_COMPILER_DRIVER_WEIGHTSOURCE_H

#include "compiler/cpu/WeightPacking.h"
#include "dialects/quoin/QuoinDialect.h"
#include "support/CheckpointTensors.h"

namespace quoin {

/// Maps the files that a module's weights refer to, when first asked for one, and evaluates those that are formulas.
class WeightSource {
public:
  /// Files are relative to `folder`.
  WeightSource(mlir::ModuleOp module, std::string folder);

  /// Finds the tensor of a `quoin.weight` symbol, or those that it gathers, or evaluates it; checks that the file has
  /// them with the op's type and shape, and those of its adapter. What is found lives as long as this does.
  bool read(llvm::StringRef symbol, cpu::SourceTensor &out, std::string &error);

private:
  bool readOwn(WeightOp weight, cpu::SourceTensor &out, std::string &error);
  bool evaluate(WeightOp weight, cpu::SourceTensor &out, std::string &error);
  static bool reshape(WeightOp weight, cpu::SourceTensor &tensor);
  bool find(WeightOp weight, const std::string &name, llvm::ArrayRef<int64_t> shape, cpu::SourceTensor &out,
            std::string &error);

  mlir::SymbolTable table;
  CheckpointTensors tensors;
  std::map<std::string, std::vector<uint8_t>, std::less<>> evaluated; ///< by symbol: what formulas made
};

} // namespace quoin

#endif
