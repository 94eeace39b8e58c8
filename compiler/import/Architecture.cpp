//===- Architecture.cpp - what config.json says of a model -----------------===//
//
//   1. Find the family: the name given, else keys that only one family has, else model_type.
//   2. Read the shape, under the family's key names.
//   3. Refuse what the model of this family would compute differently from ours.
//   4. Read the ids: fill token, stop ids.
//
//===----------------------------------------------------------------------===//

#include "compiler/import/Architecture.h"
#include "compiler/import/ConfigReader.h"
#include "compiler/import/OtherModels.h"
#include "compiler/import/RotaryConfig.h"
#include <algorithm>
#include <filesystem>

using namespace quoin;

namespace {

/// Bounds that no sensible model reaches; beyond them a number is a mistake.
constexpr int64_t maxWidth = int64_t(1) << 20;
constexpr int64_t maxLayers = 1000;
constexpr int64_t maxHeads = 4096;
constexpr int64_t maxHeadDim = 4096;
constexpr int64_t maxVocabulary = int64_t(1) << 24;
constexpr int64_t maxPositions = int64_t(1) << 24;

struct Family {
  const char *name;    // model_type
  const char *decoder; // its published decoder
  const char *fillKey; // where config.json has the fill token
  int64_t fill;        // the published checkpoints' fill token; -1: the family has none
  const char *blockKey;
  Presence queryKeyNorm; // where config.json does not say
};

constexpr Family families[] = {
    {"sdar", "sdar-dynamic", "mask_token_id", 151669, "block_size", Presence::Yes},
    {"Fast_dLLM_Qwen", "fast-dllm-v2", "mask_token_id", 151665, "bd_size", Presence::No},
    {"sdlm", "sdlm", "text_mask_token_id", 151666, "block_size", Presence::No},
    {"wedlm", "wedlm", "mask_token_id", 151665, "block_size", Presence::IfThere},
    {"llada", "llada", "mask_token_id", 126336, "block_size", Presence::No},
    {"qwen2", "autoregressive", "mask_token_id", -1, "block_size", Presence::No},
    {"qwen3", "autoregressive", "mask_token_id", -1, "block_size", Presence::Yes},
};

std::string familyNames() {
  std::string names;
  for (const Family &f : families)
    names += (names.empty() ? "" : ", ") + std::string(f.name);
  return names;
}

const Family *findFamily(const std::string &name) {
  const Family *found =
      std::find_if(std::begin(families), std::end(families), [&](const Family &f) { return name == f.name; });
  return found == std::end(families) ? nullptr : found;
}

/// Checkpoints that hide behind another model_type are known by keys that only they have.
const Family *recogniseFamily(ConfigReader &config) {
  if (config.has("causal_attn") && config.has("text_mask_token_id") && !config.flag("causal_attn"))
    return findFamily("sdlm");
  if (config.has("bd_size"))
    return findFamily("Fast_dLLM_Qwen");
  std::string type = config.text("model_type");
  const Family *family = findFamily(type);
  if (!family)
    config.fail("model_type", "one of " + familyNames());
  return family;
}

/// The head's width, and heads that keys can be shared among.
void readHeads(ConfigReader &config, Architecture &a, const char *headsKey, const char *kvKey) {
  a.heads = config.integer(headsKey, 1, maxHeads);
  a.kvHeads = config.integer(kvKey, 1, maxHeads, a.heads);
  if (a.heads % a.kvHeads != 0)
    config.fail(kvKey, "an integer that divides '" + std::string(headsKey) + "' " + std::to_string(a.heads));
  if (config.has("head_dim"))
    a.headDim = config.integer("head_dim", 2, maxHeadDim);
  else if (a.hidden % a.heads != 0)
    config.fail(headsKey, "a divisor of the hidden size " + std::to_string(a.hidden) + " where no 'head_dim' is given");
  else
    a.headDim = a.hidden / a.heads;
  if (a.headDim % 2 != 0)
    config.fail(config.has("head_dim") ? "head_dim" : headsKey, "an even head size, not " + std::to_string(a.headDim));
}

Presence readPresence(ConfigReader &config, const char *key, Presence otherwise) {
  if (!config.has(key))
    return otherwise;
  return config.flag(key) ? Presence::Yes : Presence::No;
}

void readQwen(ConfigReader &config, Architecture &a, const Family &family) {
  a.hidden = config.integer("hidden_size", 1, maxWidth);
  a.layers = config.integer("num_hidden_layers", 1, maxLayers);
  a.mlp = config.integer("intermediate_size", 1, maxWidth);
  a.vocabulary = config.integer("vocab_size", 2, maxVocabulary);
  a.capacity = config.integer("max_position_embeddings", 1, maxPositions);
  a.epsilon = config.real("rms_norm_eps", 1e-12, 1e-1);
  a.theta = readRotaryBase(config);
  a.tied = config.flag("tie_word_embeddings", false);
  readHeads(config, a, "num_attention_heads", "num_key_value_heads");
  a.queryKeyNorm = readPresence(config, "qk_norm", family.queryKeyNorm);
  a.queryBias = readPresence(config, "attention_bias", Presence::IfThere);
  a.outBias = a.queryBias == Presence::No ? Presence::No : Presence::IfThere;
  a.mlpBias = readPresence(config, "mlp_bias", Presence::No);
}

void readLlada(ConfigReader &config, Architecture &a) {
  a.lladaNames = true;
  a.hidden = config.integer("d_model", 1, maxWidth);
  a.layers = config.integer("n_layers", 1, maxLayers);
  a.mlp = config.integer("mlp_hidden_size", 1, maxWidth);
  a.vocabulary = config.integer("vocab_size", 2, maxVocabulary);
  int64_t rows = config.integer("embedding_size", 1, maxVocabulary, a.vocabulary);
  if (rows < a.vocabulary)
    config.fail("embedding_size", "at least 'vocab_size' " + std::to_string(a.vocabulary));
  a.vocabulary = rows;
  a.capacity = config.integer("max_sequence_length", 1, maxPositions);
  a.epsilon = config.real("rms_norm_eps", 1e-12, 1e-1, 1e-5);
  a.theta = readRotaryBase(config);
  a.tied = config.flag("weight_tying", false);
  readHeads(config, a, "n_heads", "n_kv_heads");
  bool bias = config.flag("include_bias", false);
  a.queryBias = config.flag("include_qkv_bias", bias) || bias ? Presence::Yes : Presence::No;
  a.outBias = a.mlpBias = bias ? Presence::Yes : Presence::No;
  config.expectFlag("rope", true, "other positions are not supported");
  config.expectFlag("alibi", false, "rotary positions are expected");
  config.expectFlag("layer_norm_with_affine", true, "norms without weights are not supported");
  for (const char *key : {"attention_layer_norm", "bias_for_layer_norm", "input_emb_norm", "scale_logits"})
    config.expectFlag(key, false, "not supported");
  config.expectFlag("multi_query_attention", a.kvHeads == 1, "as 'n_kv_heads' says");
  if (config.text("block_type", "llama") != "llama")
    config.fail("block_type", "'llama'");
  if (config.integer("block_group_size", 1, maxLayers, 1) != 1)
    config.fail("block_group_size", "1");
}

/// generation_config.json has the stop ids, else config.json.
bool readStopIds(ConfigReader &config, const std::string &directory, Architecture &a, std::string &error) {
  std::string path = (std::filesystem::path(directory) / "generation_config.json").string();
  std::error_code ignored;
  // A link that leads nowhere is a mistake, not an absent file.
  if (std::filesystem::exists(std::filesystem::symlink_status(path, ignored))) {
    ConfigReader generation(path);
    a.stop = generation.ids("eos_token_id", a.vocabulary);
    if (generation.failed()) {
      error = generation.error();
      return false;
    }
    if (generation.has("eos_token_id"))
      return true;
  }
  a.stop = config.ids("eos_token_id", a.vocabulary);
  return true;
}

} // namespace

