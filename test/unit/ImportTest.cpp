//===- ImportTest.cpp - folders that import, and folders that are refused --===//

#include "compiler/import/Import.h"
#include "compiler/import/ProgramText.h"
#include "mlir/IR/MLIRContext.h"
#include "support/Safetensors.h"
#include "llvm/ADT/StringRef.h"
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

using namespace quoin;
using nlohmann::json;
using testing::HasSubstr;
using testing::Not;
namespace fs = std::filesystem;

namespace {

/// A checkpoint of one layer in a folder of its own; tests change its config and its tensors.
class ImportTest : public testing::Test {
protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "quoin-import-XXXXXX").string();
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
  void TearDown() override { fs::remove_all(folder); }

  void writeText(const std::string &name, const std::string &text) { std::ofstream(folder / name) << text; }

  void writeTensors(const std::string &file, const std::map<std::string, std::vector<int64_t>> &which,
                    DType dtype = DType::F32) {
    std::vector<NamedTensor> tensors;
    std::vector<char> zeros(4096);
    for (const auto &[name, shape] : which)
      tensors.push_back({name, dtype, shape, zeros.data()});
    std::string error;
    ASSERT_TRUE(writeSafetensors((folder / file).string(), tensors, error)) << error;
  }

  /// The module's text; it must parse.
  std::string import() {
    writeText("config.json", config.dump());
    if (!fs::exists(folder / "model.safetensors") && !fs::exists(folder / "model.safetensors.index.json"))
      writeTensors("model.safetensors", shapes);
    std::string error;
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
    if (!fs::exists(folder / "model.safetensors") && !fs::exists(folder / "model.safetensors.index.json"))
      writeTensors("model.safetensors", shapes);
    std::string error;
    EXPECT_FALSE(importText(options, error));
    EXPECT_THAT(error, Not(HasSubstr("\n")));
    return error;
  }

  fs::path folder;
  json config;
  std::map<std::string, std::vector<int64_t>> shapes;
  ImportOptions options;
};

TEST_F(ImportTest, theFamilysDecoderAndModuleAttributes) {
  std::string text = import();
  EXPECT_THAT(text, HasSubstr("quoin.decoder @\"sdar-dynamic\""));
  EXPECT_THAT(text, HasSubstr("settings {steps = 4 : index, threshold = 0.85 : f32}"));
  EXPECT_THAT(text, HasSubstr("k floordiv 4 le q floordiv 4"));
  EXPECT_THAT(text, HasSubstr("quoin.fill = 19 : i32"));
  EXPECT_THAT(text, HasSubstr("quoin.stop = array<i32: 18>"));
  EXPECT_THAT(text, HasSubstr("quoin.capacity = 64 : index"));
  EXPECT_THAT(text, HasSubstr("quoin.source = \"" + fs::canonical(folder).string() + "\""));
  EXPECT_THAT(text, HasSubstr("head_dim 6 scale 0.408248290463863"));
}

TEST_F(ImportTest, everyDecoderParsesTogetherWithAllOthers) {
  options.decoders = decoderNames();
  import();
}

TEST_F(ImportTest, stopIdsOfGenerationConfigGoFirst) {
  writeText("generation_config.json", R"({"eos_token_id": [3, 4]})");
  EXPECT_THAT(import(), HasSubstr("quoin.stop = array<i32: 3, 4>"));
}

TEST_F(ImportTest, aTiedHeadIsTheEmbedding) {
  config["tie_word_embeddings"] = true;
  shapes.erase("lm_head.weight");
  std::string text = import();
  EXPECT_THAT(text, HasSubstr("quoin.model @model head @embed"));
  EXPECT_THAT(text, Not(HasSubstr("@head")));
}

TEST_F(ImportTest, biasesByPresenceWhereConfigIsSilent) {
  config["model_type"] = "qwen2";
  shapes.erase("model.layers.0.self_attn.q_norm.weight");
  shapes.erase("model.layers.0.self_attn.k_norm.weight");
  shapes["model.layers.0.self_attn.q_proj.bias"] = {12};
  std::string text = import();
  EXPECT_THAT(text, HasSubstr("by @layers.0.q_proj bias @layers.0.q_proj.bias"));
  EXPECT_THAT(text, HasSubstr("by @layers.0.k_proj :"));
  EXPECT_THAT(text, HasSubstr("quoin.decoder @autoregressive"));
}

TEST_F(ImportTest, sdlmAndFastDllmAreKnownByTheirKeys) {
  shapes.erase("model.layers.0.self_attn.q_norm.weight");
  shapes.erase("model.layers.0.self_attn.k_norm.weight");
  config["model_type"] = "qwen2";
  config["bd_size"] = 8;
  EXPECT_THAT(import(), HasSubstr("quoin.architecture = \"Fast_dLLM_Qwen\""));
  config.erase("bd_size");
  config["causal_attn"] = false;
  config["text_mask_token_id"] = 17;
  std::string text = import();
  EXPECT_THAT(text, HasSubstr("quoin.architecture = \"sdlm\""));
  EXPECT_THAT(text, HasSubstr("quoin.fill = 17 : i32"));
  EXPECT_THAT(text, HasSubstr("window = 4 : index"));
}

