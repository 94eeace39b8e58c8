//===- Assemble.h - PTX to code of one architecture -------------------------===//
//
// By NVIDIA's ptxas as a child process: from CUDA_HOME, from PATH, or from a package of PyPI in the virtual environment
// that is active. What it made is kept in the user's cache, by a hash of the text, its version and its flags.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_COMPILER_CUDA_ASSEMBLE_H
#define QUOIN_COMPILER_CUDA_ASSEMBLE_H

#include "mlir/Support/LLVM.h"
#include <optional>
#include <string>
#include <vector>

namespace quoin::cuda {

/// The path of ptxas; empty where there is none.
std::string findPtxas();

/// A cubin for each architecture (80: sm_80), all at once. Nothing after an error, which has what ptxas said.
std::optional<std::vector<std::string>> assemble(llvm::StringRef ptxas, llvm::StringRef ptx,
                                                 llvm::ArrayRef<int32_t> architectures, std::string &error);

} // namespace quoin::cuda

#endif
