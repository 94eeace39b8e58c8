// PromptTest.cpp: the prompt's side of the C interface: conversations by a template, prompts with their tokens.

#include "TokenizerFolder.h"
#include "quoin/runtime.h"

#include <gtest/gtest.h>

using quoin::test::TokenizerFolder;

extern "C" int quoin_c_prompts(const char *folder);

namespace {

using Ids = std::vector<int32_t>;

/// A context that keeps what it logs, and the tokenizer of a folder.
struct Prompts {
  explicit Prompts(const TokenizerFolder &folder) {
    quoin_hooks_t hooks = {};
    hooks.self = this;
    hooks.log = [](void *self, int32_t level, const char *message) {
      if (level > 0)
        static_cast<Prompts *>(self)->warnings.push_back(message);
    };
    EXPECT_EQ(quoin_context_create(&hooks, &context), QUOIN_STATUS_OK);
    EXPECT_EQ(quoin_tokenizer_load(context, folder.path.c_str(), &tokenizer), QUOIN_STATUS_OK) << error();
  }
  ~Prompts() {
    quoin_tokenizer_destroy(tokenizer);
    quoin_context_destroy(context);
  }
  std::string error() const { return quoin_context_last_error(context); }

  /// The text, or the status as "#3: " and what is said of it.
  std::string render(std::string_view request) {
    size_t size = 12345;
    quoin_status_t status = quoin_tokenizer_render(tokenizer, request.data(), request.size(), nullptr, 0, &size);
    if (status != QUOIN_STATUS_OK) {
      EXPECT_EQ(size, 12345u) << "an out-parameter was changed";
      EXPECT_EQ(error().find('\n'), std::string::npos);
      return "#" + std::to_string(status) + ": " + error();
    }
    std::string text(size, '?');
    EXPECT_EQ(quoin_tokenizer_render(tokenizer, request.data(), request.size(), text.data(), text.size(), &size),
              QUOIN_STATUS_OK);
    EXPECT_EQ(size, text.size());
    return text;
  }
  Ids encode(decltype(quoin_tokenizer_encode) *function, std::string_view text) {
    size_t count = 0;
    EXPECT_EQ(function(tokenizer, text.data(), text.size(), nullptr, 0, &count), QUOIN_STATUS_OK);
    Ids ids(count);
    EXPECT_EQ(function(tokenizer, text.data(), text.size(), ids.data(), ids.size(), &count), QUOIN_STATUS_OK);
    return ids;
  }

  quoin_context_t *context = nullptr;
  quoin_tokenizer_t *tokenizer = nullptr;
  std::vector<std::string> warnings;
};

const char plain[] = "{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}";

std::string asking(const std::string &more = "") {
  return R"({"messages": [{"role": "user", "content": "Hi"}])" + (more.empty() ? "" : ", " + more) + "}";
}

} // namespace

TEST(Prompts, AreMadeByACaller) {
  TokenizerFolder folder(plain);
  EXPECT_EQ(quoin_c_prompts(folder.path.c_str()), 0);
}

TEST(Prompts, StoreNoMoreThanFits) {
  TokenizerFolder folder(plain);
  Prompts prompts(folder);
  const std::string request = asking();
  for (size_t capacity = 0; capacity <= 10; ++capacity) {
    std::string text(12, '?');
    size_t size = 0;
    ASSERT_EQ(quoin_tokenizer_render(prompts.tokenizer, request.data(), request.size(), text.data(), capacity, &size),
              QUOIN_STATUS_OK);
    EXPECT_EQ(size, 8u);
    const size_t stored = std::min<size_t>(capacity, 8);
    EXPECT_EQ(text, std::string("[user]Hi").substr(0, stored) + std::string(12 - stored, '?'));
    Ids ids(12, -1);
    size_t count = 0;
    ASSERT_EQ(quoin_tokenizer_encode_prompt(prompts.tokenizer, "abcd", 4, ids.data(), capacity, &count),
              QUOIN_STATUS_OK);
    EXPECT_EQ(count, 5u);
    const auto kept = static_cast<std::ptrdiff_t>(std::min<size_t>(capacity, 5));
    EXPECT_EQ(std::count(ids.begin(), ids.begin() + kept, -1), 0);
    EXPECT_EQ(std::count(ids.begin() + kept, ids.end(), -1), 12 - kept);
  }
}

