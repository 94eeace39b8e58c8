//===- OtherModels.cpp - keys that make a model another one ----------------===//

#include "compiler/import/OtherModels.h"
#include <algorithm>
#include <cmath>

using namespace quoin;
using nlohmann::json;

/// Null, false, zero, or an empty text, list or object.
static bool isOff(const json &value) {
  if (value.is_boolean())
    return !value.get<bool>();
  if (value.is_number())
    return value.get<double>() == 0;
  return value.is_null() || ((value.is_string() || value.is_structured()) && value.empty()) || value == "";
}

/// 1, or a list of nothing else.
static bool isOne(const json &value) {
  if (value.is_array())
    return std::all_of(value.begin(), value.end(), isOne);
  return value.is_number() && value.get<double>() == 1;
}

static void expectOff(ConfigReader &config, const char *key, const std::string &expected) {
  if (const json *value = config.find(key); value && !isOff(*value))
    config.fail(key, expected);
}

static void expectNumber(ConfigReader &config, const char *key, double number, const std::string &why) {
  const json *value = config.find(key);
  if (value && !(value->is_number() && std::abs(value->get<double>() - number) <= 1e-6 * std::abs(number)))
    config.fail(key, realText(number) + why);
}

//===----------------------------------------------------------------------===//
// Windows
//===----------------------------------------------------------------------===//

/// What `transformers` takes where config.json is silent.
static constexpr int64_t defaultWindow = 4096, defaultFullLayers = 28;

static bool isText(const json &value, const char *text) { return value.is_string() && value == text; }

/// A window matters if a layer slides and positions can be further apart than it is wide. Layers slide from
/// `max_window_layers` on under `use_sliding_window`, or as `layer_types` says of each.
static void refuseWindows(ConfigReader &config, const Architecture &a) {
  bool use = config.flag("use_sliding_window", false);
  const json *types = config.find("layer_types");
  int64_t sliding = -1; // the first such layer
  if (types) {
    if (!types->is_array()) {
      config.fail("layer_types", "a list of types");
      return;
    }
    for (int64_t i = 0; i < a.layers && i < static_cast<int64_t>(types->size()); ++i) {
      const json &type = (*types)[static_cast<size_t>(i)];
      if (isText(type, "sliding_attention")) {
        sliding = sliding < 0 ? i : sliding;
      } else if (!isText(type, "full_attention")) {
        config.fail("layer_types", "a list of 'full_attention' (layer " + std::to_string(i) + " is another)");
        return;
      }
    }
  } else if (use) {
    // An explicit null is no window.
    bool none = config.all().contains("sliding_window") && !config.has("sliding_window");
    int64_t full = config.integer("max_window_layers", 0, int64_t(1) << 30, defaultFullLayers);
    sliding = full < a.layers && !none ? full : -1;
  }
  if (sliding < 0)
    return;
  int64_t window = config.integer("sliding_window", 1, int64_t(1) << 40, defaultWindow);
  if (window >= a.capacity || config.failed())
    return;
  std::string why = "layer " + std::to_string(sliding) + " sees " + std::to_string(window) + " of " +
                    std::to_string(a.capacity) + " positions; sliding windows are not supported";
  if (types)
    config.fail("layer_types", "a list of 'full_attention' (" + why + ")");
  else
    config.fail("use_sliding_window", "false (" + why + ")");
}

//===----------------------------------------------------------------------===//
// Everything else
//===----------------------------------------------------------------------===//

/// What has to be absent or off: no family of ours computes it.
static constexpr const char *extras[] = {
    // Attention.
    "clip_qkv", "attn_logit_softcapping", "attention_chunk_size", "full_attention_interval", "kv_lora_rank",
    "q_lora_rank", "index_topk", "use_sinks", "attention_sinks", "num_kv_shared_layers", "attention_k_eq_v",
    "add_cross_attention", "is_encoder_decoder", "use_alibi", "no_rope_layer_interval", "use_dynamic_ntk",
    "use_logn_attn", "nope_layer_interval",
    // Norms and residuals.
    "parallel_attn", "use_parallel_residual", "parallel_residual", "norm_after", "sandwich_norm", "use_post_norm",
    "embedding_layer_norm", "apply_layernorm_1p", "zero_centered_gamma", "rms_norm_add_unit_offset", "scale_depth",
    "dim_model_base",
    // Scores.
    "final_logit_softcapping"};

/// Factors that have to be one.
static constexpr const char *factors[] = {"embedding_multiplier", "embedding_scale",          "scale_emb",
                                          "residual_multiplier",  "attention_out_multiplier", "attention_in_multiplier",
                                          "key_multiplier",       "lm_head_multiplier",       "logits_scaling",
                                          "logit_scale",          "mlp_multipliers",          "no_rope_layers"};

void quoin::refuseOtherModels(ConfigReader &config, const Architecture &a) {
  refuseWindows(config, a);
  for (const char *key : {"quantization_config", "compression_config"})
    if (config.has(key))
      config.fail(key, "null (weights have to be f32, bf16 or f16)");
  for (const char *key : {"num_experts", "n_routed_experts", "num_local_experts"})
    expectOff(config, key, "0 (mixtures of experts are not supported)");
  for (const char *key : extras)
    expectOff(config, key, "null (not supported)");
  for (const char *key : factors)
    if (const json *value = config.find(key); value && !isOne(*value))
      config.fail(key, "1 (not supported)");
  auto head = static_cast<double>(a.headDim);
  expectNumber(config, "query_pre_attn_scalar", head, " as the head size");
  expectNumber(config, "attention_multiplier", 1 / std::sqrt(head), " by the head size");
  for (const char *key : {"rotary_dim", "qk_head_dim", "v_head_dim"})
    expectNumber(config, key, head, " as the head size");
  for (const char *key : {"hidden_act", "hidden_activation", "activation_function", "activation_type"})
    if (const json *value = config.find(key); value && !isText(*value, "silu") && !isText(*value, "swish"))
      config.fail(key, "'silu'");
  for (const char *key : {"norm_type", "layer_norm_type"})
    if (const json *value = config.find(key))
      if (!isText(*value, "rms") && !isText(*value, "rmsnorm") && !isText(*value, "rms_norm") &&
          !isText(*value, "RMSNorm"))
        config.fail(key, "'rms'");
}
