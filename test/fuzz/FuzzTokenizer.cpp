//===- FuzzTokenizer.cpp - hostile tokenizer.json files and texts ----------===//
//
// Parts of the input, with zero bytes between them: tokenizer.json (or vocab.json), tokenizer_config.json (which may be
// empty), a text (or merges).
//
//===----------------------------------------------------------------------===//

#include "Fuzz.h"
#include "runtime/tokenizer/ChatTemplate.h"
#include "runtime/tokenizer/Tokenizer.h"
#include "runtime/tokenizer/TokenizerConfig.h"

using namespace quoin;
using namespace quoin::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  std::string_view input(reinterpret_cast<const char *>(data), size);
  const std::string_view file = takePart(input), configText = takePart(input), text = input;
  std::string error;
  TokenizerConfig config;
  if (!TokenizerConfig::parse(configText, "", "", config, error)) {
    REQUIRE(isOneLine(error));
    // As one of the other two files it has another meaning.
    if (!TokenizerConfig::parse("", configText, "", config, error))
      (void)TokenizerConfig::parse("", "", configText, config, error);
  }
  auto tokenizer = Tokenizer::fromJson(file, config, error);
  // As a vocab.json, with the text as merges.
  if (!tokenizer && !(tokenizer = Tokenizer::fromVocabulary(file, text, config, error)))
    REQUIRE(isOneLine(error));
  REQUIRE(tokenizer || error.rfind("expects ", 0) == 0);
  if (!tokenizer)
    return 0;
  const std::vector<int32_t> ids = tokenizer->encode(text);
  // A second time from the cache.
  REQUIRE(tokenizer->encode(text) == ids);
  REQUIRE(tokenizer->encodePrompt(text).size() >= ids.size());
  std::string rendered;
  if (tokenizer->chat().render(text, rendered, error) != ChatTemplate::Outcome::Done)
    REQUIRE(isOneLine(error));
  for (const std::string &line : tokenizer->chat().problems())
    REQUIRE(isOneLine(line));
  for (bool skip : {false, true}) {
    StreamDecoder stream(*tokenizer, skip);
    std::string streamed;
    for (int32_t id : ids)
      streamed += stream.push(id);
    REQUIRE(streamed + stream.finish() == tokenizer->decode(ids, skip));
  }
  return 0;
}
