// TokenizerTest.cpp - the tokenizer on a vocabulary small enough to know every
// id by heart: the 256 bytes in order, then what each test adds.

#include "runtime/tokenizer/Tokenizer.h"
#include "runtime/tokenizer/ByteAlphabet.h"
#include "runtime/tokenizer/Unicode.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

using namespace quoin;
using nlohmann::json;
using Ids = std::vector<int32_t>;

namespace {

const char *const qwenPattern = R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|)"
                                R"( ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

/// Byte b has id b; 256 is "he", 257 "ll", 258 "hell", 259 "hello", 260
/// " hello", 261 "'s"; then <|im_start|> and <|im_end|> as special tokens.
json smallFile() {
  ByteAlphabet alphabet;
  json vocab = json::object(), merges = json::array();
  for (int byte = 0; byte < 256; ++byte)
    vocab[alphabet.spell(static_cast<unsigned char>(byte))] = byte;
  auto merge = [&](const std::string &a, const std::string &b) {
    vocab[a + b] = vocab.size();
    merges.push_back(a + " " + b);
  };
  merge("h", "e");
  merge("l", "l");
  merge("he", "ll");
  merge("hell", "o");
  merge("\u0120", "hello");
  merge("'", "s");
  json added = json::array();
  for (const char *content : {"<|im_start|>", "<|im_end|>"})
    added.push_back({{"id", vocab.size() + added.size()},
                     {"content", content},
                     {"single_word", false},
                     {"lstrip", false},
                     {"rstrip", false},
                     {"normalized", false},
                     {"special", true}});
  json split = {{"type", "Split"}, {"pattern", {{"Regex", qwenPattern}}}, {"behavior", "Isolated"}, {"invert", false}};
  json byteLevel = {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", false}};
  return {{"added_tokens", added},
          {"normalizer", {{"type", "NFC"}}},
          {"pre_tokenizer", {{"type", "Sequence"}, {"pretokenizers", {split, byteLevel}}}},
          {"decoder", {{"type", "ByteLevel"}}},
          {"model", {{"type", "BPE"}, {"vocab", vocab}, {"merges", merges}}}};
}

std::unique_ptr<Tokenizer> make(const json &file) {
  std::string error;
  auto out = Tokenizer::fromJson(file.dump(), error);
  EXPECT_TRUE(out) << error;
  return out;
}

std::string errorOf(const std::string &text) {
  std::string error;
  EXPECT_FALSE(Tokenizer::fromJson(text, error));
  EXPECT_EQ(error.find('\n'), std::string::npos) << error;
  EXPECT_TRUE(isValidUtf8(error)) << error;
  return error;
}

void expectError(const json &file, const std::string &part) {
  std::string error = errorOf(file.dump());
  EXPECT_NE(error.find(part), std::string::npos) << error;
}

/// The bytes of `text` as ids, where nothing merges.
Ids bytes(const std::string &text) {
  Ids out;
  for (char c : text)
    out.push_back(static_cast<unsigned char>(c));
  return out;
}

} // namespace

//===----------------------------------------------------------------------===//
// Encoding
//===----------------------------------------------------------------------===//

TEST(Tokenizer, MergesByRankWithinPieces) {
  auto t = make(smallFile());
  EXPECT_EQ(t->encode(""), Ids());
  EXPECT_EQ(t->encode("hello hello"), (Ids{259, 260}));
  // Two pieces: the space before the last does not merge across.
  EXPECT_EQ(t->encode("hello  hello"), (Ids{259, ' ', 260}));
  EXPECT_EQ(t->encode("hellhe"), (Ids{258, 256}));
}

TEST(Tokenizer, ReadsMergesAsPairs) {
  json file = smallFile();
  for (json &merge : file["model"]["merges"]) {
    std::string text = merge;
    size_t space = text.find(' ');
    merge = {text.substr(0, space), text.substr(space + 1)};
  }
  EXPECT_EQ(make(file)->encode("hello hello"), (Ids{259, 260}));
}

TEST(Tokenizer, LongPiecesMergeAsShortOnes) {
  auto t = make(smallFile());
  std::string text;
  Ids expected;
  for (int i = 0; i < 1000; ++i) {
    text += i % 3 ? "hello" : "hellhe";
    for (int32_t id : i % 3 ? Ids{259} : Ids{258, 256})
      expected.push_back(id);
  }
  EXPECT_EQ(t->encode(text), expected);
}

TEST(Tokenizer, ContractionsIgnoreCaseAndTakeLongS) {
  auto t = make(smallFile());
  EXPECT_EQ(t->encode("'s"), Ids{261});
  // A letter after a contraction begins a piece of its own.
  EXPECT_EQ(t->encode("'shello"), (Ids{261, 259}));
  EXPECT_EQ(t->encode("'Shello"), (Ids{'\'', 'S', 259}));
  EXPECT_EQ(t->encode("'\u017Fhello"), (Ids{'\'', 0xC5, 0xBF, 259}));
}

