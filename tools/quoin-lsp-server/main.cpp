//===- main.cpp - quoin-lsp-server: editor support for .mlir programs ------===//

#include "dialects/stage/StageDialect.h"
#include "mlir/InitAllDialects.h"
#include "mlir/Tools/mlir-lsp-server/MlirLspServerMain.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  mlir::registerAllDialects(registry);
  registry.insert<quoin::QuoinDialect, quoin::stage::StageDialect>();
  return mlir::failed(mlir::MlirLspServerMain(argc, argv, registry));
}
