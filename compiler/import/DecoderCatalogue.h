//===- DecoderCatalogue.h - decoders, their settings, their defaults -------===//
//
// A decoder is a text with placeholders (`decoders/`) and a list of settings. A setting is either *fixed*, a number
// that the text's masks contain and that therefore cannot change once the text is made, or an entry of the decoder's
// `settings`, or a *choice*, which only decides which lines of the text are kept. Several ids are an entry each, NAME,
// NAME_2 and so on; the text goes over the names.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_COMPILER_IMPORT_DECODERCATALOGUE_H
#define QUOIN_COMPILER_IMPORT_DECODERCATALOGUE_H

#include <limits>
#include <span>
#include <string_view>
#include <vector>

namespace quoin {

enum class Kind { Index, Real, Flag, Text, Ids };
enum class Role { Fixed, Entry, Choice };

/// Where the value comes from if nobody gives one.
enum class Default {
  Number,     // `number`
  Config,     // the block of config.json, else `number`
  Block,      // the value of `block`
  SubBlock,   // `number` if it divides `block`, else `block`
  Vocabulary, // how many ids the model has
  Tokens,     // how many of them are not the fill token
  None,       // the setting stays absent
};

struct SettingSpec {
  std::string_view name;
  Kind kind = Kind::Index;
  Role role = Role::Entry;
  double low = 0, high = 0;
  Default otherwise = Default::Number;
  double number = 0; // of Text: which of the words
  std::span<const std::string_view> words = {};
  std::string_view means = {}; // another setting, of which this is a second name
};

struct DecoderSpec {
  std::string_view name;
  std::string_view text;   // file in decoders/, without the ending
  std::string_view choice; // a line condition that holds for this decoder
  std::span<const SettingSpec> settings;
  bool needsFill = true;
  std::string_view approximation = {}; // what it lets be stale of the decoder it is made from; empty: it is exact
  bool guided = false;                 // calls a second model, @guide
};

/// All decoders, in the order of the documentation.
std::span<const DecoderSpec> decoderCatalogue();
const DecoderSpec *findDecoder(std::string_view name);

/// Settings that every decoder takes, absent unless given.
std::span<const SettingSpec> commonSettings();

/// The text of a file in decoders/.
std::string_view decoderText(std::string_view file);
/// All line conditions of a file's decoders.
std::vector<std::string_view> decoderChoices(std::string_view file);

} // namespace quoin

#endif