TEST(Tokenizer, GPT2PatternAndPrefixSpace) {
  json file = smallFile();
  file["pre_tokenizer"] = {{"type", "ByteLevel"}, {"add_prefix_space", true}};
  auto t = make(file);
  EXPECT_EQ(t->encode("hello"), Ids{260});
  EXPECT_EQ(t->encode("hello<|im_end|>hello"), (Ids{260, 263, 260}));
}

TEST(Tokenizer, IgnoreMergesTakesWholePieces) {
  json file = smallFile();
  file["model"]["vocab"]["xyz"] = 262;
  file["model"]["ignore_merges"] = true;
  EXPECT_EQ(make(file)->encode("xyz"), Ids{262});
  file["model"]["ignore_merges"] = false;
  EXPECT_EQ(make(file)->encode("xyz"), bytes("xyz"));
}

TEST(Tokenizer, NormalizesAsHuggingFaceDoes) {
  auto t = make(smallFile());
  EXPECT_EQ(t->decode(t->encode("e\u0301")), "\u00E9");
  // The mark below goes first, so that the other one composes.
  EXPECT_EQ(t->decode(t->encode("a\u0316\u0301")), "\u00E1\u0316");
  EXPECT_EQ(t->decode(t->encode("\u1100\u1161\u11A8")), "\uAC01");
  // A mark of Unicode 12, unknown to Hugging Face's normalizer: it stays
  // before the one of the lower class.
  EXPECT_EQ(t->decode(t->encode("a\U0001E130\u0316")), "a\U0001E130\u0316");
}

TEST(Tokenizer, InvalidUtf8CountsAsReplacement) {
  auto t = make(smallFile());
  EXPECT_EQ(t->encode("a\xFF"), t->encode("a\uFFFD"));
  EXPECT_EQ(t->encode("\xE2\x82 \xED\xA0\x80"), t->encode("\uFFFD \uFFFD\uFFFD\uFFFD"));
  EXPECT_EQ(t->encode("\xF0\x9F\x98"), t->encode("\uFFFD"));
}

//===----------------------------------------------------------------------===//
// Added tokens
//===----------------------------------------------------------------------===//

TEST(Tokenizer, RecognisesSpecialTokens) {
  auto t = make(smallFile());
  const Ids ids = {262, 259, 263};
  EXPECT_EQ(t->encode("<|im_start|>hello<|im_end|>"), ids);
  EXPECT_EQ(t->decode(ids), "<|im_start|>hello<|im_end|>");
  EXPECT_EQ(t->decode(ids, /*skipSpecials=*/true), "hello");
  EXPECT_EQ(t->idOf("<|im_end|>"), 263);
  EXPECT_EQ(t->idOf("no such token"), std::nullopt);
  EXPECT_TRUE(t->isSpecial(263));
  EXPECT_FALSE(t->isSpecial(259));
  EXPECT_EQ(t->idLimit(), 264);
}

TEST(Tokenizer, HonoursTheFlagsOfAddedTokens) {
  json file = smallFile();
  json &token = file["added_tokens"][0];
  token["lstrip"] = token["rstrip"] = true;
  EXPECT_EQ(make(file)->encode("hello \n<|im_start|>  hello"), (Ids{259, 262, 259}));
  token["lstrip"] = token["rstrip"] = false;
  token["content"] = "ab";
  token["single_word"] = true;
  EXPECT_EQ(make(file)->encode("ab xab"), (Ids{262, ' ', 'x', 'a', 'b'}));
  token["single_word"] = false;
  token["content"] = "\u1EB9";
  token["normalized"] = true;
  EXPECT_EQ(make(file)->encode("e\u0323"), Ids{262});
  token["normalized"] = false;
  EXPECT_EQ(make(file)->encode("e\u0323"), bytes("\xE1\xBA\xB9"));
}

TEST(Tokenizer, NumbersAddedTokensAsHuggingFaceDoes) {
  json file = smallFile();
  file["added_tokens"][0]["id"] = 700;
  auto t = make(file);
  EXPECT_EQ(t->idOf("<|im_start|>"), 262);
  ASSERT_EQ(t->warnings().size(), 1u);
  EXPECT_NE(t->warnings()[0].find("700"), std::string::npos);
}

//===----------------------------------------------------------------------===//
// Decoding
//===----------------------------------------------------------------------===//

TEST(Tokenizer, DecodesWhatIsNoCharacterLossily) {
  auto t = make(smallFile());
  EXPECT_EQ(t->decode({0xE2, 0x82, 'a', 0xFF}), "\uFFFDa\uFFFD");
  EXPECT_EQ(t->decode({'a', -1, 99999, 'b'}), "ab");
}

