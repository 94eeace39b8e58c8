//===- FuzzConfig.cpp - hostile config.json and shard indices --------------===//
//
// Three files with a zero byte between: config.json, generation_config.json (none if empty) and
// model.safetensors.index.json (none if empty), beside one good shard with tensors 'a' and 'b'.
//
//===----------------------------------------------------------------------===//

#include "Fuzz.h"
#include "compiler/import/Families.h"
#include "compiler/import/FillToken.h"

using namespace quoin;
using namespace quoin::fuzz;

static void checkFamily(const std::string &folder, const std::string &name) {
  std::string error;
  ConfigReader config(folder + "/config.json");
  if (config.failed()) {
    REQUIRE(isOneLine(config.error()));
    return;
  }
  std::shared_ptr<const Template> family = findFamily(name, config, nullptr, error);
  std::optional<ModelDescription> model;
  if (family)
    model = describeModel(family, config, nullptr, error);
  if (!model) {
    REQUIRE(isOneLine(error));
    return;
  }
  REQUIRE(model->vocabulary >= 2 && model->capacity >= 1 && !model->family.empty() && !model->tensors.empty());
  REQUIRE(!model->block || (*model->block >= 1 && *model->block <= model->capacity));
  std::optional<int64_t> fill = findFillToken(folder, *model, config, std::nullopt, true, "", error);
  REQUIRE(!fill || (*fill >= 0 && *fill < model->vocabulary));
  REQUIRE(fill || error.empty() || isOneLine(error)); // without one, there is none
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const Folder folder;
  static const std::string shard = [] {
    std::string error, path = folder.path + "/shard.safetensors";
    const float values[2] = {1, 2};
    REQUIRE(writeSafetensors(path, {{"a", DType::F32, {2}, values}, {"b", DType::F32, {1, 2}, values}}, error));
    return path;
  }();

  std::string_view input(reinterpret_cast<const char *>(data), size);
  folder.write("config.json", takePart(input));
  for (const char *name : {"generation_config.json", "model.safetensors.index.json"}) {
    std::string_view part = takePart(input);
    if (part.empty())
      folder.remove(name);
    else
      folder.write(name, part);
  }
  for (const char *name : {"", "llada", "qwen3"})
    checkFamily(folder.path, name);

  std::string error;
  std::optional<CheckpointFiles> files = CheckpointFiles::open(folder.path, error);
  if (!files) {
    REQUIRE(isOneLine(error));
    return 0;
  }
  const CheckpointFiles::Tensor *a = files->find("a");
  REQUIRE(!a || !a->problem.empty() || files->require("a", {2}, error));
  REQUIRE(!files->require("a", {3}, error) && isOneLine(error));
  return 0;
}
