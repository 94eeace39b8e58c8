//===- InputKind.h - what was given where a checkpoint was expected --------===//
//
// Messages for paths that are no checkpoint's folder, told from what is there.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_COMPILER_IMPORT_INPUTKIND_H
#define QUOIN_COMPILER_IMPORT_INPUTKIND_H

#include <string>

namespace quoin {

/// What speaks against a path as a checkpoint's folder, which a GGUF file stands for; empty if it has a config.json or
/// nothing better can be said than that it has none.
std::string whyNoCheckpoint(const std::string &path);

/// What speaks against a file as a program; empty if it may be text of MLIR.
std::string whyNoProgram(const std::string &path);

/// What a folder without safetensors of the usual names holds instead: "'model.gguf', a GGUF file (...)", or
/// "neither".
std::string otherWeights(const std::string &folder);

} // namespace quoin

#endif
