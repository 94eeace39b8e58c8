//===- FuzzGguf.cpp - hostile GGUF files -----------------------------------===//
//
// What opens must keep the promises of Gguf.h, GgufTensors.h and GgufCheckpoint.h.
//
//===----------------------------------------------------------------------===//

#include "Fuzz.h"
#include "compiler/import/GgufCheckpoint.h"
#include "support/CheckpointTensors.h"
#include "support/Gguf.h"

#include <algorithm>

using namespace quoin;
using namespace quoin::fuzz;

/// Texts lie in the file, and tensors lie in it apart.
static void checkContents(std::string_view file) {
  GgufContents contents;
  std::string error;
  if (!parseGguf(file, contents, error)) {
    REQUIRE(isOneLine(error) && error.find("expects ") != error.npos);
    return;
  }
  for (const auto &[key, value] : contents.values) {
    REQUIRE(!key.empty() && (value.list || value.size() == 1));
    for (std::string_view text : value.texts)
      REQUIRE(text.empty() || (text.data() >= file.data() && text.data() + text.size() <= file.data() + file.size()));
  }
  std::vector<std::pair<uint64_t, uint64_t>> ranges;
  for (const auto &[name, tensor] : contents.tensors) {
    REQUIRE(tensor.begin < tensor.end && tensor.end <= file.size());
    ranges.emplace_back(tensor.begin, tensor.end);
  }
  std::sort(ranges.begin(), ranges.end());
  for (size_t i = 1; i < ranges.size(); ++i)
    REQUIRE(ranges[i - 1].second <= ranges[i].first);
}

/// The documents of its folder, or what is wrong with it.
static void checkDocuments(const std::string &path) {
  std::string error;
  std::unique_ptr<GgufFile> file = GgufFile::open(path, error);
  if (!file) {
    REQUIRE(isOneLine(error) && error.starts_with(path + ": "));
    return;
  }
  auto check = [](bool good, const nlohmann::json &made, const std::string &message) {
    REQUIRE(good ? made.is_object() : isOneLine(message) && message.find("expects ") != message.npos);
    if (good)
      REQUIRE(!made.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace).empty());
  };
  nlohmann::json config, tokenizer, settings;
  std::string ofConfig, ofTokenizer, ofSettings;
  check(ggufConfig(*file, config, ofConfig), config, ofConfig);
  if (!hasGgufTokenizer(file->contents()))
    return;
  check(ggufTokenizer(file->contents(), tokenizer, ofTokenizer), tokenizer, ofTokenizer);
  check(ggufTokenizerConfig(file->contents(), settings, ofSettings), settings, ofSettings);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const Folder folder;
  std::string_view input(reinterpret_cast<const char *>(data), size);
  checkContents(input);
  std::string error, path = folder.write("model.gguf", input);
  checkDocuments(path);
  std::unique_ptr<SafetensorsFile> opened = openTensors(path, error);
  if (!opened) {
    REQUIRE(isOneLine(error) && error.starts_with(path + ": "));
    return 0;
  }
  for (const std::string &name : opened->names()) {
    const TensorView *tensor = opened->find(name);
    uint64_t elements = 1;
    for (int64_t extent : tensor->shape)
      elements *= static_cast<uint64_t>(extent);
    std::vector<double> wide;
    if (widenToDouble(*tensor, wide))
      REQUIRE(wide.size() == elements && tensor->elements() == static_cast<int64_t>(elements));
  }
  return 0;
}
