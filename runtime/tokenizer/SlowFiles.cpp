// SlowFiles.cpp - vocab.json and merges.txt, as Python's tokenizers have them: they say nothing of how text becomes
// pieces, which the class does that tokenizer_config.json names.

#include "runtime/tokenizer/JsonReader.h"
#include "runtime/tokenizer/ReadPipeline.h"
#include "runtime/tokenizer/TokenizerConfig.h"
#include "runtime/tokenizer/Unicode.h"

#include <algorithm>

using namespace quoin;

namespace {

/// Steps of a class, in the words of tokenizer.json.
struct KnownClass {
  std::string_view name;
  const char *normalizer, *preTokenizer;
};

constexpr const char *qwenSteps = R"j({"type": "Sequence", "pretokenizers": [
  {"type": "Split", "behavior": "Isolated", "pattern": {"Regex": "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"}},
  {"type": "ByteLevel", "add_prefix_space": false, "use_regex": false}]})j";
constexpr const char *gpt2Steps = R"j({"type": "ByteLevel", "add_prefix_space": false, "use_regex": true})j";
constexpr const char *nfc = R"j({"type": "NFC"})j";

constexpr KnownClass knownClasses[] = {
    {"Qwen2Tokenizer", nfc, qwenSteps},   {"Qwen2TokenizerFast", nfc, qwenSteps},   {"DreamTokenizer", nfc, qwenSteps},
    {"GPT2Tokenizer", "null", gpt2Steps}, {"GPT2TokenizerFast", "null", gpt2Steps},
};

} // namespace

static bool readMerges(std::string_view text, TokenizerFile &out, std::string &error) {
  size_t line = 0;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    std::string_view pair = text.substr(at, end - at);
    at = end + 1;
    ++line;
    while (!pair.empty() && (pair.back() == '\r' || pair.back() == ' '))
      pair.remove_suffix(1);
    if (pair.empty() || (line == 1 && pair.starts_with("#version")))
      continue;
    const size_t space = pair.find(' ');
    if (space == 0 || space == pair.npos || pair.find(' ', space + 1) != pair.npos) {
      error = "expects two tokens with one space between them in each line of the merges, but line " +
              std::to_string(line) + " is '" + forMessage(pair) + "'";
      return false;
    }
    out.merges.emplace_back(pair.substr(0, space), pair.substr(space + 1));
  }
  return true;
}

bool TokenizerFile::parseSlow(std::string_view vocabulary, std::string_view merges, const TokenizerConfig &config,
                              TokenizerFile &out, std::string &error) {
  out = TokenizerFile();
  const KnownClass *known = std::find_if(std::begin(knownClasses), std::end(knownClasses),
                                         [&](const KnownClass &each) { return each.name == config.tokenizerClass; });
  if (known == std::end(knownClasses)) {
    std::string names;
    for (const KnownClass &each : knownClasses)
      names += (names.empty() ? "'" : ", '") + std::string(each.name) + "'";
    error = "expects one of " + names + " as 'tokenizer_class' of tokenizer_config.json, " +
            (config.tokenizerClass.empty() ? "but there is none"
                                           : "but found '" + forMessage(config.tokenizerClass) + "'") +
            " (or a tokenizer.json, which says what the class does)";
    return false;
  }
  // The same reader as for tokenizer.json, which must not take what stands behind the object for its own.
  if (!nlohmann::json::accept(vocabulary)) {
    // Only to say where.
    JsonReader reader(out);
    (void)nlohmann::json::sax_parse(vocabulary, &reader);
    error = reader.error.empty() ? "expects valid JSON, but it is not" : std::move(reader.error);
    return false;
  }
  JsonReader reader(out);
  const std::string whole = "{\"model\":{\"vocab\":" + std::string(vocabulary) + "}}";
  if (!nlohmann::json::sax_parse(whole, &reader)) {
    error = std::move(reader.error);
    return false;
  }
  if (!reader.sawVocabulary) {
    error = "expects an object of tokens and their ids, but it is none";
    return false;
  }
  using nlohmann::json;
  if (!readMerges(merges, out, error) || !readNormalizer(json::parse(known->normalizer), out.normalizer, error) ||
      !readPreTokenizer(json::parse(known->preTokenizer), out.preTokenizer, error))
    return false;
  out.preTokenizer.addPrefixSpace |= config.addPrefixSpace;
  out.decoder.byteLevel = true;
  return true;
}
