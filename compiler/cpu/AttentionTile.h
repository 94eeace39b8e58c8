//===- AttentionTile.h - attention of a few rows over all pages --------------===//
//
// The inner half of AttentionKernel.cpp, which cuts the work into tiles and deals them out.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_COMPILER_CPU_ATTENTIONTILE_H
#define QUOIN_COMPILER_CPU_ATTENTIONTILE_H

#include "compiler/cpu/Kernels.h"

namespace quoin::cpu {

/// Tokens whose rows share one line of quoin_group_t.tiles.
inline constexpr int64_t blockTokens = 64;

/// At most so many (token, query head) rows pass over the pages together, so that a page comes from memory once for all
/// of them and what is read of it again comes from the first-level cache. Their sums lie in the second; those of
/// threads in shared memory.
inline int64_t attentionTileRows(const KernelOptions &options) { return options.threads ? 8 : 128; }

/// The arguments of a tile's function, in order. A block is up to 64 tokens: those of a line of `tiles`, or reads.
struct TileArguments {
  Val group;
  Val block;            ///< its number in the group: its line of `tiles`; of no meaning for reads
  Val read;             ///< with reads: the block's entries of quoin_layers_t.read
  Val queries, outputs; ///< of the block's first token, or by position of the first of all, at the tile's key head
  Val lse;              ///< likewise, or null
  Val blind;            ///< where to note the lowest query that sees no key, or null
  Val firstToken;       ///< the block's, for such notes
  Val pageOffset;       ///< of the keys in a page
  Val firstRow, rows;   ///< of the block's rows, numbered (token, head), at most attentionTileRows
  Val firstHead;        ///< with a score: the first query head of the tile's key head
};

mlir::LLVM::LLVMFuncOp attentionTile(KernelBuilder &kb, const AttentionShape &shape);
void callAttentionTile(KernelBuilder &kb, mlir::LLVM::LLVMFuncOp tile, const TileArguments &arguments);

/// "attention_8_2_64_...": different for different shapes.
std::string attentionName(const AttentionShape &shape);

} // namespace quoin::cpu

#endif
