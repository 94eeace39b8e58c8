//===- QuoinInterpret.h - what the files of quoin-interpret share ----------===//

#ifndef QUOIN_TOOLS_QUOIN_INTERPRET_H
#define QUOIN_TOOLS_QUOIN_INTERPRET_H

#include "dialects/reference/Program.h"
#include "mlir/IR/OwningOpRef.h"
#include "tools/quoin-run/QuoinRun.h"
#include "llvm/Support/SourceMgr.h"

namespace quoin {

/// A parsed module and the program in it. Diagnostics go to the standard error with the lines of the file.
class LoadedProgram {
public:
  /// Null after a diagnostic.
  static std::unique_ptr<LoadedProgram> load(const std::string &file);

  const ref::Program &program() const { return *loaded; }
  /// Where the weights and the tokenizer are.
  const std::string &folder() const { return source; }

private:
  LoadedProgram();

  mlir::MLIRContext context;
  llvm::SourceMgr sources;
  mlir::SourceMgrDiagnosticHandler handler;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  std::string source;
  std::unique_ptr<ref::Program> loaded;
};

/// Runs all requests and prints their answers in order, or the error of one that failed. False if one did.
bool runRequests(const LoadedProgram &loaded, const Options &options, std::vector<Request> requests);

/// Writes the model's scores for `ids` under a mask formula to a safetensors file, as `logits`, float64.
bool writeLogits(const LoadedProgram &loaded, const std::string &ids, const std::string &mask, const std::string &file);

} // namespace quoin

#endif
