// TokenizerFolder.h: folders with a byte-level tokenizer, and files for it as JSON.
#ifndef QUOIN_TEST_TOKENIZER_FOLDER_H
#define QUOIN_TEST_TOKENIZER_FOLDER_H

#include "runtime/tokenizer/ByteAlphabet.h"

#include <nlohmann/json.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace quoin::test {

/// An added token with its flags, and those of `more`.
inline nlohmann::json addedToken(const std::string &content, const std::string &more = "{}") {
  nlohmann::json token = {{"content", content}, {"lstrip", false},      {"normalized", false},
                          {"rstrip", false},    {"single_word", false}, {"special", true}};
  token.update(nlohmann::json::parse(more));
  return token;
}

/// tokenizer.json: the 256 bytes, and tokens added from 256 on.
inline nlohmann::json tokenizerJson(const std::vector<std::string> &added = {"<a>", "<b>", "<c>"}) {
  using nlohmann::json;
  ByteAlphabet alphabet;
  json vocab = json::object(), tokens = json::array();
  for (int byte = 0; byte < 256; ++byte)
    vocab[alphabet.spell(static_cast<unsigned char>(byte))] = byte;
  for (const std::string &content : added) {
    json token = addedToken(content);
    token["id"] = 256 + tokens.size();
    tokens.push_back(token);
  }
  json byteLevel = {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", false}};
  return {{"added_tokens", tokens},     {"normalizer", nullptr},
          {"pre_tokenizer", byteLevel}, {"post_processor", nullptr},
          {"decoder", byteLevel},       {"model", {{"type", "BPE"}, {"vocab", vocab}, {"merges", json::array()}}}};
}

/// A folder with such a tokenizer, whose post-processor puts token 256 before a text, and a template unless that is "".
struct TokenizerFolder {
  explicit TokenizerFolder(const std::string &chat = "", const std::vector<std::string> &added = {"<a>"}) {
    std::string name = (std::filesystem::temp_directory_path() / "quoin-tokenizer-XXXXXX").string();
    if (mkdtemp(name.data()))
      path = name;
    nlohmann::json file = tokenizerJson(added);
    file["post_processor"] = {
        {"type", "TemplateProcessing"},
        {"single", {{{"SpecialToken", {{"id", added[0]}}}}, {{"Sequence", {{"id", "A"}}}}}},
        {"pair", nlohmann::json::array()},
        {"special_tokens", {{added[0], {{"id", added[0]}, {"ids", {256}}, {"tokens", {added[0]}}}}}}};
    write("tokenizer.json", file.dump());
    if (!chat.empty())
      write("chat_template.jinja", chat);
  }
  TokenizerFolder(const TokenizerFolder &) = delete;
  TokenizerFolder &operator=(const TokenizerFolder &) = delete;
  ~TokenizerFolder() { std::filesystem::remove_all(path); }
  void write(const std::string &file, const std::string &text) const {
    std::ofstream(path / file, std::ios::binary) << text;
  }

  std::filesystem::path path;
};

} // namespace quoin::test

#endif
