// Chat.cpp - the ChatML template, in code because it is the only one needed
// and the template language of the checkpoints is large.

#include "runtime/tokenizer/Chat.h"

using namespace quoin;

std::string quoin::formatChatML(const std::vector<ChatMessage> &messages, bool openAnswer) {
  std::string out;
  for (const ChatMessage &message : messages) {
    out += "<|im_start|>" + message.role + "\n";
    out += message.text + "<|im_end|>\n";
  }
  if (openAnswer)
    out += "<|im_start|>assistant\n";
  return out;
}

std::string quoin::formatChatML(std::string_view userText) { return formatChatML({{"user", std::string(userText)}}); }
