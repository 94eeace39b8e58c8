//===- GgufConfig.cpp - from metadata to config.json -----------------------===//
//
//   1. keys that config.json has under another name, by a table
//   2. keys that have to say what every template computes, by a table of what they may say
//   3. what follows from several keys or from tensors: rotary embeddings, biases, the head, tokens
//   4. keys of the architecture that nobody knows go into config.json as they are, where a warning names them
//
//===----------------------------------------------------------------------===//

#include "compiler/import/GgufCheckpoint.h"
#include "support/JsonText.h"
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <type_traits>

using namespace quoin;
using nlohmann::json;

namespace {

/// A key behind the architecture's name, and what LLaDA and all others call it.
struct KeyRow {
  std::string_view gguf;
  const char *usual, *olmo;
};
constexpr KeyRow ggufKeys[] = {
    {"embedding_length", "hidden_size", "d_model"},
    {"block_count", "num_hidden_layers", "n_layers"},
    {"feed_forward_length", "intermediate_size", "mlp_hidden_size"},
    {"context_length", "max_position_embeddings", "max_sequence_length"},
    {"attention.head_count", "num_attention_heads", "n_heads"},
    {"attention.head_count_kv", "num_key_value_heads", "n_kv_heads"},
    {"attention.key_length", "head_dim", "head_dim"},
    {"attention.layer_norm_rms_epsilon", "rms_norm_eps", "rms_norm_eps"},
    {"rope.freq_base", "rope_theta", "rope_theta"},
    {"expert_count", "num_experts", "num_experts"},
    {"expert_used_count", "num_experts_per_tok", "num_experts_per_tok"},
    {"expert_feed_forward_length", "moe_intermediate_size", "moe_intermediate_size"},
};

/// What a key has to say, as a number, a flag being 0 or 1: the one or the other.
struct KeyRule {
  std::string_view gguf;
  double one, other;
};
constexpr KeyRule ggufRules[] = {
    {"use_parallel_residual", 0, 0},
    {"swin_norm", 0, 0},
    {"pooling_type", 0, 0},
    {"logit_scale", 0, 1},
    {"residual_scale", 0, 1},
    {"embedding_scale", 0, 1},
    {"attn_logit_softcapping", 0, 0},
    {"final_logit_softcapping", 0, 0},
    {"router_logit_softcapping", 0, 0},
    {"full_attention_interval", 0, 1},
    {"nextn_predict_layers", 0, 0},
    {"n_deepstack_layers", 0, 0},
    {"leading_dense_block_count", 0, 0},
    {"interleave_moe_layer_step", 0, 1},
    {"moe_every_n_layers", 0, 1},
    {"expert_shared_count", 0, 0},
    {"expert_group_count", 0, 1},
    {"expert_group_used_count", 0, 1},
    {"expert_group_scale", 0, 1},
    {"expert_weights_scale", 0, 1},
    {"expert_gating_func", 1, 1},
    {"attention.max_alibi_bias", 0, 0},
    {"attention.clamp_kqv", 0, 0},
    {"attention.scale", 0, 0},
    {"attention.output_scale", 0, 1},
    {"attention.temperature_scale", 0, 0},
    {"attention.temperature_length", 0, 0},
    {"attention.shared_kv_layers", 0, 0},
    {"attention.q_lora_rank", 0, 0},
    {"attention.kv_lora_rank", 0, 0},
    {"rope.scaling.alpha", 0, 0},
    {"rope.scaling.attn_factor", 1, 1},
    {"rope.scaling.yarn_attn_factor", 1, 1},
    {"rope.scaling.yarn_ext_factor", 1, 1},
    {"rope.scaling.yarn_log_multiplier", 0, 0},
};

/// Keys of an architecture that `ConfigMaker` looks at by name, and those that say nothing of the model.
constexpr std::string_view ggufOthers[] = {
    "vocab_size",
    "attention.value_length",
    "attention.causal",
    "attention.sliding_window",
    "rope.dimension_count",
    "rope.scale_linear",
    "rope.scaling.type",
    "rope.scaling.factor",
    "rope.scaling.original_context_length",
    "rope.scaling.finetuned",
    "rope.scaling.yarn_beta_fast",
    "rope.scaling.yarn_beta_slow",
    "expert_weights_norm",
    "tensor_data_layout",
    "decoder_start_token_id",
};

/// Of an architecture: `model_type`, whether its attention may be causal and may not be, whether scores are shifted,
/// and what shares of experts are normalised by where nothing says.
struct GgufFamily {
  std::string_view architecture;
  const char *type;
  bool mayBeCausal, mayFill, shifts, normalises;
};
constexpr GgufFamily ggufFamilies[] = {
    {"llama", "llama", true, false, false, true},      {"qwen2", "qwen2", true, true, false, true},
    {"qwen3", "qwen3", true, true, false, true},       {"qwen3moe", "qwen3_moe", true, true, false, true},
    {"dream", "Dream", false, true, true, true},       {"llada", "llada", false, true, false, false},
    {"llada-moe", "llada", false, true, false, false},
};

/// Of pairs of features in `rope_freqs.weight`: far more than a head has.
constexpr int64_t mostFactors = 4096;

class ConfigMaker {
public:
  ConfigMaker(const GgufFile &gguf, const GgufLayout &itsLayout, const GgufFamily &itsFamily, json &to,
              std::string &message)
      : file(gguf), contents(gguf.contents()), layout(itsLayout), family(itsFamily), config(to), error(message) {}
  bool run();

private:
  bool fail(std::string_view key, const std::string &expected, const GgufValue *found);
  std::string full(std::string_view key) const { return std::string(layout.architecture) + "." + std::string(key); }
  const GgufValue *find(std::string_view key) const { return contents.find(full(key)); }
  std::optional<double> number(std::string_view key) const;
  bool has(std::string_view tensor) const { return contents.tensors.find(tensor) != contents.tensors.end(); }
  bool wholeFile();
  bool named();
  bool ruled();
  bool attention();
  bool experts();
  bool rotary();
  bool pairFactors(json &scaling);
  bool vocabulary();
  void tokens();
  void biases();
  void unknown();

