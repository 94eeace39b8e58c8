//===- Remarks.h - what passes say of what they did and left -----------------===//
//
// A remark's category is the argument of its pass, its name the thing it is about: `[Missed] Sort |
// Category:quoin-permute-tokens`.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_PASSES_REMARKS_H
#define QUOIN_PASSES_REMARKS_H

#include "dialects/quoin/BlockMask.h"
#include "mlir/IR/Remarks.h"
#include "llvm/Support/raw_ostream.h"

namespace quoin {

template <typename Pass> mlir::remark::RemarkOpts remarkOn(llvm::StringRef name) {
  return mlir::remark::RemarkOpts::name(name).category(Pass::getArgumentName());
}

/// The formula, as it is quoted.
inline std::string textOf(const BlockMask &mask) {
  std::string text;
  llvm::raw_string_ostream os(text);
  mask.print(os);
  return text;
}

} // namespace quoin

#endif
