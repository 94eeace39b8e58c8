//===- DecoderLowering.h - from outlined decoders to machine code -----------===//
//
// A decoder whose steps are outlined becomes one function `advance.<name>(state) -> i32` of the ABI in
// runtime/include/quoin/program.h: it goes on at the point that `state` names, runs up to the next suspension, leaves
// there what it waits for and the values that it wants back, and returns.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_COMPILER_DECODER_DECODERLOWERING_H
#define QUOIN_COMPILER_DECODER_DECODERLOWERING_H

#include "dialects/quoin/QuoinDialect.h"
#include <limits>
#include <string>
#include <vector>

namespace quoin::decoder {

struct DecoderLoweringOptions {
  llvm::SmallVector<llvm::StringRef> models; ///< names, in the order of the program's table
};

struct LoweredSetting {
  std::string name;
  int32_t type = 0; ///< QUOIN_SETTING_*
  double value = 0; ///< the default; of a word, which of them
  bool runTime = false;
  double number = 0;              ///< behind the default word
  std::string word;               ///< the default one, as it is written
  std::vector<std::string> words; ///< all that it may be
};

struct LoweredCache {
  int32_t model = 0;
  bool shared = false; ///< by runs with the same beginning
  bool tokenless = false;
};

/// What requests give a decoder, or get from it, by name.
struct LoweredTensor {
  std::string name;
  int32_t dtype = 0;          ///< QUOIN_DTYPE_*
  std::vector<int64_t> sizes; ///< the first may be -1, any; none for a number
  bool optional = false;
  int64_t endsAt = std::numeric_limits<int64_t>::min(); ///< as in quoin_tensor_type_t
};

/// Is it where the op's tensor goes?
inline bool isOutput(const LoweredTensor &t, OutputOp op) {
  return t.name == op.getName() && llvm::equal(t.sizes, op.getSizes());
}

struct LoweredDecoder {
  std::string name;
  std::string function; ///< symbol of its `advance`
  std::vector<LoweredSetting> settings;
  int32_t frameSlots = 2;
  std::vector<LoweredCache> caches; ///< by number
  std::vector<LoweredTensor> inputs, outputs;
  bool exact = true;
};

struct LoweredDecoders {
  std::vector<LoweredDecoder> decoders;
  llvm::SmallVector<MaskAttr> masks; ///< what `mask` of a forward counts
};

/// Replaces each `quoin.decoder` of the module by its function, in the LLVM dialect. Expects steps to be outlined
/// (`quoin-outline-steps`); emits a diagnostic for an op that has no lowering.
mlir::LogicalResult lowerDecoders(mlir::ModuleOp module, const DecoderLoweringOptions &options, LoweredDecoders &out);

} // namespace quoin::decoder

#endif
