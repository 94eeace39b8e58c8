//===- CheckpointTensors.cpp - tensors by file and name -------------------===//

#include "support/CheckpointTensors.h"
#include "support/Gguf.h"
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

using namespace quoin;
namespace fs = std::filesystem;

std::unique_ptr<SafetensorsFile> quoin::openTensors(const std::string &path, std::string &error) {
  std::optional<std::string> gguf = ggufFileAt(path);
  return gguf ? SafetensorsFile::openGguf(*gguf, error) : SafetensorsFile::open(path, error);
}

CheckpointTensors::CheckpointTensors(std::string from) : folder(std::move(from)) {}

std::string CheckpointTensors::pathOf(const std::string &file) const { return (fs::path(folder) / file).string(); }

/// Tensors by name, of a `weight_map` whose files lie beside it.
const CheckpointTensors::Index *CheckpointTensors::indexAt(const std::string &path, std::string &error) {
  if (auto known = indices.find(path); known != indices.end())
    return &known->second;
  std::ifstream stream(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(stream), {}};
  auto json = stream ? nlohmann::json::parse(text, nullptr, false) : nlohmann::json();
  auto map = json.is_object() ? json.find("weight_map") : json.end();
  if (!json.is_object() || map == json.end() || !map->is_object()) {
    error = path + (stream ? ": expects an index with an object 'weight_map'" : ": cannot be read");
    return nullptr;
  }
  Index index;
  for (const auto &[tensor, file] : map->items()) {
    std::string name = file.is_string() ? file.get<std::string>() : "";
    // It lies in the folder itself: a name with a path in it could lead anywhere.
    if (name.empty() || name == "." || name == ".." || name.find('/') != std::string::npos ||
        name.find('\0') != std::string::npos) {
      error = path + ": 'weight_map' expects the name of a file beside it for tensor '" + tensor + "', but found " +
              file.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
      return nullptr;
    }
    index.emplace(tensor, (fs::path(path).parent_path() / name).string());
  }
  return &(indices[path] = std::move(index));
}

const SafetensorsFile *CheckpointTensors::fileOf(const std::string &file, const std::string &tensor,
                                                 std::string &error) {
  std::string path = pathOf(file);
  if (constexpr std::string_view ending = ".index.json"; path.ends_with(ending)) {
    const Index *index = indexAt(path, error);
    if (!index)
      return nullptr;
    auto entry = index->find(tensor);
    if (entry == index->end()) {
      error = path + ": 'weight_map' expects tensor '" + tensor + "', but found none of that name";
      return nullptr;
    }
    path = entry->second;
  }
  std::unique_ptr<SafetensorsFile> &opened = files[path];
  if (!opened)
    opened = openTensors(path, error);
  return opened.get();
}
