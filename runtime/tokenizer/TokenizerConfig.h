// TokenizerConfig.h - what a checkpoint says of its tokenizer outside of tokenizer.json: tokens that are added to it,
// which token begins and ends a text, and the chat template. Read as Hugging Face's AutoTokenizer reads it.

#ifndef QUOIN_RUNTIME_TOKENIZER_TOKENIZERCONFIG_H
#define QUOIN_RUNTIME_TOKENIZER_TOKENIZERCONFIG_H

#include "runtime/tokenizer/AddedTokens.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace quoin {

struct TokenizerConfig {
  /// The files that `read` looks at, beside those in `templateFolder` that end in `.jinja`. Whoever copies a tokenizer
  /// copies these.
  static constexpr const char *files[] = {"tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
                                          "chat_template.jinja"};
  static constexpr const char *templateFolder = "additional_chat_templates";
  /// How the templates of that folder are called in one without folders: this, their name, `.jinja`.
  static constexpr const char *templatePrefix = "chat_template.";

  /// `added_tokens_decoder`, by ascending ids, or else what added_tokens.json says.
  std::vector<AddedToken> declared;
  /// `bos_token`, `eos_token`, ... and others whose names end so. Without an id (-1).
  std::vector<std::pair<std::string, AddedToken>> named;
  /// `additional_special_tokens` or `extra_special_tokens`.
  std::vector<AddedToken> extra;
  /// Special tokens that a text spells are text.
  bool splitsSpecial = false;
  /// The tokenizer's class is one that numbers all added tokens anew, by the ids they are declared with.
  bool numbersByDeclaration = false;

  /// `tokenizer_class` and `add_prefix_space`, which tell how a vocab.json is used.
  std::string tokenizerClass;
  bool addPrefixSpace = false;

  struct Template {
    std::string name, text;
    std::string file; ///< Where it stands.
  };
  std::vector<Template> templates;
  /// There is one template and it has no name, so it holds whatever a request asks for.
  bool templateUnnamed = false;

  /// Reads what there is in `folder`; nothing is no mistake. False with one line in `error`, which names the file.
  static bool read(const std::string &folder, TokenizerConfig &out, std::string &error);
  /// The same from the texts of the first three of `files`, "" for one that is not there.
  static bool parse(std::string_view config, std::string_view specialTokens, std::string_view addedTokens,
                    TokenizerConfig &out, std::string &error);
};

/// Reads a whole file, of at most 512 MB, unless it is well known for being in the wrong place. LoadTokenizer.cpp.
bool readTokenizerFile(const std::string &path, std::string &out, std::string &error);

} // namespace quoin

#endif // QUOIN_RUNTIME_TOKENIZER_TOKENIZERCONFIG_H
