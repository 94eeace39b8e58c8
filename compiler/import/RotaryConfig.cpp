//===- RotaryConfig.cpp - what config.json says of the rotary embedding ----===//
//
// Scalings, with inv = base^(-2i / r) for pair i of r / 2 and `old` the positions that the model was made for:
//
//   linear   inv / factor
//   llama3   by wave length 2 pi / inv: short ones stay, long ones are divided by the factor, those between old / high
//   and
//            old / low are blended (Llama 3.1)
//   proportional   a head turns by as many frequencies as it has pairs, of which only the first part is not 0
//   yarn     by pairs: fast ones stay, slow ones are divided, between them a ramp; sines and cosines grow with the
//            logarithm of the factor (Peng et al., 2023)
//

#include "compiler/import/RotaryConfig.h"
#include <algorithm>
#include <cmath>
#include <numbers>
#include <string_view>

using namespace quoin;
using nlohmann::json;

namespace {

/// Where no place gives one, in every family.
constexpr double defaultBase = 10000;

/// Factors that turn a part of a head, or positions by another scale.
constexpr const char *scales[] = {"partial_rotary_factor", "rotary_pct", "rotary_percent", "rope_pct",
                                  "rope_scaling_factor",   "rope_ratio"};

constexpr const char *allKeys[] = {
    "rope_theta", "rope_type",      "rope_scaling", "rope_parameters",     "partial_rotary_factor",
    "rotary_pct", "rotary_percent", "rope_pct",     "rope_scaling_factor", "rope_ratio"};

constexpr const char *plainOnly = " (only plain rotary embeddings are supported)";

class RotaryReader {
public:
  RotaryReader(ConfigReader &config, std::optional<RotaryShape> shape) : config(config), shape(shape) {}
  Rotary run();

private:
  void place(ConfigReader &at, bool decides);
  void blocks(ConfigReader &at, const char *key, bool decides);
  void plain(ConfigReader &block, bool decides, bool byLayerType, bool ownBase = false);
  void readBase(ConfigReader &at, const char *key, bool decides);
  void readKind(ConfigReader &block);
  std::string scalingOf(ConfigReader &at, ConfigReader &block, bool ofLayers = false) const;
  void scaled(ConfigReader &block, const std::string &kind, bool decides);
  void scale();
  void llama3();
  void yarn();
  void proportional();
  double oldPositions(ConfigReader &block);
  void expectOne(ConfigReader &at, const std::string &key);

  ConfigReader &config;
  std::optional<RotaryShape> shape;
  std::optional<ConfigReader> scaling; // the block that has one
  std::string scalingKind;
  Rotary rotary;
  std::optional<double> base;
  std::string from; // the key of the base
  bool decided = false;
};

bool isLayerType(std::string_view key) { return key.ends_with("_attention"); }

} // namespace

void RotaryReader::readBase(ConfigReader &at, const char *key, bool decides) {
  if (!at.has(key))
    return;
  double value = at.real(key, 1, 1e12);
  if (at.failed())
    return;
  if (base && *base != value)
    at.fail(key, realText(*base) + " as '" + from + "' says");
  if (!base)
    from = at.nameOf(key);
  base = value;
  decided |= decides;
}

void RotaryReader::expectOne(ConfigReader &at, const std::string &key) {
  const json *value = at.find(key);
  if (value && !(value->is_number() && value->get<double>() == 1.0))
    at.fail(key, std::string("1") + plainOnly);
}

/// Positions of text are the same in all sections of mrope, so that it is plain there.
void RotaryReader::readKind(ConfigReader &block) {
  for (const char *key : {"rope_type", "type"}) {
    const json *value = block.find(key);
    bool linear = value && *value == "linear" && block.has("factor");
    if (value && *value != "default" && *value != "mrope" && !linear)
      block.fail(key, std::string("'default'") + plainOnly);
  }
}

/// One block; `decides` if its base is that of layers with full attention. There may be others in it `byLayerType`.
void RotaryReader::plain(ConfigReader &block, bool decides, bool byLayerType, bool ownBase) {
  readKind(block);
  if (!ownBase)
    readBase(block, "rope_theta", decides);
  for (const char *key : {"factor", "partial_rotary_factor"})
    expectOne(block, key);
  for (const auto &[key, value] : block.all().items()) {
    bool known = byLayerType && isLayerType(key) && value.is_object();
    for (const char *name :
         {"rope_type", "type", "rope_theta", "factor", "partial_rotary_factor", "mrope_section", "mrope_interleaved"})
      known |= key == name;
    if (!known && !value.is_null())
      block.fail(key, std::string("null") + plainOnly);
  }
}

