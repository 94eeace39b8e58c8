// TokenizerConfig.cpp - three files that grew over the years: tokenizer_config.json says everything today; where it has
// no `added_tokens_decoder`, the two older files count.

#include "runtime/tokenizer/TokenizerConfig.h"
#include "runtime/tokenizer/StrictJson.h"
#include "runtime/tokenizer/Unicode.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <tuple>
#include <unordered_map>
#include <unordered_set>

using namespace quoin;

namespace {

constexpr size_t mostConfigDepth = 64;

/// Reads members of objects; the first mistake stays in `error`.
class Reader {
public:
  Reader(TokenizerConfig &out, std::string &error) : out(out), error(error) {}

  bool readConfig(std::string_view text);
  bool readSpecialTokens(std::string_view text);
  bool readAddedTokens(std::string_view text);
  bool finish();

private:
  TokenizerConfig &out;
  std::string &error;
  bool sawDecoder = false;

  bool fail(const char *file, const std::string &rule, const std::string &fact) {
    error = std::string("'") + file + "': expects " + rule + ", but " + fact;
    return false;
  }
  static std::string show(const nlohmann::json &value) {
    if (value.is_string())
      return "it is '" + forMessage(value.get_ref<const std::string &>()) + "'";
    return value.is_primitive() ? "it is " + value.dump() : "it is an " + std::string(value.type_name());
  }
  bool object(const char *file, std::string_view text, nlohmann::json &value);
  bool token(const char *file, const nlohmann::json &value, const std::string &what, AddedToken &token);
  bool readTokens(const char *file, const nlohmann::json &value, const std::string &what);
  bool readNamed(const char *file, const std::string &key, const nlohmann::json &value);
  bool readTemplates(const nlohmann::json &value);
};

bool Reader::object(const char *file, std::string_view text, nlohmann::json &value) {
  if (const size_t depth = jsonDepth(text); depth > mostConfigDepth)
    return fail(file, "JSON nested at most " + std::to_string(mostConfigDepth) + " deep",
                "found " + std::to_string(depth));
  const std::string strict = strictJson(text);
  try {
    value = nlohmann::json::parse(strict);
  } catch (const nlohmann::json::parse_error &broken) {
    const auto end = strict.begin() + static_cast<ptrdiff_t>(std::min(broken.byte, strict.size()));
    return fail(file, "valid JSON", "it is not in line " + std::to_string(1 + std::count(strict.begin(), end, '\n')));
  }
  return value.is_object() || fail(file, "a JSON object", show(value));
}

/// A token as text, or as an object with its flags.
bool Reader::token(const char *file, const nlohmann::json &value, const std::string &what, AddedToken &token) {
  token = AddedToken();
  token.id = -1;
  if (value.is_string()) {
    token.content = value.get<std::string>();
    token.special = true;
    return true;
  }
  if (!value.is_object() || !value.contains("content") || !value["content"].is_string())
    return fail(file, "a string or an object with the string 'content' as " + what, show(value));
  token.content = value["content"].get<std::string>();
  auto flag = [&](const char *key, bool otherwise, bool &to) {
    auto found = value.find(key);
    to = otherwise;
    if (found == value.end() || found->is_null())
      return true;
    if (!found->is_boolean())
      return fail(file, std::string("true or false as '") + key + "' of " + what, show(*found));
    to = found->get<bool>();
    return true;
  };
  return flag("special", false, token.special) && flag("normalized", !token.special, token.normalized) &&
         flag("lstrip", false, token.lstrip) && flag("rstrip", false, token.rstrip) &&
         flag("single_word", false, token.singleWord);
}

bool Reader::readNamed(const char *file, const std::string &key, const nlohmann::json &value) {
  // Keys such as `add_bos_token` end so, too.
  if (!key.ends_with("_token") || !(value.is_string() || value.is_object()))
    return true;
  AddedToken made;
  if (!token(file, value, "'" + forMessage(key) + "'", made))
    return false;
  made.special = true;
  if (value.is_object() && !value.contains("normalized"))
    made.normalized = false;
  for (auto &[known, old] : out.named)
    if (known == key) {
      old = std::move(made);
      return true;
    }
  out.named.emplace_back(key, std::move(made));
  return true;
}

bool Reader::readTokens(const char *file, const nlohmann::json &value, const std::string &what) {
  if (value.is_null())
    return true;
  // By name they are variables of templates as well.
  if (value.is_object()) {
    for (const auto &[key, each] : value.items()) {
      AddedToken made;
      if (!token(file, each, "'" + forMessage(key) + "' of " + what, made))
        return false;
      made.special = true;
      out.named.emplace_back(key, std::move(made));
    }
    return true;
  }
  if (!value.is_array())
    return fail(file, "an array as " + what, show(value));
  for (const nlohmann::json &each : value) {
    AddedToken made;
    if (!token(file, each, "a token of " + what, made))
      return false;
    made.special = true;
    out.extra.push_back(std::move(made));
  }
  return true;
}

/// Of several with one name the last counts.
void putTemplate(std::vector<TokenizerConfig::Template> &templates, TokenizerConfig::Template made) {
  for (TokenizerConfig::Template &each : templates)
    if (each.name == made.name) {
      each = std::move(made);
      return;
    }
  templates.push_back(std::move(made));
}

bool Reader::readTemplates(const nlohmann::json &value) {
  constexpr const char *file = TokenizerConfig::files[0];
  if (value.is_null())
    return true;
  if (value.is_string()) {
    out.templates.push_back({"default", value.get<std::string>(), file});
    out.templateUnnamed = true;
    return true;
  }
  auto add = [&](const std::string &name, const nlohmann::json &text) {
    if (!text.is_string())
      return fail(file, "a string as the template '" + forMessage(name) + "'", show(text));
    putTemplate(out.templates, {name, text.get<std::string>(), file});
    return true;
  };
  if (value.is_object()) {
    for (const auto &[name, text] : value.items())
      if (!add(name, text))
        return false;
    return true;
  }
  if (!value.is_array())
    return fail(file, "a string or an array as 'chat_template'", show(value));
  for (const nlohmann::json &each : value) {
    if (!each.is_object() || !each.contains("name") || !each["name"].is_string() || !each.contains("template"))
      return fail(file, "objects with 'name' and 'template' in 'chat_template'", show(each));
    if (!add(each["name"].get<std::string>(), each["template"]))
      return false;
  }
  return true;
}

bool Reader::readConfig(std::string_view text) {
  constexpr const char *file = TokenizerConfig::files[0];
  nlohmann::json config;
  if (!object(file, text, config))
    return false;
  for (const auto &[key, value] : config.items())
    if (!readNamed(file, key, value))
      return false;
  const bool hasExtra = config.contains("extra_special_tokens") && !config["extra_special_tokens"].empty();
  for (const char *key : {"extra_special_tokens", "additional_special_tokens", "model_specific_special_tokens"})
    if (config.contains(key) && (key[0] != 'a' || !hasExtra) &&
        !readTokens(file, config[key], std::string("'") + key + "'"))
      return false;
  if (auto found = config.find("split_special_tokens"); found != config.end() && *found == true)
    out.splitsSpecial = true;
  if (auto found = config.find("add_prefix_space"); found != config.end() && *found == true)
    out.addPrefixSpace = true;
  if (auto found = config.find("tokenizer_class"); found != config.end() && found->is_string())
    out.tokenizerClass = found->get<std::string>();
  if (auto found = config.find("chat_template"); found != config.end() && !readTemplates(*found))
    return false;
  auto decoder = config.find("added_tokens_decoder");
  if (decoder == config.end() || decoder->is_null())
    return true;
  sawDecoder = true;
  if (!decoder->is_object())
    return fail(file, "an object as 'added_tokens_decoder'", show(*decoder));
  for (const auto &[key, value] : decoder->items()) {
    AddedToken made;
    if (!token(file, value, "token '" + forMessage(key) + "' of 'added_tokens_decoder'", made))
      return false;
    auto [end, code] = std::from_chars(key.data(), key.data() + key.size(), made.id);
    if (code != std::errc() || end != key.data() + key.size() || made.id < 0)
      return fail(file, "ids from 0 to 2147483647 as keys of 'added_tokens_decoder'",
                  "found '" + forMessage(key) + "'");
    out.declared.push_back(std::move(made));
  }
  return true;
}

bool Reader::readSpecialTokens(std::string_view text) {
  constexpr const char *file = TokenizerConfig::files[1];
  nlohmann::json map;
  if (sawDecoder)
    return true;
  if (!object(file, text, map))
    return false;
  for (const auto &[key, value] : map.items()) {
    if (key == "additional_special_tokens" || key == "extra_special_tokens") {
      if (!readTokens(file, value, "'" + key + "'"))
        return false;
    } else if (!readNamed(file, key, value)) {
      return false;
    }
  }
  return true;
}

bool Reader::readAddedTokens(std::string_view text) {
  constexpr const char *file = TokenizerConfig::files[2];
  nlohmann::json map;
  if (sawDecoder)
    return true;
  if (!object(file, text, map))
    return false;
  std::unordered_set<std::string_view> special;
  for (const auto &[key, token] : out.named)
    special.insert(token.content);
  for (const AddedToken &token : out.extra)
    special.insert(token.content);
  for (const auto &[content, id] : map.items()) {
    if (!id.is_number_unsigned() || id.get<uint64_t>() > INT32_MAX)
      return fail(file, "an id from 0 to 2147483647 for '" + forMessage(content) + "'", show(id));
    AddedToken made;
    made.content = content;
    made.id = id.get<int32_t>();
    made.special = special.count(content) != 0;
    made.normalized = !made.special;
    out.declared.push_back(std::move(made));
  }
  return true;
}

bool Reader::finish() {
  std::sort(out.declared.begin(), out.declared.end(), [](const AddedToken &a, const AddedToken &b) {
    return std::tie(a.id, a.content) < std::tie(b.id, b.content);
  });
  if (out.tokenizerClass == "Qwen2Tokenizer" || out.tokenizerClass == "Qwen2TokenizerFast") {
    out.numbersByDeclaration = true;
    // What the class takes for granted where the files say nothing.
    for (const char *key : {"unk_token", "eos_token", "pad_token"})
      if (std::none_of(out.named.begin(), out.named.end(), [&](const auto &each) { return each.first == key; })) {
        AddedToken made;
        made.content = "<|endoftext|>";
        made.id = -1;
        made.special = true;
        out.named.emplace_back(key, made);
      }
  }
  // The usual ones come first, the model's own behind them.
  std::vector<std::pair<std::string, AddedToken>> ordered;
  for (std::string_view usual :
       {"bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token", ""})
    for (auto &each : out.named)
      if (usual.empty() ? !each.first.empty() : each.first == usual)
        ordered.push_back(std::exchange(each, {}));
  out.named = std::move(ordered);
  // A token that is declared has the flags of its declaration.
  std::unordered_map<std::string, AddedToken *> declared;
  for (AddedToken &each : out.declared)
    declared[each.content] = &each;
  for (auto &[key, token] : out.named)
    if (auto found = declared.find(token.content); found != declared.end()) {
      found->second->special = true;
      token = *found->second;
    }
  return true;
}

} // namespace

