// Sessions.h: what quoin-run and quoin-serve do with the runtime alike: prompts as ids, sessions as requests ask for
// them, and text as it settles.
#ifndef QUOIN_TOOLS_SESSIONS_H
#define QUOIN_TOOLS_SESSIONS_H

#include "QuoinRun.h"

#include <memory>

namespace quoin {

struct ContextDeleter {
  void operator()(quoin_context_t *context) const { quoin_context_destroy(context); }
};
struct ModelDeleter {
  void operator()(quoin_model_t *model) const { quoin_model_destroy(model); }
};
struct TokenizerDeleter {
  void operator()(quoin_tokenizer_t *tokenizer) const { quoin_tokenizer_destroy(tokenizer); }
};
struct SessionDeleter {
  void operator()(quoin_session_t *session) const { quoin_session_destroy(session); }
};
using ContextPtr = std::unique_ptr<quoin_context_t, ContextDeleter>;
using ModelPtr = std::unique_ptr<quoin_model_t, ModelDeleter>;
using TokenizerPtr = std::unique_ptr<quoin_tokenizer_t, TokenizerDeleter>;
using SessionPtr = std::unique_ptr<quoin_session_t, SessionDeleter>;

/// A context that prints its warnings, with so many threads; 0: one for each core.
ContextPtr makeContext(int32_t threads);
ModelPtr loadModel(quoin_context_t *context, const std::string &folder);
TokenizerPtr loadTokenizer(quoin_context_t *context, const std::string &folder);

/// What a request gives the model.
struct Prompt {
  std::string text;
  std::vector<int32_t> ids;
};
Prompt promptOf(quoin_tokenizer_t *tokenizer, const Request &request, quoin_context_t *context);
std::vector<int32_t> encode(quoin_tokenizer_t *tokenizer, const std::string &text, quoin_context_t *context);
std::string decode(quoin_tokenizer_t *tokenizer, const int32_t *ids, size_t count, bool skipSpecial);

/// The hook on scores of a session whose request changes them: `self` is its ScoreEdits.
int32_t editScores(void *self, const quoin_scores_t *rows);

/// A session that serves one request after another.
struct RequestSession {
  SessionPtr session;
  std::string decoder;
  ScoreEdits edits;

  /// Makes it ready for a request whose ids are known. Nothing of the request before it is left. `maxRounds`: 0 for the
  /// runtime's own bound.
  void prepare(quoin_context_t *context, quoin_model_t *model, const Request &request, int64_t maxRounds = 0);
};

/// The text of one generation as its tokens settle: whole characters only.
class SettledText {
public:
  SettledText(quoin_tokenizer_t *tokenizer, std::vector<int32_t> stops, int64_t maxTokens)
      : tokenizer(tokenizer), stops(std::move(stops)), maxTokens(maxTokens) {}

  /// Takes the next tokens and gives what they add, all but the beginning of a character.
  std::string settle(const int32_t *ids, int64_t count);
  /// What the tokens would add to the text so far.
  std::string following(const int32_t *ids, size_t count) const;
  /// What was held back for the rest of a character.
  std::string rest() const { return following(held.data(), held.size()); }
  /// How many tokens were taken; those behind the end count, too.
  int64_t taken() const { return settled; }
  /// A stop id or max_tokens was met: what follows is no text.
  bool ended() const { return over; }

private:
  std::string take(std::string text, size_t count);

  quoin_tokenizer_t *tokenizer;
  std::vector<int32_t> stops;
  int64_t maxTokens, settled = 0;
  bool over = false;
  std::vector<int32_t> shown; // the last of them that came to a text, and those behind
  std::vector<int32_t> held;  // tokens that end inside a character
};

} // namespace quoin

#endif
