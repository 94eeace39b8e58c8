//===- CheckpointTest.cpp - folders that import, and folders that are refused --===//

#include "test/unit/ImportFixture.h"

using namespace quoin;
using nlohmann::json;
using testing::HasSubstr;
using testing::Not;
namespace fs = std::filesystem;

namespace {

using CheckpointTest = ImportTest;

TEST_F(CheckpointTest, aTiedHeadIsTheEmbedding) {
  config["tie_word_embeddings"] = true;
  shapes.erase("lm_head.weight");
  std::string text = import();
  EXPECT_THAT(text, HasSubstr("quoin.model @model head @embed"));
  EXPECT_THAT(text, Not(HasSubstr("@head")));
}

TEST_F(CheckpointTest, biasesByPresenceWhereConfigIsSilent) {
  config["model_type"] = "qwen2";
  config.erase("mask_token_id");
  shapes.erase("model.layers.0.self_attn.q_norm.weight");
  shapes.erase("model.layers.0.self_attn.k_norm.weight");
  shapes["model.layers.0.self_attn.q_proj.bias"] = {12};
  std::string text = import();
  EXPECT_THAT(text, HasSubstr("by @layers.0.q_proj bias @layers.0.q_proj.bias"));
  EXPECT_THAT(text, HasSubstr("by @layers.0.k_proj :"));
  EXPECT_THAT(text, HasSubstr("quoin.decoder @autoregressive"));
}

TEST_F(CheckpointTest, shardsAreFoundThroughTheIndex) {
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

TEST_F(CheckpointTest, wrongValuesAreNamedWithFileKeyAndBothSides) {
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
      {"use_sliding_window", "yes", "'use_sliding_window' expects true or false, but found \"yes\""},
      {"model_type", "gpt2", "'model_type' expects one of a2d-qwen3, "},
      {"mask_token_id", 20, "'mask_token_id' expects an integer from 0 to 19, but found 20"},
      {"eos_token_id", {1, -2}, "'eos_token_id' expects an id below the vocabulary's size 20"},
      {"eos_token_id", "end", "'eos_token_id' expects an id below"},
      {"block_size", 65, "'block_size' expects an integer from 1 to 64, but found 65"},
      {"quantization_config", {{"bits", 4}}, "'quantization_config' expects null"},
      {"num_experts", 8, "'num_experts' expects 0"},
      {"layer_types", "full_attention", "'layer_types' expects a list"},
      {"layer_types", {"linear_attention"}, "'layer_types' expects a list of 'full_attention' (layer 0 is another)"},
      {"hidden_activation", "gelu", "'hidden_activation' expects 'silu', but found \"gelu\""},
      {"layer_norm_type", "rms_gemma", "'layer_norm_type' expects 'rms'"},
      {"attn_logit_softcapping", 50.0, "'attn_logit_softcapping' expects null (not supported), but found 50.0"},
      {"final_logit_softcapping", 30.0, "'final_logit_softcapping' expects null"},
      {"clip_qkv", 8, "'clip_qkv' expects null"},
      {"embedding_multiplier", 12.0, "'embedding_multiplier' expects 1 (not supported), but found 12.0"},
      {"residual_multiplier", 0.22, "'residual_multiplier' expects 1"},
      {"logits_scaling", 8, "'logits_scaling' expects 1"},
      {"no_rope_layers", {1, 0}, "'no_rope_layers' expects 1"},
      {"query_pre_attn_scalar", 256, "'query_pre_attn_scalar' expects 6.0 as the head size, but found 256"},
      {"attention_multiplier", 0.5, "'attention_multiplier' expects 0.40"},
      {"partial_rotary_factor", 0.5, "'partial_rotary_factor' expects 1"},
      {"rope_type", "yarn", "'rope_type' expects 'default'"},
  };
  for (const Case &c : cases) {
    json good = config;
    config[c.key] = c.value;
    EXPECT_THAT(refuse(), HasSubstr(c.expected)) << c.key;
    config = good;
  }
}

TEST_F(CheckpointTest, plainRotaryIsReadWhereverItIsWritten) {
  auto base = [&](json change, bool top = false) {
    json good = config;
    if (!top)
      config.erase("rope_theta");
    config.update(change);
    std::string text = import();
    config = good;
    size_t at = text.find(" theta ");
    return at == std::string::npos ? "" : text.substr(at + 7, text.find(' ', at + 7) - at - 7);
  };
  const json block = {{"rope_theta", 5e5}, {"rope_type", "default"}};
  EXPECT_EQ(base(json::object()), "10000.0");
  EXPECT_EQ(base({{"rope_theta", 5e5}}), "5.0e+05");
  EXPECT_EQ(base({{"rope_parameters", block}}), "5.0e+05");
  EXPECT_EQ(base({{"rope_scaling", block}}), "5.0e+05");
  EXPECT_EQ(base({{"rope_parameters", {{"full_attention", block}}}}), "5.0e+05");
  EXPECT_EQ(base({{"rope_parameters", {{"full_attention", block}, {"sliding_attention", block}}}}), "5.0e+05");
  EXPECT_EQ(base({{"rope_parameters", {{"full_attention", block}, {"sliding_attention", nullptr}}}}), "5.0e+05");
  EXPECT_EQ(base({{"rope_scaling", {{"full_attention", block}}}, {"rope_theta", 5e5}}), "5.0e+05");
  EXPECT_EQ(base({{"rope_theta", 5e5}, {"text_config", {{"rope_parameters", {{"full_attention", block}}}}}}),
            "5.0e+05");
  // The config's own 10000 beside blocks that say nothing else.
  for (const json &plain : {json(nullptr), json::object(), json{{"rope_type", "default"}}, json{{"type", "default"}},
                            json{{"type", "linear"}, {"factor", 1.0}}, json{{"rope_type", "default"}, {"factor", 1}},
                            json{{"rope_type", "default"}, {"type", nullptr}, {"beta_fast", nullptr}},
                            json{{"rope_theta", 10000}, {"partial_rotary_factor", 1.0}},
                            json{{"type", "mrope"}, {"mrope_section", {1, 1, 1}}, {"mrope_interleaved", true}}})
    for (const char *key : {"rope_scaling", "rope_parameters"})
      EXPECT_EQ(base({{key, plain}}, true), "10000.0") << plain;
}

TEST_F(CheckpointTest, otherRotaryIsRefusedWhereverItIsWritten) {
  const std::pair<json, const char *> blocks[] = {
      {{{"type", "yarn"}, {"factor", 4.0}},
       "type' expects 'default' (only plain rotary embeddings are supported), "
       "but found \"yarn\""},
      {{{"rope_type", "linear"}, {"factor", 2}}, "factor' expects 1"},
      {{{"rope_type", "linear"}}, "rope_type' expects 'default'"},
      {{{"rope_type", "dynamic"}, {"factor", 1.0}}, "rope_type' expects 'default'"},
      {{{"rope_type", "llama3"}, {"factor", 8.0}}, "but found \"llama3\""},
      {{{"rope_type", "longrope"}, {"short_factor", {1.0}}}, "but found \"longrope\""},
      {{{"rope_type", "proportional"}}, "but found \"proportional\""},
      {{{"rope_type", "default"}, {"type", "su"}}, "but found \"su\""},
      {{{"rope_type", 7}}, "but found 7"},
      {{{"factor", 4.0}}, "factor' expects 1"},
      {{{"factor", "4"}}, "factor' expects 1"},
      {{{"partial_rotary_factor", 0.25}}, "partial_rotary_factor' expects 1"},
      {{{"attention_factor", 1.5}}, "attention_factor' expects null"},
      {{{"original_max_position_embeddings", 32}}, "original_max_position_embeddings' expects null"},
      {{{"rope_theta", 1e6}}, "rope_theta' expects 10000.0 as 'rope_theta' says, but found 1000000.0"},
      {{{"rope_theta", "1e4"}}, "rope_theta' expects a number"},
      {{{"full_attention", 3}}, "full_attention' expects null"},
      {{{"full_attention", {{"full_attention", {{"rope_type", "yarn"}}}}}}, ""},
      {json::array({1}), "expects an object or null"},
      {json("yarn"), "but found \"yarn\""},
  };
  json good = config;
  for (const auto &[block, words] : blocks)
    for (const char *key : {"rope_scaling", "rope_parameters"}) {
      const json nested[] = {{{key, block}},
                             {{key, {{"full_attention", block}}}},
                             {{key, {{"full_attention", {{"rope_theta", 1e4}}}, {"sliding_attention", block}}}},
                             {{"text_config", {{key, block}}}},
                             {{"text_config", {{key, {{"full_attention", block}}}}}}};
      for (const json &change : nested) {
        config.update(change);
        // Deeper than layer types go, and lists where they would stand, are keys that are not known.
        bool deeper = *words == '\0' || !block.is_object();
        std::string error = refuse();
        EXPECT_THAT(error, HasSubstr(deeper ? key : words)) << change;
        EXPECT_THAT(error, HasSubstr(std::string("config.json: '")));
        config = good;
      }
    }
  config.erase("rope_theta");
  config["rope_parameters"] = {{"sliding_attention", {{"rope_theta", 5e5}}}};
  EXPECT_THAT(refuse(), HasSubstr("'rope_theta' expects the base of layers with full attention at the top beside "
                                  "that of 'rope_parameters.sliding_attention.rope_theta', but there is none"));
  // The families do not look there; other readers do.
  config.erase("rope_parameters");
  config["text_config"] = {{"rope_theta", 5e5}};
  EXPECT_THAT(refuse(), HasSubstr("beside that of 'text_config.rope_theta', but there is none"));
}

TEST_F(CheckpointTest, windowsMatterWhereALayerSlides) {
  json good = config;
  auto with = [&](json change) {
    config = good;
    config.update(change);
  };
  // Capacity is 64, and there is one layer.
  for (json change : {json{{"use_sliding_window", false}, {"sliding_window", 8}, {"max_window_layers", 0}},
                      json{{"use_sliding_window", true}}, json{{"use_sliding_window", true}, {"sliding_window", 8}},
                      json{{"use_sliding_window", true}, {"sliding_window", 8}, {"max_window_layers", 1}},
                      json{{"use_sliding_window", true}, {"sliding_window", 64}, {"max_window_layers", 0}},
                      json{{"use_sliding_window", true}, {"sliding_window", nullptr}, {"max_window_layers", 0}},
                      json{{"sliding_window", "x"}, {"max_window_layers", "y"}},
                      json{{"use_sliding_window", true}, {"layer_types", {"full_attention"}}, {"max_window_layers", 0}},
                      json{{"layer_types", {"sliding_attention"}}, {"sliding_window", 64}},
                      json{{"layer_types", {"full_attention", "sliding_attention"}}, {"sliding_window", 8}}}) {
    with(change);
    import();
  }
  with({{"use_sliding_window", true}, {"sliding_window", 63}, {"max_window_layers", 0}});
  EXPECT_THAT(refuse(), HasSubstr("'use_sliding_window' expects false (layer 0 sees 63 of 64 positions; sliding "
                                  "windows are not supported), but found true"));
  with({{"layer_types", {"sliding_attention"}}, {"sliding_window", 8}});
  EXPECT_THAT(refuse(), HasSubstr("'layer_types' expects a list of 'full_attention' (layer 0 sees 8 of 64"));
}

TEST_F(CheckpointTest, keysThatChangeNothingAreAccepted) {
  config.update({{"attn_logit_softcapping", nullptr},
                 {"clip_qkv", nullptr},
                 {"num_experts", 0},
                 {"embedding_multiplier", 1.0},
                 {"logits_scaling", 1},
                 {"no_rope_layers", {1, 1}},
                 {"q_lora_rank", 0},
                 {"query_pre_attn_scalar", 6},
                 {"attention_multiplier", 0.4082482904638631},
                 {"is_encoder_decoder", false},
                 {"attention_dropout", 0.1},
                 {"rotary_dim", 6},
                 {"quantization_config", nullptr}});
  // Of any type, where nobody reads them.
  config.update({{"initializer_range", "x"},
                 {"pad_token_id", -1},
                 {"torch_dtype", 7},
                 {"time_step_limit", {1, "x"}},
                 {"vision_config", {{"rope_scaling", {{"type", "yarn"}}}}}});
  import();
}

TEST_F(CheckpointTest, whatPythonWritesIsReadWhereNobodyReadsIt) {
  auto write = [&](const std::string &more) {
    std::string text = config.dump();
    writeText("config.json", "\xef\xbb\xbf" + text.substr(0, text.size() - 1) + ",\n" + more + "}");
  };
  auto accepted = [&](const std::string &more) {
    write(more);
    std::string error;
    EXPECT_TRUE(importText(options, error)) << more << ": " << error;
  };
  writeTensors("model.safetensors", shapes);
  accepted(R"("time_step_limit": [0.0, Infinity], "x": -Infinity, "y": NaN, "z": [NaN,-Infinity])");
  accepted(R"("big": 123456789012345678901234567890, "huge": 1e999, "small": -1e999, "tiny": 1e-999)");
  accepted(R"("half": "\ud83d", "other": "\ude00x", "both": "\ud83d\ude00", "text": "NaN \" Infinity \\")");
  accepted(R"("half": "\ud83d\ud83d\ude00", "x": 1, "x": 2)");
  // One that is read is no number.
  for (const char *value : {"NaN", "Infinity", "-Infinity", "1e999"}) {
    write("\"rms_norm_eps\": " + std::string(value));
    EXPECT_THAT(refuseAsWritten(), HasSubstr("'rms_norm_eps' expects a number from")) << value;
    write("\"hidden_size\": " + std::string(value));
    EXPECT_THAT(refuseAsWritten(), HasSubstr("'hidden_size' expects an integer from")) << value;
  }
}

TEST_F(CheckpointTest, textThatIsNotJsonIsNamedByItsLineAndTheKeyBefore) {
  const std::pair<std::string, const char *> cases[] = {
      {"{\"model_type\": \"sdar\",\n\"x\": tru}", "config.json: line 2: 'x' expects JSON, but found '\"x\": tru}'"},
      {"{\n\n\"path\": \"C:\\qwen\"}", "config.json: line 3: 'path' expects JSON, but found a bad escape at '\"C:\\q'"},
      {"{\"a\": \"\\u12g4\"}", "found a bad escape at"},
      {"{\"a\": \"line\nbreak\"}", "found a line break or another control character in a string, at"},
      {"{\"a\": \"open}", "found a string without an end"},
      {"{\"a\": \"\xff\"}", "found bytes that are not UTF-8"},
      {"{\"a\": 1,\n", "line 2: 'a' expects JSON, but found its end"},
      {"{\"a\": 1,\n}", "line 2: 'a' expects JSON, but found"},
      {"Entry not found", "line 1: expects JSON, but found 'Entry not found'"},
      {"[1]", "config.json: expects a JSON object, but found [1]"},
      {"", "config.json: expects JSON, but the file is empty"},
      {"<!doctype html>\n<html>", "config.json: expects JSON, but found a web page"},
      {"version https://git-lfs.github.com/spec/v1\noid", "config.json: expects JSON, but found a Git LFS pointer"},
      {std::string("{\0\"\0", 4), "found text in UTF-16"},
      {std::string("\xff\xfe{\0", 4), "found text in UTF-16"},
      {"\x1f\x8b\x08", "found a gzip file"},
      {std::string("\x10\0\0\0\0\0\0\0{\"a\":{}}", 16), "found a safetensors file"},
  };
  for (const auto &[text, words] : cases) {
    writeText("config.json", text);
    EXPECT_THAT(refuseAsWritten(), HasSubstr(words)) << text;
  }
  fs::remove(folder / "config.json");
  EXPECT_THAT(refuseAsWritten(), HasSubstr("config.json: expects a file that can be read"));
}

TEST_F(CheckpointTest, aHeadBesideATiedEmbeddingDecides) {
  const std::string head = "lm_head.weight", embed = "model.embed_tokens.weight";
  config["tie_word_embeddings"] = true;
  EXPECT_THAT(import(), HasSubstr("quoin.model @model head @embed"));
  EXPECT_THAT(warnings, testing::IsEmpty());
  // Another type with the same numbers.
  types[head] = DType::F16;
  EXPECT_THAT(importAgain(), HasSubstr("quoin.model @model head @embed"));
  EXPECT_THAT(warnings, testing::IsEmpty());
  types.clear();
  ones = {head};
  std::string text = importAgain();
  EXPECT_THAT(text, HasSubstr("quoin.model @model head @head"));
  EXPECT_THAT(text, HasSubstr("tensor \"lm_head.weight\""));
  EXPECT_THAT(warnings, testing::ElementsAre("config.json: 'tie_word_embeddings' is true, but tensor 'lm_head.weight' "
                                             "is not the embedding: the head in the file is used"));
  shapes[head] = {21, 8};
  EXPECT_THAT(refuseAgain(), HasSubstr("tensor 'lm_head.weight' expects shape [20, 8] by config.json"));
  shapes[head] = {20, 8};
  shapes.erase(embed);
  EXPECT_THAT(importAgain(), HasSubstr("quoin.weight @embed : tensor<20x8xf32> from \"model.safetensors\" tensor "
                                       "\"lm_head.weight\""));
  shapes.erase(head);
  EXPECT_THAT(refuseAgain(), HasSubstr("expects tensor 'model.embed_tokens.weight'"));
  shapes[embed] = {20, 8};
  config["tie_word_embeddings"] = false;
  EXPECT_THAT(refuseAgain(), HasSubstr("expects tensor 'lm_head.weight' of shape [20, 8], but there is none"));
}

TEST_F(CheckpointTest, tensorsThatNothingReadsAreNamedInOneLine) {
  import();
  EXPECT_THAT(warnings, testing::IsEmpty());
  shapes["extra.scale"] = {4};
  importAgain();
  EXPECT_THAT(warnings, testing::ElementsAre(folder.string() +
                                             ": the model does not read 1 tensor of the checkpoint, 'extra.scale'"));
  types["extra.scale"] = DType::F4;
  shapes["model.layers.0.self_attn.rotary_emb.inv_freq"] = {3};
  shapes["other.scale"] = {3};
  importAgain();
  EXPECT_THAT(warnings,
              testing::ElementsAre(folder.string() +
                                   ": the model does not read 2 tensors of the checkpoint, such as 'extra.scale'"));
}

TEST_F(CheckpointTest, biasesThatAreDeniedMayBeZeros) {
  const std::string bias = "model.layers.0.self_attn.q_proj.bias", mlp = "model.layers.0.mlp.up_proj.bias";
  shapes[bias] = {12};
  shapes[mlp] = {10};
  config["attention_bias"] = false;
  EXPECT_THAT(import(), Not(HasSubstr("bias @")));
  EXPECT_EQ(warnings.size(), 1u);
  ones = {bias};
  EXPECT_THAT(refuseAgain(), HasSubstr("'attention_bias' expects no tensor '" + bias + "' other than zeros"));
  ones = {mlp};
  EXPECT_THAT(refuseAgain(), HasSubstr("'mlp_bias' expects no tensor '" + mlp + "' other than zeros"));
  // Where no key speaks of one.
  for (const char *other : {"lm_head.bias", "model.norm.bias", "model.layers.0.input_layernorm.bias"}) {
    shapes[other] = {8};
    ones = {};
    importAgain();
    ones = {other};
    EXPECT_THAT(refuseAgain(), HasSubstr("expects no tensor '" + std::string(other) + "' other than zeros"));
    shapes.erase(other);
  }
  ones = {"visual.proj.bias"};
  shapes["visual.proj.bias"] = {8};
  importAgain();
  // A norm changes numbers whatever it holds.
  ones.clear();
  config["qk_norm"] = false;
  EXPECT_THAT(refuseAgain(), HasSubstr("'qk_norm' expects no tensor 'model.layers.0.self_attn.q_norm.weight'"));
}

TEST_F(CheckpointTest, shardsThatNothingReadsMayBeMissing) {
  writeTensors("a.safetensors", shapes);
  json map;
  for (const auto &[name, shape] : shapes)
    map[name] = "a.safetensors";
  auto index = [&] { writeText("model.safetensors.index.json", json{{"weight_map", map}, {"metadata", 3}}.dump()); };
  json good = map;
  map["vision.weight"] = "b.safetensors";
  map["other.weight"] = 7;
  map["third.weight"] = "../a.safetensors";
  map["phantom"] = "a.safetensors";
  index();
  import();
  EXPECT_THAT(warnings,
              testing::ElementsAre(folder.string() +
                                   ": the model does not read 4 tensors of the checkpoint, such as 'other.weight'"));
  map = good;
  map["model.layers.0.self_attn.q_proj.bias"] = "b.safetensors"; // one that counts if it is there
  index();
  EXPECT_THAT(refuse(), HasSubstr("b.safetensors: No such file or directory"));
  // One name in two shards: the index decides.
  map = good;
  writeTensors("b.safetensors", {{"lm_head.weight", {20, 8}}}, DType::F16);
  map["lm_head.weight"] = "b.safetensors";
  index();
  EXPECT_THAT(import(), HasSubstr("quoin.weight @head : tensor<20x8xf16> from \"b.safetensors\""));
}

TEST_F(CheckpointTest, whatIsNoCheckpointIsNamed) {
  auto whole = [&](const std::string &path) {
    options.directory = path;
    std::string error;
    EXPECT_FALSE(importText(options, error));
    return error;
  };
  auto with = [&](const std::string &name, const std::string &text, bool weights = false) {
    fs::path other = folder / "other";
    fs::remove_all(other);
    fs::create_directories((other / name).parent_path());
    std::ofstream(other / name) << text;
    if (weights)
      std::ofstream(other / "config.json") << config.dump();
    return whole(other.string());
  };
  import();
  EXPECT_THAT(whole(folder.string() + "/model.safetensors"),
              HasSubstr("expects a checkpoint's folder, but '" + folder.string() +
                        "/model.safetensors' is a safetensors file: give its folder, '" + folder.string() + "'"));
  EXPECT_THAT(whole(folder.string() + "/config.json"), HasSubstr("is a JSON file: give its folder"));
  EXPECT_THAT(whole(folder.string() + "/absent"), HasSubstr("but there is no '"));
  EXPECT_THAT(whole("Qwen/Qwen3-0.6B"), HasSubstr("has to be downloaded first"));
  fs::create_directory(folder / "empty");
  EXPECT_THAT(whole((folder / "empty").string()), HasSubstr("is empty"));
  EXPECT_THAT(with("model.json", "{}"), HasSubstr("is an artefact of quoin-compile"));
  EXPECT_THAT(with("adapter_config.json", "{}"), HasSubstr("holds an adapter"));
  EXPECT_THAT(with("model.gguf", "GGUF"), HasSubstr("and found 'model.gguf', a GGUF file"));
  EXPECT_THAT(with("a.mlir", ""), HasSubstr("is it the program"));
  EXPECT_THAT(with("snapshots/0123/config.json", "{}"), HasSubstr("snapshots/0123'?"));
  EXPECT_THAT(with("original/config.json", "{}"), HasSubstr("original'?"));
  const std::pair<const char *, const char *> weights[] = {
      {"pytorch_model.bin", "but found 'pytorch_model.bin', a PyTorch checkpoint"},
      {"model.pt", "'model.pt', a PyTorch checkpoint"},
      {"model-00001-of-00002.safetensors", "'model-00001-of-00002.safetensors', a file of another name"},
      {"model.safetensors.incomplete", "a download that did not end"},
      {"x.txt", "but found neither"}};
  for (auto [name, words] : weights)
    EXPECT_THAT(with(name, "x", /*weights=*/true), HasSubstr(words));
  EXPECT_THAT(with("model.bin", "PK\x03\x04", true), HasSubstr("a ZIP file, as PyTorch's checkpoints are"));
}

TEST_F(CheckpointTest, tensorsMustBeThereWithTheConfigsShape) {
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
  ones = {"model.layers.0.self_attn.q_proj.bias"};
  config["attention_bias"] = false;
  EXPECT_THAT(again(), HasSubstr("expects no tensor 'model.layers.0.self_attn.q_proj.bias'"));
  shapes = good;
  shapes["model.layers.7.input_layernorm.weight"] = {8};
  EXPECT_THAT(again(), HasSubstr("'num_hidden_layers' expects as many layers as the checkpoint has, but found 1"));
}

} // namespace
