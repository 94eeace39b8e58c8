//===- main.cpp - quoin-opt: mlir-opt with the project's dialect and passes ===//

#include "dialects/stage/StageDialect.h"
#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/InitAllPasses.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "passes/Counters.h"
#include "passes/Passes.h"
#include "passes/Pipeline.h"
#include "llvm/Support/CommandLine.h"

static llvm::cl::opt<bool> statistics("quoin-statistics", llvm::cl::desc("Print what the passes counted to stderr"));

int main(int argc, char **argv) {
  mlir::registerAllPasses();
  quoin::registerQuoinPasses();
  quoin::registerQuoinPipeline();
  mlir::DialectRegistry registry;
  mlir::registerAllDialects(registry);
  mlir::registerAllExtensions(registry);
  registry.insert<quoin::QuoinDialect, quoin::stage::StageDialect>();
  int status = mlir::asMainReturnCode(mlir::MlirOptMain(argc, argv, "Quoin's optimiser driver\n", registry));
  if (statistics)
    quoin::printCounters(llvm::errs());
  return status;
}
