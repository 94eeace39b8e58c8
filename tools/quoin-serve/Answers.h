// Answers.h: what the model said, as OpenAI's objects.
#ifndef QUOIN_SERVE_ANSWERS_H
#define QUOIN_SERVE_ANSWERS_H

#include "Job.h"

#include <functional>
#include <nlohmann/json.hpp>

namespace quoin {

/// {"error": ..}
nlohmann::ordered_json errorObject(const ApiError &error);
/// A JSON text; what is no UTF-8 is replaced.
std::string dumpJson(const nlohmann::ordered_json &value);

/// What the answers of one request have in common.
struct AnswerHead {
  bool chat = false;
  std::string id, model;
  int64_t created = 0;
  uint64_t seed = 0;
  int64_t promptTokens = 0;
};

/// The texts of tokens, for lists of chances.
using TokenText = std::function<std::string(int32_t)>;

/// One answer as it grows.
struct ChoiceText {
  std::string text; // all of it; a stream does not keep it
  std::vector<TokenChance> chances;
  std::optional<Answered> answered;
  size_t characters = 0; // before `text`, for offsets
  size_t bytes = 0;
};

nlohmann::ordered_json usageOf(const AnswerHead &head, const std::vector<ChoiceText> &choices);
/// The whole response.
nlohmann::ordered_json wholeAnswer(const AnswerHead &head, const std::vector<ChoiceText> &choices, bool chances,
                                   const TokenText &tokenText);
/// A chunk of a stream without choices.
nlohmann::ordered_json chunkHead(const AnswerHead &head);
/// What is new of a choice; `first`: the chunk that names the role.
nlohmann::ordered_json chunkOf(const AnswerHead &head, size_t index, const ChoiceText &fresh, bool first, bool chances,
                               const TokenText &tokenText);
/// Positions that are not final, as an extension.
nlohmann::ordered_json provisionalChunk(const AnswerHead &head, size_t index,
                                        const std::vector<ProvisionalToken> &tokens);

} // namespace quoin

#endif
