//===- TemporaryFolder.cpp - a folder that goes with its owner -------------===//

#include "tools/quoin-bench/TemporaryFolder.h"
#include <cstdlib>
#include <filesystem>

using namespace quoin;
using namespace quoin::bench;
namespace fs = std::filesystem;

std::unique_ptr<TemporaryFolder> TemporaryFolder::create(std::string &error) {
  std::unique_ptr<TemporaryFolder> folder(new TemporaryFolder);
  std::string pattern = (fs::temp_directory_path() / "quoin-bench-XXXXXX").string();
  if (!mkdtemp(pattern.data())) {
    error = "cannot make a folder '" + pattern + "'";
    return nullptr;
  }
  folder->top = pattern;
  return folder;
}

std::string TemporaryFolder::path(const std::string &name) const {
  std::string whole = top + "/" + name;
  auto held = Unfinished::hold();
  if (Unfinished &part = parts[name]; !part.noted())
    part.note(whole, {top});
  return whole;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code code;
  if (!top.empty())
    fs::remove_all(top, code);
}
