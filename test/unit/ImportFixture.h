//===- ImportFixture.h - a small checkpoint in a folder of its own ----------===//

#ifndef QUOIN_TEST_UNIT_IMPORTFIXTURE_H
#define QUOIN_TEST_UNIT_IMPORTFIXTURE_H

#include "compiler/import/Import.h"
#include "mlir/IR/MLIRContext.h"
#include "support/Safetensors.h"
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

namespace quoin {

/// A checkpoint of one layer in a folder of its own; tests change its config and its tensors.
class ImportTest : public testing::Test {
protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "quoin-import-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder = pattern;
    config = {{"model_type", "sdar"},
              {"hidden_size", 8},
              {"num_attention_heads", 2},
              {"num_key_value_heads", 1},
              {"head_dim", 6},
              {"num_hidden_layers", 1},
              {"intermediate_size", 10},
              {"vocab_size", 20},
              {"rope_theta", 10000.0},
              {"rms_norm_eps", 1e-6},
              {"max_position_embeddings", 64},
              {"tie_word_embeddings", false},
              {"hidden_act", "silu"},
              {"mask_token_id", 19},
              {"eos_token_id", 18},
              {"block_size", 4}};
    std::string layer = "model.layers.0.";
    shapes = {{"model.embed_tokens.weight", {20, 8}},
              {layer + "input_layernorm.weight", {8}},
              {layer + "self_attn.q_proj.weight", {12, 8}},
              {layer + "self_attn.k_proj.weight", {6, 8}},
              {layer + "self_attn.v_proj.weight", {6, 8}},
              {layer + "self_attn.o_proj.weight", {8, 12}},
              {layer + "self_attn.q_norm.weight", {6}},
              {layer + "self_attn.k_norm.weight", {6}},
              {layer + "post_attention_layernorm.weight", {8}},
              {layer + "mlp.gate_proj.weight", {10, 8}},
              {layer + "mlp.up_proj.weight", {10, 8}},
              {layer + "mlp.down_proj.weight", {8, 10}},
              {"model.norm.weight", {8}},
              {"lm_head.weight", {20, 8}}};
    options.directory = folder.string();
  }
  void TearDown() override { std::filesystem::remove_all(folder); }

  void writeText(const std::string &name, const std::string &text) { std::ofstream(folder / name) << text; }

  /// Zeros, and ones where a name is in `ones`.
  void writeTensors(const std::string &file, const std::map<std::string, std::vector<int64_t>> &which,
                    DType dtype = DType::F32) {
    std::vector<NamedTensor> tensors;
    std::vector<char> zeros(4096);
    std::vector<float> one(1024, 1);
    for (const auto &[name, shape] : which) {
      const void *data = ones.count(name) ? static_cast<const void *>(one.data()) : zeros.data();
      tensors.push_back({name, types.count(name) ? types[name] : dtype, shape, data});
    }
    std::string error;
    ASSERT_TRUE(writeSafetensors((folder / file).string(), tensors, error)) << error;
  }

  /// The module's text; it must parse.
  std::string import() {
    writeText("config.json", config.dump());
    if (!std::filesystem::exists(folder / "model.safetensors") &&
        !std::filesystem::exists(folder / "model.safetensors.index.json"))
      writeTensors("model.safetensors", shapes);
    std::string error;
    warnings.clear();
    options.warn = [this](const std::string &line) { warnings.push_back(line); };
    std::optional<std::string> text = importText(options, error);
    EXPECT_TRUE(text) << error;
    if (!text)
      return {};
    mlir::MLIRContext context;
    EXPECT_TRUE(parseImported(context, *text, error)) << error;
    return *text;
  }

  /// The error; there must be one.
  std::string refuse() {
    writeText("config.json", config.dump());
    return refuseAsWritten();
  }
  std::string refuseAsWritten() {
    if (!std::filesystem::exists(folder / "model.safetensors") &&
        !std::filesystem::exists(folder / "model.safetensors.index.json"))
      writeTensors("model.safetensors", shapes);
    std::string error;
    EXPECT_FALSE(importText(options, error));
    EXPECT_THAT(error, testing::Not(testing::HasSubstr("\n")));
    return error;
  }

  std::filesystem::path folder;
  nlohmann::json config;
  std::map<std::string, std::vector<int64_t>> shapes;
  std::map<std::string, DType> types; // of tensors that have another than the rest
  std::set<std::string> ones;
  std::vector<std::string> warnings;
  ImportOptions options;

  /// Imports or refuses with other tensors than before.
  std::string importAgain() {
    std::filesystem::remove(folder / "model.safetensors");
    return import();
  }
  std::string refuseAgain() {
    std::filesystem::remove(folder / "model.safetensors");
    return refuse();
  }
};

} // namespace quoin

#endif
