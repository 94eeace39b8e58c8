//===- Kernels.h - the kernels a program is made of --------------------------===//
//
// One function per distinct shape, named after it. Two rules hold for all of them.
//
// A row's bits. Every element of a result is made by one fixed sequence of operations that depends on shapes known at
// compile time, never on how many rows there are or on which worker does it. Register tiles for fewer rows therefore
// repeat the sequence of the full tile exactly.
//
// Padding. Rows of activations are `rowStride` apart; what lies between a row's width and its stride may hold anything
// and is never read into a result.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_COMPILER_CPU_KERNELS_H
#define QUOIN_COMPILER_CPU_KERNELS_H

#include "compiler/cpu/KernelBuilder.h"
#include "dialects/quoin/BlockMask.h"
#include "dialects/stage/Geometry.h"

namespace quoin::cpu {

using stage::groupsOf;
using stage::isWhole;
using stage::lineBytes;
using stage::lineElements;
using stage::PageLayout;
using stage::productSteps;
using stage::roundUp;
using stage::rowBytes;
using stage::rowStride;
using stage::Storage;
using stage::storageBytes;
using stage::Stored;
using stage::tileBytes;
using stage::tileColumns;

llvm::StringRef storageName(Storage s);

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

/// What is multiplied, which decides the arithmetic; sums are always f32.
enum class Arithmetic {
  F32,     ///< F32 by rows of F32
  F16,     ///< F16, widened, by rows of F32
  Widened, ///< pairs of BF16, widened, by rows of F32
  Pairs,   ///< pairs of BF16 by rows of BF16 (KernelBuilder::dotPairs)
  Bytes,   ///< I8 by rows of I8 (WholeTile.cpp)
  Nibbles  ///< I4 by rows of I8
};
inline bool isWhole(Arithmetic a) { return a == Arithmetic::Bytes || a == Arithmetic::Nibbles; }
/// Rows are narrow only where the machine multiplies pairs quickly: elsewhere that would cost precision for nothing.
inline Arithmetic arithmeticOf(Storage matrix, const KernelOptions &options) {
  if (isWhole(matrix))
    return matrix == Storage::I8 ? Arithmetic::Bytes : Arithmetic::Nibbles;
  if (matrix == Storage::BF16)
    return options.brain ? Arithmetic::Pairs : Arithmetic::Widened;
  return matrix == Storage::F32 ? Arithmetic::F32 : Arithmetic::F16;
}
inline Storage storageOf(Arithmetic a) {
  return a == Arithmetic::F32       ? Storage::F32
         : a == Arithmetic::F16     ? Storage::F16
         : a == Arithmetic::Bytes   ? Storage::I8
         : a == Arithmetic::Nibbles ? Storage::I4
                                    : Storage::BF16;
}
inline Storage rowsOf(Arithmetic a) {
  return a == Arithmetic::Pairs ? Storage::BF16 : isWhole(a) ? Storage::I8 : Storage::F32;
}

struct LinearShape {
  int64_t k = 0;
  int64_t n = 0; ///< columns of the result
  Arithmetic arithmetic = Arithmetic::F32;
  int64_t sources = 1; ///< matrices beside each other in a tile, with a sum of each for an element of the result
  bool bias = false;
  Storage result = Storage::F32; ///< of the rows it gives
  /// The formula on numbers that makes an element of the sums, and of the same element of `others` rows of F32; or
  /// null.
  mlir::Block *end = nullptr;
  int64_t others = 0;
  int64_t group = 0; ///< whole numbers that share a scale; 0: all of k

  Storage storage() const { return storageOf(arithmetic); }

