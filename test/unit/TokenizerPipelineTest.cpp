// TokenizerPipelineTest.cpp - the steps of tokenizer.json beyond byte-level ones, on vocabularies small enough to know
// every id by heart, and the files of Python's tokenizers.

#include "TokenizerFolder.h"
#include "runtime/tokenizer/SplitPattern.h"
#include "runtime/tokenizer/Tokenizer.h"
#include "runtime/tokenizer/TokenizerConfig.h"
#include "runtime/tokenizer/Unicode.h"

#include <gtest/gtest.h>

#include <chrono>

using namespace quoin;
using namespace quoin::test;
using nlohmann::json;
using Ids = std::vector<int32_t>;

namespace {

const std::string mark = "\u2581";

json step(const char *type, json more = json::object()) {
  more["type"] = type;
  return more;
}
json replace(const std::string &from, const std::string &to) {
  return step("Replace", {{"pattern", {{"String", from}}}, {"content", to}});
}
json sequence(const char *members, const json &steps) { return step("Sequence", {{members, steps}}); }

/// As converted from SentencePiece: 0 is <unk>, byte b has id 1 + b, then the mark 257, a 258, b 259, ab 260, mark ab
/// 261, mark a 262.
json metaFile() {
  json vocab = {{"<unk>", 0}}, merges = {"a b", mark + " ab", mark + " a"};
  char name[8];
  for (int byte = 0; byte < 256; ++byte) {
    std::snprintf(name, sizeof name, "<0x%02X>", static_cast<unsigned>(byte));
    vocab[name] = 1 + byte;
  }
  for (const std::string &token :
       {mark, std::string("a"), std::string("b"), std::string("ab"), mark + "ab", mark + "a"})
    vocab[token] = vocab.size();
  json decoder = {replace(mark, " "), step("ByteFallback"), step("Fuse"),
                  step("Strip", {{"content", " "}, {"start", 1}, {"stop", 0}})};
  json model = {{"type", "BPE"},        {"vocab", vocab},        {"merges", merges},
                {"unk_token", "<unk>"}, {"byte_fallback", true}, {"fuse_unk", true}};
  return {{"model", model},
          {"normalizer", sequence("normalizers", {step("Prepend", {{"prepend", mark}}), replace(" ", mark)})},
          {"pre_tokenizer", nullptr},
          {"decoder", sequence("decoders", decoder)},
          {"added_tokens", {{{"id", 0}, {"content", "<unk>"}, {"special", true}, {"normalized", false}}}}};
}

std::unique_ptr<Tokenizer> make(const json &file) {
  std::string error;
  auto out = Tokenizer::fromJson(file.dump(), error);
  EXPECT_TRUE(out) << error;
  return out;
}

void expectError(const json &file, const std::string &part) {
  std::string error;
  EXPECT_FALSE(Tokenizer::fromJson(file.dump(), error)) << part;
  EXPECT_EQ(error.find('\n'), std::string::npos) << error;
  EXPECT_NE(error.find(part), std::string::npos) << error;
}

Ids encoded(const json &file, const std::string &text) {
  auto t = make(file);
  return t ? t->encode(text) : Ids();
}

/// The pieces of `text` under a pre-tokenizer that comes after spaces became marks: what joins is what one piece holds.
Ids cut(const json &preTokenizer, const std::string &text) {
  json file = metaFile();
  file["normalizer"] = replace(" ", mark);
  file["pre_tokenizer"] = preTokenizer;
  return encoded(file, text);
}

std::string streamed(const Tokenizer &t, const Ids &ids) {
  StreamDecoder stream(t);
  std::string out;
  for (int32_t id : ids) {
    const std::string part = stream.push(id);
    EXPECT_TRUE(isValidUtf8(part));
    out += part;
  }
  return out + stream.finish();
}

} // namespace

