//===- RandomModel.cpp - a model of a given shape with random weights ------===//

#include "tools/quoin-bench/RandomModel.h"
#include "compiler/driver/Compile.h"
#include "compiler/import/Families.h"
#include "compiler/import/ModelTemplate.h"
#include "support/Safetensors.h"
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <random>
#include <set>

using namespace quoin;
using namespace quoin::bench;
namespace fs = std::filesystem;

/// Names and shapes of all tensors that the config's family reads.
static std::vector<NamedTensor> tensorsOf(const ModelDescription &model, DType dtype) {
  std::vector<NamedTensor> all;
  std::set<std::string> known; // rows of one tensor are several weights
  auto add = [&](const std::string &name, std::vector<int64_t> shape) {
    if (known.insert(name).second)
      all.push_back({name, dtype, std::move(shape), nullptr});
  };
  for (const TensorRequest &request : model.tensors) {
    size_t star = request.tensor.find('*');
    if (request.symbol.empty())
      continue; // one that must not be there
    if (star == std::string::npos)
      add(request.tensor, request.shape);
    else
      for (int64_t i = 0; i < request.shape[0]; ++i)
        add(std::string(request.tensor).replace(star, 1, std::to_string(i)),
            {request.shape.begin() + 1, request.shape.end()});
  }
  return all;
}

/// One buffer serves every tensor: `elements` small numbers, a stretch of random ones again and again.
static std::vector<uint8_t> randomNumbers(int64_t elements, DType dtype) {
  std::mt19937 generator(1);
  std::normal_distribution<float> normal(0.0f, 0.03f);
  std::vector<uint8_t> stretch(dtypeSize(dtype) << 20);
  for (size_t i = 0; i < (1u << 20); ++i) {
    float x = normal(generator);
    uint32_t bits = 0;
    std::memcpy(&bits, &x, 4);
    if (dtype == DType::BF16)
      bits >>= 16;
    std::memcpy(stretch.data() + i * dtypeSize(dtype), &bits, dtypeSize(dtype));
  }
  std::vector<uint8_t> all(static_cast<size_t>(elements) * dtypeSize(dtype));
  for (size_t at = 0; at < all.size(); at += stretch.size())
    std::memcpy(all.data() + at, stretch.data(), std::min(stretch.size(), all.size() - at));
  return all;
}

std::unique_ptr<RandomModel> RandomModel::compile(const std::string &config, const std::string &weights,
                                                  const std::string &keep, std::string &error) {
  std::unique_ptr<RandomModel> model(new RandomModel);
  model->temporary = TemporaryFolder::create(error);
  if (!model->temporary)
    return nullptr;
  model->artefact = keep.empty() ? model->temporary->path("out") : keep;
  fs::path checkpoint = model->temporary->path("checkpoint");
  std::error_code code;
  fs::create_directory(checkpoint, code);
  if (!code)
    fs::copy_file(config, checkpoint / "config.json", code);
  if (code) {
    error = "cannot copy '" + config + "': " + code.message();
    return nullptr;
  }
  ConfigReader reader((checkpoint / "config.json").string());
  error = reader.error();
  std::shared_ptr<const Template> family = reader.failed() ? nullptr : findFamily("", reader, nullptr, error);
  std::optional<ModelDescription> shape;
  if (family)
    shape = describeModel(family, reader, nullptr, error);
  if (!shape)
    return nullptr;
  DType dtype = weights == "f32" ? DType::F32 : DType::BF16;
  std::vector<NamedTensor> tensors = tensorsOf(*shape, dtype);
  int64_t largest = 0;
  for (const NamedTensor &t : tensors) {
    int64_t elements = 1;
    for (int64_t size : t.shape)
      if (__builtin_mul_overflow(elements, size, &elements) || elements > int64_t(1) << 40) {
        error = "config.json: expects tensors of at most 2^40 elements, but '" + t.name + "' has more";
        return nullptr;
      }
    largest = std::max(largest, elements);
  }
  std::vector<uint8_t> numbers = randomNumbers(largest, dtype);
  for (NamedTensor &t : tensors)
    t.data = numbers.data();
  if (!writeSafetensors((checkpoint / "model.safetensors").string(), tensors, error))
    return nullptr;
  // What has a place in another file is found in the first.
  for (const std::string &file : shape->files)
    if (!writeSafetensors((checkpoint / file).string(), {}, error))
      return nullptr;
  CompileOptions options;
  options.input = checkpoint.string();
  options.output = model->folder();
  options.weights = weights;
  if (!quoin::compile(options, error))
    return nullptr;
  fs::remove_all(checkpoint, code); // of no use any more, and large
  return model;
}