  /// Result columns that a packed tile gives.
  int64_t tileOutputs() const { return tileColumns / sources; }
  int64_t tiles() const { return (n + tileOutputs() - 1) / tileOutputs(); }
  int64_t tileBytes() const { return stage::tileBytes(k, {storage(), group}); }
};

/// (A, packed W, bias or null, others.., out, rows, first tile, last tile)
mlir::LLVM::LLVMFuncOp linearKernel(KernelBuilder &kb, const LinearShape &shape);
/// Different for different shapes.
std::string linearName(const LinearShape &shape);
/// What follows the sums of `rows` rows of one tile, of which `width` result columns exist: (sums, bias, others.., out,
/// rows), all at their first row and column. `name` is the product's.
mlir::LLVM::LLVMFuncOp endKernel(KernelBuilder &kb, const LinearShape &shape, llvm::StringRef name, int64_t width);

/// What a pass over k fetches for later: `eighths` of the bytes that it reads itself, from `from` on.
struct Prefetch {
  Val from, eighths;
  llvm::ArrayRef<int64_t> shares; ///< what `eighths` may be; if none, nothing is fetched
  int64_t parts = 1;              ///< the tile is passed over in so many parts, which fetch a part each
};

/// Fetches in each of the rounds of a pass, which reads so many bytes in a round, whatever the parts.
class Fetcher {
public:
  Fetcher(KernelBuilder &kb, const Prefetch &prefetch, int64_t roundBytes, Val rounds);
  void fetch(Val round);
  /// What all rounds of a part fetch.
  Val partBytes() const { return stride * streams; }

private:
  KernelBuilder &kb;
  Prefetch prefetch;
  int64_t roundBytes;
  Val each, stride, streams; ///< bytes of a stream in a round and in all, and how many there are
};

/// The register tile: `rows.size()` x `vectors` sums over k, in order, one accumulator each. Not of whole numbers.
llvm::SmallVector<Vals, 4> productTile(KernelBuilder &kb, llvm::ArrayRef<Val> rows, Val weight, Val k, int64_t vectors,
                                       Arithmetic arithmetic, Prefetch prefetch = {});

/// Whole numbers, of groups of so many.
struct WholeFormat {
  bool nibbles = false; ///< I4, else I8
  int64_t group = 0;    ///< 0: all of k
};
/// The same of whole numbers: exact sums of each group, times its scale, added in the order of the groups; then times
/// the scale of the row.
llvm::SmallVector<Vals, 4> wholeTile(KernelBuilder &kb, llvm::ArrayRef<Val> rows, Val weight, Val k, int64_t vectors,
                                     WholeFormat format, Prefetch prefetch);
/// Bytes that a round of it reads, and how many rounds a tile of depth k has.
int64_t wholeRoundBytes(WholeFormat format);
Val wholeRounds(KernelBuilder &kb, Val k);

/// (rows of F32, rows of I8, begin, end): rounds rows of a width.
mlir::LLVM::LLVMFuncOp quantizeKernel(KernelBuilder &kb, int64_t width);
/// One row: its elements, from the address of 16 of them on and of so many that count, to a row of I8.
void quantizeRow(KernelBuilder &kb, int64_t width, llvm::function_ref<Val(Val byte, int64_t floats)> load, Val to);

/// The vectors beside each other of which `rows` rows have their sums in registers, with the matrix's and a broadcast:
/// of the four of a line as many as fit, at least one.
int64_t vectorsAtOnce(const KernelOptions &options, int64_t rows);

/// Rows of a register tile at most: 6 x 4 sums, 4 vectors of the weight and a broadcast fill 29 of 32 registers, and
/// where there are 16 that hold half a vector each, 6 x 1 sums fill 15.
inline constexpr int64_t maxPassRows = 6;

struct RowPass {
  Val row, rows;         ///< rows [row, row + rows), at most six
  Val prefetch, eighths; ///< fetches so much of the tile's size from there on
};

/// Cuts any number of rows into passes, and says what each of them prefetches.
class RowPasses {
public:
  RowPasses(KernelBuilder &kb, Val rows);
  /// Emits a loop over the passes for one tile, which fetch the one behind it, or `next`.
  void each(Val tile, int64_t tileBytes, llvm::function_ref<void(const RowPass &)> body);
  void each(Val tile, Val next, int64_t tileBytes, llvm::function_ref<void(const RowPass &)> body);

private:
  KernelBuilder &kb;
  Val sixes, rest, passes, eighths;
};

/// Rows of a product lie so many bytes apart, or each where a list of bytes says.
enum class RowsLie { Apart, Anywhere };

/// (A, bytes between its rows or the list of their bytes behind A, W, k, sums [rows][64], prefetch, rows, eighths): one
/// pass over one tile.
mlir::LLVM::LLVMFuncOp passKernel(KernelBuilder &kb, Arithmetic arithmetic, RowsLie lie = RowsLie::Apart,
                                  int64_t group = 0);
void callPass(KernelBuilder &kb, const LinearShape &shape, Val a, Val weight, Val sums, const RowPass &pass);

/// Products of rows with the matrices of the experts that they chose.
struct ExpertShape {
  LinearShape product; ///< with one expert; no bias, no residual, rows of F32
  int64_t experts = 0, choices = 0;
  bool each = false; ///< a row has features for each of its choices