TEST(TokenizerPipeline, MergesCharactersAndFallsBackToBytes) {
  const json file = metaFile();
  EXPECT_EQ(encoded(file, "ab a"), (Ids{261, 262}));
  EXPECT_EQ(encoded(file, ""), Ids());
  // Of the two bytes of U+00E9 neither merges.
  EXPECT_EQ(encoded(file, "\u00e9b"), (Ids{257, 1 + 0xC3, 1 + 0xA9, 259}));
  // Each stretch between special tokens is a text of its own.
  EXPECT_EQ(encoded(file, "a<unk>a"), (Ids{262, 0, 262}));
}

TEST(TokenizerPipeline, UnknownCharactersFuseOrNot) {
  json file = metaFile();
  file["model"]["byte_fallback"] = false;
  EXPECT_EQ(encoded(file, "xya"), (Ids{257, 0, 258}));
  file["model"]["fuse_unk"] = false;
  EXPECT_EQ(encoded(file, "xya"), (Ids{257, 0, 0, 258}));
  file["model"]["unk_token"] = nullptr;
  EXPECT_EQ(encoded(file, "xya"), (Ids{262}));
  // Bytes that are there come before the unknown token that waits to be fused.
  file = metaFile();
  file["model"]["vocab"].erase("<0xC3>");
  EXPECT_EQ(encoded(file, "\u00e9\nb"), (Ids{257, 1 + 0x0A, 0, 259}));
  file["model"]["unk_token"] = "<none>";
  expectError(file, "the 'unk_token' in 'vocab', but '<none>' is not there");
}

TEST(TokenizerPipeline, BytesWithoutATokenAreUnknownToo) {
  json file = tokenizerJson({});
  file["model"]["vocab"].erase("a");
  file["model"]["unk_token"] = "!";
  file["model"]["fuse_unk"] = true;
  EXPECT_EQ(encoded(file, "baab"), (Ids{'b', '!', 'b'}));
}

TEST(TokenizerPipeline, SplitsAsEachBehaviorSays) {
  auto split = [](const char *behavior, bool invert = false) {
    return step("Split", {{"pattern", {{"String", mark}}}, {"behavior", behavior}, {"invert", invert}});
  };
  EXPECT_EQ(cut(split("Isolated"), "a a"), (Ids{258, 257, 258}));
  EXPECT_EQ(cut(split("Removed"), "a a"), (Ids{258, 258}));
  EXPECT_EQ(cut(split("Removed", true), "a a"), (Ids{257}));
  EXPECT_EQ(cut(split("MergedWithPrevious"), "a a"), (Ids{258, 257, 258}));
  EXPECT_EQ(cut(split("MergedWithNext"), "a a"), (Ids{258, 262}));
  EXPECT_EQ(cut(split("MergedWithNext"), "a  a"), (Ids{258, 257, 262}));
  // An "ab" of two matches merges only where these are joined.
  json pair = step("Split", {{"pattern", {{"Regex", R"(\p{N})"}}}, {"behavior", "Contiguous"}, {"invert", false}});
  EXPECT_EQ(cut(pair, "a b"), (Ids{258, 257, 259}));
  EXPECT_EQ(cut(step("Digits", {{"individual_digits", true}}), "ab1"), (Ids{260, 1 + '1'}));
}

TEST(TokenizerPipeline, MetaspacePrependsByItsScheme) {
  auto ids = [](const char *scheme, const std::string &text, bool split = true) {
    json file = metaFile();
    file["normalizer"] = nullptr;
    file["pre_tokenizer"] = step("Metaspace", {{"replacement", mark}, {"prepend_scheme", scheme}, {"split", split}});
    return encoded(file, text);
  };
  EXPECT_EQ(ids("always", "a<unk>a"), (Ids{262, 0, 262}));
  EXPECT_EQ(ids("first", "a<unk>a"), (Ids{262, 0, 258}));
  EXPECT_EQ(ids("never", "a<unk> a"), (Ids{258, 0, 262}));
  EXPECT_EQ(ids("always", " a"), (Ids{262}));
  EXPECT_EQ(ids("never", "a b a", false), (Ids{258, 257, 259, 262}));
}