TEST_F(ImportTest, shardsAreFoundThroughTheIndex) {
  auto rest = shapes;
  auto first = rest.extract("lm_head.weight");
  writeTensors("a.safetensors", {{first.key(), first.mapped()}});
  writeTensors("b.safetensors", rest, DType::BF16);
  json map;
  for (const auto &[name, shape] : shapes)
    map[name] = name == first.key() ? "a.safetensors" : "b.safetensors";
  writeText("model.safetensors.index.json", json{{"weight_map", map}}.dump());
  std::string text = import();
  EXPECT_THAT(text, HasSubstr("quoin.weight @head : tensor<20x8xf32> from \"a.safetensors\""));
  EXPECT_THAT(text, HasSubstr("quoin.weight @norm : tensor<8xbf16> from \"b.safetensors\""));

  map["lm_head.weight"] = "../a.safetensors";
  writeText("model.safetensors.index.json", json{{"weight_map", map}}.dump());
  EXPECT_THAT(refuse(), HasSubstr("expects the name of a file in the folder for tensor 'lm_head.weight'"));
  map["lm_head.weight"] = "b.safetensors";
  writeText("model.safetensors.index.json", json{{"weight_map", map}}.dump());
  EXPECT_THAT(refuse(), HasSubstr("expects tensor 'lm_head.weight' in 'b.safetensors', but it is in no shard"));
}

TEST_F(ImportTest, wrongValuesAreNamedWithFileKeyAndBothSides) {
  struct Case {
    const char *key;
    json value;
    const char *expected;
  };
  const Case cases[] = {
      {"hidden_size", "x", "config.json: 'hidden_size' expects an integer from 1 to 1048576, but found \"x\""},
      {"hidden_size", 0, "but found 0"},
      {"hidden_size", 8.5, "but found 8.5"},
      {"hidden_size", 18446744073709551615u, "but found 18446744073709551615"},
      {"hidden_size", nullptr, "'hidden_size' expects an integer from 1 to 1048576, but there is none"},
      {"num_hidden_layers", -1, "but found -1"},
      {"num_key_value_heads", 3, "'num_key_value_heads' expects an integer that divides 'num_attention_heads' 2"},
      {"head_dim", 5, "'head_dim' expects an even"},
      {"rms_norm_eps", -1.0, "'rms_norm_eps' expects a number"},
      {"rope_theta", "1e6", "'rope_theta' expects a number"},
      {"tie_word_embeddings", 1, "'tie_word_embeddings' expects true or false, but found 1"},
      {"hidden_act", "gelu", "'hidden_act' expects 'silu', but found \"gelu\""},
      {"rope_scaling", {{"type", "yarn"}, {"factor", 4.0}}, "'rope_scaling' expects null"},
      {"use_sliding_window", true, "'use_sliding_window' expects false"},
      {"model_type", "gpt2", "'model_type' expects one of sdar, "},
      {"mask_token_id", 20, "'mask_token_id' expects an integer from 0 to 19, but found 20"},
      {"eos_token_id", {1, -2}, "'eos_token_id' expects an id below the vocabulary's size 20"},
      {"eos_token_id", "end", "'eos_token_id' expects an id below"},
      {"block_size", 65, "'block_size' expects an integer from 1 to 64, but found 65"},
      {"quantization_config", {{"bits", 4}}, "'quantization_config' expects null"},
      {"num_experts", 8, "'num_experts' expects 0"},
      {"layer_types", {"sliding_attention"}, "'layer_types' expects a list"},
  };
  for (const Case &c : cases) {
    json good = config;
    config[c.key] = c.value;
    EXPECT_THAT(refuse(), HasSubstr(c.expected)) << c.key;
    config = good;
  }
}

TEST_F(ImportTest, rotaryScalingThatChangesNothingIsAccepted) {
  config["rope_scaling"] = {{"rope_type", "default"}};
  import();
  config["rope_scaling"] = {{"type", "linear"}, {"factor", 1.0}};
  import();
}

TEST_F(ImportTest, textThatIsNotJsonIsNamedByTheKeyBeforeIt) {
  writeText("config.json", R"({"model_type": "sdar", "rms_norm_eps": NaN})");
  EXPECT_THAT(refuseAsWritten(), HasSubstr("config.json: 'rms_norm_eps' expects JSON, but found"));
  writeText("config.json", "[1]");
  EXPECT_THAT(refuseAsWritten(), HasSubstr("config.json: expects a JSON object, but found [1]"));
  writeText("config.json", "");
  EXPECT_THAT(refuseAsWritten(), HasSubstr("config.json: expects JSON"));
  fs::remove(folder / "config.json");
  EXPECT_THAT(refuseAsWritten(), HasSubstr("config.json: expects a file that can be read"));
}

