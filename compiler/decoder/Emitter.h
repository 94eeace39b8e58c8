//===- Emitter.h - writes the body of an advance function -------------------===//
//
// What the lowerings of single ops share: the values of the decoder as LLVM values, fields of the ABI's structs, calls
// of the host's functions, checks that end the decoder, loops over tensors.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_COMPILER_DECODER_EMITTER_H
#define QUOIN_COMPILER_DECODER_EMITTER_H

#include "compiler/decoder/DecoderLowering.h"
#include "compiler/decoder/ValueLayout.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "llvm/ADT/StringMap.h"
#include <optional>

namespace quoin::decoder {

/// A tensor's elements, and how many.
struct TensorParts {
  mlir::Value data, size;
  mlir::Type element; ///< as a scalar in registers
};

/// What all functions of a module share.
class ModuleTables {
public:
  ModuleTables(mlir::ModuleOp module, llvm::SmallVector<MaskAttr> &masks);
  /// A constant text, with a zero at its end.
  mlir::LLVM::GlobalOp text(llvm::StringRef text);
  /// Constant elements of a tensor, as they lie in memory.
  mlir::LLVM::GlobalOp elements(mlir::Location loc, mlir::DenseElementsAttr values, mlir::Type stored);
  int64_t mask(MaskAttr mask);

private:
  mlir::LLVM::GlobalOp add(mlir::Location loc, mlir::Type type, llvm::StringRef stem, mlir::Attribute value);

  mlir::ModuleOp module;
  mlir::SymbolTable symbols;
  llvm::StringMap<mlir::LLVM::GlobalOp> texts;
  llvm::SmallVector<MaskAttr> &masks;
};

class Emitter {
public:
  Emitter(mlir::LLVM::LLVMFuncOp function, ModuleTables &tables, const DecoderLoweringOptions &options);

  mlir::ImplicitLocOpBuilder b;
  ModuleTables &tables;
  const DecoderLoweringOptions &options;
  mlir::Value state;                         ///< the quoin_state_t *
  llvm::SmallVector<llvm::StringRef> inputs; ///< names, in the order of the decoder's tables
  llvm::SmallVector<LoweredTensor> outputs;  ///< as in its table
  mlir::Type i1, i8, i32, i64, f32, f64, pointer;

  //===--- The decoder's values ---===//
  llvm::ArrayRef<mlir::Value> parts(mlir::Value value) const { return values.find(value)->second; }
  mlir::Value get(mlir::Value value) const { return parts(value).front(); }
  TensorParts tensor(mlir::Value value) const;
  void set(mlir::Value value, mlir::ValueRange lowered) { values[value].assign(lowered.begin(), lowered.end()); }
  void set(mlir::Value value, const TensorParts &t) { values[value].assign({t.data, t.size}); }
  /// The parts of all values, one after the other.
  llvm::SmallVector<mlir::Value> flat(mlir::ValueRange range) const;

  /// Where a model stands in the program's table; fails with a diagnostic on `op` if it is not there.
  mlir::FailureOr<int64_t> model(mlir::Operation *op, mlir::FlatSymbolRefAttr symbol) const;

  //===--- Constants and memory ---===//
  mlir::Value integer(mlir::Type type, int64_t value);
  mlir::Value constant(int64_t value) { return integer(i64, value); }
  mlir::Value null();
  mlir::Value at(mlir::Value base, int64_t offset);
  mlir::Value load(mlir::Type type, mlir::Value base, int64_t offset = 0);
  void store(mlir::Value value, mlir::Value base, int64_t offset = 0);
  mlir::Value loadElement(const TensorParts &t, mlir::Value index);
  void storeElement(const TensorParts &t, mlir::Value index, mlir::Value value);
  /// A quoin_tensor_t in memory.
  void storeTensor(const TensorParts &t, mlir::Value base, int64_t offset);
  TensorParts loadTensor(mlir::Type element, mlir::Value base, int64_t offset);
  TensorParts emptyTensor(mlir::Type element) { return {null(), constant(0), element}; }

