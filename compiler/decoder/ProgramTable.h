//===- ProgramTable.h - the constant data that describes a program ----------===//
//
// The `quoin_program_t` of runtime/include/quoin/program.h with all it points to, and the one function that a program
// exports, `quoin_program_query`.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_COMPILER_DECODER_PROGRAMTABLE_H
#define QUOIN_COMPILER_DECODER_PROGRAMTABLE_H

#include "compiler/decoder/DecoderLowering.h"

namespace quoin::decoder {

/// The one symbol that a program exports; an object may be told to call it otherwise (EmitObject.h).
inline constexpr llvm::StringLiteral queryFunction = "quoin_program_query";

/// Fields of quoin_program_t of the same names.
struct ProgramNumbers {
  int64_t hidden = 0;
  int64_t vocabulary = 0;
  int64_t layers = 0;
  int64_t capacity = 0;
  int64_t positions = 0;
  int64_t pageBytes = 0;
  int64_t layersWork = 0;
  int64_t weightsBytes = 0;
  uint64_t weightsChecksum = 0;
  int64_t scratchRowBytes = 0;
  int64_t scratchWorkerBytes = 0;
  int64_t headScratchRowBytes = 0;
  int64_t headScratchWorkerBytes = 0;
  std::string targetFeatures;
  std::vector<int32_t> stops;
  int32_t fill = -1;
  std::string layersStep; ///< symbols of functions, declared if the module does not have them; null pointers if empty
  std::string headStep;
};

/// Adds the tables and `quoin_program_query` to a module, in the LLVM dialect. The functions of the decoders must be in
/// it.
mlir::LogicalResult emitProgramTable(mlir::ModuleOp module, const ProgramNumbers &numbers,
                                     const LoweredDecoders &decoders);

} // namespace quoin::decoder

#endif