TEST_F(ImportTest, tensorsMustBeThereWithTheConfigsShape) {
  auto good = shapes;
  auto again = [&] {
    fs::remove(folder / "model.safetensors");
    return refuse();
  };
  shapes.erase("model.norm.weight");
  EXPECT_THAT(again(), HasSubstr("expects tensor 'model.norm.weight' of shape [8], but there is none"));
  shapes = good;
  shapes["lm_head.weight"] = {19, 8};
  EXPECT_THAT(again(), HasSubstr("tensor 'lm_head.weight' expects shape [20, 8] by config.json, but found [19, 8]"));
  shapes = good;
  fs::remove(folder / "model.safetensors");
  writeTensors("model.safetensors", shapes, DType::I32);
  EXPECT_THAT(refuse(), HasSubstr("expects type F32, BF16 or F16, but found I32"));
  shapes["model.layers.0.self_attn.q_proj.bias"] = {12};
  config["attention_bias"] = false;
  EXPECT_THAT(again(), HasSubstr("expects no tensor 'model.layers.0.self_attn.q_proj.bias'"));
  shapes = good;
  shapes["model.layers.1.input_layernorm.weight"] = {8};
  EXPECT_THAT(again(), HasSubstr("'num_hidden_layers' expects as many layers as the checkpoint has, but found 1"));
}

TEST_F(ImportTest, settingsAreChecked) {
  auto with = [&](const char *decoder, const char *key, const char *value) {
    options.decoders = {decoder};
    options.settings = {{key, value}};
    return refuse();
  };
  EXPECT_EQ(with("sdar-dynamic", "steps", "0"),
            "setting 'steps' of decoder 'sdar-dynamic' expects an integer from 1 to 1048576, but found 0");
  EXPECT_THAT(with("sdar-dynamic", "block", "-4"), HasSubstr("but found -4"));
  EXPECT_THAT(with("sdar-dynamic", "block", "65"), HasSubstr("at most the model's 64 positions, but found 65"));
  EXPECT_THAT(with("sdar-dynamic", "block", "four"), HasSubstr("expects a JSON value, but found 'four'"));
  EXPECT_THAT(with("sdar-dynamic", "window", "4"), HasSubstr("expects a setting of the decoder (block, steps"));
  EXPECT_THAT(with("sdlm", "window", "0"), HasSubstr("'window' of decoder 'sdlm' expects an integer from 1"));
  EXPECT_THAT(with("llada2", "least", "0"), HasSubstr("'least' of decoder 'llada2' expects an integer from 1"));
  EXPECT_THAT(with("fast-dllm-v2", "sub_block", "3"), HasSubstr("expects a divisor of 'block' 4, but found 3"));
  EXPECT_THAT(with("s2d2", "causal_cache", "1"), HasSubstr("expects true or false, but found 1"));
  EXPECT_THAT(with("bd3lm", "top_p", "1.5"), HasSubstr("expects a number from 0.0 to 1.0, but found 1.5"));
  EXPECT_THAT(with("nothing", "block", "4"), HasSubstr("'--decoder' expects one of sdar-dynamic, "));
  options.settings = {{"min_span", "1"}, {"cost", "1.0"}};
  options.decoders = {"s2d2"};
  EXPECT_THAT(refuse(), HasSubstr("to stand without 'score' and 'cost'"));
  options.settings.clear();
  options.decoders = {"sdlm", "sdlm"};
  EXPECT_THAT(refuse(), HasSubstr("expects each decoder once, but found 'sdlm' twice"));
}

TEST_F(ImportTest, aDecoderThatFillsNeedsAFillToken) {
  config["model_type"] = "qwen3";
  config.erase("mask_token_id");
  import();
  options.decoders = {"sdar-dynamic"};
  EXPECT_THAT(refuse(), HasSubstr("expects a model with a fill token"));
}

TEST_F(ImportTest, settingsGivenBecomeDefaults) {
  options.settings = {{"temperature", "0.7"}, {"top_k", "5"}, {"threshold", "1"}};
  EXPECT_THAT(import(), HasSubstr("settings {steps = 4 : index, threshold = 1.0 : f32, temperature = 0.7 : f32, "
                                  "top_k = 5 : index} attributes {fixed = {block = 4 : index}}"));
}

TEST(ProgramTextTest, conditionsNestAndPlaceholdersAreReplaced) {
  std::string_view text = "a ${x}\n//: if one\nb\n//: if two\nc\n//: else\nd\n//: end\n//: else\ne\n//: end\n";
  EXPECT_EQ(expandTemplate(text, {{"x", "1"}}, {"one"}), "a 1\nb\nd\n");
  EXPECT_EQ(expandTemplate(text, {{"x", "1"}}, {"one", "two"}), "a 1\nb\nc\n");
  EXPECT_EQ(expandTemplate(text, {{"x", "1"}}, {"two"}), "a 1\ne\n");
}

TEST(ProgramTextTest, equalAliasesAreOneAndOthersAreRenamed) {
  ProgramText text;
  text.add("#m = 1\n\nuse #m\n");
  text.add("#m = 1\n\nuse #m, #mm\n");
  text.add("// two\n#m = 2\n\nuse #m, #mm\n");
  EXPECT_EQ(text.aliases(), "#m = 1\n// two\n#m_2 = 2\n");
  EXPECT_EQ(text.operations(), "use #m\n\nuse #m, #mm\n\nuse #m_2, #mm\n");
}

} // namespace
