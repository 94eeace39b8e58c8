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
/// That of a program that is a function.
inline constexpr llvm::StringLiteral functionQueryFunction = "quoin_function_query";

/// Fields of quoin_column_t of the same names.
struct ColumnNumbers {
  std::string name;
  int64_t width = 1;
  int64_t rowBytes = 4;
  int32_t type = 0;  ///< QUOIN_DTYPE_*
  int32_t space = 0; ///< of the model's
};

/// Fields of quoin_step_t of the same names.
struct StepNumbers {
  int32_t job = 0; ///< QUOIN_STEP_*
  int64_t rowBytes = 0;
  int64_t workerBytes = 0;
  int64_t work = 0;
  std::string function; ///< a symbol, declared if the module does not have it; a null pointer if empty
};

/// Fields of quoin_program_model_t of the same names.
struct ModelNumbers {
  std::string name;
  std::vector<ColumnNumbers> operands, results;
  std::vector<int32_t> spaces;           ///< QUOIN_SPACE_*
  int64_t pageBytes = 0, stateBytes = 0; ///< of what it keeps; 0: none
  std::vector<StepNumbers> steps;
  int64_t layers = 0;
};

/// Fields of quoin_cuda_launch_t of the same names.
struct CudaLaunch {
  std::string kernel;
  std::vector<int64_t> constants;
  int32_t threads = 0, sharedBytes = 0, grid = 0;
  int64_t each = 1, blocks = 1, most = 1;
};
/// Fields of quoin_cuda_step_t of the same names.
struct CudaStep {
  int32_t job = 0; ///< QUOIN_STEP_*
  int64_t rowBytes = 0;
  std::vector<CudaLaunch> launches;
};
/// Fields of quoin_cuda_image_t of the same names; of PTX without the 0.
struct CudaImage {
  int32_t kind = 0, architecture = 0;
  std::string data;
};
/// Fields of quoin_cuda_t of the same names.
struct CudaNumbers {
  std::vector<CudaImage> images; ///< empty: a null pointer
  std::vector<std::vector<CudaStep>> models;
};

/// A model that takes ids and positions alone and gives hidden rows, `hidden` floats each (0: nothing yet).
ModelNumbers tokenModel(llvm::StringRef name, int64_t hidden);

/// Fields of quoin_program_t of the same names.
struct ProgramNumbers {
  int64_t vocabulary = 0, unscored = 0;
  int64_t capacity = 0;
  int64_t positions = 0;
  int64_t weightsBytes = 0;
  uint64_t weightsChecksum = 0;
  std::vector<ModelNumbers> models;
  std::string targetFeatures;
  std::vector<int32_t> stops;
  int32_t fill = -1;
  CudaNumbers cuda;
};

/// Fields of quoin_function_program_t of the same names.
struct FunctionNumbers {
  std::string name, targetFeatures;
  std::vector<LoweredTensor> arguments, results;
  int32_t lengths = 0;
  bool labelled = false;
  int32_t query = -1, key = -1, value = -1, queryLabels = -1, keyLabels = -1, queryOffsets = -1, keyOffsets = -1;
  std::vector<int32_t> symbols;
  std::vector<int32_t> queryLabelValues, keyLabelValues, order; ///< empty: null
  ModelNumbers model;
};

/// Adds the tables and `quoin_function_query` to a module, in the LLVM dialect.
mlir::LogicalResult emitFunctionTable(mlir::ModuleOp module, const FunctionNumbers &numbers);

/// Adds the tables and `quoin_program_query` to a module, in the LLVM dialect. The functions of the decoders must be in
/// it.
mlir::LogicalResult emitProgramTable(mlir::ModuleOp module, const ProgramNumbers &numbers,
                                     const LoweredDecoders &decoders);

} // namespace quoin::decoder

#endif
