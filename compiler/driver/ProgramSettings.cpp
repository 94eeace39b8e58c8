//===- ProgramSettings.cpp - other values for a program's settings ---------===//

#include "compiler/driver/ProgramSettings.h"
#include "dialects/quoin/QuoinDialect.h"
#include "support/JsonText.h"
#include "llvm/Support/JSON.h"
#include <cmath>
#include <limits>
#include <set>

using namespace mlir;
using namespace quoin;

/// As large as any count of tokens.
static constexpr int64_t mostIndex = int64_t(1) << 31;

namespace {
/// A setting as it was asked for: JSON, or a word as it is.
struct Asked {
  const std::string &key, &text;
  std::optional<llvm::json::Value> value;

  std::string found() const { return ", but found " + shortened(text); }
};
} // namespace

/// A number as the setting's type has it, or null. True is 1, as with a request.
static Attribute numberFor(Type type, const llvm::json::Value &value) {
  if (std::optional<bool> flag = value.getAsBoolean())
    return type.isIndex() ? Attribute(IntegerAttr::get(type, *flag)) : Attribute(FloatAttr::get(type, *flag));
  if (type.isIndex()) {
    std::optional<int64_t> number = value.getAsInteger();
    return number && *number >= 0 && *number < mostIndex ? Attribute(IntegerAttr::get(type, *number)) : Attribute();
  }
  std::optional<double> number = value.getAsNumber();
  bool good = number && std::abs(*number) <= std::numeric_limits<float>::max();
  return good ? Attribute(FloatAttr::get(type, static_cast<double>(static_cast<float>(*number)))) : Attribute();
}

/// The value as the setting that is `old` has it, or null with what it expects.
static Attribute valueFor(Attribute old, const Asked &asked, const std::optional<llvm::json::Value> &value,
                          std::string &expected) {
  if (auto word = dyn_cast<WordAttr>(old)) {
    std::optional<llvm::StringRef> quoted = value ? value->getAsString() : std::nullopt;
    StringRef text = quoted ? *quoted : StringRef(asked.text);
    expected = "one of " + word.list();
    return word.find(text) ? Attribute(WordAttr::get(word.getContext(), text, word.getWords())) : Attribute();
  }
  Type type = cast<TypedAttr>(old).getType();
  expected = type.isIndex() ? "an integer from 0 to " + std::to_string(mostIndex - 1) : "a number of f32";
  return value ? numberFor(type, *value) : Attribute();
}

/// The names of a list's ids: its own, then `name_2`, `name_3`, ..; one name where it is no list.
static SmallVector<std::string> namesOfList(DictionaryAttr settings, const std::string &key) {
  SmallVector<std::string> names = {key};
  for (size_t i = 2; settings.get(key + "_" + std::to_string(i)); ++i)
    names.push_back(key + "_" + std::to_string(i));
  return names;
}

/// Gives one setting to a decoder that has it. What the decoder's text contains is given if it is the same.
static bool giveSetting(DecoderOp decoder, const Asked &asked, std::string &error) {
  auto fixed = decoder->getAttrOfType<DictionaryAttr>("fixed");
  bool isFixed = fixed && fixed.get(asked.key);
  DictionaryAttr settings = isFixed ? fixed : decoder.getSettings();
  std::string of = "setting '" + shortened(asked.key) + "' of decoder '" + decoder.getSymName().str() + "' expects ";
  SmallVector<std::string> names = namesOfList(settings, asked.key);
  const llvm::json::Array *list = asked.value ? asked.value->getAsArray() : nullptr;
  if (list ? list->size() != names.size() : names.size() > 1) {
    error = of +
            (names.size() > 1 ? "a list of " + std::to_string(names.size()) + " ids, as its program has"
                              : std::string("one value")) +
            asked.found();
    return false;
  }
  NamedAttrList given(settings);
  for (auto [i, name] : llvm::enumerate(names)) {
    Attribute old = settings.get(name);
    std::string expected;
    Attribute value = valueFor(old, asked, list ? std::optional<llvm::json::Value>((*list)[i]) : asked.value, expected);
    if (!value) {
      error = of + expected + asked.found();
      return false;
    }
    if (isFixed && value != old) {
      error = of + "to be given when its program is made, which contains it" + asked.found();
      return false;
    }
    given.set(name, value);
  }
  if (!isFixed)
    decoder.setSettingsAttr(given.getDictionary(decoder.getContext()));
  return true;
}

bool quoin::giveSettings(ModuleOp module, const std::vector<std::pair<std::string, std::string>> &settings,
                         std::string &error) {
  for (const auto &[key, text] : settings) {
    Asked asked = {key, text, std::nullopt};
    if (llvm::Expected<llvm::json::Value> value = llvm::json::parse(text))
      asked.value = *value;
    else
      llvm::consumeError(value.takeError());
    bool taken = false;
    std::set<std::string> names;
    for (DecoderOp decoder : module.getOps<DecoderOp>()) {
      for (DictionaryAttr all : {decoder.getSettings(), decoder->getAttrOfType<DictionaryAttr>("fixed")}) {
        for (NamedAttribute each : all ? all.getValue() : ArrayRef<NamedAttribute>())
          names.insert(each.getName().str());
        if (!all || !all.get(key))
          continue;
        if (!giveSetting(decoder, asked, error))
          return false;
        taken = true;
      }
    }
    if (taken)
      continue;
    std::string known;
    for (const std::string &name : names)
      known += (known.empty() ? "" : ", ") + name;
    error = "'--set' expects a setting of the program's decoders (" + (known.empty() ? "they have none" : known) +
            "), but found '" + shortened(key) + "'";
    return false;
  }
  return true;
}
