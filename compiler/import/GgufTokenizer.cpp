//===- GgufTokenizer.cpp - from tokenizer.ggml.* to tokenizer.json ---------===//
//
// A file has the tokens, their kinds, and either merges (`gpt2`, byte-level BPE, whose texts are cut as `pre` says) or
// scores (`llama`, SentencePiece): of these the merges are all ways to put a token together of two others, the best
// token first, as those who convert such tokenizers make them.
//
//===----------------------------------------------------------------------===//

#include "compiler/import/GgufCheckpoint.h"
#include "runtime/tokenizer/Unicode.h"
#include "support/JsonText.h"
#include <algorithm>
#include <cstdint>
#include <tuple>
#include <unordered_map>

using namespace quoin;
using nlohmann::json;

namespace {

#define QUOIN_GGUF_CONTRACTIONS R"((?i:'s|'t|'re|'ve|'m|'ll|'d))"
#define QUOIN_GGUF_REST R"(|\s+(?!\S)|\s+)"

/// How a tokenizer cuts texts, by its name in `tokenizer.ggml.pre`.
struct Cuts {
  std::string_view pre;
  const char *pattern; ///< of a Split before bytes become characters; null: GPT-2's own
  bool composes;       ///< texts are put into NFC first
  bool whole;          ///< a piece that is a token is not merged
  bool digits;         ///< each digit is a piece
  bool begins;         ///< a text begins with the first token where nothing says
};

constexpr const char *llama3Cut = QUOIN_GGUF_CONTRACTIONS
    R"(|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+)" QUOIN_GGUF_REST;
constexpr const char *qwenCut =
    QUOIN_GGUF_CONTRACTIONS R"(|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+)" QUOIN_GGUF_REST;
constexpr const char *qwen35Cut = QUOIN_GGUF_CONTRACTIONS
    R"(|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+)" QUOIN_GGUF_REST;
constexpr const char *lingCut =
    R"('(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n])" QUOIN_GGUF_REST;
constexpr const char *tekkenCut = R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+)"
                                  R"(|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*)"
                                  R"(|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+)" QUOIN_GGUF_REST;

constexpr Cuts knownCuts[] = {
    {"llama-bpe", llama3Cut, false, true, false, true},       {"llama3", llama3Cut, false, true, false, true},
    {"llama-v3", llama3Cut, false, true, false, true},        {"qwen2", qwenCut, true, false, false, false},
    {"deepseek-r1-qwen", qwenCut, true, false, false, false}, {"qwen35", qwen35Cut, true, false, false, false},
    {"llada-moe", lingCut, false, false, false, false},       {"bailingmoe", lingCut, false, false, false, false},
    {"bailingmoe2", lingCut, false, false, false, false},     {"tekken", tekkenCut, false, true, false, true},
    {"gpt-2", nullptr, false, false, false, false},           {"smollm", nullptr, false, false, true, false},
};
#undef QUOIN_GGUF_CONTRACTIONS
#undef QUOIN_GGUF_REST

constexpr std::string_view ggufTokens = "tokenizer.ggml.";
/// Of `token_type`.
struct TokenKind {
  enum : int64_t { normal = 1, unknown = 2, control = 3, userDefined = 4, unused = 5, byte = 6 };
};

/// Pieces that are longer are never merged: SentencePiece itself makes none of more than 16 characters, and each byte
/// is a place to take one apart.
constexpr size_t mostOfPiece = 256;
/// Far above any published tokenizer, which has two or three for a token.
constexpr size_t mostMerges = size_t(1) << 23;

/// The tokenizer's keys, checked.
class TokenizerMaker {
public:
  TokenizerMaker(const GgufContents &all, std::string &message) : contents(all), error(message) {}
  bool tokenizer(json &out);
  bool config(json &out);

private:
  bool fail(std::string_view key, const std::string &what) {
    error = "key '" + std::string(key) + "' expects " + what;
    return false;
  }
  const GgufValue *find(std::string_view key) const {
    return contents.find(std::string(ggufTokens) + std::string(key));
  }
  std::string model() const {
    const GgufValue *value = find("model");
    return std::string(value ? value->text().value_or("") : "");
  }
  bool read();
  bool readFlag(std::string_view key, bool &flag);
  std::optional<int64_t> id(std::string_view name) const;
  bool isAdded(size_t token) const {
    return kinds[token] == TokenKind::control || kinds[token] == TokenKind::userDefined;
  }
  bool bytePairs(json &out);
  bool sentencePieces(json &out);
  bool mergesOfScores(const json &vocabulary, json &merges);
  void addTokens(json &out) const;
  bool addEnds(json &out, bool begins);

