//===- CheckpointFiles.cpp - the tensors of a checkpoint's folder ----------===//

#include "compiler/import/CheckpointFiles.h"
#include "compiler/import/ConfigReader.h"
#include "support/JsonText.h"
#include <algorithm>
#include <filesystem>
#include <set>

using namespace quoin;
using nlohmann::json;

static constexpr const char *singleName = "model.safetensors";
static constexpr const char *indexName = "model.safetensors.index.json";

static std::string shapeText(const std::vector<int64_t> &shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); ++i)
    text += (i ? ", " : "") + std::to_string(shape[i]);
  return text + "]";
}

std::optional<CheckpointFiles> CheckpointFiles::open(const std::string &directory, std::string &error) {
  CheckpointFiles files;
  files.folder = directory;
  namespace fs = std::filesystem;
  std::error_code ignored;
  bool good;
  if (fs::exists(fs::path(directory) / singleName, ignored)) {
    good = files.addFile(singleName, error);
  } else if (fs::exists(fs::path(directory) / indexName, ignored)) {
    good = files.addShards(indexName, error);
  } else {
    error = directory + ": expects '" + singleName + "' or '" + indexName +
            "', but found neither (checkpoints in other formats have to be converted to safetensors)";
    good = false;
  }
  if (!good)
    return std::nullopt;
  return files;
}

bool CheckpointFiles::addFile(const std::string &file, std::string &error) {
  auto opened = SafetensorsFile::open((std::filesystem::path(folder) / file).string(), error);
  if (!opened)
    return false;
  for (const std::string &name : opened->names()) {
    const TensorView *view = opened->find(name);
    tensors.try_emplace(name, Tensor{file, view->dtype, view->shape});
  }
  return true;
}

bool CheckpointFiles::addShards(const std::string &index, std::string &error) {
  ConfigReader reader((std::filesystem::path(folder) / index).string());
  const json *map = reader.find("weight_map");
  if (!reader.failed() && (!map || !map->is_object()))
    reader.fail("weight_map", "an object from tensors to files");
  if (reader.failed()) {
    error = reader.error();
    return false;
  }
  std::set<std::string> shards;
  for (const auto &[tensor, file] : map->items()) {
    // A shard lies in the folder itself: a name with a path in it could lead anywhere.
    std::string name = file.is_string() ? file.get<std::string>() : "";
    bool plain = std::all_of(name.begin(), name.end(), [](char c) { return c != '/' && (c < 0 || c >= ' '); });
    if (name.empty() || !plain || name == "." || name == "..") {
      error = reader.path() + ": 'weight_map' expects the name of a file in the folder for tensor '" +
              shortened(tensor) + "', but found " + describe(file);
      return false;
    }
    shards.insert(name);
  }
  for (const std::string &shard : shards)
    if (!addFile(shard, error))
      return false;
  for (const auto &[tensor, file] : map->items()) {
    const Tensor *found = find(tensor);
    if (found && found->file == file.get<std::string>())
      continue;
    error = reader.path() + ": 'weight_map' expects tensor '" + shortened(tensor) + "' in '" + file.get<std::string>() +
            "', but " + (found ? "found it in '" + found->file + "'" : "it is in no shard");
    return false;
  }
  return true;
}

const CheckpointFiles::Tensor *CheckpointFiles::find(const std::string &name) const {
  auto it = tensors.find(name);
  return it == tensors.end() ? nullptr : &it->second;
}

const CheckpointFiles::Tensor *CheckpointFiles::require(const std::string &name, const std::vector<int64_t> &shape,
                                                        std::string &error) const {
  const Tensor *tensor = find(name);
  if (!tensor) {
    error = folder + ": expects tensor '" + name + "' of shape " + shapeText(shape) + ", but there is none";
    return nullptr;
  }
  std::string where = (std::filesystem::path(folder) / tensor->file).string() + ": tensor '" + name + "' expects ";
  if (tensor->shape != shape) {
    error = where + "shape " + shapeText(shape) + " by config.json, but found " + shapeText(tensor->shape);
    return nullptr;
  }
  if (tensor->dtype != DType::F32 && tensor->dtype != DType::BF16 && tensor->dtype != DType::F16) {
    error = where + "type F32, BF16 or F16, but found " + std::string(dtypeName(tensor->dtype));
    return nullptr;
  }
  return tensor;
}