TEST(TokenizerPipeline, CutsAtChangesOfCase) {
  // The words that small letters end come first, as in Tekken's and GPT-4o's patterns.
  const std::string lower = R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+)";
  const std::string upper = R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*)";
  const std::string short_ = R"((?i:'s|'t|'re|'ve|'m|'ll|'d)?)";
  auto pieces = [](const std::string &pattern, const std::string &text) {
    SplitPattern split;
    std::string error, out;
    EXPECT_TRUE(SplitPattern::parse(pattern, split, error)) << error;
    std::vector<SplitRange> ranges;
    split.find(text, ranges);
    for (const SplitRange &range : ranges)
      out += (out.empty() ? "" : "|") + text.substr(range.begin, range.end - range.begin);
    return out;
  };
  const std::string tekken = lower + "|" + upper;
  EXPECT_EQ(pieces(tekken, "fooBar XMLHttp HELLO"), "foo|Bar| XMLHttp| HELLO");
  // U+3042 has no case: the capitals give back to the last such.
  EXPECT_EQ(pieces(tekken, "\u3042A\u3042BC"), "\u3042A\u3042|BC");
  EXPECT_EQ(pieces(tekken, "\u0301"), "\u0301");
  EXPECT_EQ(pieces(tekken, "\u01c5a"), "\u01c5a"); // a title case letter
  const std::string gpt4o = lower + short_ + "|" + upper + short_ + R"(| ?[^\s\p{L}\p{N}]+[\r\n/]*)";
  EXPECT_EQ(pieces(gpt4o, "I'm WE'LL'x a'/\n/"), "I'm| WE'LL|'x| a|'/\n/");
  SplitPattern out;
  std::string error;
  EXPECT_FALSE(SplitPattern::parse(lower, out, error));
  EXPECT_NE(error.find("words of capital letters"), std::string::npos) << error;
}

TEST(TokenizerPipeline, DecodesStepByStep) {
  auto t = make(metaFile());
  ASSERT_TRUE(t);
  EXPECT_EQ(t->decode({261, 262}), "ab a");
  EXPECT_EQ(t->decode({257, 257}), " ");
  EXPECT_EQ(t->decode({258, 1 + 0xC3, 1 + 0xA9, 258}), "a\u00e9a");
  // One wrong byte spoils the run.
  EXPECT_EQ(t->decode({1 + 0xC3, 1 + 0xA9, 1 + 0xFF}), "\ufffd\ufffd\ufffd");
  EXPECT_EQ(t->decode({0, 258}, true), "a");
  EXPECT_EQ(t->decode({258, 9999, -1, 258}), "aa");
  json file = metaFile();
  file["decoder"] = nullptr;
  EXPECT_EQ(make(file)->decode({258, 259}), "a b");
  file["decoder"] = step("Metaspace", {{"replacement", mark}, {"prepend_scheme", "always"}});
  EXPECT_EQ(make(file)->decode({261, 262}), "ab a");
  file["decoder"] = sequence("decoders", {step("Fuse"), step("Strip", {{"content", "a"}, {"start", 0}, {"stop", 2}})});
  EXPECT_EQ(make(file)->decode({259, 258, 258, 258}), "ba");
}

TEST(TokenizerPipeline, StreamsWhatItDecodes) {
  json file = metaFile();
  for (const json &decoder : {file["decoder"], json(nullptr), step("Metaspace", {{"prepend_scheme", "first"}}),
                              sequence("decoders", {step("ByteFallback"), step("Fuse"), replace("a", "xyz"),
                                                    step("Strip", {{"content", "z"}, {"start", 2}, {"stop", 3}})})}) {
    file["decoder"] = decoder;
    auto t = make(file);
    ASSERT_TRUE(t);
    uint32_t state = 1;
    for (int run = 0; run < 200; ++run) {
      Ids ids;
      for (int i = 0; i < 12; ++i) {
        state = state * 1664525 + 1013904223;
        ids.push_back(static_cast<int32_t>(state >> 8) % (run % 2 ? 264 : 70) + (run % 2 ? 0 : 195));
      }
      EXPECT_EQ(streamed(*t, ids), t->decode(ids));
    }
  }
}

