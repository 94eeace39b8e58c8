//===- ArtefactFolder.h - what was given where an artefact was expected ----===//
//
// Messages for paths that are no folder of quoin-compile's, told from what is there.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_SUPPORT_ARTEFACTFOLDER_H
#define QUOIN_SUPPORT_ARTEFACTFOLDER_H

#include <string>

namespace quoin {

/// What speaks against `path` as an artefact's folder with the file `needed`; empty if that is there, or if model.o
/// shows that a host has to be linked.
std::string whyNoArtefact(const std::string &path, const std::string &needed);

} // namespace quoin

#endif
