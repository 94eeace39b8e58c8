//===- FuzzConfig.cpp - hostile config.json and shard indices --------------===//
//
// Three files with a zero byte between: config.json, generation_config.json (none if empty) and
// model.safetensors.index.json (none if empty), beside one good shard with tensors 'a' and 'b'.
//
//===----------------------------------------------------------------------===//

#include "Fuzz.h"
#include "compiler/import/Architecture.h"
#include "compiler/import/CheckpointFiles.h"

using namespace quoin;
using namespace quoin::fuzz;

static void checkArchitecture(const std::string &folder, const std::string &name) {
  std::string error;
  std::optional<Architecture> a = readArchitecture(folder, name, error);
  if (!a) {
    REQUIRE(isOneLine(error));
    return;
  }
  REQUIRE(a->hidden > 0 && a->layers > 0 && a->heads > 0 && a->kvHeads > 0 && a->mlp > 0 && a->capacity > 0);
  REQUIRE(a->heads % a->kvHeads == 0 && a->headDim > 0 && a->headDim % 2 == 0);
  REQUIRE(a->theta >= 1 && a->epsilon > 0 && a->epsilon < 1);
  REQUIRE(!a->fill || (*a->fill >= 0 && *a->fill < a->vocabulary));
  REQUIRE(!a->block || (*a->block >= 1 && *a->block <= a->capacity));
  for (int32_t id : a->stop)
    REQUIRE(id >= 0 && id < a->vocabulary);
  REQUIRE(!a->name.empty() && !a->defaultDecoder.empty());
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
    checkArchitecture(folder.path, name);

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
