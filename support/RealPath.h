//===- RealPath.h - where a path leads --------------------------------------===//
//
// What a program writes belongs where a link leads, not in the link's place. The system's own `realpath` needs the last
// file to be there; a link may well lead to a name that is still free.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_SUPPORT_REALPATH_H
#define QUOIN_SUPPORT_REALPATH_H

#include <optional>
#include <string>

namespace quoin {

/// The absolute path without links, "." and "..", which counts after links. Names that are not there are kept as they
/// are written. Nothing, with the system's reason in `error`, if links go round or a file stands where a folder should.
std::optional<std::string> followLinks(const std::string &path, std::string &error);

/// "/a/b" -> "/a"; "/a" -> "/"; "/" -> "/". For absolute paths without "." and "..".
std::string parentOf(const std::string &path);

/// True if `path` is `folder` or lies below it, links followed.
bool liesIn(const std::string &path, const std::string &folder);

} // namespace quoin

#endif
