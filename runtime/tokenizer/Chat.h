// Chat.h - writes a conversation the way the chat checkpoints of the supported
// families were trained to read it.

#ifndef QUOIN_RUNTIME_TOKENIZER_CHAT_H
#define QUOIN_RUNTIME_TOKENIZER_CHAT_H

#include <string>
#include <string_view>
#include <vector>

namespace quoin {

struct ChatMessage {
  std::string role; ///< `system`, `user` or `assistant`.
  std::string text;
};

/// ChatML: each message as `<|im_start|>role\ntext<|im_end|>\n`, then, if
/// `openAnswer`, the start of the assistant's. Special tokens inside of a
/// text are not escaped; the template has no way to.
std::string formatChatML(const std::vector<ChatMessage> &messages, bool openAnswer = true);

/// The one question of a user.
std::string formatChatML(std::string_view userText);

} // namespace quoin

#endif // QUOIN_RUNTIME_TOKENIZER_CHAT_H