TEST(Prompts, GetTheTokensOfThePostProcessor) {
  TokenizerFolder folder(plain);
  Prompts prompts(folder);
  EXPECT_EQ(prompts.encode(quoin_tokenizer_encode, "a"), Ids{'a'});
  EXPECT_EQ(prompts.encode(quoin_tokenizer_encode_prompt, "a"), (Ids{256, 'a'}));
  EXPECT_EQ(prompts.encode(quoin_tokenizer_encode_prompt, ""), Ids{256});
  // Special tokens of the text, NULs and bytes that are no UTF-8.
  EXPECT_EQ(prompts.encode(quoin_tokenizer_encode_prompt, "<a>b"), (Ids{256, 256, 'b'}));
  using namespace std::string_view_literals;
  EXPECT_EQ(prompts.encode(quoin_tokenizer_encode_prompt, "a\0b"sv).size(), 4u);
  Ids ids = prompts.encode(quoin_tokenizer_encode_prompt, "\xff\x80");
  EXPECT_GT(ids.size(), 1u);
  size_t count = 0;
  EXPECT_EQ(quoin_tokenizer_encode_prompt(prompts.tokenizer, nullptr, 0, nullptr, 0, &count), QUOIN_STATUS_OK);
  EXPECT_EQ(count, 1u);
  EXPECT_EQ(quoin_tokenizer_encode(prompts.tokenizer, nullptr, 0, nullptr, 0, &count), QUOIN_STATUS_OK);
  EXPECT_EQ(count, 0u);
}

TEST(Prompts, SayWhichRequestsAreNone) {
  TokenizerFolder folder(plain);
  Prompts prompts(folder);
  EXPECT_EQ(prompts.render(asking()), "[user]Hi");
  EXPECT_EQ(prompts.render(""), "#1: expects a JSON object with 'messages', but the text is no JSON in UTF-8");
  EXPECT_EQ(prompts.render(asking("\"x\": \"\xff\"")),
            "#1: expects a JSON object with 'messages', but the text is no JSON in UTF-8");
  EXPECT_EQ(prompts.render("[]"), "#1: expects a JSON object with 'messages', but it is a JSON array");
  EXPECT_EQ(prompts.render("{}"), "#1: expects a list of at least one message as 'messages', but found none");
  EXPECT_EQ(prompts.render(R"({"messages": "x"})"),
            "#1: expects a list of at least one message as 'messages', but found \"x\"");
  EXPECT_EQ(prompts.render(R"({"messages": [1]})"), "#1: expects objects as 'messages', but found 1");
  EXPECT_EQ(prompts.render(asking(R"("continue_final_message": true)")),
            "#1: 'continue_final_message' is not supported");
  size_t size = 0;
  EXPECT_EQ(quoin_tokenizer_render(prompts.tokenizer, nullptr, 0, nullptr, 0, &size), QUOIN_STATUS_INVALID_ARGUMENT);
}

TEST(Prompts, TakeRequestsOfAnyDepth) {
  TokenizerFolder folder("{{ deep }}");
  Prompts prompts(folder);
  auto nested = [&](size_t depth) {
    return prompts.render(asking("\"deep\": " + std::string(depth, '[') + std::string(depth, ']')));
  };
  EXPECT_EQ(nested(150), std::string(150, '[') + std::string(150, ']'));
  EXPECT_EQ(nested(200), "#1: expects JSON nested at most 200 deep, but found 201");
  EXPECT_EQ(nested(1000000), "#1: expects JSON nested at most 200 deep, but found 1000001");
  EXPECT_EQ(prompts.render(std::string(1000000, '[')), "#1: expects JSON nested at most 200 deep, but found 1000000");
}

