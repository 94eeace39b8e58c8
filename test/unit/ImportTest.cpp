//===- ImportTest.cpp - what a checkpoint's folder becomes ------------------===//

#include "compiler/import/ProgramText.h"
#include "test/unit/ImportFixture.h"

using namespace quoin;
using testing::HasSubstr;
namespace fs = std::filesystem;

namespace {

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
  EXPECT_THAT(with("dream", "alg", "\"nothing\""),
              HasSubstr("'alg' of decoder 'dream' expects \"origin\" or \"maskgit_plus\" or "));
  EXPECT_THAT(with("dream", "algorithm", "4"),
              HasSubstr("'algorithm' of decoder 'dream' expects an integer from 0 to 3"));
  options.settings = {{"alg", "\"entropy\""}, {"algorithm", "3"}};
  EXPECT_THAT(refuse(),
              HasSubstr("'algorithm' of decoder 'dream' expects to stand without 'alg', which means the same"));
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

TEST_F(ImportTest, adaptersBesideTheModelActWhereTheirGateIsOpen) {
  EXPECT_THAT(import(), testing::Not(HasSubstr("lora")));
  writeTensors("lora.safetensors", {{"gate", {20, 3}}, {"layers.0.lora_a", {3, 8}}, {"layers.0.lora_b", {12, 3}}});
  std::string text = import();
  EXPECT_THAT(text,
              HasSubstr("quoin.weight @adapter_gate : tensor<20x3xf32> from \"lora.safetensors\" tensor \"gate\""));
  EXPECT_THAT(text, HasSubstr("by @layers.0.lora_b : tensor<?x3xf32> -> tensor<?x12xf32>"));
  writeTensors("lora.safetensors", {{"gate", {20, 3}}, {"layers.0.lora_a", {3, 8}}, {"layers.0.lora_b", {8, 3}}});
  EXPECT_THAT(refuse(), HasSubstr("tensor 'layers.0.lora_b' expects shape [12, 3] by config.json, but found [8, 3]"));
}

TEST_F(ImportTest, settingsThatBoundEachOtherAreChecked) {
  auto with = [&](const char *decoder, std::vector<std::pair<std::string, std::string>> settings) {
    options.decoders = {decoder};
    options.settings = std::move(settings);
    return refuse();
  };
  EXPECT_EQ(with("cntp", {{"low", "1"}, {"high", "1.0"}}),
            "setting 'high' of decoder 'cntp' expects more than 'low' 1.0, but found 1.0");
  EXPECT_EQ(with("tdar", {{"lower", "0.95"}}),
            "setting 'upper' of decoder 'tdar' expects at least 'lower' 0.95, but found 0.9");
  EXPECT_EQ(with("ctrldiff", {{"first", "17"}}),
            "setting 'first' of decoder 'ctrldiff' expects at most 'largest' 16, but found 17");
  EXPECT_EQ(with("stamp", {{"slots", "65"}}),
            "setting 'slots' of decoder 'stamp' expects at most the model's 64 positions, but found 65");
  EXPECT_THAT(with("gidd", {{"vocabulary", "1000"}}), HasSubstr("expects at most the model's "));
  EXPECT_THAT(with("gidd", {{"uniform", "1"}}), HasSubstr("expects a number from 0.0 to 0.99, but found 1"));
  EXPECT_THAT(with("blockgen-uniform", {{"others", "1000"}}), HasSubstr("expects less than the model's "));
  EXPECT_EQ(with("adablock", {{"delimiter", "[3, true]"}}),
            "setting 'delimiter' of decoder 'adablock' expects an id or a list of 1 to 64 ids, but found [3,true]");
  EXPECT_THAT(with("cntp", {{"comma", "[]"}}), HasSubstr("expects an id or a list of 1 to 64 ids, but found []"));
  EXPECT_THAT(with("softmol", {{"rank", "\"best\""}}), HasSubstr("expects \"raw\" or \"nucleus\", but found "));
  EXPECT_EQ(with("llada", {{"threshold", "0.9"}, {"steps", "8"}}),
            "setting 'threshold' of decoder 'llada' expects to stand without 'steps', but found 0.9");
  EXPECT_EQ(with("llada", {{"threshold", "0.9"}, {"factor", "1.5"}}),
            "setting 'factor' of decoder 'llada' expects to stand without 'threshold', but found 1.5");
}

TEST_F(ImportTest, severalIdsAreASettingEach) {
  options.decoders = {"adablock"};
  options.settings = {{"delimiter", "[9, 8]"}, {"delimiter", "[3, 4, 5]"}};
  std::string text = import();
  EXPECT_THAT(text, HasSubstr("delimiter = 3 : index, delimiter_2 = 4 : index, delimiter_3 = 5 : index"));
  EXPECT_THAT(text, HasSubstr("quoin.setting @delimiter_3 : index"));
  options.settings = {{"delimiter", "[9, 8]"}, {"delimiter", "7"}};
  EXPECT_THAT(import(), testing::AllOf(HasSubstr("delimiter = 7 : index"), testing::Not(HasSubstr("delimiter_2"))));
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
