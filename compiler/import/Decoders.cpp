//===- Decoders.cpp - a decoder with its settings, as text -----------------===//
//
//   1. Parse the settings given, each against every decoder that has it.
//   2. Fill in defaults, which may depend on the block.
//   3. Refuse combinations that the loop cannot take.
//   4. Expand the decoder's text.
//
//===----------------------------------------------------------------------===//

#include "compiler/import/Decoders.h"
#include "compiler/import/ConfigReader.h"
#include "compiler/import/DecoderCatalogue.h"
#include "compiler/import/Template.h"
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <map>

using namespace quoin;
using nlohmann::json;

namespace {

std::string quote(std::string_view name) { return "'" + std::string(name) + "'"; }

/// The settings of one decoder, once they are known. Indices and reals are both kept as double: indices are small.
class Resolved {
public:
  Resolved(const DecoderSpec &decoder, const DecoderContext &around) : spec(decoder), context(around) {}

  const SettingSpec *find(std::string_view name) const;
  bool give(const SettingSpec &setting, const json &value, std::string &error);
  bool giveIds(const SettingSpec &setting, const json &value, std::string &error);
  bool complete(std::string &error);
  std::string expand() const;

private:
  bool has(std::string_view name) const { return values.count(name) != 0; }
  double get(std::string_view name) const { return values.find(name)->second; }
  bool refuse(std::string_view name, const std::string &expected, std::string &error) const;
  bool completeS2d2(std::string &error);
  bool completeWindow(std::string &error);
  bool ordered(std::string &error) const;
  std::string settingsText() const;
  std::vector<std::string> namesOf(const SettingSpec &setting) const;
  static std::string valueText(const SettingSpec &setting, double value);
  template <typename Visit> void forEachSetting(Visit visit) const;