TEST(TokenizerPipeline, SpellsAddedTokensOfNormalizedTextAsThere) {
  json file = metaFile();
  file["added_tokens"].push_back({{"id", 263}, {"content", "b b"}, {"special", false}, {"normalized", true}});
  auto t = make(file);
  ASSERT_TRUE(t);
  EXPECT_EQ(t->encode("a b b"), (Ids{262, 263}));
  EXPECT_EQ(t->decode({262, 263}), "a b b");
}

TEST(TokenizerPipeline, LongTextsWithoutSpacesTakeLinearTime) {
  auto t = make(metaFile());
  ASSERT_TRUE(t);
  std::string text;
  while (text.size() < 1 << 20)
    text += "ab";
  const auto start = std::chrono::steady_clock::now();
  const Ids ids = t->encode(text);
  EXPECT_EQ(ids.size(), text.size() / 2);
  EXPECT_EQ(t->decode(ids), text);
  // Quadratic time would be hours.
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(60));
}

/// 0 is <unk>, then a, b, ab, abc, c and the bytes of U+00E9.
json unigramFile() {
  json vocab = json::array({{"<unk>", 0},
                            {"a", -1.0},
                            {"b", -2.5},
                            {"ab", -3.25},
                            {"bc", -3.0},
                            {"c", -2e0},
                            {"<0xC3>", -9},
                            {"<0xA9>", -9}});
  json model = {{"type", "Unigram"}, {"unk_id", 0}, {"vocab", vocab}, {"byte_fallback", true}};
  return {{"model", model},
          {"normalizer", nullptr},
          {"pre_tokenizer", nullptr},
          {"decoder", nullptr},
          {"added_tokens", json::array()}};
}

TEST(TokenizerPipeline, UnigramTakesTheTokensOfTheHighestScore) {
  json file = unigramFile();
  EXPECT_EQ(encoded(file, "ab"), (Ids{3}));     // -3.25 beats -1 - 2.5
  EXPECT_EQ(encoded(file, "abc"), (Ids{1, 4})); // -1 - 3 beats -3.25 - 2
  EXPECT_EQ(encoded(file, "aab"), (Ids{1, 3}));
  EXPECT_EQ(encoded(file, ""), Ids());
  // Bytes where all are there, else one unknown token for the run.
  EXPECT_EQ(encoded(file, "a\u00e9"), (Ids{1, 6, 7}));
  EXPECT_EQ(encoded(file, "ax\u00e9yb"), (Ids{1, 0, 2}));
  file["model"]["byte_fallback"] = false;
  EXPECT_EQ(encoded(file, "a\u00e9\u00e9c"), (Ids{1, 0, 5}));
  // Equally good: the token that begins first, here the longer one.
  file["model"]["vocab"][3][1] = -3.5;
  EXPECT_EQ(encoded(file, "ab"), (Ids{3}));
  // Of equal tokens the last counts.
  file["model"]["vocab"].push_back({"ab", -1.0});
  EXPECT_EQ(encoded(file, "ab"), (Ids{8}));
  // Runs of spaces.
  file["normalizer"] = step("Replace", {{"pattern", {{"Regex", " {2,}"}}}, {"content", "c"}});
  EXPECT_EQ(encoded(file, "a  b    a"), (Ids{1, 5, 4, 1}));
  file["normalizer"] = step("Strip", {{"strip_left", true}, {"strip_right", false}});
  EXPECT_EQ(encoded(file, " \t a "), (Ids{1, 0}));
}

