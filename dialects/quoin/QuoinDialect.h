//===- QuoinDialect.h - the quoin dialect in C++ ---------------------------===//

#ifndef QUOIN_DIALECTS_QUOIN_QUOINDIALECT_H
#define QUOIN_DIALECTS_QUOIN_QUOINDIALECT_H

#include "dialects/quoin/BlockMask.h"
#include "dialects/quoin/ModelInterfaces.h"
#include "dialects/quoin/TokenOrder.h"
#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "dialects/quoin/QuoinEnums.h.inc"

#include "dialects/quoin/QuoinDialect.h.inc"

#define GET_TYPEDEF_CLASSES
#include "dialects/quoin/QuoinTypes.h.inc"

#define GET_ATTRDEF_CLASSES
#include "dialects/quoin/QuoinAttributes.h.inc"

namespace quoin {

class DecoderOp;

/// Calls of decoders may name it.
template <typename Op> struct IsModel : mlir::OpTrait::TraitBase<Op, IsModel> {};

/// Its body is a row program (RowProgram.h).
template <typename Op> struct HoldsRowProgram : mlir::OpTrait::TraitBase<Op, HoldsRowProgram> {};

/// Its region, if it is not empty, is a formula on numbers (RowProgram.h).
template <typename Op> struct HoldsFormula : mlir::OpTrait::TraitBase<Op, HoldsFormula> {};

/// The evaluation counter of a sequence.
struct CounterResource : mlir::SideEffects::Resource::Base<CounterResource> {
  llvm::StringRef getName() final { return "QuoinCounter"; }
};

/// The contents of a decoder's caches.
struct CacheResource : mlir::SideEffects::Resource::Base<CacheResource> {
  llvm::StringRef getName() final { return "QuoinCache"; }
};

/// What a decoder has given by name.
struct OutputResource : mlir::SideEffects::Resource::Base<OutputResource> {
  llvm::StringRef getName() final { return "QuoinOutput"; }
};

/// Names of the module attributes that a program needs to run alone.
namespace module_attr {
inline constexpr llvm::StringLiteral fill = "quoin.fill";
inline constexpr llvm::StringLiteral stop = "quoin.stop";
inline constexpr llvm::StringLiteral capacity = "quoin.capacity";
inline constexpr llvm::StringLiteral vocabulary = "quoin.vocabulary";
inline constexpr llvm::StringLiteral source = "quoin.source";
inline constexpr llvm::StringLiteral architecture = "quoin.architecture";
inline constexpr llvm::StringLiteral inexact = "quoin.inexact";
} // namespace module_attr

/// Positions of a module that does not say `quoin.capacity`.
inline constexpr int64_t defaultCapacity = 4096;

/// The most positions that `quoin.capacity` may say.
inline constexpr int64_t maxCapacity = int64_t(1) << 24;

/// May this be added to a mean of squares? Compiled programs do so in f32.
bool isEpsilon(const llvm::APFloat &epsilon);

/// The positions that a module has, said or not.
int64_t capacityOf(mlir::Operation *module);

/// The most features of a head of `quoin.attention`: a tile of rows must fit into a worker's stack.
inline constexpr int64_t maxHeadDim = 512;

/// The most experts of `quoin.expert_linear`: a worker counts the rows of each on its stack.
inline constexpr int64_t maxExperts = 4096;
/// And the most that a row may choose.
inline constexpr int64_t maxChoices = 256;

/// May scores be multiplied with this? Compiled programs do so in f32, and with log2(e) first.
bool isScale(const llvm::APFloat &scale);
/// Does a mask ask for nothing but positions and labels? Then whom a row sees does not change from call to call.
bool isOfPositionsAndLabels(MaskAttr mask);

/// Is it of what a sampler's transforms leave?
inline bool isFiltered(Statistic s) {
  return s == Statistic::FilteredBest || s == Statistic::FilteredEntropy || s == Statistic::FilteredMargin ||
         s == Statistic::FilteredMass;
}
/// The labels that an op gives tokens of a sequence, an index or a vector of them; null if it gives none but 0.
mlir::Value labelsGivenBy(mlir::Operation *op);

/// Does a decoder say where its models see tokens, so that a token's position may be another than its place?
bool givesPositions(DecoderOp decoder);

/// Settings of this name may be given again with a request in every decoder.
bool isRunTimeSetting(llvm::StringRef name);
/// And so may these of one decoder; the others are fixed by compilation.
bool isRunTimeSetting(DecoderOp decoder, llvm::StringRef name);
/// The attribute of a decoder that lists them.
inline constexpr llvm::StringLiteral runTimeAttr = "run_time";

} // namespace quoin

#define GET_OP_CLASSES
#include "dialects/quoin/QuoinOps.h.inc"

#endif