  //===--- Comparisons, checks, calls ---===//
  mlir::Value compare(mlir::LLVM::ICmpPredicate predicate, mlir::Value lhs, mlir::Value rhs);
  mlir::Value add(mlir::Value lhs, mlir::Value rhs);
  mlir::Value sub(mlir::Value lhs, mlir::Value rhs);
  mlir::Value mul(mlir::Value lhs, mlir::Value rhs);
  /// Goes on if `ok`; else the decoder fails with the text and two numbers (see `fail` in program.h). Texts are the
  /// interpreter's (dialects/reference), which raises the same errors.
  void require(mlir::Value ok, llvm::StringRef text, mlir::Value first, mlir::Value second);
  /// "<op> expects <expected> <parts>, but found <found>".
  void requireEqual(mlir::Value expected, mlir::Value found, const llvm::Twine &op, llvm::StringRef parts);
  /// Calls a function of quoin_host_t; the decoder fails with it.
  mlir::Value callHost(size_t member, mlir::Type result, mlir::ValueRange arguments);
  /// A quoin_tensor_t that lives until the next call; `slot` 0 to 3.
  mlir::Value scratch(unsigned slot) { return at(scratchTensors, 16 * static_cast<int64_t>(slot)); }
  mlir::Value scratch(unsigned slot, const TensorParts &t);
  mlir::Value allocate(mlir::Value bytes);
  /// A size that a tensor may have.
  void requireSize(mlir::Value size, llvm::StringRef op);
  TensorParts allocateTensor(mlir::Type element, mlir::Value size, llvm::StringRef op);

  //===--- Control flow ---===//
  mlir::Block *newBlock(mlir::TypeRange arguments = {});
  void forEach(mlir::Value count, llvm::function_ref<void(mlir::Value)> body);
  mlir::Value reduce(mlir::Value count, mlir::ValueRange inits,
                     llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::Value, mlir::ValueRange)> body);
  void copyElements(const TensorParts &from, const TensorParts &to, mlir::Value offset);
  mlir::Block *entry() { return &function.getBody().front(); }
  void returnStatus(int32_t status) { mlir::LLVM::ReturnOp::create(b, integer(i32, status)); }

private:
  mlir::LLVM::LLVMFuncOp function;
  llvm::DenseMap<mlir::Value, llvm::SmallVector<mlir::Value, 2>> values;
  mlir::Block *failed = nullptr;
  mlir::Value scratchTensors;
};

/// Each lowers the ops of its group; nothing if the op is of another one.
std::optional<mlir::LogicalResult> lowerSequenceOp(Emitter &e, mlir::Operation *op);
std::optional<mlir::LogicalResult> lowerVectorOp(Emitter &e, mlir::Operation *op);
std::optional<mlir::LogicalResult> lowerTensorOp(Emitter &e, mlir::Operation *op);
std::optional<mlir::LogicalResult> lowerScalarOp(Emitter &e, mlir::Operation *op);
std::optional<mlir::LogicalResult> lowerLogitsOp(Emitter &e, mlir::Operation *op);
std::optional<mlir::LogicalResult> lowerNamedOp(Emitter &e, mlir::Operation *op);

/// Fill in the request of a suspension; what lives across it is the caller's business.
mlir::LogicalResult writeForward(Emitter &e, SuspendForwardOp op);
void writeForwardSlots(Emitter &e, mlir::Value sequence, mlir::Value to, mlir::Value ids, mlir::Value positions,
                       mlir::Value labels, mlir::ValueRange columns, mlir::Value read);
mlir::LogicalResult writeScore(Emitter &e, SuspendScoreOp op);
void writeScores(Emitter &e, SuspendScoresOp op);
mlir::LogicalResult writeApply(Emitter &e, SuspendApplyOp op);

/// exp, log, sin, powers and so on, to less than one unit in the last place of f32 and without a library; null for
/// another op.
mlir::Value emitFunction(Emitter &e, mlir::Operation *op, mlir::ValueRange operands);
/// True if the final conversion has a way for this op of the math dialect that needs no library.
bool isSupportedMath(mlir::Operation *op);
/// arith and math -> llvm.
mlir::LogicalResult finishScalars(mlir::LLVM::LLVMFuncOp function);

} // namespace quoin::decoder

#endif
