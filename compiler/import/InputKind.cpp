//===- InputKind.cpp - what was given where a checkpoint was expected ------===//

#include "compiler/import/InputKind.h"
#include "support/FileKinds.h"
#include "support/Gguf.h"
#include "support/JsonText.h"
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <vector>

using namespace quoin;
namespace fs = std::filesystem;

namespace {

/// Weights by the ends of their names.
struct NameKind {
  const char *end, *kind;
};
constexpr NameKind weightNames[] = {
    {".ggml", "a GGML file"},
    {".bin.index.json", "the index of a PyTorch checkpoint"},
    {".bin", "a PyTorch checkpoint"},
    {".pt", "a PyTorch checkpoint"},
    {".pth", "a PyTorch checkpoint"},
    {".ckpt", "a PyTorch or TensorFlow checkpoint"},
    {".h5", "a Keras checkpoint"},
    {".msgpack", "a Flax checkpoint"},
    {".onnx", "an ONNX model"},
    {".npz", "NumPy arrays"},
    {".safetensors.index.json", "an index of another name"},
    {".safetensors", "a file of another name"},
    {".incomplete", "a download that did not end"},
    {".part", "a download that did not end"},
    {".crdownload", "a download that did not end"},
    {".aria2", "a download that did not end"},
};

constexpr const char *convert = " (checkpoints in other formats have to be converted to safetensors)";

std::vector<std::string> namesIn(const fs::path &folder) {
  std::vector<std::string> names;
  std::error_code code;
  for (fs::directory_iterator it(folder, code), end; !code && it != end; it.increment(code))
    names.push_back(it->path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

bool isThere(const fs::path &path) {
  std::error_code ignored;
  return fs::exists(fs::symlink_status(path, ignored));
}

bool isFolder(const fs::path &path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}

std::string quoted(const std::string &path) { return "'" + shortened(path, 200) + "'"; }

std::string headOf(const std::string &path) {
  std::error_code ignored;
  if (!fs::is_regular_file(path, ignored))
    return "";
  std::string head(fileKindBytes, '\0');
  std::ifstream in(path, std::ios::binary);
  in.read(head.data(), static_cast<std::streamsize>(head.size()));
  head.resize(static_cast<size_t>(in.gcount()));
  return head;
}

/// Of a file that is no MLIR: what it is, and then in which folder it lies.
std::string whatFile(const std::string &path) {
  std::string head = headOf(path), end = fs::path(path).extension().string();
  fs::path folder = fs::path(path).parent_path();
  std::string inFolder = ": give its folder, " + quoted(folder.empty() ? "." : folder.string());
  if (std::string kind = fileKind(head); !kind.empty())
    return kind;
  if (looksLikeSafetensors(head) || end == ".safetensors")
    return "a safetensors file" + inFolder;
  // "{-#" begins the resources of a module.
  bool json = looksLikeJson(head) && head.find("{-#") != 0;
  if (end != ".mlir" && (json || end == ".json"))
    return "a JSON file" + inFolder;
  for (const NameKind &known : weightNames)
    if (path.ends_with(known.end))
      return std::string(known.kind) + convert;
  return "";
}

} // namespace

std::string quoin::otherWeights(const std::string &folder) {
  std::vector<std::string> names = namesIn(folder);
  for (const std::string &name : names)
    if (std::string file = (fs::path(folder) / name).string(); isGgufFile(file))
      return quoted(name) + ", a GGUF file (give it in place of the folder)";
  for (const NameKind &known : weightNames)
    for (const std::string &name : names)
      if (name.ends_with(known.end)) {
        std::string kind = fileKindOf((fs::path(folder) / name).string());
        return quoted(name) + ", " + (kind.empty() ? known.kind + std::string(convert) : kind);
      }
  return std::string("neither") + convert;
}

std::string quoin::whyNoCheckpoint(const std::string &path) {
  if (isGgufFile(path))
    return "";
  std::string expected = "expects a checkpoint's folder, but ", name = quoted(path);
  if (!isThere(path)) {
    bool hub = std::count(path.begin(), path.end(), '/') == 1 && path[0] != '/' && path[0] != '.';
    return expected + "there is no " + name + (hub ? " (a model of a hub has to be downloaded first)" : "");
  }
  if (!isFolder(path)) {
    std::string what = whatFile(path);
    return expected + name + " is " + (what.empty() ? "a file" : what);
  }
  fs::path folder(path);
  // Beside weights it is config.json that is missing.
  for (const char *usual : {"config.json", "model.safetensors", "model.safetensors.index.json"})
    if (isThere(folder / usual))
      return "";
  std::vector<std::string> names = namesIn(folder);
  if (names.empty())
    return expected + name + " is empty, or may not be read";
  if (isThere(folder / "model.json"))
    return expected + name + " is an artefact of quoin-compile, which quoin-run runs";
  if (isThere(folder / "adapter_config.json"))
    return expected + name + " holds an adapter, not the model that it belongs to";
  for (const std::string &revision : isFolder(folder / "snapshots") ? namesIn(folder / "snapshots") : names)
    if (fs::path inner = isFolder(folder / "snapshots") ? folder / "snapshots" / revision : folder / revision;
        isThere(inner / "config.json"))
      return expected + name + " has no config.json: is it " + quoted(inner.string()) + "?";
  if (isThere(folder / "params.json"))
    return expected + name + " has no config.json: a layout with 'params.json' has to be converted to Hugging Face's";
  for (const std::string &file : names)
    if (file.ends_with(".mlir"))
      return expected + name + " has no config.json: is it the program " + quoted((folder / file).string()) + "?";
  std::string weights = otherWeights(path);
  if (weights.starts_with("neither"))
    return "";
  return expected + name + " has no config.json, and found " + weights;
}

std::string quoin::whyNoProgram(const std::string &path) {
  std::string what = whatFile(path);
  return what.empty() ? "" : "expects a checkpoint's folder or a .mlir file, but " + quoted(path) + " is " + what;
}