  const DecoderSpec &spec;
  const DecoderContext &context;
  std::map<std::string, double, std::less<>> values;
  std::map<std::string, std::vector<std::string>, std::less<>> lists; // of ids: the names that each has
};

/// The decoder's own settings, then the common ones it does not have itself.
template <typename Visit> void Resolved::forEachSetting(Visit visit) const {
  for (const SettingSpec &s : spec.settings)
    visit(s);
  for (const SettingSpec &s : commonSettings())
    if (find(s.name) == &s)
      visit(s);
}

const SettingSpec *Resolved::find(std::string_view name) const {
  for (std::span<const SettingSpec> list : {spec.settings, commonSettings()})
    for (const SettingSpec &s : list)
      if (s.name == name)
        return &s;
  return nullptr;
}

bool Resolved::refuse(std::string_view name, const std::string &expected, std::string &error) const {
  const SettingSpec &setting = *find(name);
  error = "setting " + quote(name) + " of decoder " + quote(spec.name) + " expects " + expected + ", but found " +
          (setting.kind == Kind::Real ? realText(get(name)) : std::to_string(static_cast<int64_t>(get(name))));
  return false;
}

bool Resolved::give(const SettingSpec &setting, const json &value, std::string &error) {
  std::string wanted;
  double number = 0;
  bool good = false;
  switch (setting.kind) {
  case Kind::Flag:
    wanted = "true or false";
    good = value.is_boolean();
    number = good && value.get<bool>();
    break;
  case Kind::Text: {
    auto word = value.is_string() ? std::find(setting.words.begin(), setting.words.end(), value.get<std::string>())
                                  : setting.words.end();
    good = word != setting.words.end();
    number = static_cast<double>(word - setting.words.begin());
    for (std::string_view each : setting.words)
      wanted += (wanted.empty() ? "\"" : "\" or \"") + std::string(each);
    wanted += "\"";
    break;
  }
  case Kind::Index:
    wanted = "an integer from " + std::to_string(static_cast<int64_t>(setting.low)) + " to " +
             std::to_string(static_cast<int64_t>(setting.high));
    good = value.is_number_integer();
    break;
  case Kind::Ids:
    return giveIds(setting, value, error);
  case Kind::Real:
    wanted = setting.high < 1e30 ? "a number from " + realText(setting.low) + " to " + realText(setting.high)
             : setting.low < 0   ? "a number"
                                 : "a number of at least " + realText(setting.low);
    good = value.is_number();
    break;
  }
  if (good && (setting.kind == Kind::Index || setting.kind == Kind::Real)) {
    number = value.get<double>();
    good = std::isfinite(number) && number >= setting.low && number <= setting.high;
  }
  if (good) {
    values[std::string(setting.name)] = number;
    return true;
  }
  error = "setting " + quote(setting.name) + " of decoder " + quote(spec.name) + " expects " + wanted + ", but found " +
          describe(value);
  return false;
}

bool Resolved::giveIds(const SettingSpec &setting, const json &value, std::string &error) {
  constexpr size_t most = 64;
  json list = value.is_array() ? value : json::array({value});
  bool good = !list.empty() && list.size() <= most && std::all_of(list.begin(), list.end(), [&](const json &id) {
    return id.is_number_integer() && id.get<double>() >= setting.low && id.get<double>() <= setting.high;
  });
  if (!good) {
    error = "setting " + quote(setting.name) + " of decoder " + quote(spec.name) + " expects an id or a list of 1 to " +
            std::to_string(most) + " ids, but found " + describe(value);
    return false;
  }
  std::vector<std::string> &names = lists[std::string(setting.name)];
  for (const std::string &before : names)
    values.erase(before);
  names.clear();
  for (size_t i = 0; i < list.size(); ++i) {
    names.push_back(std::string(setting.name) + (i ? "_" + std::to_string(i + 1) : ""));
    values[names.back()] = list[i].get<double>();
  }
  return true;
}

/// S2D2 has two policies for when to verify; the settings given choose.
bool Resolved::completeS2d2(std::string &error) {
  bool byScore = has("score") || has("cost");
  if (byScore && has("min_span"))
    return refuse("min_span", "to stand without 'score' and 'cost'", error);
  if (byScore) {
    values.try_emplace("score", 0.0);
    values.try_emplace("cost", 1.0);
  } else {
    values.try_emplace("min_span", 2.0);
  }
  return true;
}

/// Settings that bound each other, and ids that the model has.
bool Resolved::ordered(std::string &error) const {
  if (has("vocabulary") && get("vocabulary") > static_cast<double>(context.vocabulary))
    return refuse("vocabulary", "at most the model's " + std::to_string(context.vocabulary) + " ids", error);
  if (has("others") && get("others") >= static_cast<double>(context.vocabulary))
    return refuse("others", "less than the model's " + std::to_string(context.vocabulary) + " ids", error);
  if (has("low") && get("high") <= get("low"))
    return refuse("high", "more than 'low' " + realText(get("low")), error);
  if (has("lower") && get("upper") < get("lower"))
    return refuse("upper", "at least 'lower' " + realText(get("lower")), error);
  if (has("first") && get("first") > get("largest"))
    return refuse("first", "at most 'largest' " + std::to_string(static_cast<int64_t>(get("largest"))), error);
  // Three rules of LLaDA, of which one holds.
  for (auto [rule, other] :
       {std::pair("factor", "threshold"), std::pair("factor", "steps"), std::pair("threshold", "steps")})
    if (spec.name == "llada" && has(rule) && has(other))
      return refuse(rule, "to stand without " + quote(other), error);
  return true;
}

/// A model whose layers see a window has it in the masks of its decoder, or is another model.
bool Resolved::completeWindow(std::string &error) {
  auto window = static_cast<double>(*context.window);
  if (!find("attention_window")) {
    error = "decoder " + quote(spec.name) + " expects a model that sees all positions, but found a window of " +
            std::to_string(*context.window);
    return false;
  }
  if (has("attention_window") && get("attention_window") != window)
    return refuse("attention_window", "the model's " + std::to_string(*context.window), error);
  values["attention_window"] = window;
  return true;
}

bool Resolved::complete(std::string &error) {
  if (spec.needsFill && !context.fill) {
    error =
        "decoder " + quote(spec.name) + " expects a model with a fill token, but config.json names no mask_token_id";
    return false;
  }
  if (context.window && !completeWindow(error))
    return false;
  for (const SettingSpec &s : spec.settings)
    if (!s.means.empty() && has(s.name)) {
      if (has(s.means))
        return refuse(s.name, "to stand without " + quote(s.means) + ", which means the same", error);
      values[std::string(s.means)] = get(s.name);
      values.erase(values.find(s.name));
    }
  for (const SettingSpec &s : spec.settings) {
    if (has(s.name) || s.otherwise == Default::None)
      continue;
    double value = s.number;
    if (s.otherwise == Default::Config && context.block)
      value = static_cast<double>(*context.block);
    else if (s.otherwise == Default::Block)
      value = get("block");
    else if (s.otherwise == Default::SubBlock && std::fmod(get("block"), value) != 0)
      value = get("block");
    else if (s.otherwise == Default::Vocabulary || s.otherwise == Default::Tokens)
      value = static_cast<double>(context.vocabulary - (s.otherwise == Default::Tokens));
    values[std::string(s.name)] = value;
  }
  for (std::string_view name : {"block", "window", "largest", "slots"})
    if (has(name) && get(name) > static_cast<double>(context.capacity))
      return refuse(name, "at most the model's " + std::to_string(context.capacity) + " positions", error);
  if (has("sub_block") && std::fmod(get("block"), get("sub_block")) != 0)
    return refuse("sub_block", "a divisor of 'block' " + std::to_string(static_cast<int64_t>(get("block"))), error);
  if (!ordered(error))
    return false;
  return spec.name != "s2d2" || completeS2d2(error);
}

std::vector<std::string> Resolved::namesOf(const SettingSpec &setting) const {
  auto list = lists.find(setting.name);
  return list == lists.end() ? std::vector<std::string>{std::string(setting.name)} : list->second;
}

std::string Resolved::valueText(const SettingSpec &setting, double value) {
  if (setting.kind == Kind::Real)
    return realText(value) + " : f32";
  return std::to_string(static_cast<int64_t>(value)) + " : index";
}

/// `settings {...}` and `attributes {...}`: the numbers that the text contains, and what it approximates.
std::string Resolved::settingsText() const {
  std::string entries, fixed;
  forEachSetting([&](const SettingSpec &s) {
    // A word decides about lines alone.
    if (!has(s.name) || s.kind == Kind::Text)
      return;
    std::string &list = s.role == Role::Entry ? entries : fixed;
    for (const std::string &name : namesOf(s))
      list += (list.empty() ? "" : ", ") + name + " = " + valueText(s, get(name));
  });
  std::string attributes = fixed.empty() ? "" : "fixed = {" + fixed + "}";
  if (!spec.approximation.empty())
    attributes += (attributes.empty() ? "" : ", ") + ("quoin.inexact = \"" + std::string(spec.approximation) + "\"");
  return "settings {" + entries + "}" + (attributes.empty() ? "" : " attributes {" + attributes + "}");
}

/// What the text may ask for: which of its decoders it is, choices, whether other settings are there, and the block.
std::string Resolved::expand() const {
  TemplateHost alone;
  TemplateRun run(alone);
  for (std::string_view choice : decoderChoices(spec.text))
    run.define(std::string(choice), {choice == spec.choice});
  forEachSetting([&](const SettingSpec &s) {
    if (s.kind == Kind::Ids) {
      TemplateList all;
      for (const std::string &name : namesOf(s))
        all.push_back({name});
      return run.define(std::string(s.name), {std::move(all)});
    }
    if (s.kind == Kind::Text)
      return run.define(std::string(s.name), {std::string(s.words[static_cast<size_t>(get(s.name))])});
    run.define(std::string(s.name), {has(s.name) && (s.role != Role::Choice || get(s.name) != 0)});
  });
  if (has("block"))
    run.define("block", {static_cast<int64_t>(get("block"))});
  if (has("attention_window"))
    run.define("seen", {static_cast<int64_t>(get("attention_window"))});
  // How many ids noise is of: those asked for, without the fill token.
  if (has("others"))
    run.define("noise_ids", {static_cast<int64_t>(get("others"))});
  if (has("vocabulary")) {
    auto below = static_cast<int64_t>(get("vocabulary"));
    run.define("noise_ids", {below - (*context.fill < below)});
  }
  bool plain = spec.name.find_first_of("-.") == std::string_view::npos;
  run.define("decoder", {plain ? std::string(spec.name) : "\"" + std::string(spec.name) + "\""});
  // Functions of a decoder carry its name as a prefix that needs no quotes.
  std::string symbol(spec.name);
  std::replace_if(symbol.begin(), symbol.end(), [](char c) { return c == '-' || c == '.'; }, '_');
  run.define("symbol", {symbol});
  run.define("settings", {settingsText()});
  std::string error;
  auto text = Template::parse("decoders/" + std::string(spec.text) + ".mlir.in", decoderText(spec.text), error);
  if (!text || !run.expand(text, error)) {
    std::fprintf(stderr, "internal error: %s\n", error.c_str());
    std::abort();
  }
  return run.text();
}

std::string knownSettings(const std::vector<std::string> &names) {
  std::vector<std::string_view> known;
  auto add = [&](std::span<const SettingSpec> list) {
    for (const SettingSpec &s : list)
      if (std::find(known.begin(), known.end(), s.name) == known.end())
        known.push_back(s.name);
  };
  for (const std::string &name : names)
    add(findDecoder(name)->settings);
  add(commonSettings());
  std::string list;
  for (std::string_view name : known)
    list += (list.empty() ? "" : ", ") + std::string(name);
  return list;
}

} // namespace

