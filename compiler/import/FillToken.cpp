//===- FillToken.cpp - the token that stands at open positions -------------===//

#include "compiler/import/FillToken.h"
#include "compiler/import/JsonFile.h"
#include "support/JsonText.h"
#include <algorithm>
#include <filesystem>

using namespace quoin;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

/// What the tokens are called that stand at open positions.
constexpr std::string_view usualNames[] = {"<|mdm_mask|>", "<|mask|>",    "<|MASK|>", "<MASK>",
                                           "<[MASK]>",     "<text_mask>", "[MASK]"};

bool isUsual(const std::string &name) {
  return std::find(std::begin(usualNames), std::end(usualNames), name) != std::end(usualNames);
}

/// A file that is not there, or cannot be read, says nothing: who reads all of it says what is wrong with it.
json readIfThere(const fs::path &path) {
  if (!isJsonFileThere(path.string()))
    return nullptr;
  std::string error;
  return readJsonFile(path.string(), error).value_or(json());
}

std::string textAt(const json &object, const char *key) {
  auto it = object.is_object() ? object.find(key) : object.end();
  return object.is_object() && it != object.end() && it->is_string() ? it->get<std::string>() : "";
}

std::optional<int64_t> idAt(const json &value) {
  if (value.is_number_unsigned() && value.get<uint64_t>() < (uint64_t(1) << 31))
    return static_cast<int64_t>(value.get<uint64_t>());
  return std::nullopt;
}

/// The tokens that a tokenizer adds to its vocabulary, as three files may say.
class AddedTokens {
public:
  explicit AddedTokens(const fs::path &folder);
  bool there = false; // is there a tokenizer at all?
  std::string mask;   // `mask_token`
  std::map<std::string, int64_t> ids;

  std::optional<int64_t> find(const std::string &name) const {
    auto it = ids.find(name);
    return it == ids.end() ? std::nullopt : std::optional(it->second);
  }
};

AddedTokens::AddedTokens(const fs::path &folder) {
  std::error_code ignored;
  there = isJsonFileThere((folder / "tokenizer.json").string()) || fs::exists(folder / "vocab.json", ignored);
  json tokenizer = readIfThere(folder / "tokenizer.json"), config = readIfThere(folder / "tokenizer_config.json"),
       added = readIfThere(folder / "added_tokens.json");
  if (added.is_object())
    for (const auto &[name, id] : added.items())
      if (std::optional<int64_t> it = idAt(id))
        ids[name] = *it;
  if (json list = tokenizer.is_object() ? tokenizer.value("added_tokens", json()) : json(); list.is_array())
    for (const json &token : list)
      if (std::optional<int64_t> it = token.is_object() ? idAt(token.value("id", json())) : std::nullopt)
        ids[textAt(token, "content")] = *it;
  if (!config.is_object())
    return;
  if (json decoder = config.value("added_tokens_decoder", json()); decoder.is_object())
    for (const auto &[id, token] : decoder.items())
      if (!id.empty() && id.size() < 10 && id.find_first_not_of("0123456789") == std::string::npos)
        ids[textAt(token, "content")] = std::stoll(id);
  json name = config.value("mask_token", json());
  mask = name.is_string() ? name.get<std::string>() : textAt(name, "content");
}

} // namespace

std::optional<int64_t> quoin::findFillToken(const std::string &directory, const ModelDescription &model,
                                            ConfigReader &config, std::optional<int64_t> given, bool needed,
                                            const std::string &tokenizer, std::string &error) {
  fs::path folder(directory);
  if (given) {
    if (*given >= 0 && *given < model.vocabulary)
      return given;
    error = "'--fill' expects an id below the vocabulary's size " + std::to_string(model.vocabulary) + ", but found " +
            std::to_string(*given);
    return std::nullopt;
  }
  std::string key = model.fillKey.empty() ? "mask_token_id" : model.fillKey;
  std::optional<int64_t> named;
  if (config.has(key))
    named = config.integer(key, 0, model.vocabulary - 1);
  if (config.failed()) {
    error = config.error();
    return std::nullopt;
  }
  bool published = model.publishedFill && *model.publishedFill < model.vocabulary;
  if (!needed && (named || !published))
    return named;
  if (!named && needed) {
    json generation = readIfThere(folder / "generation_config.json");
    if (generation.is_object())
      named = idAt(generation.value("mask_token_id", json()));
  }
  AddedTokens tokens(tokenizer.empty() ? folder : fs::path(tokenizer));
  std::optional<int64_t> mask = tokens.find(tokens.mask);
  if (needed && named && mask && *mask != *named) {
    error = (fs::path(tokenizer.empty() ? directory : tokenizer) / "tokenizer_config.json").string() +
            ": 'mask_token' expects the token of '" + key + "' " + std::to_string(*named) + ", but found \"" +
            shortened(tokens.mask) + "\", which is " + std::to_string(*mask);
    return std::nullopt;
  }
  if (!named && needed)
    named = mask;
  for (std::string_view name : usualNames)
    if (!named && needed)
      named = tokens.find(std::string(name));
  if (!named && published) {
    bool usual = !tokens.there;
    for (const auto &[name, id] : tokens.ids)
      usual |= id == *model.publishedFill && isUsual(name);
    if (usual)
      named = model.publishedFill;
  }
  if (named && *named >= model.vocabulary) {
    error = directory + ": expects a mask token below the vocabulary's size " + std::to_string(model.vocabulary) +
            ", but found " + std::to_string(*named);
    return std::nullopt;
  }
  // A family that has one, or a loop of its own that wants one, is not complete without.
  if (!named && needed && (model.publishedFill || !model.program.empty())) {
    config.fail(key, "an integer from 0 to " + std::to_string(model.vocabulary - 1));
    error = config.error();
  }
  return named;
}

int64_t quoin::countTokens(const std::string &folder) {
  AddedTokens added(folder);
  int64_t most = -1;
  for (const auto &[name, id] : added.ids)
    most = std::max(most, id);
  json tokenizer = readIfThere(fs::path(folder) / "tokenizer.json"), model, vocabulary;
  if (tokenizer.is_object())
    model = tokenizer.value("model", json());
  else
    vocabulary = readIfThere(fs::path(folder) / "vocab.json");
  if (model.is_object())
    vocabulary = model.value("vocab", json());
  if (vocabulary.is_array()) // of Unigram: in the order of ids
    most = std::max(most, static_cast<int64_t>(vocabulary.size()) - 1);
  else if (vocabulary.is_object())
    for (const auto &[token, id] : vocabulary.items())
      most = std::max(most, idAt(id).value_or(-1));
  return added.there ? most + 1 : 0;
}