  const GgufContents &contents;
  std::string &error;
  std::vector<std::string> texts;
  std::vector<int64_t> kinds;
};

bool TokenizerMaker::readFlag(std::string_view key, bool &flag) {
  const GgufValue *value = find(key);
  if (value && !value->flag())
    return fail(std::string(ggufTokens) + std::string(key), "true or false, but found another value");
  flag = value ? *value->flag() : flag;
  return true;
}

/// The number of a token that has a name of its own: "bos".
std::optional<int64_t> TokenizerMaker::id(std::string_view name) const {
  const GgufValue *value = find(std::string(name) + "_token_id");
  std::optional<int64_t> number = value ? value->integer() : std::nullopt;
  return number && *number >= 0 && *number < static_cast<int64_t>(texts.size()) ? number : std::nullopt;
}

bool TokenizerMaker::read() {
  std::string is = model();
  if (is != "gpt2" && is != "llama")
    return fail("tokenizer.ggml.model", "'gpt2' or 'llama', but found '" + shortened(is) + "'");
  const GgufValue *tokens = find("tokens"), *types = find("token_type");
  if (!tokens || !tokens->list || tokens->kind != GgufValue::Kind::Text || tokens->texts.empty())
    return fail("tokenizer.ggml.tokens",
                std::string("a list of texts, but ") + (tokens ? "found none" : "there is none"));
  for (std::string_view text : tokens->texts)
    if (!isValidUtf8(text))
      return fail("tokenizer.ggml.tokens", "texts in UTF-8, but token " + std::to_string(texts.size()) + " is none");
    else
      texts.emplace_back(text);
  if (types && (!types->list || types->kind != GgufValue::Kind::Integer || types->size() != texts.size()))
    return fail("tokenizer.ggml.token_type", "a number for each of " + std::to_string(texts.size()) +
                                                 " tokens, but found " + std::to_string(types->size()));
  kinds = types ? types->integers : std::vector<int64_t>(texts.size(), TokenKind::normal);
  // Older files do not say of which kind tokens are.
  for (const char *name : {"bos", "eos", "eot", "eom", "mask", "padding"})
    if (std::optional<int64_t> special = id(name); special && !types)
      kinds[static_cast<size_t>(*special)] = TokenKind::control;
  return true;
}

/// Tokens that are found in a text before it is cut.
void TokenizerMaker::addTokens(json &out) const {
  json added = json::array();
  for (size_t i = 0; i < texts.size(); ++i)
    if (isAdded(i) || kinds[i] == TokenKind::unknown)
      added.push_back({{"id", i},
                       {"content", texts[i]},
                       {"single_word", false},
                       {"lstrip", false},
                       {"rstrip", false},
                       {"normalized", false},
                       {"special", kinds[i] != TokenKind::userDefined}});
  out["added_tokens"] = added;
}

/// What stands before a prompt and behind it.
bool TokenizerMaker::addEnds(json &out, bool begins) {
  bool ends = false;
  if (!readFlag("add_bos_token", begins) || !readFlag("add_eos_token", ends))
    return false;
  json parts = json::array(), specials = json::object();
  auto put = [&](const char *name, bool wanted) {
    std::optional<int64_t> token = wanted ? id(name) : std::nullopt;
    if (!token)
      return;
    const std::string &text = texts[static_cast<size_t>(*token)];
    parts.push_back({{"SpecialToken", {{"id", text}, {"type_id", 0}}}});
    specials[text] = {{"id", text}, {"ids", {*token}}, {"tokens", {text}}};
  };
  put("bos", begins);
  parts.push_back({{"Sequence", {{"id", "A"}, {"type_id", 0}}}});
  put("eos", ends);
  if (parts.size() > 1)
    out["post_processor"] = {
        {"type", "TemplateProcessing"}, {"single", parts}, {"pair", parts}, {"special_tokens", specials}};
  return true;
}

