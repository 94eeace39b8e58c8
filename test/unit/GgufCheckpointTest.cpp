//===- GgufCheckpointTest.cpp - a GGUF file as a checkpoint's folder -------===//

#include "compiler/import/GgufCheckpoint.h"
#include "GgufFixture.h"
#include "compiler/import/CheckpointFiles.h"
#include "compiler/import/JsonFile.h"
#include "runtime/tokenizer/Tokenizer.h"
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <limits>
#include <set>

using namespace quoin;
using namespace quoin::gguf_test;
using nlohmann::json;
using testing::HasSubstr;

namespace {

/// A document of a file, or what is wrong with it, without the file's name.
json documentOf(const File &file, const std::string &name) {
  std::string path = testing::TempDir() + "gguf_checkpoint_" + std::to_string(rand()) + ".gguf", error;
  std::ofstream(path, std::ios::binary) << file.bytes();
  std::optional<json> made = readJsonFile(path + "/" + name, error);
  std::remove(path.c_str());
  EXPECT_EQ(made.has_value(), error.empty());
  if (made)
    return *made;
  EXPECT_EQ(error.substr(0, path.size() + 2), path + ": ");
  return error.substr(path.size() + 2);
}

File &flag(File &file, const std::string &key, bool value) { return file.key(key, 7, std::string(1, value ? 1 : 0)); }
File &real(File &file, const std::string &key, float value) { return file.key(key, 6, Bytes().put(value).all); }
File &texts(File &file, const std::string &key, const std::vector<std::string> &all) {
  Bytes bytes;
  bytes.put<uint32_t>(8).put<uint64_t>(all.size());
  for (const std::string &each : all)
    bytes.text(each);
  return file.key(key, 9, bytes.all);
}
template <typename T> File &numbers(File &file, const std::string &key, uint32_t type, const std::vector<T> &all) {
  Bytes bytes;
  bytes.put(type).template put<uint64_t>(all.size());
  for (T each : all)
    bytes.put(each);
  return file.key(key, 9, bytes.all);
}

File model(const std::string &name) {
  File file;
  file.word("general.architecture", name).count(name + ".embedding_length", 8).count(name + ".block_count", 2);
  file.count(name + ".attention.head_count", 2).count(name + ".context_length", 64);
  real(file, name + ".attention.layer_norm_rms_epsilon", 1e-6f);
  file.tensor("token_embd.weight", {8, 5}, 0, std::string(160, '\0'));
  return file;
}

TEST(GgufConfig, HasTheKeysOfAFolder) {
  File file = model("qwen3moe");
  file.count("qwen3moe.expert_count", 4)
      .count("tokenizer.ggml.eos_token_id", 3)
      .count("tokenizer.ggml.eot_token_id", 4);
  numbers<int32_t>(file, "qwen3moe.attention.head_count_kv", 5, {1, 1});
  EXPECT_EQ(
      documentOf(file, "config.json"),
      json::parse(R"({"model_type": "qwen3_moe", "hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2,
                            "num_key_value_heads": 1, "max_position_embeddings": 64, "rms_norm_eps": 1e-6,
                            "num_experts": 4, "norm_topk_prob": true, "intermediate_size": 1, "vocab_size": 5,
                            "eos_token_id": [3, 4], "tie_word_embeddings": true})"));
  File llada = model("llada");
  llada.count("tokenizer.ggml.mask_token_id", 1).count("llada.unheard", 1);
  flag(llada, "llada.attention.causal", false);
  EXPECT_EQ(documentOf(llada, "config.json"),
            json::parse(R"({"model_type": "llada", "d_model": 8, "n_layers": 2, "n_heads": 2, "max_sequence_length": 64,
                            "rms_norm_eps": 1e-6, "vocab_size": 5, "weight_tying": true, "include_bias": false,
                            "include_qkv_bias": false, "mask_token_id": 1, "llada.unheard": "of this GGUF file"})"));
}

TEST(GgufConfig, ReadsScalings) {
  File file = model("llama");
  real(file, "llama.rope.scaling.factor", 4);
  EXPECT_EQ(documentOf(file, "config.json")["rope_scaling"], json::parse(R"({"rope_type": "linear", "factor": 4.0})"));
  file.word("llama.rope.scaling.type", "yarn").count("llama.rope.scaling.original_context_length", 16);
  EXPECT_EQ(documentOf(file, "config.json")["rope_scaling"],
            json::parse(R"({"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 16.0})"));
  File factors = model("llama");
  factors.tensor("rope_freqs.weight", {2}, 0, floats({1, 8}));
  EXPECT_EQ(documentOf(factors, "config.json")["rope_scaling"],
            json::parse(R"({"rope_type": "pairs", "factors": [1.0, 8.0]})"));
  File none = model("llama");
  none.tensor("rope_freqs.weight", {2}, 0, floats({1, 1})).word("llama.rope.scaling.type", "none");
  EXPECT_FALSE(documentOf(none, "config.json").contains("rope_scaling"));
  real(factors, "llama.rope.scaling.factor", 4);
  EXPECT_EQ(documentOf(factors, "config.json"), "tensor 'rope_freqs.weight' expects no other scaling of rotary "
                                                "embeddings, but found key 'llama.rope.scaling.factor' with 4.0");
  factors.word("llama.rope.scaling.type", "yarn");
  EXPECT_THAT(documentOf(factors, "config.json"), HasSubstr("found key 'llama.rope.scaling.type' with 'yarn'"));
}

TEST(GgufConfig, RefusesScalingsThatCannotBe) {
  auto factors = [](std::vector<uint64_t> sizes, const std::vector<float> &all) {
    return documentOf(model("llama").tensor("rope_freqs.weight", std::move(sizes), 0, floats(all)), "config.json");
  };
  const std::string vector =
      "tensor 'rope_freqs.weight' expects a vector of F32 of at most 4096 factors, but found F32 of ";
  EXPECT_EQ(factors({4097}, std::vector<float>(4097, 1)), vector + "4097 factors");
  EXPECT_EQ(factors({2, 1}, {1, 1}), vector + "2 dimensions");
  const std::string above = "tensor 'rope_freqs.weight' expects numbers above 0, but found ";
  constexpr float infinity = std::numeric_limits<float>::infinity();
  EXPECT_EQ(factors({1}, {-infinity}), above + "-Infinity");
  EXPECT_EQ(factors({1}, {infinity}), above + "Infinity");
  EXPECT_EQ(factors({1}, {std::numeric_limits<float>::quiet_NaN()}), above + "NaN");
  EXPECT_EQ(factors({1}, {0}), above + "0.0");
  File file = model("llama");
  EXPECT_EQ(documentOf(real(file, "llama.rope.scaling.factor", infinity), "config.json"),
            "key 'llama.rope.scaling.factor' expects a number, but found Infinity");
  EXPECT_EQ(documentOf(model("llama").word("llama.rope.scale_linear", "2"), "config.json"),
            "key 'llama.rope.scale_linear' expects a number, but found '2'");
  EXPECT_EQ(documentOf(model("llama").tensor("rope_factors_long.weight", {1}, 0, floats({1})), "config.json"),
            "expects no tensor 'rope_factors_long.weight', which is not supported, but found one");
}

/// `general.architecture` is one of these by the names of tensors; each is one by its keys, too.
TEST(GgufConfig, KnowsEveryArchitecture) {
  const std::string named = documentOf(File().word("general.architecture", "?"), "config.json").get<std::string>();
  std::set<std::string> names;
  size_t from = named.find("one of ");
  for (size_t at = named.find('\'', from); at < named.find(", but found"); at = named.find('\'', at + 1)) {
    size_t end = named.find('\'', at + 1);
    names.insert(named.substr(at + 1, end - at - 1));
    at = end;
  }
  EXPECT_GE(names.size(), 7u) << named;
  EXPECT_TRUE(names.count("llama") && names.count("llada-moe")) << named;
  for (const std::string &name : names)
    EXPECT_TRUE(documentOf(model(name), "config.json").is_object()) << name;
}

TEST(GgufConfig, RefusesOtherModels) {
  auto says = [](File file, auto change) {
    change(file);
    json made = documentOf(file, "config.json");
    return made.is_string() ? made.get<std::string>() : made.dump();
  };
  EXPECT_EQ(says(model("llama"), [](File &f) { flag(f, "llama.attention.causal", false); }),
            "key 'llama.attention.causal' expects true, but found false");
  EXPECT_EQ(says(model("dream"), [](File &f) { flag(f, "dream.attention.causal", true); }),
            "key 'dream.attention.causal' expects false, but found true");
  EXPECT_EQ(says(model("llada"), [](File &f) { flag(f, "diffusion.shift_logits", true); }),
            "key 'diffusion.shift_logits' expects false, but found true");
  EXPECT_EQ(says(model("llama"), [](File &f) { f.count("llama.attention.value_length", 8); }),
            "key 'llama.attention.value_length' expects 4 as the size of a head, but found 8");
  EXPECT_EQ(says(model("llama"), [](File &f) { real(f, "llama.attn_logit_softcapping", 30); }),
            "key 'llama.attn_logit_softcapping' expects 0 (not supported), but found 30.0");
  EXPECT_EQ(says(model("qwen3moe"), [](File &f) { f.count("qwen3moe.expert_gating_func", 2); }),
            "key 'qwen3moe.expert_gating_func' expects 1 (not supported), but found 2");
  EXPECT_EQ(says(model("llama"), [](File &f) { f.count("llama.vocab_size", 6); }),
            "key 'llama.vocab_size' expects 5 as the rows of 'token_embd.weight', but found 6");
  EXPECT_EQ(says(model("llama"), [](File &f) { f.word("llama.rope.scaling.type", "longrope"); }),
            "key 'llama.rope.scaling.type' expects 'none', 'linear' or 'yarn', but found 'longrope'");
  EXPECT_EQ(says(model("llama"), [](File &f) { numbers<int32_t>(f, "llama.feed_forward_length", 5, {1, 2}); }),
            "key 'llama.feed_forward_length' expects a number, the same for all layers, but found a list of 2");
  EXPECT_THAT(says(model("llama"), [](File &f) { f.count("split.count", 2).count("split.no", 1); }),
              HasSubstr("expects a file with all tensors, but found part 2 of 2 (split files"));
  EXPECT_THAT(
      says(model("llama"), [](File &f) { f.count("split.count", 2).key("split.no", 11, Bytes().put(INT64_MAX).all); }),
      HasSubstr("but found part 9223372036854775807 of 2 (split files"));
  EXPECT_EQ(
      says(model("llama"), [](File &f) { real(f, "llama.rope.freq_base", std::numeric_limits<float>::infinity()); }),
      "key 'llama.rope.freq_base' expects a number, the same for all layers, but found Infinity");
  EXPECT_EQ(
      says(model("llama"), [](File &f) { real(f, "llama.logit_scale", std::numeric_limits<float>::quiet_NaN()); }),
      "key 'llama.logit_scale' expects 1 (not supported), but found NaN");
  EXPECT_EQ(says(model("llama"), [](File &f) { f.word("general.type", "mmproj"); }),
            "key 'general.type' expects 'model', but found 'mmproj'");
}

TEST(GgufFiles, CompareRowsInTheirOrder) {
  std::string path = testing::TempDir() + "gguf_same.gguf", error;
  File file = model("llama");
  file.count("llama.attention.head_count_kv", 1);
  // The same numbers in pairs of two heads, in pairs of one, and in order.
  file.tensor("blk.0.attn_q.weight", {2, 8}, 0, floats({0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15}));
  file.tensor("blk.0.attn_k.weight", {2, 8}, 0, floats({0, 1, 8, 9, 2, 3, 10, 11, 4, 5, 12, 13, 6, 7, 14, 15}));
  file.tensor("blk.0.attn_v.weight", {2, 8}, 0, floats({0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}));
  file.tensor("blk.1.attn_q.weight", {2, 8}, 0, floats({0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 16}));
  std::ofstream(path, std::ios::binary) << file.bytes();
  std::optional<CheckpointFiles> files = CheckpointFiles::open(path, error);
  ASSERT_TRUE(files) << error;
  auto same = [&](const std::string &one, const std::string &other) {
    auto full = [](const std::string &name) {
      return "model.layers." + name.substr(0, 2) + "self_attn." + name[2] + "_proj.weight";
    };
    return files->sameNumbers(full(one), full(other), error);
  };
  EXPECT_TRUE(same("0.q", "0.v"));
  EXPECT_TRUE(same("0.q", "0.k"));
  EXPECT_TRUE(same("0.q", "0.q"));
  EXPECT_FALSE(same("0.q", "1.q"));
  EXPECT_FALSE(same("1.q", "0.v"));
  EXPECT_EQ(error, "");
  std::remove(path.c_str());
}

//===----------------------------------------------------------------------===//
// Tokenizers
//===----------------------------------------------------------------------===//

std::unique_ptr<Tokenizer> tokenizerOf(const File &file) {
  json made = documentOf(file, "tokenizer.json");
  std::string error;
  std::unique_ptr<Tokenizer> tokenizer = Tokenizer::fromJson(made.dump(), error);
  EXPECT_TRUE(tokenizer) << error << made;
  return tokenizer;
}

using Ids = std::vector<int32_t>;

TEST(GgufTokenizer, MergesBytes) {
  File file;
  file.word("tokenizer.ggml.model", "gpt2").word("tokenizer.ggml.pre", "llama-bpe");
  texts(file, "tokenizer.ggml.tokens", {"a", "b", "ab", "1", "12", "\xC4\xA0", "<s>", "<tool>", "[PAD8]", "abab", "2"});
  numbers<int32_t>(file, "tokenizer.ggml.token_type", 5, {1, 1, 1, 1, 1, 1, 3, 4, 5, 1, 1});
  texts(file, "tokenizer.ggml.merges", {"a b", "1 2"});
  file.count("tokenizer.ggml.bos_token_id", 6);
  std::unique_ptr<Tokenizer> tokenizer = tokenizerOf(file);
  ASSERT_TRUE(tokenizer);
  EXPECT_EQ(tokenizer->encode("aab1"), (Ids{0, 2, 3}));
  // A piece that is a token is one, whatever its merges are.
  EXPECT_EQ(tokenizer->encode("abab"), (Ids{9}));
  EXPECT_EQ(tokenizer->encode("a<s>b<tool>1"), (Ids{0, 6, 1, 7, 3}));
  EXPECT_EQ(tokenizer->encodePrompt("a"), (Ids{6, 0}));
  EXPECT_TRUE(tokenizer->isSpecial(6));
  EXPECT_FALSE(tokenizer->isSpecial(7));
  EXPECT_FALSE(tokenizer->hasToken(8));
  EXPECT_EQ(tokenizer->decode({2, 5, 4}), "ab 12");
  flag(file, "tokenizer.ggml.add_bos_token", false);
  EXPECT_EQ(tokenizerOf(file)->encodePrompt("a"), (Ids{0}));
}

TEST(GgufTokenizer, CutsAsItsNameSays) {
  // How many pieces, each of bytes: a text of letters, digits, marks, signs and white space that no token spans.
  auto cut = [](const std::string &pre) {
    File file;
    file.word("tokenizer.ggml.model", "gpt2").word("tokenizer.ggml.pre", pre);
    std::vector<std::string> tokens = {"1", "2", "12", "123", "a", "/", "//", "\xC4\x8A", "!", "!/", "!\xC4\x8A"};
    texts(file, "tokenizer.ggml.tokens", tokens);
    texts(file, "tokenizer.ggml.merges", {"1 2", "/ /", "! /", "! \xC4\x8A"});
    flag(file, "tokenizer.ggml.add_bos_token", false);
    std::unique_ptr<Tokenizer> tokenizer = tokenizerOf(file);
    return tokenizer ? tokenizer->encode("12a!/\n12") : Ids{};
  };
  const Ids digitsTogether = {2, 4, 9, 7, 2}, digitsApart = {0, 1, 4, 9, 7, 0, 1};
  for (const char *pre : {"llama-bpe", "llama3", "llama-v3", "gpt-2"})
    EXPECT_EQ(cut(pre), digitsTogether) << pre;
  for (const char *pre :
       {"qwen2", "deepseek-r1-qwen", "qwen35", "llada-moe", "bailingmoe", "bailingmoe2", "tekken", "smollm"})
    EXPECT_EQ(cut(pre), digitsApart) << pre;
}

TEST(GgufTokenizer, MergesPiecesByScore) {
  const std::string mark = "\xE2\x96\x81";
  File file;
  file.word("tokenizer.ggml.model", "llama");
  std::vector<std::string> tokens = {"<unk>", "<s>", "</s>", "<0x0A>", mark,       "a",
                                     "b",     "c",   "ab",   "bc",     mark + "a", "abc"};
  texts(file, "tokenizer.ggml.tokens", tokens);
  numbers<float>(file, "tokenizer.ggml.scores", 6, {0, 0, 0, 0, -9, -9, -9, -9, -3, -1, -2, -4});
  numbers<int32_t>(file, "tokenizer.ggml.token_type", 5, {2, 3, 3, 6, 1, 1, 1, 1, 1, 1, 1, 1});
  file.count("tokenizer.ggml.bos_token_id", 1).count("tokenizer.ggml.eos_token_id", 2);
  std::unique_ptr<Tokenizer> tokenizer = tokenizerOf(file);
  ASSERT_TRUE(tokenizer);
  // The best pair first: bc before the mark with a; then neither can grow.
  EXPECT_EQ(tokenizer->encode("abc"), (Ids{10, 9}));
  EXPECT_EQ(tokenizer->encodePrompt("cab\n"), (Ids{1, 4, 7, 8, 3}));
  EXPECT_EQ(tokenizer->decode({10, 9}), "abc");
  flag(file, "tokenizer.ggml.add_space_prefix", false);
  flag(file, "tokenizer.ggml.add_eos_token", true);
  tokenizer = tokenizerOf(file);
  EXPECT_EQ(tokenizer->encodePrompt("abc a"), (Ids{1, 11, 10, 2}));
}

TEST(GgufTokenizer, BoundsMergesOfPieces) {
  auto as = [](size_t count) { return std::string(count, 'a'); };
  auto pieces = [](const std::vector<std::string> &tokens) {
    File file;
    file.word("tokenizer.ggml.model", "llama");
    texts(file, "tokenizer.ggml.tokens", tokens);
    numbers<float>(file, "tokenizer.ggml.scores", 6, std::vector<float>(tokens.size()));
    return documentOf(file, "tokenizer.json");
  };
  // The longest is not taken apart.
  json made = pieces({as(1), as(255), as(256), as(257)});
  EXPECT_EQ(made["model"]["merges"], json::array({json::array({as(1), as(255)}), json::array({as(255), as(1)})}));
  std::vector<std::string> many;
  for (size_t i = 1; i < 64; ++i)
    many.push_back(as(i));
  many.resize(many.size() + (1 << 23) / 63 + 1, as(64));
  EXPECT_EQ(pieces(many), "key 'tokenizer.ggml.tokens' expects pieces with at most 8388608 ways to put one together of "
                          "two others, but found more");
}

TEST(GgufTokenizer, HasTheTokensAndTemplatesOfItsConfig) {
  File file;
  file.word("tokenizer.ggml.model", "gpt2").count("tokenizer.ggml.eos_token_id", 1);
  texts(file, "tokenizer.ggml.tokens", {"a", "<e>"});
  file.word("tokenizer.chat_template", "one");
  EXPECT_EQ(documentOf(file, "tokenizer_config.json"), json::parse(R"({"eos_token": "<e>", "chat_template": "one"})"));
  file.word("tokenizer.chat_template.tools", "two");
  EXPECT_EQ(documentOf(file, "tokenizer_config.json")["chat_template"],
            json::parse(R"([{"name": "default", "template": "one"}, {"name": "tools", "template": "two"}])"));
  file.word("tokenizer.chat_template.\xff", "three");
  EXPECT_EQ(documentOf(file, "tokenizer_config.json"),
            "key 'tokenizer.chat_template' expects names of templates in UTF-8, but found "
            "'tokenizer.chat_template.\xEF\xBF\xBD'");
}

TEST(GgufTokenizer, RefusesWhatItCannotRead) {
  File file;
  file.word("tokenizer.ggml.model", "gpt2");
  EXPECT_EQ(documentOf(file, "tokenizer.json"),
            "key 'tokenizer.ggml.tokens' expects a list of texts, but there is none");
  texts(file, "tokenizer.ggml.tokens", {"a", "b"});
  EXPECT_THAT(documentOf(file, "tokenizer.json"), HasSubstr("key 'tokenizer.ggml.pre' expects one of 'llama-bpe', "));
  EXPECT_THAT(documentOf(file, "tokenizer.json"), HasSubstr(", but there is none"));
  File other = file;
  other.word("tokenizer.ggml.pre", "deepseek-llm");
  EXPECT_THAT(documentOf(other, "tokenizer.json"), HasSubstr(", but found 'deepseek-llm'"));
  file.word("tokenizer.ggml.pre", "qwen2");
  EXPECT_EQ(documentOf(file, "tokenizer.json"),
            "key 'tokenizer.ggml.merges' expects a list of texts, but there is none");
  texts(file, "tokenizer.ggml.merges", {"ab"});
  EXPECT_EQ(documentOf(file, "tokenizer.json"),
            "key 'tokenizer.ggml.merges' expects two tokens with a space between them, but found 'ab'");
  File bytes;
  bytes.word("tokenizer.ggml.model", "gpt2");
  texts(bytes, "tokenizer.ggml.tokens", {"a", "\xff"});
  EXPECT_EQ(documentOf(bytes, "tokenizer.json"),
            "key 'tokenizer.ggml.tokens' expects texts in UTF-8, but token 1 is none");
  EXPECT_EQ(documentOf(File().word("tokenizer.ggml.model", "bert"), "tokenizer.json"),
            "key 'tokenizer.ggml.model' expects 'gpt2' or 'llama', but found 'bert'");
}

} // namespace
