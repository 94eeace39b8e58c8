//===- OpForms.h - what the generated definitions of ops need --------------===//
//
// The definitions are compiled in a few files, which are made with the build (CMakeLists.txt): in one they would take
// as long as all else of the dialect. Each file registers its own ops.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_DIALECTS_QUOIN_OPFORMS_H
#define QUOIN_DIALECTS_QUOIN_OPFORMS_H

#include "dialects/quoin/QuoinDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

namespace quoin {

/// The statistics of a score without the attribute's prefix.
mlir::ParseResult parseStatistics(mlir::OpAsmParser &parser, StatisticsAttr &attr);
void printStatistics(mlir::OpAsmPrinter &printer, mlir::Operation *op, StatisticsAttr attr);

/// Types of what a call gives: nothing is written where that is logits alone. They stand behind an arrow, for a colon
/// behind an attribute would begin the attribute's type.
mlir::ParseResult parseCallResults(mlir::OpAsmParser &parser, mlir::Type &logits,
                                   llvm::SmallVectorImpl<mlir::Type> &outputs);
void printCallResults(mlir::OpAsmPrinter &printer, mlir::Operation *op, mlir::Type logits, mlir::TypeRange outputs);

/// The type of rows' numbers: not written where it is that of the rows that are read.
mlir::ParseResult parseNumbersType(mlir::OpAsmParser &parser, mlir::Type &type);
void printNumbersType(mlir::OpAsmPrinter &printer, mlir::Operation *op, mlir::Type type);

/// Adds all ops of the generated definitions to the dialect, file by file.
void registerQuoinDialectOperations(QuoinDialect *dialect);
void registerQuoinDialectOperations0(QuoinDialect *dialect);
void registerQuoinDialectOperations1(QuoinDialect *dialect);
void registerQuoinDialectOperations2(QuoinDialect *dialect);
void registerQuoinDialectOperations3(QuoinDialect *dialect);

} // namespace quoin

#endif