bool TokenizerMaker::bytePairs(json &out) {
  const GgufValue *pre = find("pre"), *merges = find("merges");
  std::string name(pre ? pre->text().value_or("") : "default"), known;
  const Cuts *cuts = nullptr;
  for (const Cuts &each : knownCuts) {
    cuts = each.pre == name ? &each : cuts;
    known += (known.empty() ? "'" : ", '") + std::string(each.pre) + "'";
  }
  if (!cuts)
    return fail("tokenizer.ggml.pre", "one of " + known + ", but " +
                                          (pre ? "found '" + shortened(name) + "'" : "there is none") +
                                          " ('--tokenizer' takes a folder with a tokenizer.json)");
  if (!merges || !merges->list || (merges->size() && merges->kind != GgufValue::Kind::Text))
    return fail("tokenizer.ggml.merges",
                std::string("a list of texts, but ") + (merges ? "found none" : "there is none"));
  json pairs = json::array(), vocabulary = json::object();
  for (std::string_view pair : merges->texts) {
    if (!isValidUtf8(pair))
      return fail("tokenizer.ggml.merges", "texts in UTF-8, but merge " + std::to_string(pairs.size()) + " is none");
    // One space is between the two, which may begin or end with none.
    size_t space = pair.find(' ', 1);
    if (space == pair.npos || space + 1 >= pair.size())
      return fail("tokenizer.ggml.merges",
                  "two tokens with a space between them, but found '" + shortened(std::string(pair)) + "'");
    pairs.push_back({pair.substr(0, space), pair.substr(space + 1)});
  }
  // Tokens without a use only fill up the model's rows. Added ones are here, too: else they would be numbered anew.
  for (size_t i = 0; i < texts.size(); ++i)
    if (kinds[i] != TokenKind::unused)
      vocabulary[texts[i]] = i;
  json bytes = {
      {"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", !cuts->pattern}};
  json steps = json::array();
  if (cuts->digits)
    steps.push_back({{"type", "Digits"}, {"individual_digits", true}});
  if (cuts->pattern)
    steps.push_back(
        {{"type", "Split"}, {"pattern", {{"Regex", cuts->pattern}}}, {"behavior", "Isolated"}, {"invert", false}});
  steps.push_back(bytes);
  out["normalizer"] = cuts->composes ? json{{"type", "NFC"}} : json();
  out["pre_tokenizer"] = {{"type", "Sequence"}, {"pretokenizers", steps}};
  out["decoder"] = bytes;
  out["model"] = {{"type", "BPE"},          {"fuse_unk", false},
                  {"byte_fallback", false}, {"ignore_merges", cuts->whole},
                  {"vocab", vocabulary},    {"merges", std::move(pairs)}};
  return addEnds(out, cuts->begins);
}

/// The merges of a vocabulary whose tokens have scores.
bool TokenizerMaker::mergesOfScores(const json &vocabulary, json &merges) {
  const std::vector<double> &scores = find("scores")->reals;
  std::unordered_map<std::string_view, uint32_t> ids;
  for (const auto &[text, number] : vocabulary.items())
    ids.emplace(text, number.get<uint32_t>());
  struct PieceMerge {
    uint32_t token, left, right;
  };
  std::vector<PieceMerge> all;
  for (uint32_t i = 0; i < texts.size(); ++i) {
    std::string_view text = texts[i];
    if (kinds[i] != TokenKind::normal || text.size() > mostOfPiece)
      continue;
    for (size_t at = 1; at < text.size(); ++at) {
      auto left = ids.find(text.substr(0, at)), right = ids.find(text.substr(at));
      if (left == ids.end() || right == ids.end() || kinds[left->second] != TokenKind::normal ||
          kinds[right->second] != TokenKind::normal)
        continue;
      if (all.size() == mostMerges)
        return fail("tokenizer.ggml.tokens", "pieces with at most " + std::to_string(mostMerges) +
                                                 " ways to put one together of two others, but found more");
      all.push_back({i, left->second, right->second});
    }
  }
  std::sort(all.begin(), all.end(), [&](const PieceMerge &a, const PieceMerge &b) {
    return std::tuple(-scores[a.token], a.token, a.left, a.right) <
           std::tuple(-scores[b.token], b.token, b.left, b.right);
  });
  merges = json::array();
  for (const PieceMerge &merge : all)
    merges.push_back({texts[merge.left], texts[merge.right]});
  return true;
}

