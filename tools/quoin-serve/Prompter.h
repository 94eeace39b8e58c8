// Prompter.h: texts and conversations as ids, by threads of connections.
#ifndef QUOIN_SERVE_PROMPTER_H
#define QUOIN_SERVE_PROMPTER_H

#include "tools/quoin-run/Sessions.h"

#include <mutex>

namespace quoin {

/// The tokenizer belongs to one thread at a time, so there are two: long texts do not keep short ones waiting.
class Prompter {
public:
  explicit Prompter(const std::string &folder) : sides{Side(folder), Side(folder)} {}

  /// Sets the ids of a request that has a text or a conversation. Throws Failure.
  void encode(Request &request);
  std::string text(int32_t token);

private:
  struct Side {
    explicit Side(const std::string &folder)
        : context(makeContext(1)), tokenizer(loadTokenizer(context.get(), folder)) {}
    std::mutex mutex;
    ContextPtr context;
    TokenizerPtr tokenizer;
  };
  Side sides[2]; // for short texts, for long ones
};

} // namespace quoin

#endif
