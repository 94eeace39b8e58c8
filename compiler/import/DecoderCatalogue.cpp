//===- DecoderCatalogue.cpp - decoders, their settings, their defaults -----===//

#include "compiler/import/DecoderCatalogue.h"
#include <algorithm>
#include <utility>

using namespace quoin;

/// Blocks, windows and counts beyond this are mistakes.
static constexpr double many = 1 << 20;
/// Thresholds and scores have no bound of their own.
static constexpr double wide = 1e30;

/// A block that masks are written with.
static constexpr SettingSpec fixedBlock(double number) {
  return {"block", Kind::Index, Role::Fixed, 1, many, Default::Config, number};
}
static constexpr SettingSpec block(double number) {
  return {"block", Kind::Index, Role::Entry, 1, many, Default::Config, number};
}
static constexpr SettingSpec count(std::string_view name, double low, double number) {
  return {name, Kind::Index, Role::Entry, low, many, Default::Number, number};
}
static constexpr SettingSpec real(std::string_view name, double number, double low = 0, double high = wide) {
  return {name, Kind::Real, Role::Entry, low, high, Default::Number, number};
}
static constexpr SettingSpec ids(std::string_view name, double number) {
  return {name, Kind::Ids, Role::Entry, 0, many, Default::Number, number};
}
static constexpr SettingSpec steps = {"steps", Kind::Index, Role::Entry, 1, many, Default::Block};
static constexpr SettingSpec subBlock = {"sub_block", Kind::Index, Role::Entry, 1, many, Default::SubBlock, 8};
static constexpr SettingSpec window = {"window", Kind::Index, Role::Entry, 1, many, Default::Config, 4};

static constexpr SettingSpec autoregressive[] = {
    {"attention_window", Kind::Index, Role::Fixed, 1, std::numeric_limits<int32_t>::max(), Default::None}};
static constexpr SettingSpec sdarDynamic[] = {fixedBlock(4), steps, real("threshold", 0.85)};
static constexpr SettingSpec sdarPlain[] = {fixedBlock(4), steps};
static constexpr SettingSpec fastDllm[] = {fixedBlock(32), subBlock, real("threshold", 0.9)};
static constexpr SettingSpec wedlm[] = {count("window", 1, 16), real("entropy", 0.4), real("distance_penalty", 0.02)};
static constexpr SettingSpec wedlmBlocks[] = {block(32), real("threshold", 0.9)};
static constexpr SettingSpec sdlm[] = {window, real("threshold", 0.5)};
static constexpr SettingSpec sdlmSelf[] = {window};
static constexpr SettingSpec adablock[] = {block(32), real("threshold", 0.9), ids("delimiter", 198),
                                           real("delimiter_threshold", 0.3)};
static constexpr SettingSpec blockgen[] = {fixedBlock(4), steps, count("warmup", 0, 1), count("every", 1, 2)};
static constexpr SettingSpec blockgenUniform[] = {
    fixedBlock(4), steps, {"others", Kind::Index, Role::Fixed, 1, many, Default::Tokens}};
/// Forks of a text as rows of one call.
static constexpr SettingSpec together = {"together", Kind::Flag, Role::Choice};
static constexpr SettingSpec cntp[] = {
    real("low", 0.1),  real("high", 1), count("trials", 1, 40), count("longest", 1, 10), ids("comma", 11),
    ids("period", 13), together};
static constexpr SettingSpec ctrldiff[] = {count("largest", 1, 16), count("first", 1, 4), real("grow", 0.5),
                                           real("threshold", 0.85)};
static constexpr SettingSpec efficientDlm[] = {fixedBlock(32), real("threshold", 0.9)};
static constexpr SettingSpec forcedAligner[] = {count("slot", 0, 7)};
/// Noise that is uniform alone has no end.
static constexpr SettingSpec gidd[] = {{"vocabulary", Kind::Index, Role::Fixed, 2, many, Default::Vocabulary},
                                       count("steps", 1, 16),
                                       real("uniform", 0.1, 0, 0.99)};
static constexpr SettingSpec guidedDiffusion[] = {
    block(8), {"guide_layers", Kind::Index, Role::Fixed, 1, 1000, Default::Number, 1}};
