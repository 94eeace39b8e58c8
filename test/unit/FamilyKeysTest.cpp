//===- FamilyKeysTest.cpp - nothing that config.json says is ignored --------===//
//
// Each family's config, each key changed in turn: the program is another one, or the config is refused, or the key is
// in the list of those that mean nothing.
//
//===----------------------------------------------------------------------===//

#include "compiler/import/Families.h"
#include "compiler/import/KeyMeanings.h"
#include "compiler/import/ModelTemplate.h"
#include "test/unit/ImportFixture.h"

using namespace quoin;
using nlohmann::json;
using testing::HasSubstr;

namespace {

/// What all configs of the Qwen layout have.
json qwen(const char *type, json more = json::object()) {
  json config = {{"model_type", type},
                 {"architectures", {"SomeForCausalLM"}},
                 {"hidden_size", 8},
                 {"num_attention_heads", 2},
                 {"num_key_value_heads", 1},
                 {"head_dim", 6},
                 {"num_hidden_layers", 1},
                 {"intermediate_size", 10},
                 {"vocab_size", 20},
                 {"rope_theta", 10000.0},
                 {"rope_scaling", nullptr},
                 {"rms_norm_eps", 1e-6},
                 {"max_position_embeddings", 64},
                 {"tie_word_embeddings", false},
                 {"hidden_act", "silu"},
                 {"attention_bias", false},
                 {"attention_dropout", 0.0},
                 {"use_sliding_window", false},
                 {"sliding_window", nullptr},
                 {"max_window_layers", 28},
                 {"initializer_range", 0.02},
                 {"bos_token_id", 17},
                 {"pad_token_id", 17},
                 {"eos_token_id", 18},
                 {"torch_dtype", "bfloat16"},
                 {"use_cache", true},
                 {"transformers_version", "4.52.4"}};
  config.update(more);
  return config;
}

/// With other keys; null takes one away.
json with(json config, const json &more) {
  for (const auto &[key, value] : more.items())
    if (value.is_null())
      config.erase(key);
    else
      config[key] = value;
  return config;
}

const json llada = {{"model_type", "llada"},
                    {"d_model", 8},
                    {"n_heads", 2},
                    {"n_kv_heads", 2},
                    {"n_layers", 1},
                    {"mlp_hidden_size", 10},
                    {"mlp_ratio", 4},
                    {"vocab_size", 20},
                    {"embedding_size", 20},
                    {"max_sequence_length", 64},
                    {"rope", true},
                    {"rope_theta", 10000.0},
                    {"rope_full_precision", true},
                    {"rms_norm_eps", 1e-5},
                    {"weight_tying", false},
                    {"include_bias", false},
                    {"include_qkv_bias", false},
                    {"bias_for_layer_norm", false},
                    {"block_type", "llama"},
                    {"block_group_size", 1},
                    {"activation_type", "silu"},
                    {"layer_norm_type", "rms"},
                    {"layer_norm_with_affine", true},
                    {"attention_layer_norm", false},
                    {"attention_layer_norm_with_affine", true},
                    {"input_emb_norm", false},
                    {"scale_logits", false},
                    {"multi_query_attention", nullptr},
                    {"alibi", false},
                    {"alibi_bias_max", 8.0},
                    {"flash_attention", false},
                    {"attention_dropout", 0.0},
                    {"embedding_dropout", 0.0},
                    {"residual_dropout", 0.0},
                    {"init_device", "meta"},
                    {"init_fn", "mitchell"},
                    {"init_std", 0.02},
                    {"init_cutoff_factor", nullptr},
                    {"precision", "amp_bf16"},
                    {"mask_token_id", 19},
                    {"pad_token_id", 18},
                    {"eos_token_id", 18}};

struct Known {
  const char *family;
  json config;
};

class FamilyKeysTest : public ImportTest, public testing::WithParamInterface<Known> {
protected:
  /// Tensors that the config's family wants.
  void makeTensors() {
    writeText("config.json", config.dump());
    ConfigReader reader((folder / "config.json").string());
    std::string error;
    family = findFamily("", reader, nullptr, error);
    ASSERT_TRUE(family) << error;
    auto model = describeModel(family, reader, nullptr, error);
    ASSERT_TRUE(model) << error;
    shapes.clear();
    read = model->keys;
    for (const TensorRequest &request : model->tensors) {
      if (request.symbol.empty())
        continue;
      size_t star = request.tensor.find('*');
      if (star == std::string::npos)
        shapes[request.tensor] = request.shape;
      else
        for (int64_t i = 0; i < request.shape[0]; ++i)
          shapes[std::string(request.tensor).replace(star, 1, std::to_string(i))] = {request.shape.begin() + 1,
                                                                                     request.shape.end()};
    }
    // All tensors are in the first file.
    for (const std::string &file : model->files)
      writeTensors(file, {});
  }
  std::shared_ptr<const Template> family;
  std::set<std::string> read; // keys