bool TokenizerConfig::parse(std::string_view config, std::string_view specialTokens, std::string_view addedTokens,
                            TokenizerConfig &out, std::string &error) {
  out = TokenizerConfig();
  Reader reader(out, error);
  return (config.empty() || reader.readConfig(config)) &&
         (specialTokens.empty() || reader.readSpecialTokens(specialTokens)) &&
         (addedTokens.empty() || reader.readAddedTokens(addedTokens)) && reader.finish();
}

static bool readTemplateFile(const std::string &path, std::string &out, std::string &error) {
  if (!readTokenizerFile(path, out, error))
    return false;
  if (!isValidUtf8(out)) {
    error = "expects text in UTF-8, but some of its bytes are not";
    return false;
  }
  return true;
}

bool TokenizerConfig::read(const std::string &folder, TokenizerConfig &out, std::string &error) {
  namespace fs = std::filesystem;
  std::error_code ignored;
  std::string texts[4];
  for (size_t i = 0; i < 4; ++i) {
    const fs::path path = fs::path(folder) / files[i];
    auto &read = i == 3 ? readTemplateFile : readTokenizerFile;
    if (fs::exists(path, ignored) && !read(path.string(), texts[i], error)) {
      error = "'" + path.string() + "': " + error;
      return false;
    }
  }
  if (!parse(texts[0], texts[1], texts[2], out, error)) {
    // The message begins with the file's name in quotes.
    error.insert(1, (fs::path(folder) / "").string());
    return false;
  }
  // Files win over what tokenizer_config.json says, all of it.
  std::vector<Template> found;
  if (fs::exists(fs::path(folder) / files[3], ignored))
    found.push_back({"default", std::move(texts[3]), files[3]});
  const std::string prefix = templatePrefix;
  std::vector<std::pair<std::string, fs::path>> others; // by name
  for (const auto &entry : fs::directory_iterator(fs::path(folder) / templateFolder, ignored))
    if (entry.path().extension() == ".jinja")
      others.emplace_back(entry.path().stem().string(), entry.path());
  for (const auto &entry : fs::directory_iterator(folder, ignored)) {
    std::string stem = entry.path().stem().string();
    if (entry.path().extension() == ".jinja" && stem.size() > prefix.size() &&
        stem.compare(0, prefix.size(), prefix) == 0)
      others.emplace_back(stem.substr(prefix.size()), entry.path());
  }
  std::sort(others.begin(), others.end());
  for (const auto &[name, path] : others) {
    Template each{name, "", fs::relative(path, folder, ignored).string()};
    if (!readTemplateFile(path.string(), each.text, error)) {
      error = "'" + path.string() + "': " + error;
      return false;
    }
    putTemplate(found, std::move(each));
  }
  if (!found.empty()) {
    out.templateUnnamed = found.size() == 1 && found[0].name == "default";
    out.templates = std::move(found);
  }
  return true;
}