static constexpr SettingSpec hexagon[] = {count("smallest", 1, 8), count("answer", 1, 8), together};
static constexpr std::string_view ilmRanks[] = {"confidence", "joint"};
static constexpr SettingSpec ilm[] = {{"rank", Kind::Text, Role::Choice, 0, 0, Default::Number, 0, ilmRanks},
                                      real("temperature", 0)};
static constexpr SettingSpec knowsTheFuture[] = {{"masks", Kind::Index, Role::Entry, 1, 256, Default::Number, 3}};
static constexpr SettingSpec setPrompting[] = {count("separator", 0, 7)};
static constexpr std::string_view softmolRanks[] = {"raw", "nucleus"};
static constexpr SettingSpec softmol[] = {fixedBlock(4),
                                          real("top_p", 0.95, 0, 1),
                                          {"rank", Kind::Text, Role::Choice, 0, 0, Default::Number, 0, softmolRanks}};
static constexpr SettingSpec stamp[] = {count("slots", 1, 8)};
static constexpr SettingSpec tccf[] = {fixedBlock(16), real("threshold", 0.9), count("answer", 0, 64)};
static constexpr SettingSpec tdar[] = {fixedBlock(4), real("lower", 0.6), real("upper", 0.9)};
static constexpr SettingSpec llada[] = {block(32),
                                        {"steps", Kind::Index, Role::Entry, 1, many, Default::None},
                                        real("guidance", 0),
                                        {"threshold", Kind::Real, Role::Entry, 0, wide, Default::None},
                                        {"factor", Kind::Real, Role::Entry, 0, wide, Default::None}};
static constexpr SettingSpec llada2[] = {fixedBlock(32), real("threshold", 0.95), real("edit_threshold", 0.9),
                                         count("least", 1, 1), count("max_post_steps", 0, 16)};
static constexpr SettingSpec llada20[] = {fixedBlock(32), steps, real("threshold", 0.95)};
static constexpr SettingSpec s2d2[] = {fixedBlock(8),
                                       steps,
                                       real("threshold", 0.85),
                                       {"min_span", Kind::Index, Role::Entry, 1, many, Default::None},
                                       {"score", Kind::Real, Role::Entry, -wide, wide, Default::None},
                                       {"cost", Kind::Real, Role::Entry, -wide, wide, Default::None},
                                       {"causal_cache", Kind::Flag, Role::Choice},
                                       {"causal_draft", Kind::Flag, Role::Choice}};
static constexpr SettingSpec bd3lm[] = {fixedBlock(4), real("top_p", 0.9, 0, 1)};
static constexpr SettingSpec nbdiff[] = {block(32), subBlock, real("threshold", 0.9)};
static constexpr SettingSpec d2f[] = {fixedBlock(32), real("threshold", 0.9), real("add", 0.1, 0, 1),
                                      real("complete", 0.9, 0, 1)};

static constexpr SettingSpec rnd1[] = {{"steps", Kind::Index, Role::Entry, 1, many, Default::None},
                                       real("temperature", 0)};
// Without a threshold one token a step.
static constexpr SettingSpec nemotron[] = {block(32), real("threshold", 2)};
static constexpr SettingSpec nemotronSpec[] = {block(32), real("threshold", 0)};
static constexpr std::string_view dreamRules[] = {"origin", "maskgit_plus", "topk_margin", "entropy"};
static constexpr SettingSpec dream[] = {
    {"steps", Kind::Index, Role::Entry, 1, many, Default::None},
    real("eps", 1e-3, 0, 1),
    real("alg_temp", 0),
    real("temperature", 0),
    {"alg", Kind::Text, Role::Choice, 0, 0, Default::Number, 3, dreamRules},
    {"algorithm", Kind::Index, Role::Choice, 0, 3, Default::None, 0, {}, "alg"},
    {"epsilon", Kind::Real, Role::Entry, 0, 1, Default::None, 0, {}, "eps"},
    {"pick_temperature", Kind::Real, Role::Entry, 0, wide, Default::None, 0, {}, "alg_temp"}};

