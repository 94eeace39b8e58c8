//===- RandomModel.cpp - a model of a given shape with random weights ------===//

#include "tools/quoin-bench/RandomModel.h"
#include "compiler/driver/Compile.h"
#include "compiler/import/Architecture.h"
#include "support/Safetensors.h"
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <random>

using namespace quoin;
using namespace quoin::bench;
namespace fs = std::filesystem;

/// Names and shapes of a Qwen-style checkpoint.
static std::vector<NamedTensor> tensorsOf(const Architecture &a, DType dtype) {
  std::vector<NamedTensor> all;
  auto add = [&](const std::string &name, std::vector<int64_t> shape) {
    all.push_back({name, dtype, std::move(shape), nullptr});
  };
  int64_t query = a.heads * a.headDim, key = a.kvHeads * a.headDim;
  add("model.embed_tokens.weight", {a.vocabulary, a.hidden});
  for (int64_t i = 0; i < a.layers; ++i) {
    std::string p = "model.layers." + std::to_string(i) + ".", s = p + "self_attn.";
    add(p + "input_layernorm.weight", {a.hidden});
    add(p + "post_attention_layernorm.weight", {a.hidden});
    add(s + "q_proj.weight", {query, a.hidden});
    add(s + "k_proj.weight", {key, a.hidden});
    add(s + "v_proj.weight", {key, a.hidden});
    add(s + "o_proj.weight", {a.hidden, query});
    if (a.queryBias == Presence::Yes) {
      add(s + "q_proj.bias", {query});
      add(s + "k_proj.bias", {key});
      add(s + "v_proj.bias", {key});
    }
    if (a.queryKeyNorm == Presence::Yes) {
      add(s + "q_norm.weight", {a.headDim});
      add(s + "k_norm.weight", {a.headDim});
    }
    add(p + "mlp.gate_proj.weight", {a.mlp, a.hidden});
    add(p + "mlp.up_proj.weight", {a.mlp, a.hidden});
    add(p + "mlp.down_proj.weight", {a.hidden, a.mlp});
  }
  add("model.norm.weight", {a.hidden});
  if (!a.tied)
    add("lm_head.weight", {a.vocabulary, a.hidden});
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
  std::optional<Architecture> architecture = readArchitecture(checkpoint.string(), "", error);
  if (!architecture)
    return nullptr;
  if (architecture->lladaNames) {
    error = "expects a config of the Qwen families, but found '" + architecture->name + "'";
    return nullptr;
  }
  DType dtype = weights == "f32" ? DType::F32 : DType::BF16;
  std::vector<NamedTensor> tensors = tensorsOf(*architecture, dtype);
  int64_t largest = 0;
  for (const NamedTensor &t : tensors)
    largest = std::max(largest, t.shape[0] * (t.shape.size() > 1 ? t.shape[1] : 1));
  std::vector<uint8_t> numbers = randomNumbers(largest, dtype);
  for (NamedTensor &t : tensors)
    t.data = numbers.data();
  if (!writeSafetensors((checkpoint / "model.safetensors").string(), tensors, error))
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