TEST(StreamDecoder, NeverEmitsPartOfACharacter) {
  auto t = make(smallFile());
  StreamDecoder stream(*t);
  EXPECT_EQ(stream.push(0xF0), "");
  EXPECT_EQ(stream.push(0x9F), "");
  EXPECT_EQ(stream.push(0x98), "");
  EXPECT_EQ(stream.push(0x80), "\U0001F600");
  EXPECT_EQ(stream.push(0xE2), "");
  EXPECT_EQ(stream.push('a'), "\uFFFDa");
  EXPECT_EQ(stream.push(0xC3), "");
  EXPECT_EQ(stream.finish(), "\uFFFD");
  EXPECT_EQ(stream.finish(), "");
}

TEST(StreamDecoder, PartsMakeTheWhole) {
  auto t = make(smallFile());
  uint32_t random = 1;
  for (int round = 0; round < 300; ++round) {
    Ids ids;
    for (int i = 0; i < 40; ++i) {
      random = random * 1664525 + 1013904223;
      // Mostly lead and continuation bytes, to be often almost valid.
      ids.push_back(static_cast<int32_t>(random >> 28 ? 0x80 + (random >> 20) % 0x80 : (random >> 20) % 264));
    }
    for (bool skip : {false, true}) {
      StreamDecoder stream(*t, skip);
      std::string text;
      for (int32_t id : ids) {
        std::string part = stream.push(id);
        EXPECT_TRUE(isValidUtf8(part));
        text += part;
      }
      EXPECT_EQ(text + stream.finish(), t->decode(ids, skip));
    }
  }
}

//===----------------------------------------------------------------------===//
// Files that are refused
//===----------------------------------------------------------------------===//

TEST(Tokenizer, RefusesEveryTruncation) {
  const std::string text = smallFile().dump();
  for (size_t size = 0; size < text.size(); size += 7)
    EXPECT_NE(errorOf(text.substr(0, size)), "");
}

TEST(Tokenizer, KeepsMessagesOnOneLineOfText) {
  json file = smallFile();
  file["model"]["vocab"]["h\n\u00E9"] = -1;
  expectError(file, "the id of 'h?\u00E9' in 'vocab', but the value is -1");
  errorOf("{\"model\": \"\xFF\xE2\x82\"}");
}

TEST(Tokenizer, RefusesDeepNesting) { EXPECT_NE(errorOf(std::string(100000, '[')).find("64 deep"), std::string::npos); }

TEST(Tokenizer, RefusesEveryWrongType) {
  const json good = smallFile();
  const json wrong[] = {nullptr, 7, -1.5, "text", json::array({1}), {{"type", "Other"}}};
  // Each member in turn becomes something else. Some of that is allowed; none
  // of it may crash.
  const json members = good.flatten();
  for (const auto &[path, value] : members.items()) {
    if (path.rfind("/model/vocab", 0) == 0)
      continue;
    for (const json &other : wrong) {
      json file = good;
      std::string error;
      file[json::json_pointer(path)] = other;
      if (!Tokenizer::fromJson(file.dump(), error)) {
        EXPECT_EQ(error.rfind("expects ", 0), 0u) << path << ": " << error;
      }
    }
  }
}

TEST(Tokenizer, SaysWhatIsWrong) {
  json file = smallFile();
  file["model"]["vocab"]["h"] = "7";
  expectError(file, "the id of 'h' in 'vocab', but the value is a string");
  file["model"]["vocab"]["h"] = 2000000000;
  expectError(file, "'h' has 2000000000");
  file = smallFile();
  file["model"]["merges"].push_back("h q x");
  expectError(file, "it is 'h q x'");
  file["model"]["merges"].back() = "h zz";
  expectError(file, "'zz' of merge 6 is not there");
  file["model"]["merges"].back() = {"h"};
  expectError(file, "merge 6 to be two tokens, but it has 1");
  file = smallFile();
  file["model"]["type"] = "WordPiece";
  expectError(file, "'BPE' or 'Unigram' as the type of the model, but it is 'WordPiece'");
  file = smallFile();
  file["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"] = R"(\w+|\s+)";
  expectError(file, R"('\w+' in pattern '\w+|\s+' is none of them)");
  file = smallFile();
  file["normalizer"]["type"] = "NFKC";
  expectError(file, "it is 'NFKC'");
  file = smallFile();
  file["decoder"] = "ByteLevel";
  expectError(file, "an object as 'decoder', but it is 'ByteLevel'");
}

TEST(Tokenizer, NamesTheFileItCannotOpen) {
  std::string error;
  EXPECT_FALSE(Tokenizer::load("/nonexistent/tokenizer.json", error));
  EXPECT_EQ(error.rfind("'/nonexistent/tokenizer.json': expects", 0), 0u);
}
