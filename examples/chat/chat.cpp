// chat.cpp: a conversation in a terminal, printed as it settles.
//
//   chat OUT [MAX_TOKENS] [key=value]...
//
// OUT is a folder that quoin-compile wrote from a chat checkpoint. Each line of the standard input is a question; the
// answers remember what was said before. Conversations are written by the checkpoint's own chat template. Settings such
// as temperature=0.7 go to the decoder.
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
  std::vector<int32_t> prompt();
  std::string decode(const std::vector<int32_t> &ids);
  void print(bool finished);
  static int32_t listen(void *self, const quoin_event_t *event);

  Context context;
  Model model;
  Session session;
  quoin_tokenizer_t *tokenizer = nullptr;
  quoin_model_info_t info = {};
  int64_t maxTokens;
  std::vector<std::string> messages; // all turns so far, a JSON object each
  std::vector<int32_t> settled;      // tokens of this answer that will not change again
  std::string said;                  // their text
  size_t printed = 0;                // bytes of it
};

/// What will go on all the same, such as a checkpoint that states no chat template.
void warn(void *, int32_t level, const char *message) {
  if (level > 0)
    std::cerr << "warning: " << message << "\n";
}

/// A message of a conversation, as templates get it.
std::string messageOf(const char *role, const std::string &content) {
  std::string quoted;
  for (char c : content) {
    char escape[8];
    std::snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned char>(c));
    if (c == '"' || c == '\\')
      (quoted += '\\') += c;
    else if (static_cast<unsigned char>(c) < ' ')
      quoted += escape;
    else
      quoted += c;
  }
  return "{\"role\": \"" + std::string(role) + "\", \"content\": \"" + quoted + "\"}";
}

Chat::Chat(const char *folder, int64_t maxTokens, const std::vector<std::pair<std::string, double>> &settings)
    : maxTokens(maxTokens) {
  quoin_hooks_t hooks = {};
  hooks.log = warn;
  quoin_context_t *madeContext = nullptr;
  if (quoin_context_create(&hooks, &madeContext) != QUOIN_STATUS_OK)
    throw std::runtime_error("out of memory");
  context.reset(madeContext);
  quoin_model_t *madeModel = nullptr;
  check(quoin_model_load(madeContext, folder, &madeModel));
  model.reset(madeModel);
  quoin_model_info(madeModel, &info);
  tokenizer = quoin_model_tokenizer(madeModel);
  if (!tokenizer)
    throw std::runtime_error("expects a tokenizer in '" + std::string(folder) + "', but there is none");
  quoin_session_t *madeSession = nullptr;
  check(quoin_session_create(madeModel, nullptr, &madeSession));
  session.reset(madeSession);
  check(quoin_session_set_max_tokens(madeSession, maxTokens));
  for (const auto &[name, value] : settings)
    check(quoin_session_set(madeSession, name.c_str(), value));
  check(quoin_session_listen(madeSession, listen, this));
}

/// The conversation as the model gets it. A template writes all special tokens itself, so nothing is put around its
/// text. The first call of a pair asks how much room is needed, the second fills it.
std::vector<int32_t> Chat::prompt() {
  std::string request = "{\"messages\": [";
  for (const std::string &message : messages)
    request += (&message == &messages.front() ? "" : ", ") + message;
  request += "]}";
  size_t size = 0;
  check(quoin_tokenizer_render(tokenizer, request.data(), request.size(), nullptr, 0, &size));
  std::string text(size, '\0');
  check(quoin_tokenizer_render(tokenizer, request.data(), request.size(), text.data(), size, &size));
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
  said = decode(std::vector<int32_t>(settled.begin(), end));
  std::string text = said;
  // The first bytes of a character decode to U+FFFD: the rest may still come.
  if (!finished)
    while (text.size() >= 3 && text.compare(text.size() - 3, 3, "\xef\xbf\xbd") == 0)
      text.resize(text.size() - 3);
  if (text.size() > printed)
    std::cout << text.substr(printed) << std::flush;
  printed = std::max(printed, text.size());
}

void Chat::answer(const std::string &question) {
  messages.push_back(messageOf("user", question));
  std::vector<int32_t> ids = prompt();
  if (messages.size() > 1 && ids.size() + static_cast<size_t>(maxTokens) > static_cast<size_t>(info.capacity)) {
    std::cerr << "(the conversation is full: what was said before is forgotten)\n";
    messages.erase(messages.begin(), messages.end() - 1);
    ids = prompt();
  }
  check(quoin_session_prompt(session.get(), ids.data(), ids.size()));
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
  messages.push_back(messageOf("assistant", said));
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
