// chat.cpp: a conversation in a terminal, printed as it settles.
//
//   chat OUT [MAX_TOKENS] [key=value]...
//
// OUT is a folder that quoin-compile wrote from a chat checkpoint. Each line of the standard input is a question; the
// answers remember what was said before, in ChatML. Settings such as temperature=0.7 go to the decoder.
//
//   c++ -std=c++17 chat.cpp $(pkg-config --cflags --libs quoin-static) -o chat

#include "quoin/runtime.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <unistd.h>
#include <utility>
#include <vector>

namespace {

/// Every object of the C API with its `destroy`. They end in the order opposite to this one.
template <typename T, void (*destroy)(T *)> struct Destroy {
  void operator()(T *object) const { destroy(object); }
};
using Context = std::unique_ptr<quoin_context_t, Destroy<quoin_context_t, quoin_context_destroy>>;
using Model = std::unique_ptr<quoin_model_t, Destroy<quoin_model_t, quoin_model_destroy>>;
using Session = std::unique_ptr<quoin_session_t, Destroy<quoin_session_t, quoin_session_destroy>>;

class Chat {
public:
  Chat(const char *folder, int64_t maxTokens, const std::vector<std::pair<std::string, double>> &settings);
  void answer(const std::string &question);

private:
  void check(quoin_status_t status) {
    if (status != QUOIN_STATUS_OK)
      throw std::runtime_error(quoin_context_last_error(context.get()));
  }
  std::vector<int32_t> encode(const std::string &text);
  std::string decode(const std::vector<int32_t> &ids);
  void print(bool finished);
  static int32_t listen(void *self, const quoin_event_t *event);

  Context context;
  Model model;
  Session session;
  quoin_tokenizer_t *tokenizer = nullptr;
  quoin_model_info_t info = {};
  int64_t maxTokens;
  std::vector<int32_t> conversation; // all turns so far
  std::vector<int32_t> settled;      // tokens of this answer that will not change again
  size_t printed = 0;                // bytes of their text
};

Chat::Chat(const char *folder, int64_t maxTokens, const std::vector<std::pair<std::string, double>> &settings)
    : maxTokens(maxTokens) {
  quoin_context_t *madeContext = nullptr;
  if (quoin_context_create(nullptr, &madeContext) != QUOIN_STATUS_OK)
    throw std::runtime_error("out of memory");
  context.reset(madeContext);
  quoin_model_t *madeModel = nullptr;
  check(quoin_model_load(madeContext, folder, &madeModel));
  model.reset(madeModel);
  quoin_model_info(madeModel, &info);
  tokenizer = quoin_model_tokenizer(madeModel);
  if (!tokenizer || encode("<|im_start|>").size() != 1)
    throw std::runtime_error("expects a tokenizer with ChatML tokens in '" + std::string(folder) + "'");
  quoin_session_t *madeSession = nullptr;
  check(quoin_session_create(madeModel, nullptr, &madeSession));
  session.reset(madeSession);
  check(quoin_session_set_max_tokens(madeSession, maxTokens));
  for (const auto &[name, value] : settings)
    check(quoin_session_set(madeSession, name.c_str(), value));
  check(quoin_session_listen(madeSession, listen, this));
}

/// The first call asks how much room is needed, the second fills it.
std::vector<int32_t> Chat::encode(const std::string &text) {
  size_t count = 0;
  check(quoin_tokenizer_encode(tokenizer, text.data(), text.size(), nullptr, 0, &count));
  std::vector<int32_t> ids(count);
  check(quoin_tokenizer_encode(tokenizer, text.data(), text.size(), ids.data(), count, &count));
  return ids;
}

std::string Chat::decode(const std::vector<int32_t> &ids) {
  size_t size = 0;
  check(quoin_tokenizer_decode(tokenizer, ids.data(), ids.size(), 1, nullptr, 0, &size));
  std::string text(size, '\0');
  check(quoin_tokenizer_decode(tokenizer, ids.data(), ids.size(), 1, text.data(), size, &size));
  return text;
}

/// A block is filled in any order, so only what is committed may be printed for good. A listener may not call the
/// runtime: it takes the tokens, and `answer` prints them between two steps.
int32_t Chat::listen(void *self, const quoin_event_t *event) {
  auto &chat = *static_cast<Chat *>(self);
  int64_t from = event->prompt_length + static_cast<int64_t>(chat.settled.size());
  if (event->committed_to > from)
    chat.settled.insert(chat.settled.end(), event->tokens + from, event->tokens + event->committed_to);
  return 0;
}

/// Prints the text that has come since the last time, up to a stop id.
void Chat::print(bool finished) {
  auto isStop = [&](int32_t id) {
    return std::find(info.stops, info.stops + info.stops_count, id) != info.stops + info.stops_count;
  };
  auto end = std::find_if(settled.begin(), settled.end(), isStop);
  if (end - settled.begin() > maxTokens)
    end = settled.begin() + maxTokens;
  std::string text = decode(std::vector<int32_t>(settled.begin(), end));
  // The first bytes of a character decode to U+FFFD: the rest may still come.
  if (!finished)
    while (text.size() >= 3 && text.compare(text.size() - 3, 3, "\xef\xbf\xbd") == 0)
      text.resize(text.size() - 3);
  if (text.size() > printed)
    std::cout << text.substr(printed) << std::flush;
  printed = std::max(printed, text.size());
}

void Chat::answer(const std::string &question) {
  std::vector<int32_t> turn = encode("<|im_start|>user\n" + question + "<|im_end|>\n<|im_start|>assistant\n");
  if (conversation.size() + turn.size() + static_cast<size_t>(maxTokens) > static_cast<size_t>(info.capacity)) {
    std::cerr << "(the conversation is full: what was said before is forgotten)\n";
    conversation.clear();
  }
  conversation.insert(conversation.end(), turn.begin(), turn.end());
  check(quoin_session_prompt(session.get(), conversation.data(), conversation.size()));
  settled.clear();
  printed = 0;
  quoin_session_t *one = session.get();
  while (!quoin_session_finished(one)) {
    check(quoin_sessions_step(&one, 1));
    print(false);
  }
  quoin_result_t result;
  check(quoin_session_result(one, &result));
  settled.assign(result.ids, result.ids + result.shown);
  print(true);
  std::cout << std::endl;
  conversation.insert(conversation.end(), settled.begin(), settled.end());
  for (int32_t id : encode("<|im_end|>\n"))
    conversation.push_back(id);
}

} // namespace

int main(int argc, char **argv) {
  if (argc < 2) {
    std::cerr << "usage: chat OUT [MAX_TOKENS] [key=value]...\n";
    return 2;
  }
  std::vector<std::pair<std::string, double>> settings;
  int64_t maxTokens = 256;
  for (int i = 2; i < argc; ++i) {
    std::string argument = argv[i];
    size_t equal = argument.find('=');
    if (equal == std::string::npos)
      maxTokens = std::atoll(argv[i]);
    else
      settings.emplace_back(argument.substr(0, equal), std::atof(argument.c_str() + equal + 1));
  }
  try {
    Chat chat(argv[1], maxTokens, settings);
    bool person = isatty(STDIN_FILENO);
    for (std::string question;;) {
      if (person)
        std::cout << "> " << std::flush;
      if (!std::getline(std::cin, question))
        return 0;
      if (!question.empty())
        chat.answer(question);
    }
  } catch (const std::exception &error) {
    std::cerr << "error: " << error.what() << "\n";
    return 1;
  }
}
