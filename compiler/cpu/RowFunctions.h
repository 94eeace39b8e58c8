//===- RowFunctions.h - the functions of row programs on machine types ------===//
//
// What one op of a row program, or of a formula on numbers, becomes: on a number or on a vector of 16.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_COMPILER_CPU_ROWFUNCTIONS_H
#define QUOIN_COMPILER_CPU_ROWFUNCTIONS_H

#include "compiler/cpu/KernelBuilder.h"

namespace quoin::cpu {

/// So many lanes of an element of a row program: an index is i64.
mlir::Type machineType(KernelBuilder &kb, mlir::Type element, int64_t lanes);

/// A number of a constant, in all lanes.
Val literalOf(KernelBuilder &kb, mlir::Attribute value, mlir::Type element, int64_t lanes);

/// One of the ops that `isRowFunction` names, on so many lanes.
Val applyFunction(KernelBuilder &kb, mlir::Operation *op, llvm::ArrayRef<Val> in, int64_t lanes);

/// What a formula on numbers (`quoin.number`) makes of these, lane by lane.
Val emitFormula(KernelBuilder &kb, mlir::Block &formula, llvm::ArrayRef<Val> arguments);

/// Different for different formulas: part of the name of a kernel that has it in it.
std::string formulaName(mlir::Block *formula);

/// The same op on operands of other machine types, where upstream's means the same there.
Val copyOf(KernelBuilder &kb, mlir::Operation *op, llvm::ArrayRef<Val> in, mlir::Type type);

/// What changes nothing when the op of a reduction joins it.
Val neutralOf(KernelBuilder &kb, mlir::Operation *joins, int64_t lanes);

} // namespace quoin::cpu

#endif
