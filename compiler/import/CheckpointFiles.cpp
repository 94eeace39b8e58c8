//===- CheckpointFiles.cpp - the tensors of a checkpoint's folder ----------===//

#include "compiler/import/CheckpointFiles.h"
#include "compiler/import/ConfigReader.h"
#include "compiler/import/InputKind.h"
#include "support/Gguf.h"
#include "support/JsonText.h"
#include <algorithm>
#include <filesystem>

using namespace quoin;
using nlohmann::json;

static constexpr const char *singleName = "model.safetensors";
/// Adapters beside the model, under names of their own.
static constexpr const char *adapterName = "lora.safetensors";

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
  // A link that leads nowhere is there: what is wrong with it is better said than that it is missing.
  auto isThere = [&](const char *name) {
    std::error_code ignored;
    return fs::exists(fs::symlink_status(fs::path(directory) / name, ignored));
  };
  bool good;
  if (isGgufFile(directory))
    return files.addFile(fs::path(directory).filename().string(), error) ? std::optional(std::move(files))
                                                                         : std::nullopt;
  if (isThere(singleName)) {
    good = files.addFile(singleName, error);
  } else if (isThere(indexName)) {
    good = files.addShards(indexName, error);
  } else {
    error = directory + ": expects '" + singleName + "' or '" + indexName + "', but found " + otherWeights(directory);
    good = false;
  }
  if (good && isThere(adapterName))
    good = files.addFile(adapterName, error);
  if (!good)
    return std::nullopt;
  return files;
}

bool CheckpointFiles::addFile(const std::string &file, std::string &error) {
  auto opened = openTensors((std::filesystem::path(folder) / file).string(), error);
  if (!opened)
    return false;
  for (const std::string &name : opened->names()) {
    const TensorView *view = opened->find(name);
    tensors.try_emplace(name, Tensor{file, view->dtype, view->spelled, view->shape, ""});
  }
  return true;
}

/// A shard lies in the folder itself: a name with a path in it could lead anywhere.
static bool isPlainName(const std::string &name) {
  bool plain = std::all_of(name.begin(), name.end(), [](char c) { return c != '/' && (c < 0 || c >= ' '); });
  return plain && !name.empty() && name != "." && name != "..";
}

bool CheckpointFiles::add(const std::string &file, std::string &error) {
  if (!isPlainName(file)) {
    error = folder + ": expects the name of a file in the folder, but found '" + shortened(file) + "'";
    return false;
  }
  std::map<std::string, Tensor> before;
  before.swap(tensors);
  if (!addFile(file, error))
    return false;
  for (auto &[name, tensor] : before)
    if (!tensors.try_emplace(name, tensor).second) {
      error = folder + ": expects tensors of different names in '" + tensor.file + "' and '" + shortened(file) +
              "', but found '" + shortened(name, 200) + "' in both";
      return false;
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
  std::map<std::string, std::string> problems; // by shard
  std::vector<std::unique_ptr<SafetensorsFile>> opened;
  std::map<std::string, const SafetensorsFile *> shards;
  for (const auto &[tensor, file] : map->items())
    if (std::string name = file.is_string() ? file.get<std::string>() : ""; isPlainName(name) && !shards.count(name)) {
      opened.push_back(SafetensorsFile::open((std::filesystem::path(folder) / name).string(), problems[name]));
      shards[name] = opened.back().get();
    }
  // The index says where a tensor lies, if one of its name is in several shards.
  for (const auto &[tensor, file] : map->items()) {
    std::string name = file.is_string() ? file.get<std::string>() : "",
                where = reader.path() + ": 'weight_map' expects ";
    Tensor entry{name, DType::Other, "", {}, ""};
    if (!isPlainName(name)) {
      entry.problem = where + "the name of a file in the folder for tensor '" + shortened(tensor) + "', but found " +
                      describe(file);
    } else if (!shards[name]) {
      entry.problem = problems[name];
    } else if (const TensorView *view = shards[name]->find(tensor)) {
      entry = {name, view->dtype, view->spelled, view->shape, ""};
    } else {
      entry.problem = where + "tensor '" + shortened(tensor) + "' in '" + name + "', but ";
      auto other = std::find_if(shards.begin(), shards.end(), [&, key = tensor](const auto &shard) {
        return shard.second && shard.second->find(key);
      });
      entry.problem += other == shards.end() ? "it is in no shard" : "found it in '" + other->first + "'";
    }
    tensors.emplace(tensor, std::move(entry));
  }
  for (const auto &[name, shard] : shards)
    for (const std::string &tensor : shard ? shard->names() : std::vector<std::string>()) {
      const TensorView *view = shard->find(tensor);
      tensors.try_emplace(tensor, Tensor{name, view->dtype, view->spelled, view->shape, ""});
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
  if (!tensor->problem.empty()) {
    error = tensor->problem;
    return nullptr;
  }
  std::string where = (std::filesystem::path(folder) / tensor->file).string() + ": tensor '" + name + "' expects ";
  if (tensor->shape != shape) {
    error = where + "shape " + shapeText(shape) + " by config.json, but found " + shapeText(tensor->shape);
    return nullptr;
  }
  if (tensor->dtype != DType::F32 && tensor->dtype != DType::BF16 && tensor->dtype != DType::F16) {
    error = where + (isGgufFile(folder) ? "type F32, BF16, F16, Q8_0, Q4_0, Q4_K or Q6_K" : "type F32, BF16 or F16") +
            ", but found " + shortened(tensor->spelled);
    return nullptr;
  }
  return tensor;
}
