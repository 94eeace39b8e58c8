//===- Guide.h - the second model of a decoder -----------------------------===//
//
// A decoder that calls @guide has it from another checkpoint (`--guide`), whose weights then are @guide.NAME, or from
// the first layers of its own one, whose weights the two share.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_COMPILER_IMPORT_GUIDE_H
#define QUOIN_COMPILER_IMPORT_GUIDE_H

#include "compiler/import/Import.h"
#include "compiler/import/ModelTemplate.h"

namespace quoin {

struct Guide {
  ModelDescription model;
  std::optional<CheckpointFiles> files; ///< of another checkpoint
  std::string folder;                   ///< its absolute path; empty: the model's own layers

  /// The model, and its weights if they are another checkpoint's.
  std::optional<std::string> text(const std::function<void(const std::string &)> &warn, std::string &error) const;
};

/// Finds the guide if one of the decoders has one. False with a message if that cannot be, or if one is given in vain.
bool findGuide(const ImportOptions &options, const ModelDescription &model, const std::vector<std::string> &decoders,
               const std::vector<std::pair<std::string, std::string>> &settings, std::optional<Guide> &guide,
               std::string &error);

} // namespace quoin

#endif