TEST(TokenizerPipeline, UnigramSaysWhatItCannotRead) {
  json file = unigramFile();
  file["model"]["unk_id"] = nullptr;
  expectError(file, "expects the number of a token as 'unk_id', but");
  file["model"]["unk_id"] = 8;
  expectError(file, "expects the number of a token as 'unk_id', below 8, but found 8");
  file = unigramFile();
  for (const json &wrong : {json("a"), json::array(), json{"a"}, json{"a", "b"}, json{1, "a"}, json{"a", 1, 2},
                            json{"a", nullptr}, json{"a", {1}}}) {
    file["model"]["vocab"] = json::array({{"<unk>", 0}, wrong});
    expectError(file, "expects element 1 of 'vocab' to be [\"token\", score], but ");
  }
  file["model"]["vocab"] = json::object({{"a", 0}});
  expectError(file, "expects an array of tokens with their scores as 'model.vocab', but there is none");
  file["model"]["vocab"] = json::array();
  expectError(file, "expects an array of tokens with their scores as 'model.vocab', but there is none");
  file = metaFile();
  file["model"]["vocab"] = json::array({{"a", 0}});
  expectError(file, "expects an object as 'model.vocab', but there is none");
  file = unigramFile();
  for (const char *table : {"", "A", "////", "AAAAAQ==", "!"}) {
    file["normalizer"] = step("Precompiled", {{"precompiled_charsmap", table}});
    expectError(file, "expects base64 of a table and its texts as 'precompiled_charsmap', but it is not");
  }
  // A table that leads nowhere finds nothing.
  file["normalizer"] = step("Precompiled", {{"precompiled_charsmap", "BAAAAP////8="}});
  EXPECT_EQ(encoded(file, "abc"), (Ids{1, 4}));
}

TEST(TokenizerPipeline, SaysWhatItCannotRead) {
  json file = metaFile();
  file["normalizer"] = step("Lowercase");
  expectError(file, "'NFC', 'Precompiled', 'Replace', 'Prepend', 'Strip', a 'Sequence' of them or null as the "
                    "normalizer, but it is 'Lowercase'");
  file["normalizer"] = replace("", "x");
  expectError(file, "a 'pattern.String' of a 'Replace' that is not empty");
  file["normalizer"] = step("Replace", {{"pattern", {{"Regex", " +"}}}, {"content", ""}});
  expectError(file, "a string as 'String' of 'pattern' of a 'Replace', but it is null");
  file["normalizer"] =
      sequence("normalizers", {replace("a", std::string(40, 'a')), replace("a", std::string(40, 'a'))});
  expectError(file, "at most 1024 times as long");
  file = metaFile();
  file["pre_tokenizer"] = step("Whitespace");
  expectError(file, "as the pre-tokenizer, but it is 'Whitespace'");
  file["pre_tokenizer"] = step("Metaspace", {{"replacement", "ab"}});
  expectError(file, "one character as 'replacement' of a 'Metaspace', but it is 'ab'");
  file["pre_tokenizer"] = step("Metaspace", {{"prepend_scheme", "last"}});
  expectError(file, "'always', 'first' or 'never'");
  file["pre_tokenizer"] = step("Split", {{"pattern", {{"String", " "}}}, {"behavior", "Gone"}});
  expectError(file, "as the behavior of a 'Split', but it is 'Gone'");
  file = metaFile();
  file["decoder"] = step("WordPiece");
  expectError(file, "as the decoder, but it is 'WordPiece'");
  file["decoder"] = step("Strip", {{"content", " "}, {"start", -1}, {"stop", 0}});
  expectError(file, "an integer from 0 to 1024 as 'start' of a 'Strip', but it is -1");
  file["decoder"] = sequence("decoders", {step("Fuse"), replace("ab", "")});
  expectError(file, "one character as 'pattern.String' of a 'Replace' behind 'Fuse'");
  file["decoder"] = sequence("decoders", {step("Fuse"), step("ByteFallback")});
  expectError(file, "'ByteFallback' once and before 'Fuse'");
}

//===----------------------------------------------------------------------===//
// vocab.json and merges.txt
//===----------------------------------------------------------------------===//

