//===- ArtefactFolder.cpp - what was given where an artefact was expected --===//

#include "support/ArtefactFolder.h"
#include "support/FileKinds.h"
#include "support/JsonText.h"
#include <filesystem>

using namespace quoin;
namespace fs = std::filesystem;

std::string quoin::whyNoArtefact(const std::string &path, const std::string &needed) {
  auto has = [&](const fs::path &folder, const std::string &name) {
    std::error_code ignored;
    return fs::exists(folder / name, ignored);
  };
  auto quoted = [](const std::string &name) { return "'" + shortened(name, 200) + "'"; };
  const fs::path folder(path);
  if (!path.empty() && (has(folder, needed) || has(folder, "model.o")))
    return "";
  std::string expected = "expects a folder with " + needed + ", as quoin-compile writes it, but ", name = quoted(path);
  std::error_code failed;
  const fs::file_status status = fs::status(folder, failed);
  if (path.empty() || status.type() == fs::file_type::not_found)
    return expected + "there is no " + name;
  if (!fs::is_directory(status)) {
    if (status.type() == fs::file_type::none)
      return expected + name + " cannot be looked at: " + failed.message();
    const std::string kind = fs::is_regular_file(status) ? fileKindOf(path) : "";
    const fs::path parent = folder.has_parent_path() ? folder.parent_path() : fs::path(".");
    return expected + name + " is " + (kind.empty() ? "a file" : kind) +
           (has(parent, needed) ? ": give its folder, " + quoted(parent.string()) : "");
  }
  return expected + name + " has none" +
         (has(folder, "config.json") ? ": it is a checkpoint's folder, which quoin-compile compiles" : "");
}
