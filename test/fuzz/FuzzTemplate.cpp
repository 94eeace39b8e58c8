//===- FuzzTemplate.cpp - hostile chat templates and conversations ---------===//
//
// The input up to its first zero byte is the template, the rest the JSON of its variables.
//
//===----------------------------------------------------------------------===//

#include "Fuzz.h"
#include "runtime/template/Template.h"

#include <nlohmann/json.hpp>

using namespace quoin;
using namespace quoin::fuzz;
using Json = nlohmann::ordered_json;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  std::string_view input(reinterpret_cast<const char *>(data), size);
  const std::string_view source = takePart(input);
  std::string error;
  auto made = jinja::Template::parse(source, error);
  REQUIRE(made || isOneLine(error));
  if (!made)
    return 0;
  for (const std::string &line : made->unsupported())
    REQUIRE(isOneLine(line));

  Json variables = Json::parse(input, nullptr, false);
  if (!variables.is_object())
    variables = {{"messages", {{{"role", "user"}, {"content", "Hi"}}}}, {"add_generation_prompt", true}};
  // Small enough that the slowest input takes no time.
  const jinja::Limits limits{20000, 1 << 20};
  std::string text, again;
  const bool done = made->render(variables, text, error, limits, 1700000000);
  REQUIRE(done || isOneLine(error));
  REQUIRE(text.size() <= (1 << 20) + source.size());
  // A template has no memory.
  REQUIRE(made->render(variables, again, error, limits, 1700000000) == done);
  REQUIRE(!done || again == text);
  if (done)
    (void)Json(text).dump(); // throws unless it is UTF-8
  return 0;
}