static constexpr SettingSpec common[] = {
    {"temperature", Kind::Real, Role::Entry, 0, wide, Default::None},
    {"top_k", Kind::Index, Role::Entry, 0, std::numeric_limits<int32_t>::max(), Default::None},
    {"top_p", Kind::Real, Role::Entry, 0, 1, Default::None}};

static constexpr DecoderSpec catalogue[] = {
    {"sdar-dynamic", "sdar", "dynamic", sdarDynamic},
    {"sdar-static", "sdar", "static", sdarPlain},
    {"sdar-sequential", "sdar", "sequential", sdarPlain},
    {"autoregressive", "autoregressive", "", autoregressive, /*needsFill=*/false},
    {"fast-dllm-v2", "fast-dllm-v2", "", fastDllm},
    {"fast-dllm-v2-sub-block-cache", "fast-dllm-v2", "sub_block_cache", fastDllm, true, "sub-block"},
    {"wedlm", "wedlm", "", wedlm},
    {"wedlm-blocks", "wedlm-blocks", "", wedlmBlocks},
    {"sdlm", "sdlm", "", sdlm},
    {"sdlm-entropy", "sdlm", "entropy", sdlm},
    {"sdlm-self", "sdlm-self", "", sdlmSelf},
    {"llada", "llada", "", llada},
    {"llada2", "llada2", "", llada2},
    {"llada2.0", "llada2-0", "", llada20},
    {"s2d2", "s2d2", "", s2d2},
    {"bd3lm", "bd3lm", "", bd3lm},
    {"nbdiff", "nbdiff", "", nbdiff},
    {"d2f", "d2f", "", d2f},
    {"adablock", "adablock", "", adablock},
    {"blockgen", "blockgen", "", blockgen},
    {"blockgen-uniform", "blockgen-uniform", "", blockgenUniform},
    {"cntp", "cntp", "", cntp, /*needsFill=*/false},
    {"ctrldiff", "ctrldiff", "", ctrldiff},
    {"efficient-dlm", "efficient-dlm", "", efficientDlm},
    {"forced-aligner", "forced-aligner", "", forcedAligner, /*needsFill=*/false},
    {"gidd", "gidd", "", gidd},
    {"guided-diffusion", "guided-diffusion", "", guidedDiffusion, true, {}, /*guided=*/true},
    {"hex", "hex", "", hexagon},
    {"ilm", "ilm", "", ilm, /*needsFill=*/false},
    {"knows-the-future", "knows-the-future", "", knowsTheFuture},
    {"set-prompting", "set-prompting", "", setPrompting, /*needsFill=*/false},
    {"softmol", "softmol", "", softmol},
    {"stamp", "stamp", "", stamp},
    {"tccf", "tccf", "", tccf},
    {"tdar", "tdar", "", tdar},
    {"tree", "tree", "", {}},
    {"dream", "dream", "", dream},
    {"rnd1", "rnd1", "", rnd1},
    {"nemotron-diffusion", "nemotron-diffusion", "", nemotron},
    {"nemotron-linear-spec", "nemotron-linear-spec", "", nemotronSpec},
};

static constexpr std::pair<std::string_view, std::string_view> texts[] = {
#include "compiler/import/DecoderTexts.inc"
};

std::span<const DecoderSpec> quoin::decoderCatalogue() { return catalogue; }
std::span<const SettingSpec> quoin::commonSettings() { return common; }

const DecoderSpec *quoin::findDecoder(std::string_view name) {
  const auto *found =
      std::find_if(std::begin(catalogue), std::end(catalogue), [&](const DecoderSpec &d) { return d.name == name; });
  return found == std::end(catalogue) ? nullptr : found;
}

std::string_view quoin::decoderText(std::string_view file) {
  for (auto [name, text] : texts)
    if (name == file)
      return text;
  return {};
}

std::vector<std::string_view> quoin::decoderChoices(std::string_view file) {
  std::vector<std::string_view> choices;
  for (const DecoderSpec &decoder : catalogue)
    if (decoder.text == file && !decoder.choice.empty())
      choices.push_back(decoder.choice);
  return choices;
}