  const GgufFile &file;
  const GgufContents &contents;
  const GgufLayout &layout;
  const GgufFamily &family;
  json &config;
  std::string &error;
};

/// A whole number as it is read from a text: without sign where it has none.
json asParsed(int64_t value) { return value < 0 ? json(value) : json(static_cast<uint64_t>(value)); }

/// A number for a message; JSON has no word for some.
std::string describeNumber(double value) {
  if (std::isnan(value))
    return "NaN";
  return std::isinf(value) ? (value < 0 ? "-Infinity" : "Infinity") : json(value).dump();
}

/// A value for a message.
std::string describeValue(const GgufValue &value) {
  if (value.list)
    return "a list of " + std::to_string(value.size());
  if (auto flag = value.flag())
    return *flag ? "true" : "false";
  if (auto text = value.text())
    return "'" + shortened(std::string(*text)) + "'";
  return value.kind == GgufValue::Kind::Integer ? std::to_string(*value.integer()) : describeNumber(*value.real());
}

bool ConfigMaker::fail(std::string_view key, const std::string &expected, const GgufValue *found) {
  error = "key '" + std::string(key) + "' expects " + expected + ", but " +
          (found ? "found " + describeValue(*found) : "there is none");
  return false;
}

/// A number or a flag, as a number. What is not finite is none.
std::optional<double> ConfigMaker::number(std::string_view key) const {
  const GgufValue *value = find(key);
  if (!value)
    return std::nullopt;
  if (std::optional<bool> flag = value->flag())
    return *flag ? 1 : 0;
  std::optional<double> real = value->real();
  return real && std::isfinite(*real) ? real : std::nullopt;
}

/// It is a model, and all of one.
bool ConfigMaker::wholeFile() {
  const GgufValue *type = contents.find("general.type");
  if (type && type->text() != "model")
    return fail("general.type", "'model'", type);
  const GgufValue *parts = contents.find("split.count");
  if (parts && parts->integer().value_or(2) > 1) {
    const GgufValue *part = contents.find("split.no");
    const int64_t number = part ? part->integer().value_or(0) : 0; // from 0; the largest stands for all above it, too
    error = "expects a file with all tensors, but found part " +
            std::to_string(number < INT64_MAX ? number + 1 : number) + " of " + describeValue(*parts) +
            " (split files have to be merged first: llama-gguf-split --merge)";
    return false;
  }
  const GgufValue *version = contents.find("general.quantization_version");
  bool blocks = std::any_of(contents.tensors.begin(), contents.tensors.end(),
                            [](const auto &tensor) { return BlockFormat::find(tensor.second.type) != nullptr; });
  return !version || !blocks || version->integer() == 2 || fail("general.quantization_version", "2", version);
}

bool ConfigMaker::named() {
  for (const KeyRow &row : ggufKeys) {
    const GgufValue *value = find(row.gguf);
    if (!value)
      continue;
    const char *name = layout.ofOlmo ? row.olmo : row.usual;
    if (std::optional<int64_t> integer = ggufInteger(contents, layout, row.gguf))
      config[name] = asParsed(*integer);
    else if (std::optional<double> real = value->real(); real && std::isfinite(*real))
      config[name] = *real;
    else
      return fail(full(row.gguf), "a number, the same for all layers", value);
  }
  return true;
}

bool ConfigMaker::ruled() {
  for (const KeyRule &rule : ggufRules) {
    const GgufValue *value = find(rule.gguf);
    std::optional<double> is = number(rule.gguf);
    if (!value || (is && (*is == rule.one || *is == rule.other)))
      continue;
    bool flag = value->flag().has_value();
    std::string expected = flag ? (rule.one != 0 ? "true" : "false") : std::to_string(static_cast<int>(rule.other));
    return fail(full(rule.gguf), expected + " (not supported)", value);
  }
  return true;
}

bool ConfigMaker::attention() {
  if (const GgufValue *causal = find("attention.causal")) {
    std::optional<bool> is = causal->flag();
    if (!is || (*is && !family.mayBeCausal) || (!*is && !family.mayFill))
      return fail(full("attention.causal"), family.mayBeCausal ? "true" : "false", causal);
    if (!*is && family.mayBeCausal)
      config["is_causal"] = false;
  }
  if (const GgufValue *shift = contents.find("diffusion.shift_logits"); shift && !family.mayBeCausal)
    if (shift->flag() != family.shifts)
      return fail("diffusion.shift_logits", family.shifts ? "true" : "false", shift);
  std::optional<int64_t> heads = ggufInteger(contents, layout, "attention.head_count"),
                         size = ggufInteger(contents, layout, "attention.key_length"),
                         hidden = ggufInteger(contents, layout, "embedding_length");
  if (!size && heads && *heads > 0 && hidden)
    size = *hidden / *heads;
  for (const char *key : {"attention.value_length", "rope.dimension_count"})
    if (const GgufValue *value = find(key); value && size && ggufInteger(contents, layout, key) != size)
      return fail(full(key), std::to_string(*size) + " as the size of a head", value);
  if (const GgufValue *window = find("attention.sliding_window"))
    if (int64_t wide = ggufInteger(contents, layout, "attention.sliding_window").value_or(1);
        wide != 0 && wide < ggufInteger(contents, layout, "context_length").value_or(INT64_MAX))
      return fail(full("attention.sliding_window"), "0 or all positions (windows are not supported)", window);
  return true;
}

bool ConfigMaker::experts() {
  if (!config.contains("num_experts") || config["num_experts"] == 0)
    return true;
  bool normalise = family.normalises;
  if (const GgufValue *value = find("expert_weights_norm")) {
    if (!value->flag())
      return fail(full("expert_weights_norm"), "true or false", value);
    normalise = *value->flag();
  }
  config["norm_topk_prob"] = normalise;
  if (layout.architecture == "llada-moe") {
    config["expert_intermediate_size"] = config["moe_intermediate_size"];
    config.erase("moe_intermediate_size");
  }
  // No layer is without experts, so that none has this size.
  if (!config.contains("intermediate_size"))
    config["intermediate_size"] = asParsed(1);
  return true;
}

/// What each pair of features turns slower by, of files made from Llama 3.1 and later.
bool ConfigMaker::pairFactors(json &scaling) {
  auto tensor = contents.tensors.find("rope_freqs.weight");
  if (tensor == contents.tensors.end())
    return true;
  const std::vector<int64_t> &shape = tensor->second.shape;
  if (tensor->second.type != "F32" || shape.size() != 1 || shape[0] > mostFactors) {
    error = "tensor 'rope_freqs.weight' expects a vector of F32 of at most " + std::to_string(mostFactors) +
            " factors, but found " + std::string(tensor->second.type) + " of " +
            (shape.size() == 1 ? std::to_string(shape[0]) + " factors" : std::to_string(shape.size()) + " dimensions");
    return false;
  }
  json factors = json::array();
  bool any = false;
  for (int64_t i = 0; i < shape[0]; ++i) {
    float factor;
    std::memcpy(&factor, file.data() + tensor->second.begin + static_cast<size_t>(i) * sizeof(float), sizeof(float));
    if (!std::isfinite(factor) || factor <= 0) {
      error = "tensor 'rope_freqs.weight' expects numbers above 0, but found " + describeNumber(factor);
      return false;
    }
    any |= factor != 1;
    factors.push_back(factor);
  }
  if (any && !scaling.is_null()) {
    const char *key = "rope.scaling.type";
    for (const char *other : {"rope.scaling.factor", "rope.scale_linear"})
      key = find(key) ? key : other;
    error = "tensor 'rope_freqs.weight' expects no other scaling of rotary embeddings, but found key '" + full(key) +
            "' with " + describeValue(*find(key));
    return false;
  }
  if (any)
    scaling = {{"rope_type", "pairs"}, {"factors", factors}};
  return true;
}

bool ConfigMaker::rotary() {
  for (const char *name : {"rope_factors_long.weight", "rope_factors_short.weight"})
    if (has(name)) {
      error = std::string("expects no tensor '") + name + "', which is not supported, but found one";
      return false;
    }
  const GgufValue *type = find("rope.scaling.type");
  // A factor alone is linear, as older files have it, under either name.
  std::string kind = "linear";
  if (type) {
    kind = std::string(type->text().value_or(""));
    if (kind != "none" && kind != "linear" && kind != "yarn")
      return fail(full("rope.scaling.type"), "'none', 'linear' or 'yarn'", type);
  }
  for (const char *key : {"rope.scaling.factor", "rope.scale_linear", "rope.scaling.original_context_length",
                          "rope.scaling.yarn_beta_fast", "rope.scaling.yarn_beta_slow"})
    if (const GgufValue *value = find(key); value && !number(key))
      return fail(full(key), "a number", value);
  std::optional<double> factor = number("rope.scaling.factor");
  if (!factor)
    factor = number("rope.scale_linear");
  json scaling;
  if (kind != "none" && factor && *factor != 0 && (*factor != 1 || kind == "yarn")) {
    scaling = {{"rope_type", kind}, {"factor", *factor}};
    if (kind == "yarn")
      for (auto [key, name] : {std::pair("rope.scaling.original_context_length", "original_max_position_embeddings"),
                               std::pair("rope.scaling.yarn_beta_fast", "beta_fast"),
                               std::pair("rope.scaling.yarn_beta_slow", "beta_slow")})
        if (std::optional<double> value = number(key))
          scaling[name] = *value;
  }
  if (!pairFactors(scaling))
    return false;
  if (!scaling.is_null())
    config["rope_scaling"] = scaling;
  return true;
}

bool ConfigMaker::vocabulary() {
  auto embedding = contents.tensors.find("token_embd.weight");
  int64_t rows = embedding == contents.tensors.end() ? 0 : embedding->second.shape.front();
  const GgufValue *said = find("vocab_size");
  if (said && rows && said->integer() != rows)
    return fail(full("vocab_size"), std::to_string(rows) + " as the rows of 'token_embd.weight'", said);
  if (rows)
    config["vocab_size"] = asParsed(rows);
  else if (said && said->integer())
    config["vocab_size"] = asParsed(*said->integer());
  const GgufValue *texts = contents.find("tokenizer.ggml.tokens");
  if (rows && texts && static_cast<int64_t>(texts->size()) > rows)
    return fail("tokenizer.ggml.tokens", "at most " + std::to_string(rows) + " tokens, as many as the model scores",
                texts);
  return true;
}

void ConfigMaker::tokens() {
  auto id = [&](const char *name) -> std::optional<int64_t> {
    const GgufValue *value = contents.find(std::string("tokenizer.ggml.") + name + "_token_id");
    std::optional<int64_t> number = value ? value->integer() : std::nullopt;
    // Some write what stands for none.
    return number && *number >= 0 && *number != UINT32_MAX ? number : std::nullopt;
  };
  json stops = json::array();
  // Of a text, of a turn, of a message.
  for (const char *name : {"eos", "eot", "eom"})
    if (std::optional<int64_t> stop = id(name); stop && std::find(stops.begin(), stops.end(), *stop) == stops.end())
      stops.push_back(asParsed(*stop));
  if (!stops.empty())
    config["eos_token_id"] = stops;
  if (std::optional<int64_t> begin = id("bos"))
    config["bos_token_id"] = asParsed(*begin);
  if (std::optional<int64_t> mask = id("mask"))
    config["mask_token_id"] = asParsed(*mask);
}

void ConfigMaker::biases() {
  bool mlp = has("blk.0.ffn_gate.bias") || has("blk.0.ffn_down.bias");
  config[layout.ofOlmo ? "weight_tying" : "tie_word_embeddings"] = !has("output.weight");
  if (layout.ofOlmo) {
    config["include_bias"] = mlp;
    config["include_qkv_bias"] = has("blk.0.attn_q.bias");
  } else if (mlp) {
    config["mlp_bias"] = true;
  }
}

void ConfigMaker::unknown() {
  auto isIn = [](const auto &list, std::string_view key) {
    return std::any_of(std::begin(list), std::end(list), [&](const auto &each) {
      if constexpr (std::is_same_v<std::decay_t<decltype(each)>, std::string_view>)
        return each == key;
      else
        return each.gguf == key;
    });
  };
  const std::string begin = full("");
  for (const auto &[key, value] : contents.values) {
    if (!key.starts_with(begin))
      continue;
    std::string_view own = std::string_view(key).substr(begin.size());
    if (!isIn(ggufKeys, own) && !isIn(ggufRules, own) && !isIn(ggufOthers, own))
      config[shortened(key, 200)] = "of this GGUF file";
  }
}

bool ConfigMaker::run() {
  config = json::object();
  config["model_type"] = family.type;
  if (!wholeFile() || !named() || !ruled() || !attention() || !experts() || !rotary() || !vocabulary())
    return false;
  tokens();
  biases();
  unknown();
  return true;
}

} // namespace

bool quoin::ggufConfig(const GgufFile &file, json &config, std::string &error) {
  const GgufLayout *layout = ggufLayout(file.contents(), error);
  if (!layout)
    return false;
  const auto *family = std::find_if(std::begin(ggufFamilies), std::end(ggufFamilies),
                                    [&](const GgufFamily &each) { return each.architecture == layout->architecture; });
  if (family == std::end(ggufFamilies)) {
    error = "key 'general.architecture' expects one whose config.json is known, but found '" +
            std::string(layout->architecture) + "'";
    return false;
  }
  return ConfigMaker(file, *layout, *family, config, error).run();
}
