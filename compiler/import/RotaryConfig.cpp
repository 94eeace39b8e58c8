//===- RotaryConfig.cpp - what config.json says of the rotary embedding ----===//

#include "compiler/import/RotaryConfig.h"
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
  RotaryReader(ConfigReader &config, std::optional<RotaryScaling> scaling) : config(config), mayBe(scaling) {}
  Rotary run();

private:
  void place(ConfigReader &at, bool decides);
  void blocks(ConfigReader &at, const char *key, bool decides);
  void plain(ConfigReader &block, bool decides, bool byLayerType, bool ownBase = false);
  void readBase(ConfigReader &at, const char *key, bool decides);
  void readKind(ConfigReader &block);
  std::string scalingOf(ConfigReader &at, ConfigReader &block, bool ofLayers = false) const;
  void scaled(ConfigReader &block, const std::string &kind, bool decides);
  void expectOne(ConfigReader &at, const std::string &key);

  ConfigReader &config;
  std::optional<RotaryScaling> mayBe;
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
  if (!value || (mayBe && *value == false))
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
            /*ownBase=*/mayBe && mayBe->slidingElsewhere && name == "sliding_attention");
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
  if (!mayBe || &at != &config)
    return "";
  const json *factor = block.find("factor");
  bool grows = factor && factor->is_number() && factor->get<double>() != 1.0;
  for (const char *key : {"rope_type", "type"})
    if (const json *value = block.find(key); value && value->is_string())
      if (*value != "default" && *value != "mrope" && (grows || *value != "linear") &&
          (ofLayers || *value != "proportional"))
        return value->get<std::string>();
  return "";
}

/// One scaling, of one kind; a template reads the numbers.
void RotaryReader::scaled(ConfigReader &block, const std::string &kind, bool decides) {
  if (rotary.block) {
    block.fail("rope_type", "one scaling, but '" + rotary.block->nameOf("rope_type") + "' has one, too");
    return;
  }
  readBase(block, "rope_theta", decides);
  if (kind != "proportional")
    expectOne(block, "partial_rotary_factor");
  for (const char *key : {"rope_type", "type"})
    if (const json *value = block.find(key); value && *value != kind)
      block.fail(key, "'" + kind + "', as the other says");
  rotary.block = block;
  rotary.kind = kind;
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
  return rotary;
}

Rotary quoin::readRotary(ConfigReader &config, std::optional<RotaryScaling> scaling) {
  return RotaryReader(config, scaling).run();
}

bool quoin::isCommonToScalings(std::string_view key) {
  static constexpr const char *common[] = {"rope_type", "type", "rope_theta", "partial_rotary_factor"};
  return isIn(common, key);
}

std::span<const char *const> quoin::rotaryKeys() { return allKeys; }
