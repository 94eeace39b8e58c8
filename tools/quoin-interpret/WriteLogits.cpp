//===- WriteLogits.cpp - scores of the vocabulary under a given mask -------===//

#include "QuoinInterpret.h"
#include "support/Safetensors.h"

using namespace quoin;

bool quoin::writeLogits(const LoadedProgram &loaded, const std::string &ids, const std::string &mask,
                        const std::string &file) {
  std::vector<int32_t> tokens = parseIds(ids, "--ids");
  std::string error;
  llvm::StringRef text = mask;
  // The attribute's spelling may be pasted.
  if (text.consume_front("#quoin.mask<"))
    text.consume_back(">");
  std::optional<BlockMask> formula = BlockMask::parse(text, error);
  if (!formula)
    throw Failure{"--mask: " + error, 2};
  mlir::FailureOr<ref::Matrix> scores = loaded.program().logits("", tokens, *formula);
  if (mlir::failed(scores))
    return false;
  NamedTensor named = {"ids", DType::I32, {static_cast<int64_t>(tokens.size())}, tokens.data()};
  NamedTensor logits = {"logits", DType::F64, {scores->rows, scores->columns}, scores->numbers.data()};
  if (!writeSafetensors(file, {named, logits}, error))
    throw Failure{error};
  return true;
}
