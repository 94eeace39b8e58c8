//===- FuzzFamily.cpp - hostile templates of families ----------------------===//
//
// A config.json and a template with a zero byte between.
//
//===----------------------------------------------------------------------===//

#include "Fuzz.h"
#include "compiler/import/ModelTemplate.h"
#include <algorithm>

using namespace quoin;
using namespace quoin::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const Folder folder;
  std::string_view input(reinterpret_cast<const char *>(data), size);
  folder.write("config.json", takePart(input));
  std::string error;
  std::shared_ptr<const Template> family = Template::parse("mine", input, error);
  if (!family) {
    REQUIRE(isOneLine(error));
    return 0;
  }
  ConfigReader config(folder.path + "/config.json");
  if (config.failed())
    return 0;
  for (const Statement *recognition : family->recognitions())
    REQUIRE(holds(family, *recognition, config, nullptr, error) || isOneLine(error));
  std::optional<ModelDescription> model = describeModel(family, config, nullptr, error);
  if (!model) {
    REQUIRE(isOneLine(error));
    return 0;
  }
  REQUIRE(model->vocabulary >= 2 && model->capacity >= 1);
  REQUIRE(model->origins.size() == static_cast<size_t>(std::count(model->text.begin(), model->text.end(), '\n')));
  for (const TensorRequest &request : model->tensors) {
    for (int64_t n : request.shape)
      REQUIRE(n >= 1 && n < int64_t(1) << 31);
    REQUIRE(!request.rows || (request.rows->first >= 0 && request.rows->second <= request.shape[0]));
  }
  return 0;
}
