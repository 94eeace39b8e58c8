//===- KeyMeanings.cpp - keys of config.json that no template reads --------===//

#include "compiler/import/KeyMeanings.h"
#include <algorithm>
#include <cmath>

using namespace quoin;
using nlohmann::json;

bool quoin::isOff(const json &value) {
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
static void refuseWindows(ConfigReader &config, const ModelFacts &a) {
  int64_t layers = a.layers.value_or(int64_t(1) << 30);
  bool use = config.flag("use_sliding_window", false);
  const json *types = config.find("layer_types");
  int64_t sliding = -1; // the first such layer
  if (types) {
    if (!types->is_array()) {
      config.fail("layer_types", "a list of types");
      return;
    }
    for (int64_t i = 0; i < layers && i < static_cast<int64_t>(types->size()); ++i) {
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
    sliding = full < layers && !none ? full : -1;
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

/// What has to be absent or off: no family computes it unless its template reads it.
static constexpr const char *extras[] = {
    // Attention.
    "clip_qkv", "attn_logit_softcapping", "attention_chunk_size", "full_attention_interval", "kv_lora_rank",
    "q_lora_rank", "index_topk", "use_sinks", "attention_sinks", "num_kv_shared_layers", "attention_k_eq_v",
    "add_cross_attention", "is_encoder_decoder", "use_alibi", "no_rope_layer_interval", "use_dynamic_ntk",
    "use_logn_attn", "nope_layer_interval", "use_qkv_bias", "use_bias", "qkv_bias", "bias", "use_mrope",
    // Norms and residuals.
    "parallel_attn", "use_parallel_residual", "parallel_residual", "norm_after", "sandwich_norm", "use_post_norm",
    "embedding_layer_norm", "apply_layernorm_1p", "zero_centered_gamma", "rms_norm_add_unit_offset", "scale_depth",
    "dim_model_base", "adaln", "time_conditioning",
    // Scores.
    "final_logit_softcapping", "norm_head", "norm_softmax"};

static constexpr const char *expertCounts[] = {"num_experts", "n_routed_experts", "num_local_experts"};

/// Factors that have to be one.
static constexpr const char *factors[] = {
    "embedding_multiplier", "embedding_scale", "scale_emb", "residual_multiplier", "attention_out_multiplier",
    "attention_in_multiplier", "key_multiplier", "lm_head_multiplier", "logits_scaling", "logit_scale",
    "mlp_multipliers", "no_rope_layers",
    // Of rotary embeddings, where the family's are what they are.
    "partial_rotary_factor", "rotary_pct", "rotary_percent", "rope_pct", "rope_scaling_factor", "rope_ratio"};

static constexpr const char *quantizations[] = {"quantization_config", "compression_config"};
static constexpr const char *headSizes[] = {"rotary_dim", "qk_head_dim", "v_head_dim"};
static constexpr const char *activations[] = {"hidden_act", "hidden_activation", "activation_function",
                                              "activation_type"};
static constexpr const char *norms[] = {"norm_type", "layer_norm_type"};
static constexpr const char *windows[] = {"sliding_window", "use_sliding_window", "max_window_layers", "layer_types"};
static constexpr const char *ownScales[] = {"query_pre_attn_scalar", "attention_multiplier"};

/// What training, loading, printing and other engines go by.
static constexpr const char *meaningless[] = {
    // Names and versions.
    "architectures", "auto_map", "transformers_version", "_name_or_path", "name_or_path", "tokenizer_class",
    "tokenizer_name", "torch_dtype", "dtype", "precision", "return_dict", "output_attentions", "output_hidden_states",
    "torchscript", "id2label", "label2id", "problem_type", "is_decoder", "task_specific_params", "use_return_dict",
    // Tokens that a tokenizer or a request decides about.
    "bos_token_id", "pad_token_id", "sep_token_id", "decoder_start_token_id", "unk_token_id",
    // Of pictures, which a text has none of.
    "boi_token_id", "eoi_token_id", "image_token_id", "boi_token_index", "eoi_token_index", "image_token_index",
    "mm_tokens_per_image", "vision_soft_tokens_per_image",
    // Training.
    "initializer_range", "init_device", "init_fn", "init_std", "init_cutoff_factor", "attention_dropout",
    "hidden_dropout", "hidden_dropout_prob", "embedding_dropout", "residual_dropout", "resid_pdrop", "embd_pdrop",
    "attn_pdrop", "output_dropout", "dropout", "use_cache", "gradient_checkpointing", "router_aux_loss_coef",
    "output_router_logits", "fuse_cross_entropy", "debug", "micro_forward", "skip_checkpoint", "use_deepep", "ep_size",
    "pretraining_tp", "moe_backend", "router_dtype", "ar_loss_weight", "dlm_loss_weight", "dlm_paradigm",
    "dp_varying_mask_ratio",
    // Engines, and how they compute the same.
    "flash_attention", "attn_implementation", "_attn_implementation", "attn_backend", "sampling_eps_min",
    "sampling_eps_max", "var_min", "rope_full_precision", "cache_implementation", "use_flash_attention_2", "mlp_ratio",
    // Of what is refused where it is on.
    "alibi_bias_max", "attention_layer_norm_with_affine", "mrope_section"};

/// What is read for every family: it, and the stop ids.
static constexpr const char *everywhere[] = {"model_type", "eos_token_id"};

void quoin::refuseOtherModels(ConfigReader &config, const ModelFacts &facts, const std::set<std::string> &read) {
  auto each = [&](const auto &list, auto judge) {
    for (const char *key : list)
      if (!read.count(key))
        judge(key);
  };
  if (!read.count("layer_types") && !read.count("use_sliding_window"))
    refuseWindows(config, facts);
  each(quantizations, [&](const char *key) {
    if (config.has(key))
      config.fail(key, "null (weights have to be f32, bf16 or f16)");
  });
  each(expertCounts, [&](const char *key) { expectOff(config, key, "0 (mixtures of experts are not supported)"); });
  each(extras, [&](const char *key) { expectOff(config, key, "null (not supported)"); });
  each(factors, [&](const char *key) {
    if (const json *value = config.find(key); value && !isOne(*value))
      config.fail(key, "1 (not supported)");
  });
  if (facts.headSize) {
    auto head = static_cast<double>(*facts.headSize);
    if (!read.count("query_pre_attn_scalar"))
      expectNumber(config, "query_pre_attn_scalar", head, " as the head size");
    if (!read.count("attention_multiplier"))
      expectNumber(config, "attention_multiplier", 1 / std::sqrt(head), " by the head size");
    each(headSizes, [&](const char *key) { expectNumber(config, key, head, " as the head size"); });
  }
  each(activations, [&](const char *key) {
    if (const json *value = config.find(key); value && !isText(*value, "silu") && !isText(*value, "swish"))
      config.fail(key, "'silu'");
  });
  each(norms, [&](const char *key) {
    if (const json *value = config.find(key))
      if (!isText(*value, "rms") && !isText(*value, "rmsnorm") && !isText(*value, "rms_norm") &&
          !isText(*value, "RMSNorm"))
        config.fail(key, "'rms'");
  });
}

bool quoin::isWithoutMeaning(std::string_view key) { return isIn(meaningless, key); }

std::vector<std::string> quoin::unknownKeys(const ConfigReader &config, const std::set<std::string> &read) {
  std::vector<std::string> unknown;
  for (const auto &[key, value] : config.all().items()) {
    bool judged = isIn(extras, key) || isIn(expertCounts, key) || isIn(factors, key) || isIn(quantizations, key) ||
                  isIn(headSizes, key) || isIn(activations, key) || isIn(norms, key) || isIn(windows, key) ||
                  isIn(ownScales, key) || isIn(everywhere, key);
    if (!judged && !read.count(key) && !isWithoutMeaning(key) && !value.is_null())
      unknown.push_back(key);
  }
  return unknown;
}
