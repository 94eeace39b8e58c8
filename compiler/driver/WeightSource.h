//===- WeightSource.h - the tensors that quoin.weight ops name -------------===//

#ifndef QUOIN_COMPILER_DRIVER_WEIGHTSOURCE_H
#define QUOIN_COMPILER_DRIVER_WEIGHTSOURCE_H

#include "compiler/cpu/WeightPacking.h"
#include "dialects/quoin/QuoinDialect.h"
#include "support/Safetensors.h"
#include <map>
#include <memory>

namespace quoin {

/// Maps the files that a module's weights refer to, when first asked for one.
class WeightSource {
public:
  /// Files are relative to `folder`.
  WeightSource(mlir::ModuleOp module, std::string folder);

  /// Finds the tensor of a `quoin.weight` symbol; checks that the file has it with the op's type and shape.
  bool read(llvm::StringRef symbol, cpu::SourceTensor &out, std::string &error);

private:
  mlir::ModuleOp module;
  mlir::SymbolTable table;
  std::string folder;
  std::map<std::string, std::unique_ptr<SafetensorsFile>> files;
};

} // namespace quoin

#endif
