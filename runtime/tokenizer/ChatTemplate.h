// ChatTemplate.h - writes a conversation the way the checkpoint's own template says, as `apply_chat_template` does.

#ifndef QUOIN_RUNTIME_TOKENIZER_CHATTEMPLATE_H
#define QUOIN_RUNTIME_TOKENIZER_CHATTEMPLATE_H

#include "runtime/template/Template.h"
#include "runtime/tokenizer/TokenizerConfig.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace quoin {

/// The chat templates of a checkpoint. Immutable: any number of threads may use one at the same time.
class ChatTemplate {
public:
  /// What `config` states. Without a template, ChatML holds if `knowsChatML`: the vocabulary has its tokens, as those
  /// of the families have that were trained on it.
  ChatTemplate(const TokenizerConfig &config, bool knowsChatML);

  /// Whether the checkpoint states a template. If not, `render` writes ChatML or fails.
  bool isStated() const { return stated; }
  /// What will not work, a line each: templates that cannot be read, filters that are not there.
  std::vector<std::string> problems() const;

  enum class Outcome { Done, NoTemplate, BadRequest, Refused };
  /// Writes a conversation. `request` is a JSON object: `messages`, a list of objects; `add_generation_prompt` (true
  /// unless given); `tools`, `documents` and any other variable of the template. Whatever is not Done leaves one line
  /// in `error`. Appends to `unread`, if given, the names of variables that the template does not look at. `now` is the
  /// time that a template is told; 0: the system's.
  Outcome render(std::string_view request, std::string &text, std::string &error,
                 std::vector<std::string> *unread = nullptr, std::time_t now = 0) const;

private:
  struct Entry {
    std::string name, file;
    std::unique_ptr<jinja::Template> parsed;
    std::string error; ///< Why it is not parsed.
  };
  std::vector<Entry> entries;
  std::vector<std::pair<std::string, std::string>> tokens; ///< `bos_token`, ...
  bool stated = false, unnamed = false;

  const Entry *choose(bool tools, std::string &error) const;
};

} // namespace quoin

#endif // QUOIN_RUNTIME_TOKENIZER_CHATTEMPLATE_H