void RotaryReader::blocks(ConfigReader &at, const char *key, bool decides) {
  const json *value = at.find(key);
  if (!value || (shape && *value == false))
    return;
  if (!value->is_object()) {
    at.fail(key, std::string("an object or null") + plainOnly);
    return;
  }
  ConfigReader block = at.below(key);
  if (std::string kind = scalingOf(at, block); !kind.empty()) {
    scaled(block, kind, decides);
    at.take(block);
    return;
  }
  plain(block, decides, /*byLayerType=*/true);
  for (const auto &[name, inner] : value->items()) {
    if (!isLayerType(name) || !inner.is_object())
      continue;
    ConfigReader nested = block.below(name);
    std::string kind = name == "full_attention" ? scalingOf(at, nested, /*ofLayers=*/true) : "";
    if (!kind.empty())
      scaled(nested, kind, decides);
    else
      plain(nested, decides && name == "full_attention", /*byLayerType=*/false,
            /*ownBase=*/shape && shape->slidingElsewhere && name == "sliding_attention");
    block.take(nested);
  }
  at.take(block);
}

/// `decides` if it is where the families look.
void RotaryReader::place(ConfigReader &at, bool decides) {
  readBase(at, "rope_theta", decides);
  if (const json *kind = at.find("rope_type"); kind && *kind != "default" && *kind != "mrope")
    at.fail("rope_type", std::string("'default'") + plainOnly);
  for (const char *key : scales)
    expectOne(at, key);
  for (const char *key : {"rope_scaling", "rope_parameters"})
    blocks(at, key, decides);
}

/// The kind of a scaling that can be read here, or empty: then the block has to be plain. `proportional` is one of
/// blocks by the type of layers alone.
std::string RotaryReader::scalingOf(ConfigReader &at, ConfigReader &block, bool ofLayers) const {
  if (!shape || &at != &config)
    return "";
  for (const char *key : {"rope_type", "type"})
    if (const json *value = block.find(key); value && value->is_string())
      for (std::string_view kind : {"llama3", "yarn", "proportional"})
        if (*value == kind && (kind != "proportional" || ofLayers))
          return std::string(kind);
  const json *factor = block.find("factor");
  bool linear = factor && factor->is_number() && factor->get<double>() != 1.0;
  for (const char *key : {"rope_type", "type"})
    if (const json *value = block.find(key); linear && value && *value == "linear")
      return "linear";
  return "";
}

/// One scaling, of one kind, and keys that this kind has.
void RotaryReader::scaled(ConfigReader &block, const std::string &kind, bool decides) {
  if (scaling) {
    block.fail("rope_type", "one scaling, but '" + scaling->nameOf("rope_type") + "' has one, too");
    return;
  }
  readBase(block, "rope_theta", decides);
  if (kind != "proportional")
    expectOne(block, "partial_rotary_factor");
  const std::string_view common[] = {"rope_type", "type", "rope_theta", "factor", "partial_rotary_factor"};
  const std::string_view llama3Keys[] = {"low_freq_factor", "high_freq_factor", "original_max_position_embeddings"};
  const std::string_view yarnKeys[] = {"original_max_position_embeddings",
                                       "beta_fast",
                                       "beta_slow",
                                       "attention_factor",
                                       "mscale",
                                       "mscale_all_dim",
                                       "truncate",
                                       "llama_4_scaling_beta"};
  auto isIn = [](const auto &list, std::string_view key) {
    return std::find(std::begin(list), std::end(list), key) != std::end(list);
  };
  for (const auto &[key, value] : block.all().items()) {
    bool known =
        isIn(common, key) || (kind == "llama3" && isIn(llama3Keys, key)) || (kind == "yarn" && isIn(yarnKeys, key));
    if (!known && !value.is_null())
      block.fail(key, "null, as '" + kind + "' has no such key");
    if ((key == "rope_type" || key == "type") && !value.is_null() && value != kind)
      block.fail(key, "'" + kind + "', as the other says");
  }
  scaling = block;
  scalingKind = kind;
}

double RotaryReader::oldPositions(ConfigReader &block) {
  return block.real("original_max_position_embeddings", 1, 1e9, static_cast<double>(shape->positions));
}