TEST(Prompts, AreWithoutATemplateOrAsChatML) {
  TokenizerFolder none, chatML("", {"<|im_start|>", "<|im_end|>"});
  EXPECT_EQ(Prompts(none).render(asking()),
            "#2: expects a chat template, but the checkpoint states none and its tokenizer has no ChatML tokens; give "
            "a plain prompt");
  Prompts prompts(chatML);
  EXPECT_EQ(prompts.render(asking()), "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n");
  EXPECT_EQ(prompts.warnings, std::vector<std::string>{"the checkpoint states no chat template; conversations are "
                                                       "written as ChatML"});
}

TEST(Prompts, AreRefusedByTemplates) {
  auto said = [](const std::string &text) {
    TokenizerFolder folder(text);
    return Prompts(folder).render(asking());
  };
  const std::string where = "#7: the chat template of 'chat_template.jinja': ";
  EXPECT_EQ(said("\n{{ raise_exception('no\nthanks') }}").substr(0, where.size() + 8), where + "line 2: ");
  EXPECT_EQ(said("{% include 'x' %}"), where + "line 1: the statement 'include' is not supported");
  EXPECT_EQ(said("{{ 1 | urlize }}").substr(0, where.size()), where);
  EXPECT_EQ(said("{{ missing.part }}").substr(0, where.size()), where);
  // Those that would take for ever, all memory or all of the stack.
  EXPECT_EQ(
      said("{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}").substr(0, where.size()),
      where);
  EXPECT_EQ(said("{% set n = namespace(s='x' * 1000) %}{% for i in range(60) %}{% set n.s = n.s ~ n.s %}{% endfor %}")
                .substr(0, where.size()),
            where);
  EXPECT_EQ(said("{% macro f(x) %}{{ f(x) }}{% endmacro %}{{ f(1) }}").substr(0, where.size()), where);
  EXPECT_EQ(said("{{ " + std::string(100000, '(') + "1").substr(0, where.size()), where);
  EXPECT_EQ(said("{{ 'x' * 100000000000 }}").substr(0, where.size()), where);
}

TEST(Prompts, SayWhatTheTemplateDoesNotLookAt) {
  TokenizerFolder folder(plain);
  Prompts prompts(folder);
  EXPECT_EQ(prompts.render(asking(R"("mood": 1)")), "[user]Hi");
  EXPECT_EQ(prompts.warnings, std::vector<std::string>{"the chat template does not look at 'mood'"});
}

TEST(Prompts, ComeFromFoldersThatLoad) {
  quoin_context_t *context = nullptr;
  ASSERT_EQ(quoin_context_create(nullptr, &context), QUOIN_STATUS_OK);
  TokenizerFolder folder(plain);
  auto load = [&] {
    quoin_tokenizer_t *tokenizer = nullptr;
    quoin_status_t status = quoin_tokenizer_load(context, folder.path.c_str(), &tokenizer);
    EXPECT_EQ(tokenizer != nullptr, status == QUOIN_STATUS_OK);
    quoin_tokenizer_destroy(tokenizer);
    return status;
  };
  EXPECT_EQ(load(), QUOIN_STATUS_OK);
  folder.write("tokenizer_config.json", "{\"chat_template\": 3}");
  EXPECT_EQ(load(), QUOIN_STATUS_CORRUPT);
  EXPECT_NE(std::string(quoin_context_last_error(context)).find("'chat_template'"), std::string::npos);
  folder.write("tokenizer_config.json", "{}");
  folder.write("tokenizer.json", "[");
  EXPECT_EQ(load(), QUOIN_STATUS_CORRUPT);
  std::filesystem::remove(folder.path / "tokenizer.json");
  EXPECT_EQ(load(), QUOIN_STATUS_NOT_FOUND);
  quoin_context_destroy(context);
}