  int64_t inputBytes() const { return rowBytes(each ? choices * product.k : product.k); }
  int64_t choiceBytes() const { return rowBytes(choices); }
  int64_t outputBytes() const { return rowBytes(choices * product.n); }
  int64_t expertBytes() const { return product.tiles() * product.tileBytes(); }
};

/// (x, choices, packed W, out, rows, worker, workers): all workers share it.
mlir::LLVM::LLVMFuncOp expertKernel(KernelBuilder &kb, const ExpertShape &shape);

//===----------------------------------------------------------------------===//
// Rows: kernels over the rows [begin, end)
//===----------------------------------------------------------------------===//

/// Calls `body(byte offset, floats)` for the vectors of `width` floats: whole ones in a loop, then what remains.
void overWidth(KernelBuilder &kb, int64_t width, llvm::function_ref<void(Val, int64_t)> body);
/// Which row of an operand goes with a row of the program.
enum class RowFrom {
  Same,    ///< that of the same number
  Read,    ///< of the number that the list of rows read has
  Sequence ///< that of its sequence
};
struct RowInput {
  RowFrom from = RowFrom::Same;
  Storage storage = Storage::F32; ///< or i32
};
/// A table of which a program reads one row.
struct RowTable {
  size_t column = 0; ///< the argument that has the number of its row
  Storage storage = Storage::F32;
  int64_t rowBytes = 0;
  int64_t rows = 0;  ///< a number that is none of so many gives zeros; 0: it has every number
  int64_t depth = 0; ///< its rows are columns of packed tiles of so many numbers; 0: each lies by itself
};
struct RowResult {
  Storage storage = Storage::F32; ///< or i32
  bool listed = false;            ///< rows go to the addresses of a list, without padding
};
/// The body of a row program, and how its rows are found.
struct RowProgram {
  mlir::Block *body = nullptr;
  llvm::SmallVector<RowInput, 4> inputs = {}; ///< arguments that are rows; vectors and rows of tables follow
  llvm::SmallVector<RowTable, 1> tables = {};
  llvm::SmallVector<RowResult, 2> results = {};
  bool readsSlots = false; ///< its rows are rows read: a sequence's is found by their numbers

