//===- FuzzTokenizer.cpp - hostile tokenizer.json files and texts ----------===//
//
// The input up to its first zero byte is the file, the rest the text.
//
//===----------------------------------------------------------------------===//

#include "Fuzz.h"
#include "runtime/tokenizer/Tokenizer.h"

using namespace quoin;
using namespace quoin::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const std::string_view input(reinterpret_cast<const char *>(data), size);
  const size_t end = input.find('\0');
  const std::string_view file = input.substr(0, end);
  const std::string_view text = end == std::string_view::npos ? file : input.substr(end + 1);

  std::string error;
  auto tokenizer = Tokenizer::fromJson(file, error);
  REQUIRE(tokenizer || error.rfind("expects ", 0) == 0);
  if (!tokenizer)
    return 0;
  const std::vector<int32_t> ids = tokenizer->encode(text);
  // A second time from the cache.
  REQUIRE(tokenizer->encode(text) == ids);
  for (bool skip : {false, true}) {
    StreamDecoder stream(*tokenizer, skip);
    std::string streamed;
    for (int32_t id : ids)
      streamed += stream.push(id);
    REQUIRE(streamed + stream.finish() == tokenizer->decode(ids, skip));
  }
  return 0;
}
