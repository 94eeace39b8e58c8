//===- TokenizerFiles.cpp --------------------------------------------------===//

#include "compiler/driver/TokenizerFiles.h"
#include "compiler/import/GgufCheckpoint.h"
#include "runtime/tokenizer/ChatTemplate.h"
#include "runtime/tokenizer/Tokenizer.h"
#include "support/FileKinds.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include <memory>
#include <optional>
#include <utility>

using namespace quoin;
using llvm::SmallString;
using llvm::StringRef;
using llvm::Twine;

static constexpr const char *remedy = "; '--without-tokenizer' compiles for requests that give ids";

/// The files of the tokenizer in `folder`, the prompt's side of a checkpoint; but for the first, any may be missing.
static std::vector<std::string> tokenizerFiles(const std::string &folder) {
  const std::string file = Tokenizer::fileIn(folder);
  const StringRef own = llvm::sys::path::filename(file);
  std::vector<std::string> names = {own.empty() ? "tokenizer.json" : own.str()};
  // A folder may have both kinds; then only the one counts.
  if (names[0] != "tokenizer.json")
    names.push_back(Tokenizer::mergesFile);
  names.insert(names.end(), std::begin(TokenizerConfig::files), std::end(TokenizerConfig::files));
  return names;
}

bool quoin::hasTokenizer(const std::string &from) {
  return isGgufFile(from) ? GgufDocument{from, ggufTokenizerFiles[0]}.isThere() : !Tokenizer::fileIn(from).empty();
}

bool TokenizerFiles::find(const std::string &folder, std::string &error) {
  from = folder;
  if (isGgufFile(from)) {
    std::optional<std::vector<std::string>> texts = ggufTokenizerTexts(from, error);
    if (!texts) {
      error += remedy;
      return false;
    }
    made = std::move(*texts);
    return true;
  }
  for (const std::string &name : tokenizerFiles(from)) {
    SmallString<128> path(from);
    llvm::sys::path::append(path, name);
    const std::string kind = fileKindOf(std::string(path));
    if (kind.empty())
      continue;
    const char *wanted = StringRef(name).ends_with(".json")  ? "JSON"
                         : StringRef(name).ends_with(".txt") ? "merges"
                                                             : "a template";
    error = (path + ": expects " + wanted + ", but found " + kind).str();
    return false;
  }
  return true;
}

static bool copyFromFolder(const std::string &from, OutputFolder &out, std::string &error) {
  // From where below the source, and as what: an artefact has no folders.
  std::vector<std::pair<std::string, std::string>> files;
  for (std::string &name : tokenizerFiles(from))
    files.emplace_back(name, name);
  SmallString<128> folder(from);
  llvm::sys::path::append(folder, TokenizerConfig::templateFolder);
  std::error_code code;
  for (llvm::sys::fs::directory_iterator it(folder, code), end; !code && it != end; it.increment(code)) {
    StringRef name = llvm::sys::path::filename(it->path());
    if (name.ends_with(".jinja"))
      files.emplace_back((Twine(TokenizerConfig::templateFolder) + "/" + name).str(),
                         (Twine(TokenizerConfig::templatePrefix) + name).str());
  }
  for (const auto &[file, name] : files) {
    SmallString<128> path(from);
    llvm::sys::path::append(path, file);
    // A link that leads nowhere is somebody's mistake, not an absent tokenizer.
    if (!llvm::sys::fs::exists(path) && !llvm::sys::fs::is_symlink_file(path))
      continue;
    if (!out.copy(path, name, error))
      return false;
  }
  return true;
}

bool TokenizerFiles::copy(OutputFolder &out, const std::function<void(const std::string &)> &warn,
                          std::string &error) const {
  for (size_t i = 0; i < made.size(); ++i)
    if (!out.write(ggufTokenizerFiles[i], made[i], error))
      return false;
  if (!isGgufFile(from) && !copyFromFolder(from, out, error))
    return false;
  const std::string path = made.empty() ? Tokenizer::fileIn(from) : out.path(ggufTokenizerFiles[0]);
  if (path.empty())
    return true;
  // A tokenizer that does not load would fail every request, and a template every conversation: say so now.
  std::unique_ptr<Tokenizer> tokenizer = Tokenizer::load(path, error);
  if (!tokenizer) {
    error += remedy;
    return false;
  }
  for (const std::string &problem : tokenizer->chat().problems())
    if (warn)
      warn(problem);
  return true;
}
