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

/// The value as the setting's type has it, or null.
static Attribute valueFor(Type type, const llvm::json::Value &value) {
  if (type.isIndex()) {
    std::optional<int64_t> number = value.getAsInteger();
    return number && *number >= 0 && *number < mostIndex ? Attribute(IntegerAttr::get(type, *number)) : Attribute();
  }
  std::optional<double> number = value.getAsNumber();
  bool good = number && std::abs(*number) <= std::numeric_limits<float>::max();
  return good ? Attribute(FloatAttr::get(type, static_cast<double>(static_cast<float>(*number)))) : Attribute();
}

bool quoin::giveSettings(ModuleOp module, const std::vector<std::pair<std::string, std::string>> &settings,
                         std::string &error) {
  for (const auto &[key, text] : settings) {
    llvm::Expected<llvm::json::Value> value = llvm::json::parse(text);
    if (!value) {
      llvm::consumeError(value.takeError());
      error = "setting '" + shortened(key) + "' expects a JSON value, but found '" + shortened(text) + "'";
      return false;
    }
    bool taken = false;
    std::set<std::string> names;
    for (DecoderOp decoder : module.getOps<DecoderOp>()) {
      std::string of = "setting '" + shortened(key) + "' of decoder '" + decoder.getSymName().str() + "'";
      if (auto fixed = decoder->getAttrOfType<DictionaryAttr>("fixed"); fixed && fixed.get(key)) {
        error = of + " expects to be given when its program is made, which contains it";
        return false;
      }
      NamedAttrList list(decoder.getSettings());
      for (NamedAttribute each : list)
        names.insert(each.getName().str());
      auto old = dyn_cast_or_null<TypedAttr>(list.get(key));
      if (!old)
        continue;
      Attribute given = valueFor(old.getType(), *value);
      if (!given) {
        error =
            of + " expects " +
            (old.getType().isIndex() ? "an integer from 0 to " + std::to_string(mostIndex - 1) : "a number of f32") +
            ", but found " + shortened(text);
        return false;
      }
      list.set(key, given);
      decoder.setSettingsAttr(list.getDictionary(module.getContext()));
      taken = true;
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
