//===- FuzzMetadata.cpp - hostile model.json and requests ------------------===//
//
// Three parts with a zero byte between: a model.json for `quoin-run --describe`, lines for `--input`, and a text that
// is taken as ids and as a setting of the command line.
//
//===----------------------------------------------------------------------===//

#include "Fuzz.h"
#include "tools/quoin-run/QuoinRun.h"

#include <cmath>

using namespace quoin;
using namespace quoin::fuzz;

extern "C" int LLVMFuzzerInitialize(int *, char ***) {
  // `describe` prints.
  REQUIRE(std::freopen("/dev/null", "w", stdout) != nullptr);
  return 0;
}

/// Nothing but a `Failure` may be thrown.
template <typename Body> static void attempt(const Body &body) {
  try {
    body();
  } catch (const Failure &failure) {
    REQUIRE(isOneLine(failure.text) && (failure.status == 1 || failure.status == 2));
  }
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const Folder folder;
  std::string_view input(reinterpret_cast<const char *>(data), size);
  folder.write("model.json", takePart(input));
  attempt([] { describe(folder.path); });

  std::string file = folder.write("requests.jsonl", takePart(input));
  attempt([&] {
    for (const Request &request : readRequests(file, {})) {
      REQUIRE(isOneLine(request.where));
      for (const auto &[name, value] : request.settings)
        REQUIRE(!std::isnan(value));
    }
  });

  std::string text(takePart(input));
  attempt([&] { (void)parseIds(text, "--prompt-ids"); });
  attempt([&] {
    Request request;
    addSetting(text, request);
    REQUIRE(request.settings.size() + request.words.size() == 1);
  });
  return 0;
}
