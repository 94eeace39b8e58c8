//===- MappedFile.h - the bytes of a file, mapped into memory --------------===//

#ifndef QUOIN_SUPPORT_MAPPEDFILE_H
#define QUOIN_SUPPORT_MAPPEDFILE_H

#include <optional>
#include <string>
#include <string_view>

namespace quoin {

/// All bytes of a file, read-only; whoever asks for them gives them back by munmap. Of an empty file there are none,
/// and nothing is mapped. Nothing on failure, with a message, without the file's name, in `error`: a pipe or a folder
/// is no file, whether or not somebody writes into it.
std::optional<std::string_view> mapFile(const std::string &path, std::string &error);

} // namespace quoin

#endif