std::optional<Architecture> quoin::readArchitecture(const std::string &directory, const std::string &name,
                                                    std::string &error) {
  ConfigReader config((std::filesystem::path(directory) / "config.json").string());
  if (config.failed()) {
    error = config.error();
    return std::nullopt;
  }
  const Family *family = name.empty() ? recogniseFamily(config) : findFamily(name);
  if (!family) {
    error = name.empty() ? config.error()
                         : "'--architecture' expects one of " + familyNames() + ", but found '" + name + "'";
    return std::nullopt;
  }
  Architecture a;
  a.name = family->name;
  a.defaultDecoder = family->decoder;
  if (a.name == "llada")
    readLlada(config, a);
  else
    readQwen(config, a, *family);
  refuseOtherModels(config, a);
  if (config.has(family->fillKey) || family->fill >= 0) {
    std::optional<int64_t> published;
    if (family->fill >= 0 && family->fill < a.vocabulary)
      published = family->fill;
    a.fill = config.integer(family->fillKey, 0, a.vocabulary - 1, published);
  }
  // A list or zero here would be another family's key of the same name.
  if (config.has(family->blockKey))
    a.block = config.integer(family->blockKey, 1, a.capacity);
  if (!config.failed() && !readStopIds(config, directory, a, error))
    return std::nullopt;
  if (config.failed()) {
    error = config.error();
    return std::nullopt;
  }
  return a;
}