  bool has(RowFrom from) const {
    return llvm::any_of(inputs, [&](const RowInput &input) { return input.from == from; });
  }
};
/// (rows.., vectors.., tables.., results.., read, begin, end), with groups and their number behind `read` where rows of
/// sequences are found. Columns of ids and positions are i32, without padding. A result that is listed is the list.
mlir::LLVM::LLVMFuncOp rowProgramKernel(KernelBuilder &kb, const RowProgram &program);
/// Stores 16 floats as BF16.
void storeNarrow(KernelBuilder &kb, Val value, Val address);
/// (quoin_layers_t, k, v, byte offset of the layer in a page, begin, end): rows of k and v, F32 or BF16, go into pages;
/// `packed`: they have no padding. `byPosition`: the row of a slot is the slot's position.
mlir::LLVM::LLVMFuncOp cacheKernel(KernelBuilder &kb, const PageLayout &page, bool packed = false,
                                   Storage rows = Storage::F32, bool byPosition = false);

//===----------------------------------------------------------------------===//
// Attention and masks: kernels that divide their work among the workers themselves
//===----------------------------------------------------------------------===//

struct AttentionShape {
  int64_t heads = 0;
  PageLayout page;
  double scale = 1;
  bool reads = false;                                 ///< queries are the rows read
  bool packed = false;                                ///< rows of queries and results have no padding
  bool lse = false;                                   ///< also gives the logarithm of each row's sum of exponentials
  bool blind = false;                                 ///< also notes the lowest query that sees no key
  bool byPosition = false;                            ///< a query's row in the tensors is its position
  Storage rows = Storage::F32, result = Storage::F32; ///< of queries and of results: F32 or BF16
  mlir::Block *score = nullptr;                       ///< the formula that a score goes through, if there is one
  int64_t rowBytes(Storage s) const {
    return packed ? heads * page.headDim * storageBytes(s) : cpu::rowBytes(heads * page.headDim, s);
  }
  int64_t lseRowBytes() const { return packed ? heads * 4 : cpu::rowBytes(heads, Storage::F32); }
};

/// (quoin_layers_t, q, out, byte offset of the layer in a page, worker, workers), then with `lse` where that goes, rows
/// of a number a head, and with `blind` the address of the lowest such query, which can only fall.
mlir::LLVM::LLVMFuncOp attentionKernel(KernelBuilder &kb, const AttentionShape &shape);

/// (quoin_layers_t, worker, workers): fills words and tiles of every group. `within` is a formula of some layers' own,
/// or null; `only` is that of all groups, or null.
mlir::LLVM::LLVMFuncOp maskKernel(KernelBuilder &kb, llvm::ArrayRef<BlockMask> masks, const BlockMask *within = nullptr,
                                  const BlockMask *only = nullptr);

//===----------------------------------------------------------------------===//
// The head
//===----------------------------------------------------------------------===//

struct HeadShape {
  int64_t hidden = 0, vocabulary = 0;
  Arithmetic arithmetic = Arithmetic::F32;
  int64_t weightOffset = 0;
  int64_t biasOffset = -1; ///< of as many f32 as tokens, padded to a tile; -1: none
  int64_t group = 0;       ///< of whole numbers

  LinearShape product() const {
    LinearShape shape{hidden, vocabulary, arithmetic};
    shape.group = group;
    return shape;
  }
  /// The vocabulary is cut by its own size alone, so that results do not depend on the workers.
  int64_t chunkTiles() const { return std::clamp<int64_t>(product().tiles() / 128, 1, 16); }
  int64_t chunks() const { return (product().tiles() + chunkTiles() - 1) / chunkTiles(); }
  int64_t inputBytes() const { return rowBytes(hidden, rowsOf(arithmetic)); }
  int64_t scratchRowBytes() const { return inputBytes() + chunks() * 64; }
};

/// Emits the exported `name(quoin_head_t, worker, workers)`.
mlir::LLVM::LLVMFuncOp headStep(KernelBuilder &kb, const HeadShape &shape, llvm::StringRef name);

//===----------------------------------------------------------------------===//
// Workers
//===----------------------------------------------------------------------===//

/// (quoin_barrier_t, workers): all workers meet.
mlir::LLVM::LLVMFuncOp barrierKernel(KernelBuilder &kb);

/// This worker's part [begin, end) of `count` things.
std::pair<Val, Val> share(KernelBuilder &kb, Val count, Val worker, Val workers);

} // namespace quoin::cpu

#endif
