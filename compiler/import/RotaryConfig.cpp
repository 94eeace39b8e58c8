//===- RotaryConfig.cpp - what config.json says of the rotary embedding ----===//

#include "compiler/import/RotaryConfig.h"
#include <cmath>
#include <string_view>

using namespace quoin;
using nlohmann::json;

namespace {

/// Where no place gives one, in every family.
constexpr double defaultBase = 10000;

constexpr const char *plainOnly = " (only plain rotary embeddings are supported)";

class RotaryReader {
public:
  explicit RotaryReader(ConfigReader &config) : config(config) {}
  double run();

private:
  void place(ConfigReader &at, bool decides);
  void blocks(ConfigReader &at, const char *key, bool decides);
  void plain(ConfigReader &block, bool decides, bool byLayerType);
  void readBase(ConfigReader &at, const char *key, bool decides);
  void readKind(ConfigReader &block);
  void expectOne(ConfigReader &at, const std::string &key);

  ConfigReader &config;
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
void RotaryReader::plain(ConfigReader &block, bool decides, bool byLayerType) {
  readKind(block);
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
  if (!value)
    return;
  if (!value->is_object()) {
    at.fail(key, std::string("an object or null") + plainOnly);
    return;
  }
  ConfigReader block = at.below(key);
  plain(block, decides, /*byLayerType=*/true);
  for (const auto &[name, inner] : value->items()) {
    if (!isLayerType(name) || !inner.is_object())
      continue;
    ConfigReader nested = block.below(name);
    plain(nested, decides && name == "full_attention", /*byLayerType=*/false);
    block.take(nested);
  }
  at.take(block);
}

/// `decides` if it is where the families look.
void RotaryReader::place(ConfigReader &at, bool decides) {
  readBase(at, "rope_theta", decides);
  if (const json *kind = at.find("rope_type"); kind && *kind != "default" && *kind != "mrope")
    at.fail("rope_type", std::string("'default'") + plainOnly);
  for (const char *key :
       {"partial_rotary_factor", "rotary_pct", "rotary_percent", "rope_pct", "rope_scaling_factor", "rope_ratio"})
    expectOne(at, key);
  for (const char *key : {"rope_scaling", "rope_parameters"})
    blocks(at, key, decides);
}

double RotaryReader::run() {
  place(config, /*decides=*/true);
  for (const char *key : {"text_config", "llm_config", "language_config"})
    if (const json *value = config.find(key); value && value->is_object()) {
      ConfigReader inner = config.below(key);
      place(inner, /*decides=*/false);
      config.take(inner);
    }
  if (base && !decided)
    config.fail("rope_theta", "the base of layers with full attention at the top beside that of '" + from + "'");
  return base.value_or(defaultBase);
}

double quoin::readRotaryBase(ConfigReader &config) { return RotaryReader(config).run(); }
