//===- main.cpp - quoin-opt: mlir-opt with the project's dialect and passes ===//

#include "dialects/quoin/QuoinDialect.h"
#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/InitAllPasses.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"

int main(int argc, char **argv) {
  mlir::registerAllPasses();
  mlir::DialectRegistry registry;
  mlir::registerAllDialects(registry);
  mlir::registerAllExtensions(registry);
  registry.insert<quoin::QuoinDialect>();
  return mlir::asMainReturnCode(mlir::MlirOptMain(argc, argv, "Quoin's optimiser driver\n", registry));
}