bool TokenizerMaker::sentencePieces(json &out) {
  const GgufValue *scores = find("scores");
  if (!scores || !scores->list || scores->kind != GgufValue::Kind::Real || scores->size() != texts.size())
    return fail("tokenizer.ggml.scores", "a number for each of " + std::to_string(texts.size()) + " tokens, but " +
                                             (scores ? "found " + std::to_string(scores->size()) : "there is none"));
  for (double score : scores->reals)
    if (score != score)
      return fail("tokenizer.ggml.scores", "numbers, but found one that is none");
  bool before = true, squeezes = false;
  if (!readFlag("add_space_prefix", before) || !readFlag("remove_extra_whitespaces", squeezes))
    return false;
  if (squeezes)
    return fail("tokenizer.ggml.remove_extra_whitespaces", "false (not supported), but found true");
  if (const GgufValue *map = find("precompiled_charsmap"); map && map->size())
    return fail("tokenizer.ggml.precompiled_charsmap",
                "nothing (not supported), but found " + std::to_string(map->size()) + " bytes");
  json vocabulary = json::object();
  std::string unknown;
  for (size_t i = 0; i < texts.size(); ++i) {
    vocabulary[texts[i]] = i;
    if (kinds[i] == TokenKind::unknown)
      unknown = texts[i];
  }
  const std::string mark = "\xE2\x96\x81"; // U+2581
  json spaces = {{"type", "Replace"}, {"pattern", {{"String", " "}}}, {"content", mark}};
  json normalizers = json::array(), decoders = json::array();
  if (before)
    normalizers.push_back({{"type", "Prepend"}, {"prepend", mark}});
  normalizers.push_back(spaces);
  decoders.push_back({{"type", "Replace"}, {"pattern", {{"String", mark}}}, {"content", " "}});
  decoders.push_back({{"type", "ByteFallback"}});
  decoders.push_back({{"type", "Fuse"}});
  if (before)
    decoders.push_back({{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}});
  out["normalizer"] = {{"type", "Sequence"}, {"normalizers", normalizers}};
  out["pre_tokenizer"] = nullptr;
  out["decoder"] = {{"type", "Sequence"}, {"decoders", decoders}};
  json merges;
  if (!mergesOfScores(vocabulary, merges))
    return false;
  out["model"] = {{"type", "BPE"},
                  {"fuse_unk", true},
                  {"byte_fallback", true},
                  {"ignore_merges", false},
                  {"merges", std::move(merges)}};
  if (!unknown.empty())
    out["model"]["unk_token"] = unknown;
  out["model"]["vocab"] = std::move(vocabulary);
  return addEnds(out, true);
}

bool TokenizerMaker::tokenizer(json &out) {
  if (const GgufValue *whole = contents.find("tokenizer.huggingface.json")) {
    std::optional<std::string_view> text = whole->text();
    if (text && tooDeep(*text).empty())
      out = json::parse(*text, nullptr, /*allow_exceptions=*/false);
    return (text && out.is_object()) || fail("tokenizer.huggingface.json", "a JSON object, but found something else");
  }
  if (!read())
    return false;
  out = {{"version", "1.0"}, {"truncation", nullptr}, {"padding", nullptr}, {"post_processor", nullptr}};
  addTokens(out);
  return model() == "gpt2" ? bytePairs(out) : sentencePieces(out);
}

bool TokenizerMaker::config(json &out) {
  out = json::object();
  bool here = contents.find("tokenizer.huggingface.json") && !find("tokens");
  if (!here && !read())
    return false;
  for (auto [gguf, name] :
       {std::pair("bos", "bos_token"), std::pair("eos", "eos_token"), std::pair("unknown", "unk_token"),
        std::pair("padding", "pad_token"), std::pair("mask", "mask_token")})
    if (std::optional<int64_t> token = id(gguf))
      out[name] = texts[static_cast<size_t>(*token)];
  json templates = json::array();
  constexpr std::string_view own = "tokenizer.chat_template";
  for (const auto &[key, value] : contents.values) {
    if (key != own && !key.starts_with(std::string(own) + "."))
      continue;
    std::optional<std::string_view> text = value.text();
    if (!isValidUtf8(key))
      return fail(own, "names of templates in UTF-8, but found '" + forMessage(key) + "'");
    if (!text || !isValidUtf8(*text))
      return fail(shortened(key, 200), "a text in UTF-8, but found another value");
    templates.push_back({{"name", key == own ? "default" : key.substr(own.size() + 1)}, {"template", *text}});
  }
  if (templates.size() == 1 && templates[0]["name"] == "default")
    out["chat_template"] = templates[0]["template"];
  else if (!templates.empty())
    out["chat_template"] = templates;
  return true;
}

} // namespace

bool quoin::hasGgufTokenizer(const GgufContents &contents) {
  if (contents.find("tokenizer.huggingface.json"))
    return true;
  const GgufValue *model = contents.find("tokenizer.ggml.model");
  return model && model->text() != "none" && model->text() != "no_vocab";
}

bool quoin::ggufTokenizer(const GgufContents &contents, json &tokenizer, std::string &error) {
  return TokenizerMaker(contents, error).tokenizer(tokenizer);
}

bool quoin::ggufTokenizerConfig(const GgufContents &contents, json &config, std::string &error) {
  return TokenizerMaker(contents, error).config(config);
}