bool quoin::addDecoders(const std::vector<std::string> &names,
                        const std::vector<std::pair<std::string, std::string>> &settings, const DecoderContext &context,
                        ProgramText &text, std::string &error) {
  std::vector<Resolved> decoders;
  for (size_t i = 0; i < names.size(); ++i) {
    const DecoderSpec *spec = findDecoder(names[i]);
    if (!spec) {
      error = "'--decoder' expects one of " + knownDecoders() + ", but found " + quote(names[i]);
      return false;
    }
    if (std::find(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(i), names[i]) !=
        names.begin() + static_cast<std::ptrdiff_t>(i)) {
      error = "'--decoder' expects each decoder once, but found " + quote(names[i]) + " twice";
      return false;
    }
    decoders.emplace_back(*spec, context);
  }
  for (const auto &[key, value] : settings) {
    json parsed = json::parse(value, nullptr, /*allow_exceptions=*/false);
    if (parsed.is_discarded()) {
      error = "setting " + quote(key) + " expects a JSON value, but found " + quote(value);
      return false;
    }
    bool taken = false;
    for (Resolved &decoder : decoders) {
      const SettingSpec *setting = decoder.find(key);
      if (setting && !decoder.give(*setting, parsed, error))
        return false;
      taken |= setting != nullptr;
    }
    if (!taken) {
      error = "'--set' expects a setting of the decoder (" + knownSettings(names) + "), but found " + quote(key);
      return false;
    }
  }
  for (Resolved &decoder : decoders)
    if (!decoder.complete(error))
      return false;
  for (const Resolved &decoder : decoders)
    text.add(decoder.expand());
  return true;
}

std::string quoin::knownDecoders() {
  std::string names;
  for (const DecoderSpec &d : decoderCatalogue())
    names += (names.empty() ? "" : ", ") + std::string(d.name);
  return names;
}
