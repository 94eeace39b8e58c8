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

/// The phase table as a page of the documentation.
static void printPhases() {
  llvm::outs()
      << "# Phases\n\n`quoin-compile --compile-to=PHASE` stops after one, `--compile-from=PHASE` begins behind one.\n\n"
         "| Phase | What holds there |\n|---|---|\n";
  for (const quoin::Phase &p : quoin::phases())
    llvm::outs() << "| `" << p.name << "` | " << p.promise << " |\n";
}

int main(int argc, char **argv) {
  if (argc == 2 && llvm::StringRef(argv[1]) == "--quoin-phases") {
    printPhases();
    return 0;
  }
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