  /// The program, or why there is none.
  std::string outcome() {
    writeText("config.json", config.dump());
    std::string error;
    std::optional<std::string> text = importText(options, error);
    return text ? *text : "error: " + error;
  }
};

/// Other values for a key: of its kind, and of others.
std::vector<json> othersOf(const json &value) {
  std::vector<json> others = {
      true, false, 3, 0.25, "another", json::array({1, 2}), {{"type", "yarn"}, {"factor", 4.0}}, nullptr};
  if (value.is_number()) {
    others.push_back(value.get<double>() * 2);
    others.push_back(value.get<double>() + 1);
    if (value.is_number_integer()) {
      others.push_back(value.get<int64_t>() + 1);
      others.push_back(value.get<int64_t>() * 2);
    }
  }
  return others;
}

TEST_P(FamilyKeysTest, everyKeyIsReadOrRefusedOrMeansNothing) {
  config = GetParam().config;
  makeTensors();
  import();
  EXPECT_TRUE(warnings.empty()) << warnings[0];
  options.source = "here";
  const std::string before = outcome();
  ASSERT_THAT(before, testing::Not(HasSubstr("error: ")));
  EXPECT_THAT(before, HasSubstr(std::string("quoin.architecture = \"") + GetParam().family + "\""));
  const json good = config;
  for (const auto &[key, value] : good.items()) {
    bool seen = false;
    // A window counts only where one is used.
    std::vector<json> around = {json::object()};
    if (key == "sliding_window" || key == "max_window_layers")
      around.push_back({{"use_sliding_window", true}, {"sliding_window", 4}, {"max_window_layers", 0}});
    if (key == "use_sliding_window")
      around.push_back({{"sliding_window", 4}, {"max_window_layers", 0}});
    for (const json &with : around) {
      config = good;
      config.update(with);
      std::string as = outcome();
      for (const json &other : othersOf(value)) {
        if (seen && !isWithoutMeaning(key))
          break;
        config = good;
        config.update(with);
        config[key] = other;
        seen |= outcome() != as;
      }
    }
    // An object that stands for the config: its keys are the config's.
    if (key == "text_config")
      for (const auto &[inner, each] : value.items()) {
        bool counts = false;
        for (const json &other : othersOf(each)) {
          config = good;
          config[key][inner] = other;
          counts |= outcome() != before;
        }
        // Names and stop ids are those at the top.
        bool atTop = inner == "model_type" || inner == "eos_token_id";
        EXPECT_TRUE(counts || atTop || isWithoutMeaning(inner)) << key << "." << inner << " is ignored";
      }
    // Who is recognised by other keys is so under any name.
    bool named = key == "model_type" && !family->recognitions().empty();
    EXPECT_TRUE(seen || named || isWithoutMeaning(key)) << key << " is ignored";
    // Names of classes say nothing but which family it is; what means nothing elsewhere may be read by a family.
    if (key != "architectures" && !read.contains(key))
      EXPECT_FALSE(seen && isWithoutMeaning(key)) << key << " is said to mean nothing";
  }
  config = good;
}

// Whatever a family may say besides, it is not passed over in silence.
TEST_P(FamilyKeysTest, keysOfOtherFamiliesAreRefusedOrNamed) {
  config = GetParam().config;
  makeTensors();
  const json good = config;
  for (const char *key : {"num_experts", "quantization_config", "attn_logit_softcapping", "clip_qkv", "q_lora_rank",
                          "use_alibi", "partial_rotary_factor", "residual_multiplier"}) {
    if (good.contains(key)) // one of its own
      continue;
    config[key] = 3;
    EXPECT_THAT(refuse(), HasSubstr(key));
    config = good;
  }
  config["a_new_idea"] = true;
  import();
  EXPECT_THAT(warnings, testing::ElementsAre(HasSubstr("config.json: the model does not read 1 key, 'a_new_idea'")));
}

// Keys of a scaling are keys, too.
TEST_F(ImportTest, everyNumberOfAScalingCounts) {
  const json scalings[] = {{{"rope_type", "linear"}, {"factor", 4.0}},
                           {{"rope_type", "llama3"},
                            {"factor", 8.0},
                            {"low_freq_factor", 1.0},
                            {"high_freq_factor", 4.0},
                            {"original_max_position_embeddings", 32}},
                           {{"rope_type", "yarn"},
                            {"factor", 4.0},
                            {"original_max_position_embeddings", 32},
                            {"beta_fast", 2.0},
                            {"beta_slow", 1.0},
                            {"attention_factor", nullptr},
                            {"mscale", 0.5},
                            {"mscale_all_dim", 0.7},
                            {"truncate", false},
                            {"llama_4_scaling_beta", 0.1}}};
  shapes.clear();
  config = qwen("llama", {{"head_dim", 16}});
  options.source = "here";
  const json base = config;
  for (const json &scaling : scalings) {
    config = base;
    config["rope_scaling"] = scaling;
    std::string error;
    auto describe = [&](const json &changed) {
      config["rope_scaling"] = changed;
      writeText("config.json", config.dump());
      ConfigReader again((folder / "config.json").string());
      auto family = findFamily("", again, nullptr, error);
      auto model = family ? describeModel(family, again, nullptr, error) : std::nullopt;
      return model ? model->text : "error: " + error;
    };
    const std::string before = describe(scaling);
    EXPECT_THAT(before, HasSubstr("math.cos")) << scaling;
    for (const auto &[key, value] : scaling.items()) {
      json changed = scaling;
      changed[key] = value.is_boolean()  ? json(!value.get<bool>())
                     : value.is_null()   ? json(2.5)
                     : value.is_number() ? json(value.get<double>() * 1.5)
                                         : json("other");
      EXPECT_NE(describe(changed), before) << key;
      changed[key] = "text";
      EXPECT_THAT(describe(changed), HasSubstr("error: ")) << key;
    }
    json more = scaling;
    more["short_factor"] = {1.0};
    EXPECT_THAT(describe(more), HasSubstr("'rope_scaling.short_factor' expects null, as '"));
    json both = scaling;
    both["type"] = "dynamic";
    EXPECT_THAT(describe(both), HasSubstr("'rope_scaling.type' expects '"));
  }
  // What has no scaling of ours, in a family that may have one.
  config = base;
  for (const char *kind : {"dynamic", "longrope", "proportional"}) {
    config["rope_scaling"] = {{"rope_type", kind}, {"factor", 2.0}};
    EXPECT_THAT(refuse(), HasSubstr("expects 'default'"));
  }
  config["rope_scaling"] = scalings[1];
  config["rope_parameters"] = scalings[2];
  EXPECT_THAT(refuse(), HasSubstr("expects one scaling"));
}

TEST_F(ImportTest, familiesThatAreNotThereAreNamed) {
  config = qwen("qwen3", {{"num_experts", 8}});
  EXPECT_THAT(refuse(), HasSubstr("'num_experts' expects 0 (mixtures of experts are not supported)"));
  config = qwen("Gemma2");
  EXPECT_THAT(refuse(), HasSubstr("'model_type' expects a family that is supported (not there yet for "));
  for (const char *type : {"qwen2", "qwen3"}) {
    config = qwen(type, {{"mask_token_id", 19}});
    EXPECT_THAT(refuse(), HasSubstr("expects '--decoder' with one of sdar-dynamic, "));
    config = qwen(type, {{"is_causal", false}});
    EXPECT_THAT(refuse(), HasSubstr("expects '--decoder' with one of sdar-dynamic, "));
  }
}

/// What Qwen's layout with experts adds.
json experts(const char *type, json more = json::object()) {
  json config = qwen(type, {{"num_hidden_layers", 2},
                            {"num_experts", 4},
                            {"num_experts_per_tok", 2},
                            {"moe_intermediate_size", 6},
                            {"norm_topk_prob", true},
                            {"decoder_sparse_step", 1},
                            {"mlp_only_layers", {1}},
                            {"output_router_logits", false},
                            {"router_aux_loss_coef", 0.001}});
  config.update(more);
  return config;
}

const json lladaMoe = with(qwen("llada"), {{"num_experts", 4},
                                           {"num_experts_per_tok", 2},
                                           {"expert_intermediate_size", 6},
                                           {"dense_intermediate_size", 10},
                                           {"intermediate_size", nullptr},
                                           {"num_hidden_layers", 2},
                                           {"moe_layer_freq", {0, 1}},
                                           {"qk_layernorm", true},
                                           {"moe_router_enable_expert_bias", false},
                                           {"moe_router_score_function", "softmax"},
                                           {"partial_rotary_factor", 1},
                                           {"routed_scaling_factor", 1},
                                           {"shared_expert_intermediate_size", 5},
                                           {"mask_token_id", 19}});

const json llada2Moe = with(qwen("llada2_moe"), {{"attention_bias", nullptr},
                                                 {"num_hidden_layers", 2},
                                                 {"num_experts", 8},
                                                 {"num_experts_per_tok", 2},
                                                 {"moe_intermediate_size", 6},
                                                 {"head_dim", 8},
                                                 {"partial_rotary_factor", 0.5},
                                                 {"rotary_dim", 4},
                                                 {"n_group", 4},
                                                 {"topk_group", 2},
                                                 {"routed_scaling_factor", 2.5},
                                                 {"first_k_dense_replace", 1},
                                                 {"num_shared_experts", 1},
                                                 {"norm_topk_prob", true},
                                                 {"use_qk_norm", true},
                                                 {"use_rmsnorm", true},
                                                 {"moe_router_enable_expert_bias", true},
                                                 {"score_function", "sigmoid"},
                                                 {"use_qkv_bias", false},
                                                 {"use_bias", false},
                                                 {"router_dtype", "fp32"},
                                                 {"mask_token_id", 19}});

const json gemma3 = with(qwen("gemma3_text"), {{"hidden_act", nullptr},
                                               {"use_sliding_window", nullptr},
                                               {"max_window_layers", nullptr},
                                               {"num_hidden_layers", 2},
                                               {"hidden_activation", "gelu_pytorch_tanh"},
                                               {"query_pre_attn_scalar", 6},
                                               {"sliding_window", 4},
                                               {"sliding_window_pattern", 2},
                                               {"rope_local_base_freq", 100.0},
                                               {"attn_logit_softcapping", nullptr},
                                               {"final_logit_softcapping", nullptr},
                                               {"cache_implementation", "hybrid"}});

/// As a model with pictures has it.
json withPictures() {
  json config = {{"model_type", "gemma3"},
                 {"architectures", {"Gemma3ForConditionalGeneration"}},
                 {"eos_token_id", {18}},
                 {"text_config", with(gemma3, {{"rope_scaling", {{"rope_type", "linear"}, {"factor", 8.0}}}})}};
  return config;
}

/// DiffusionGemma's, as published but for sizes. Keys of layers that see everything count where there is one.
const json diffusionGemma = {
    {"model_type", "diffusion_gemma"},
    {"architectures", {"DiffusionGemmaForBlockDiffusion"}},
    {"boi_token_id", 15},
    {"canvas_length", 8},
    {"dtype", "bfloat16"},
    {"eoi_token_id", 16},
    {"eos_token_id", {1, 6}},
    {"image_token_id", 14},
    {"initializer_range", 0.02},
    {"text_config",
     {{"attention_bias", false},
      {"attention_dropout", 0.0},
      {"bos_token_id", 2},
      {"dtype", "bfloat16"},
      {"eos_token_id", 1},
      {"final_logit_softcapping", 30.0},
      {"global_head_dim", 8},
      {"head_dim", 4},
      {"hidden_activation", "gelu_pytorch_tanh"},
      {"hidden_size", 8},
      {"initializer_range", 0.02},
      {"intermediate_size", 10},
      {"layer_types", {"sliding_attention", "full_attention"}},
      {"max_position_embeddings", 64},
      {"model_type", "diffusion_gemma_text"},
      {"moe_intermediate_size", 6},
      {"num_attention_heads", 4},
      {"num_experts", 4},
      {"num_global_key_value_heads", 1},
      {"num_hidden_layers", 2},
      {"num_key_value_heads", 2},
      {"pad_token_id", 0},
      {"rms_norm_eps", 1e-6},
      {"rope_parameters",
       {{"full_attention", {{"partial_rotary_factor", 0.5}, {"rope_theta", 1000.0}, {"rope_type", "proportional"}}},
        {"sliding_attention", {{"rope_theta", 100.0}, {"rope_type", "default"}}}}},
      {"sliding_window", 4},
      {"tie_word_embeddings", true},
      {"top_k_experts", 2},
      {"use_bidirectional_attention", "vision"},
      {"vocab_size", 20}}},
    {"tie_word_embeddings", true},
    {"transformers_version", "5.9.0"},
    {"vision_soft_tokens_per_image", 280}};

/// BD3-LM's, as published.
const json bd3lm = {{"model_type", "bd3lm"},
                    {"architectures", {"BD3LM"}},
                    {"adaln", true},
                    {"attn_backend", "flex"},
                    {"block_size", 4},
                    {"causal", false},
                    {"cond_dim", 12},
                    {"cross_attn", true},
                    {"dropout", 0.1},
                    {"hidden_dim", 16},
                    {"model_length", 64},
                    {"n_blocks", 2},
                    {"n_heads", 2},
                    {"return_dict", false},
                    {"sampling_eps_max", 0.999},
                    {"sampling_eps_min", 0.001},
                    {"time_conditioning", false},
                    {"torch_dtype", "float32"},
                    {"var_min", true},
                    {"vocab_size", 20}};

const json var = {{"model_type", "var"},     {"num_classes", 3},     {"vocab_size", 20},    {"Cvae", 2},
                  {"patch_nums", {1, 2, 3}}, {"depth", 2},           {"embed_dim", 8},      {"num_heads", 2},
                  {"mlp_ratio", 4.0},        {"norm_eps", 1e-6},     {"shared_aln", false}, {"attn_l2_norm", true},
                  {"quant_resi", 0.5},       {"share_quant_resi", 4}};

const Known all[] = {
    {"var", var},
    {"gemma3_text", gemma3},
    {"gemma3_text",
     with(gemma3, {{"sliding_window_pattern", nullptr}, {"layer_types", {"sliding_attention", "full_attention"}}})},
    {"gemma3_text", withPictures()},
    {"sdar_moe", experts("sdar_moe", {{"mask_token_id", 19}, {"block_size", 4}})},
    {"qwen3_moe", experts("qwen3_moe")},
    {"LLaDA-MoE", lladaMoe},
    {"llada2_moe", llada2Moe},
    {"bd3lm", bd3lm},
    {"diffusion_gemma", diffusionGemma},
    {"sdar", qwen("sdar", {{"mask_token_id", 19}, {"block_size", 4}, {"debug", false}, {"fuse_cross_entropy", true}})},
    {"Fast_dLLM_Qwen", qwen("Fast_dLLM_Qwen", {{"mask_token_id", 19}, {"bd_size", 4}})},
    {"Fast_dLLM_Qwen", qwen("qwen2", {{"mask_token_id", 19}, {"bd_size", 4}})},
    {"sdlm", qwen("sdlm", {{"text_mask_token_id", 19}, {"block_size", 4}, {"causal_attn", false}})},
    {"wedlm", qwen("wedlm", {{"mask_token_id", 19}, {"qk_norm", true}})},
    {"qwen2", qwen("qwen2")},
    {"qwen3", qwen("qwen3")},
    {"llada", llada},
    {"mmada", with(llada, {{"model_type", "mmada"},
                           {"new_vocab_size", 20},
                           {"llm_vocab_size", 18},
                           {"max_sequence_length", 256},
                           {"tie_word_embeddings", false}})},
    {"Dream", qwen("Dream", {{"mask_token_id", 19}, {"use_mrope", false}})},
    {"DreamReasoner", qwen("Dream", {{"mask_token_id", 19}, {"block_size", 4}})},
    {"llama", qwen("llama", {{"mlp_bias", false}, {"pretraining_tp", 1}})},
    {"llama", qwen("llama", {{"rope_scaling",
                              {{"rope_type", "llama3"},
                               {"factor", 8.0},
                               {"low_freq_factor", 1.0},
                               {"high_freq_factor", 4.0},
                               {"original_max_position_embeddings", 32}}}})},
    {"qwen3",
     qwen("qwen3", {{"rope_scaling", {{"type", "yarn"}, {"factor", 2.0}, {"original_max_position_embeddings", 32}}}})},
    {"Stable-DiffCoder", qwen("llama", {{"architectures", {"StableDiffcoderForCausalLM"}}, {"mask_token_id", 19}})},
    {"mistral", with(qwen("mistral"), {{"use_sliding_window", nullptr}, {"max_window_layers", nullptr}})},
    {"mistral", with(qwen("ministral3", {{"rope_scaling", nullptr},
                                         {"rope_parameters",
                                          {{"rope_type", "yarn"}, {"factor", 2.0}, {"llama_4_scaling_beta", 0.1}}}}),
                     {{"use_sliding_window", nullptr}, {"max_window_layers", nullptr}})},
    {"nemotron_labs_diffusion",
     qwen("nemotron_labs_diffusion", {{"mask_token_id", 19}, {"block_size", 4}, {"mlp_bias", false}})},
    {"illada", qwen("illada", {{"mask_token_id", 19}})},
    {"illada", qwen("other", {{"architectures", {"ILLaDAForCausalLM"}}, {"mask_token_id", 19}})},
    {"LLaDA-V", qwen("llada", {{"mask_token_id", 19}})},
    {"a2d-qwen3", qwen("a2d-qwen3", {{"mask_token_id", 19}})},
    {"a2d-qwen3", qwen("a2d-llama", {{"mask_token_id", 19}})},
    {"blockrank",
     qwen("mistral",
          {{"num_hidden_layers", 2}, {"blockrank_layer", 1}, {"blockrank_position", 32}, {"blockrank_separator", 19}})},
    {"clover", qwen("clover", {{"draft_top_k", {3, 2}}})},
    {"hidden-transfer",
     qwen("hidden-transfer", {{"draft_top_k", {3, 2}}, {"num_hidden_layers", 3}, {"transfer_layer", 1}})},
    {"knows-the-future", qwen("knows-the-future", {{"mask_token_id", 19}})},
    {"joint-sampling", qwen("joint-sampling", {{"mask_token_id", 19}})},
    {"PanguEmbedded", qwen("PanguEmbedded", {{"mask_token_id", 19}, {"bias", true}, {"attention_bias", nullptr}})},
};

INSTANTIATE_TEST_SUITE_P(Families, FamilyKeysTest, testing::ValuesIn(all), [](const auto &info) {
  std::string name = info.param.family + std::to_string(info.index);
  std::erase(name, '-');
  return name;
});

TEST_F(ImportTest, windowsOfAllLayersAreInTheDecodersMask) {
  shapes.erase("model.layers.0.self_attn.q_norm.weight");
  shapes.erase("model.layers.0.self_attn.k_norm.weight");
  config = with(qwen("mistral", {{"sliding_window", 32}}), {{"use_sliding_window", nullptr}});
  EXPECT_THAT(import(), HasSubstr("#causal = #quoin.mask<window<32>>"));
  options.decoders = {"llada"};
  options.fill = 19;
  EXPECT_THAT(refuse(), HasSubstr("decoder 'llada' expects a model that sees all positions, but found a window of 32"));
  options.decoders = {"autoregressive"};
  options.settings = {{"attention_window", "31"}};
  EXPECT_THAT(refuse(),
              HasSubstr("'attention_window' of decoder 'autoregressive' expects the model's 32, but found 31"));
  options.settings.clear();
  for (const json &wide : {json(64), json(false), json(nullptr), json(4096)}) {
    config["sliding_window"] = wide;
    EXPECT_THAT(import(), HasSubstr("#causal = #quoin.mask<causal>"));
  }
  config["sliding_window"] = 0;
  EXPECT_THAT(refuse(), HasSubstr("'sliding_window' expects an integer from 1"));
}

} // namespace