namespace {

std::string slowError(const std::string &vocabulary, const std::string &merges, const std::string &tokenizerClass) {
  TokenizerConfig config;
  config.tokenizerClass = tokenizerClass;
  std::string error;
  EXPECT_FALSE(Tokenizer::fromVocabulary(vocabulary, merges, config, error));
  EXPECT_EQ(error.find('\n'), std::string::npos) << error;
  return error;
}

} // namespace

TEST(SlowTokenizer, ReadsVocabularyMergesAndAddedTokens) {
  TokenizerFolder folder;
  json vocab = tokenizerJson({})["model"]["vocab"];
  vocab["he"] = 256;
  std::filesystem::remove(folder.path / "tokenizer.json");
  EXPECT_EQ(Tokenizer::fileIn(folder.path.string()), "");
  folder.write("vocab.json", vocab.dump());
  folder.write("merges.txt", "#version: 0.2\r\nh e\r\n\r\n");
  folder.write("added_tokens.json", R"({"<|mask|>": 258, "<|im_end|>": 257})");
  folder.write("special_tokens_map.json", R"({"eos_token": "<|im_end|>"})");
  folder.write("tokenizer_config.json", R"({"tokenizer_class": "DreamTokenizer"})");
  EXPECT_EQ(Tokenizer::fileIn(folder.path.string()), (folder.path / "vocab.json").string());
  std::string error;
  auto t = Tokenizer::load(folder.path.string(), error);
  ASSERT_TRUE(t) << error;
  EXPECT_EQ(t->encode("he<|mask|>1<|im_end|>"), (Ids{256, 258, '1', 257}));
  EXPECT_EQ(t->decode({256, 257}, true), "he");
  // NFC, as Qwen2's class has it, and GPT-2's has not.
  EXPECT_EQ(t->encode("e\u0301"), (Ids{0xC3, 0xA9}));
  folder.write("tokenizer_config.json", R"({"tokenizer_class": "GPT2Tokenizer", "add_prefix_space": true})");
  t = Tokenizer::load((folder.path / "vocab.json").string(), error);
  ASSERT_TRUE(t) << error;
  EXPECT_EQ(t->encode("he"), (Ids{' ', 256}));
  EXPECT_EQ(t->encode("e\u0301"), (Ids{' ', 'e', 0xCC, 0x81}));
  std::filesystem::remove(folder.path / "merges.txt");
  EXPECT_FALSE(Tokenizer::load(folder.path.string(), error));
  EXPECT_NE(error.find("merges.txt': expects a file that can be read"), std::string::npos) << error;
  // What says everything itself wins.
  folder.write("tokenizer.json", tokenizerJson().dump());
  EXPECT_TRUE(Tokenizer::load(folder.path.string(), error)) << error;
}

TEST(SlowTokenizer, SaysWhatIsWrong) {
  EXPECT_NE(slowError("{}", "", "T5Tokenizer")
                .find("as 'tokenizer_class' of tokenizer_config.json, but found "
                      "'T5Tokenizer'"),
            std::string::npos);
  EXPECT_NE(slowError("{}", "", "").find("but there is none"), std::string::npos);
  EXPECT_NE(slowError("{\"a\": 0", "", "GPT2Tokenizer").find("expects valid JSON, but line 1"), std::string::npos);
  EXPECT_NE(slowError("{}, \"merges\": []", "", "GPT2Tokenizer").find("expects valid JSON"), std::string::npos);
  EXPECT_NE(slowError("[]", "", "GPT2Tokenizer").find("an object of tokens"), std::string::npos);
  EXPECT_NE(slowError(R"({"a": "x"})", "", "GPT2Tokenizer").find("the id of 'a' in 'vocab'"), std::string::npos);
  EXPECT_NE(slowError(R"({"a": 0})", "a\n", "GPT2Tokenizer").find("but line 1 is 'a'"), std::string::npos);
  EXPECT_NE(slowError(R"({"a": 0})", "a a", "GPT2Tokenizer").find("'aa' of merge 0 is not there"), std::string::npos);
  EXPECT_NE(slowError(std::string(100000, '['), "", "GPT2Tokenizer").find("expects"), std::string::npos);
}