void RotaryReader::llama3() {
  double factor = scaling->real("factor", 1, 1e6), low = scaling->real("low_freq_factor", 1e-6, 1e6),
         high = scaling->real("high_freq_factor", 1e-6, 1e6), old = oldPositions(*scaling);
  if (!scaling->failed() && high <= low)
    scaling->fail("high_freq_factor", "more than 'low_freq_factor' " + realText(low));
  for (double &inv : rotary.frequencies) {
    double wave = 2 * std::numbers::pi / inv, blend = (old / wave - low) / (high - low);
    inv = wave < old / high ? inv : wave > old / low ? inv / factor : (1 - blend) * inv / factor + blend * inv;
  }
}

void RotaryReader::yarn() {
  double old = oldPositions(*scaling), r = static_cast<double>(shape->headSize);
  double factor = scaling->real("factor", 1, 1e6, static_cast<double>(shape->positions) / old);
  // Zero means the default, as null does.
  auto beta = [&](const char *key, double otherwise) {
    double value = scaling->real(key, 0, 1e6, otherwise);
    return value == 0 ? otherwise : value;
  };
  if (rotary.base == 1)
    scaling->fail("rope_theta", "a base above 1 for 'yarn'");
  double fast = beta("beta_fast", 32), slow = beta("beta_slow", 1);
  double each = scaling->real("mscale", 0, 1e6, 0.0), all = scaling->real("mscale_all_dim", 0, 1e6, 0.0);
  bool truncate = scaling->flag("truncate", true);
  rotary.queryScale = scaling->real("llama_4_scaling_beta", 0, 1e3, 0.0);
  rotary.queryScaleFrom = old;
  auto grown = [&](double by) { return factor <= 1 ? 1 : 0.1 * by * std::log(factor) + 1; };
  double otherwise = each != 0 && all != 0 ? grown(each) / grown(all) : grown(1);
  rotary.magnitude = scaling->real("attention_factor", 1e-6, 1e6, otherwise);
  auto pairAt = [&](double turns) {
    return r * std::log(old / (2 * std::numbers::pi * turns)) / (2 * std::log(rotary.base));
  };
  if (scaling->failed())
    return;
  double first = pairAt(fast), last = pairAt(slow);
  if (truncate) {
    first = std::floor(first);
    last = std::ceil(last);
  }
  first = std::max(first, 0.0);
  last = std::min(last, r - 1);
  if (first == last)
    last += 0.001;
  for (size_t i = 0; i < rotary.frequencies.size(); ++i) {
    double ramp = std::clamp((static_cast<double>(i) - first) / (last - first), 0.0, 1.0), &inv = rotary.frequencies[i];
    inv = inv * (1 - ramp) + inv / factor * ramp;
  }
}

void RotaryReader::proportional() {
  double factor = scaling->real("factor", 1, 1e6, 1.0), part = scaling->real("partial_rotary_factor", 0, 1, 1.0);
  auto turned = static_cast<size_t>(part * static_cast<double>(rotary.frequencies.size()));
  for (size_t i = 0; i < rotary.frequencies.size(); ++i)
    rotary.frequencies[i] = i < turned ? rotary.frequencies[i] / factor : 0;
}

/// The frequencies of the scaling, if there is one.
void RotaryReader::scale() {
  if (!scaling || config.failed())
    return;
  auto r = static_cast<double>(shape->headSize);
  for (int64_t i = 0; i < shape->headSize / 2; ++i)
    rotary.frequencies.push_back(std::pow(rotary.base, -2.0 * static_cast<double>(i) / r));
  if (scalingKind == "llama3") {
    llama3();
  } else if (scalingKind == "yarn") {
    yarn();
  } else if (scalingKind == "proportional") {
    proportional();
  } else {
    double factor = scaling->real("factor", 1, 1e6);
    for (double &inv : rotary.frequencies)
      inv /= factor;
  }
  config.take(*scaling);
}

Rotary RotaryReader::run() {
  place(config, /*decides=*/true);
  for (const char *key : {"text_config", "llm_config", "language_config"})
    if (const json *value = config.find(key); value && value->is_object()) {
      ConfigReader inner = config.below(key);
      place(inner, /*decides=*/false);
      config.take(inner);
    }
  if (base && !decided)
    config.fail("rope_theta", "the base of layers with full attention at the top beside that of '" + from + "'");
  rotary.base = base.value_or(defaultBase);
  scale();
  return rotary;
}

Rotary quoin::readRotary(ConfigReader &config, std::optional<RotaryShape> shape) {
  return RotaryReader(config, shape).run();
}

std::span<const char *const> quoin::rotaryKeys() { return allKeys; }
