//===- FileKinds.h - files that are well known for being in the wrong place -===//
//
// People clone without Git LFS, save a login page, stop a download, hand over a GGUF file. The first bytes show it, and
// then a message can say what happened instead of what a parser stumbled over.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_SUPPORT_FILEKINDS_H
#define QUOIN_SUPPORT_FILEKINDS_H

#include <string>
#include <string_view>

namespace quoin {

/// As many bytes as `fileKind` looks at.
inline constexpr size_t fileKindBytes = 512;

/// What a file that begins like this is, and what to do: "a Git LFS pointer (run 'git lfs pull' where it was cloned)".
/// Empty for everything else, JSON and safetensors among it.
std::string fileKind(std::string_view head);

/// Of a file; empty as well if it cannot be read.
std::string fileKindOf(const std::string &path);

/// True for the beginning of a safetensors file: a length, then an object.
bool looksLikeSafetensors(std::string_view head);

/// True if the first character that is no space begins an object or a list.
bool looksLikeJson(std::string_view head);

} // namespace quoin

#endif
