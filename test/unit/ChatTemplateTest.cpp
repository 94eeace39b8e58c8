// ChatTemplateTest.cpp - what a checkpoint says outside of tokenizer.json: templates, special tokens, added tokens; and
// what a post-processor puts around a prompt. The ids were checked against AutoTokenizer of transformers 5.24.

#include "runtime/tokenizer/ChatTemplate.h"
#include "TokenizerFolder.h"
#include "runtime/tokenizer/Tokenizer.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <filesystem>
#include <fstream>
#include <unistd.h>

using namespace quoin;
using nlohmann::json;
using test::addedToken, test::tokenizerJson;
using Ids = std::vector<int32_t>;
using Outcome = ChatTemplate::Outcome;

namespace {

std::unique_ptr<Tokenizer> make(const json &file, const json &config = nullptr, const json &special = nullptr,
                                const json &added = nullptr) {
  TokenizerConfig read;
  std::string error;
  auto text = [](const json &value) { return value.is_null() ? std::string() : value.dump(); };
  EXPECT_TRUE(TokenizerConfig::parse(text(config), text(special), text(added), read, error)) << error;
  auto made = Tokenizer::fromJson(file.dump(), read, error);
  EXPECT_TRUE(made) << error;
  return made;
}

std::string errorOf(const std::string &config, const std::string &special = "", const std::string &added = "") {
  TokenizerConfig read;
  std::string error;
  EXPECT_FALSE(TokenizerConfig::parse(config, special, added, read, error));
  EXPECT_EQ(error.find('\n'), std::string::npos);
  return error;
}

std::string rendered(const Tokenizer &tokenizer, const std::string &request) {
  std::string text, error;
  Outcome outcome = tokenizer.chat().render(request, text, error);
  return outcome == Outcome::Done ? text : "error: " + error;
}

const std::string hello = R"({"messages": [{"role": "user", "content": "Hi"}]})";

} // namespace

//===----------------------------------------------------------------------===//
// Added tokens
//===----------------------------------------------------------------------===//

TEST(AddedTokens, OfTheConfigCount) {
  json file = tokenizerJson({"<a>", "<b>"});
  EXPECT_EQ(make(file)->encode("x<c>").size(), 4u);
  json config = {
      {"added_tokens_decoder", {{"256", addedToken("<a>")}, {"257", addedToken("<b>")}, {"258", addedToken("<c>")}}}};
  EXPECT_EQ(make(file, config)->encode("x<c><b>"), (Ids{'x', 258, 257}));
}

TEST(AddedTokens, KeepTheirFlags) {
  json config = {{"added_tokens_decoder",
                  {{"256", addedToken("<l>", R"({"lstrip": true})")},
                   {"257", addedToken("<r>", R"({"rstrip": true})")},
                   {"258", addedToken("<w>", R"({"single_word": true})")},
                   {"259", addedToken("<p>", R"({"special": false})")}}}};
  auto t = make(tokenizerJson({}), config);
  EXPECT_EQ(t->encode("a <l> b"), (Ids{'a', 256, ' ', 'b'}));
  EXPECT_EQ(t->encode("a <r> b"), (Ids{'a', ' ', 257, 'b'}));
  EXPECT_EQ(t->encode("a<w>b"), (Ids{'a', '<', 'w', '>', 'b'}));
  EXPECT_EQ(t->encode("a <w> b"), (Ids{'a', ' ', 258, ' ', 'b'}));
  EXPECT_EQ(t->decode({256, 259}, true), "<p>");
}

TEST(AddedTokens, FlagsOfTheConfigWin) {
  json config = {{"added_tokens_decoder", {{"256", addedToken("<a>", R"({"lstrip": true, "rstrip": true})")}}}};
  EXPECT_EQ(make(tokenizerJson(), config)->encode("x <a> y <b>"), (Ids{'x', 256, 'y', ' ', 257}));
}

TEST(AddedTokens, GetIdsAsTheClassGivesThem) {
  // One from the middle is missing in tokenizer.json: a plain fast tokenizer puts it last, Qwen2's goes by the ids.
  json file = tokenizerJson({"<a>", "<c>"});
  json config = {
      {"added_tokens_decoder", {{"256", addedToken("<a>")}, {"257", addedToken("<b>")}, {"258", addedToken("<c>")}}}};
  EXPECT_EQ(make(file, config)->encode("<a><b><c>"), (Ids{256, 258, 257}));
  config["tokenizer_class"] = "Qwen2Tokenizer";
  file["added_tokens"][1]["id"] = 258;
  EXPECT_EQ(make(file, config)->encode("<a><b><c>"), (Ids{256, 257, 258}));
  // A gap is closed, with a warning.
  json gap = {{"added_tokens_decoder", {{"300", addedToken("<d>")}}}};
  auto t = make(tokenizerJson(), gap);
  EXPECT_EQ(t->encode("<d>"), Ids{259});
  EXPECT_FALSE(t->warnings().empty());
}

TEST(AddedTokens, NamedAndFurtherOnesAreAdded) {
  json config = {{"mask_token", "<m>"}, {"eos_token", "<a>"}, {"additional_special_tokens", {"<x>", "<b>"}}};
  auto t = make(tokenizerJson(), config);
  EXPECT_EQ(t->encode("<m><a><x><b>"), (Ids{259, 256, 260, 257}));
  EXPECT_EQ(t->decode({259, 260}, true), "");
  EXPECT_TRUE(t->warnings().empty());
  // As an object, with flags.
  config = {{"mask_token", addedToken("<m>", R"({"lstrip": true})")}, {"extra_special_tokens", {addedToken("<x>")}}};
  EXPECT_EQ(make(tokenizerJson(), config)->encode("a <m><x>"), (Ids{'a', 259, 260}));
}

TEST(AddedTokens, OfOlderFilesCountWithoutADecoder) {
  json special = {{"eos_token", "<e>"}, {"additional_special_tokens", {"<x>"}}};
  json added = {{"<c>", 258}, {"<t>", 259}};
  auto t = make(tokenizerJson({"<a>", "<b>"}), nullptr, special, added);
  EXPECT_EQ(t->encode("<c><t><e><x>"), (Ids{258, 259, 260, 261}));
  EXPECT_EQ(t->decode({259, 260}, true), "<t>");
  // With it they are not looked at.
  json config = {{"added_tokens_decoder", {{"256", addedToken("<a>")}}}};
  EXPECT_EQ(make(tokenizerJson({"<a>", "<b>"}), config, special, added)->encode("<t>").size(), 3u);
}

TEST(AddedTokens, NamesMistakes) {
  EXPECT_EQ(errorOf("[]"), "'tokenizer_config.json': expects a JSON object, but it is an array");
  EXPECT_EQ(errorOf("{\n\n\"a\": }"), "'tokenizer_config.json': expects valid JSON, but it is not in line 3");
  EXPECT_EQ(errorOf(std::string(100, '[')),
            "'tokenizer_config.json': expects JSON nested at most 64 deep, but found 100");
  EXPECT_EQ(errorOf(R"({"added_tokens_decoder": []})"),
            "'tokenizer_config.json': expects an object as 'added_tokens_decoder', but it is an array");
  EXPECT_EQ(
      errorOf(R"({"added_tokens_decoder": {"x": {"content": "a"}}})"),
      "'tokenizer_config.json': expects ids from 0 to 2147483647 as keys of 'added_tokens_decoder', but found 'x'");
  EXPECT_EQ(errorOf(R"({"added_tokens_decoder": {"1": 5}})"),
            "'tokenizer_config.json': expects a string or an object with the string 'content' as token '1' of "
            "'added_tokens_decoder', but it is 5");
  EXPECT_EQ(errorOf(R"({"added_tokens_decoder": {"1": {"content": "a", "lstrip": 1}}})"),
            "'tokenizer_config.json': expects true or false as 'lstrip' of token '1' of 'added_tokens_decoder', but it "
            "is 1");
  EXPECT_EQ(errorOf(R"({"additional_special_tokens": 3})"),
            "'tokenizer_config.json': expects an array as 'additional_special_tokens', but it is 3");
  EXPECT_EQ(errorOf(R"({"chat_template": 3})"),
            "'tokenizer_config.json': expects a string or an array as 'chat_template', but it is 3");
  EXPECT_EQ(errorOf("", "3"), "'special_tokens_map.json': expects a JSON object, but it is 3");
  EXPECT_EQ(errorOf("", "", R"({"a": "b"})"),
            "'added_tokens.json': expects an id from 0 to 2147483647 for 'a', but it is 'b'");
}

TEST(AddedTokens, AreThereWhateverPythonWroteBesides) {
  TokenizerConfig read;
  std::string error;
  const std::string config = R"({"model_max_length": Infinity, "a": -Infinity, "b": NaN, "c": 1e400, "d": "\ud83d",
                                 "mask_token": "<m>", "chat_template": "\ud83d\ude00"})";
  ASSERT_TRUE(TokenizerConfig::parse(config, "", "", read, error)) << error;
  auto t = Tokenizer::fromJson(tokenizerJson().dump(), read, error);
  ASSERT_TRUE(t) << error;
  EXPECT_EQ(t->encode("<m>"), Ids{259});
  EXPECT_EQ(rendered(*t, hello), "\xf0\x9f\x98\x80");
}

TEST(AddedTokens, OfTheModelCountAndMayBeSplit) {
  json config = {{"model_specific_special_tokens", {{"image_token", "<i>"}}},
                 {"extra_special_tokens", {"<x>"}},
                 {"chat_template", "{{ image_token }}"}};
  auto t = make(tokenizerJson(), config);
  EXPECT_EQ(t->encode("<i><x>"), (Ids{259, 260}));
  EXPECT_EQ(rendered(*t, hello), "<i>");
  config = {{"split_special_tokens", true},
            {"added_tokens_decoder", {{"258", addedToken("<p>", R"({"special": false})")}}}};
  t = make(tokenizerJson(), config);
  EXPECT_EQ(t->encode("<a>"), (Ids{'<', 'a', '>'}));
  EXPECT_EQ(t->encode("<p>"), Ids{259});
  EXPECT_EQ(t->decode({256}, true), "");
}

//===----------------------------------------------------------------------===//
// Post-processors
//===----------------------------------------------------------------------===//

TEST(PostProcessor, PutsTokensAroundPrompts) {
  json file = tokenizerJson();
  auto prompt = [&](const json &processor) {
    file["post_processor"] = processor;
    auto t = make(file);
    EXPECT_EQ(t->encode("x"), Ids{'x'});
    return t->encodePrompt("x");
  };
  json bos = {{"SpecialToken", {{"id", "<a>"}, {"type_id", 0}}}},
       eos = {{"SpecialToken", {{"id", "<b>"}, {"type_id", 0}}}};
  json text = {{"Sequence", {{"id", "A"}, {"type_id", 0}}}};
  json tokens = {{"<a>", {{"id", "<a>"}, {"ids", {256}}, {"tokens", {"<a>"}}}},
                 {"<b>", {{"id", "<b>"}, {"ids", {257, 258}}, {"tokens", {"<b>", "<c>"}}}}};
  json both = {{"type", "TemplateProcessing"},
               {"single", {bos, text, eos}},
               {"pair", json::array()},
               {"special_tokens", tokens}};
  json first = both;
  first["single"] = {bos, text};
  json level = {{"type", "ByteLevel"}, {"trim_offsets", true}};
  EXPECT_EQ(prompt(nullptr), Ids{'x'});
  EXPECT_EQ(prompt(level), Ids{'x'});
  EXPECT_EQ(prompt(first), (Ids{256, 'x'}));
  EXPECT_EQ(prompt(both), (Ids{256, 'x', 257, 258}));
  EXPECT_EQ(prompt({{"type", "Sequence"}, {"processors", {level, first}}}), (Ids{256, 'x'}));
  EXPECT_EQ(prompt({{"type", "Sequence"}, {"processors", {first, both}}}), (Ids{256, 256, 'x', 257, 258}));
  for (const char *type : {"BertProcessing", "RobertaProcessing"})
    EXPECT_EQ(prompt({{"type", type}, {"sep", {"<b>", 257}}, {"cls", {"<a>", 256}}}), (Ids{256, 'x', 257}));
}

TEST(PostProcessor, NamesMistakes) {
  auto error = [](const json &processor) {
    json file = tokenizerJson();
    file["post_processor"] = processor;
    std::string text;
    EXPECT_FALSE(Tokenizer::fromJson(file.dump(), text));
    return text;
  };
  EXPECT_EQ(error({{"type", "Wild"}}),
            "expects 'TemplateProcessing', 'ByteLevel', 'BertProcessing', 'RobertaProcessing' or "
            "a 'Sequence' of them as the post-processor, but it is 'Wild'");
  EXPECT_EQ(error({{"type", "BertProcessing"}, {"sep", 3}}),
            "expects a token and its id as 'cls' of the post-processor, but it is null");
  json text = {{"Sequence", {{"id", "A"}}}};
  json process = {{"type", "TemplateProcessing"}, {"special_tokens", json::object()}};
  process["single"] = json::array();
  EXPECT_EQ(error(process), "expects the text in 'single' of the post-processor, but it is not there");
  process["single"] = {text, text};
  EXPECT_EQ(error(process).substr(0, 54), "expects the text once in 'single' of the post-processo");
  process["single"] = {text, {{"SpecialToken", {{"id", "<z>"}}}}};
  EXPECT_EQ(error(process), "expects 'ids' of '<z>' in the post-processor, but it is null");
}

//===----------------------------------------------------------------------===//
// Templates
//===----------------------------------------------------------------------===//

TEST(ChatTemplate, IsTheCheckpointsOwn) {
  json config = {{"chat_template", "{{ bos_token }}{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}"
                                   "{% if add_generation_prompt %}>{% endif %}{{ style }}{{ tools is none }}"},
                 {"bos_token", {{"__type", "AddedToken"}, {"content", "<a>"}}},
                 {"image_token", "<i>"}};
  auto t = make(tokenizerJson(), config);
  EXPECT_TRUE(t->chat().isStated());
  EXPECT_EQ(rendered(*t, hello), "<a>[user]Hi>True");
  EXPECT_EQ(rendered(*t, R"({"messages": [{"role": "user", "content": "Hi"}], "add_generation_prompt": false,
                             "style": "!", "tools": [], "bos_token": "B"})"),
            "B[user]Hi!False");
}

TEST(ChatTemplate, GetsMessagesAsTransformersGivesThem) {
  json config = {{"chat_template", "{% for m in messages %}{{ m | tojson }}{% endfor %}"}};
  auto t = make(tokenizerJson(), config);
  EXPECT_EQ(rendered(*t, R"({"messages": [{"role": "a", "z": 1, "content": null, "b": [null, 1.0]}]})"),
            R"({"role": "a", "z": 1, "b": [null, 1.0]})");
  EXPECT_EQ(rendered(*t, R"({"messages": [{"role": "a", "reasoning": "r"}]})"),
            R"({"thinking": "r", "role": "a", "reasoning": "r", "reasoning_content": "r"})");
}

TEST(ChatTemplate, IsChosenByName) {
  json list = {{{"name", "default"}, {"template", "D"}}, {{"name", "tool_use"}, {"template", "T"}}};
  auto t = make(tokenizerJson(), {{"chat_template", list}});
  EXPECT_EQ(rendered(*t, hello), "D");
  EXPECT_EQ(rendered(*t, R"({"messages": [{"role": "user"}], "tools": [{"name": "f"}]})"), "T");
  list = {{{"name", "default"}, {"template", "D"}}, {{"name", "default"}, {"template", "E"}}};
  EXPECT_EQ(rendered(*make(tokenizerJson(), {{"chat_template", list}}), hello), "E");
  t = make(tokenizerJson(), {{"chat_template", {{{"name", "rag"}, {"template", "R"}}}}});
  EXPECT_EQ(rendered(*t, hello), "error: expects a chat template with the name 'default', but found 'rag'");
}

TEST(ChatTemplate, IsChatMLWhereNoneIsStated) {
  auto t = make(tokenizerJson({"<|im_start|>", "<|im_end|>"}));
  EXPECT_FALSE(t->chat().isStated());
  EXPECT_EQ(rendered(*t, R"({"messages": [{"role": "system", "content": "S"}, {"role": "user", "content": "Hi"}]})"),
            "<|im_start|>system\nS<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n");
  EXPECT_EQ(rendered(*t, R"({"messages": [{"role": "user", "content": "Hi"}], "add_generation_prompt": false})"),
            "<|im_start|>user\nHi<|im_end|>\n");
  EXPECT_EQ(rendered(*t, R"({"messages": [{"role": "user", "content": [1]}]})").substr(0, 6), "error:");
  EXPECT_EQ(rendered(*make(tokenizerJson()), hello),
            "error: expects a chat template, but the checkpoint states none and its "
            "tokenizer has no ChatML tokens; give a plain prompt");
}

TEST(ChatTemplate, SaysWhatItCannotFollow) {
  auto t = make(tokenizerJson(), {{"chat_template", "\n{% include 'x' %}"}});
  const std::string line =
      "the chat template of 'tokenizer_config.json': line 2: the statement 'include' is not supported";
  EXPECT_EQ(t->chat().problems(), std::vector<std::string>{line});
  EXPECT_EQ(rendered(*t, hello), "error: " + line);
  t = make(tokenizerJson(), {{"chat_template", "{% if false %}{{ 1 | urlize }}{% endif %}ok"}});
  EXPECT_EQ(t->chat().problems().size(), 1u);
  EXPECT_EQ(rendered(*t, hello), "ok");
}

TEST(ChatTemplate, RefusesRequestsThatAreNone) {
  auto t = make(tokenizerJson(), {{"chat_template", "x"}});
  EXPECT_EQ(rendered(*t, "[1"), "error: expects a JSON object with 'messages', but the text is no JSON in UTF-8");
  EXPECT_EQ(rendered(*t, "[1]"), "error: expects a JSON object with 'messages', but it is a JSON array");
  EXPECT_EQ(rendered(*t, "{}"), "error: expects a list of at least one message as 'messages', but found none");
  EXPECT_EQ(rendered(*t, R"({"messages": []})"),
            "error: expects a list of at least one message as 'messages', but found []");
  EXPECT_EQ(rendered(*t, R"({"messages": ["a"]})"), "error: expects objects as 'messages', but found \"a\"");
  EXPECT_EQ(rendered(*t, R"({"messages": [{}], "continue_final_message": true})"),
            "error: 'continue_final_message' is not supported");
  std::string text, error;
  std::vector<std::string> unread;
  EXPECT_EQ(t->chat().render(R"({"messages": [{}], "mood": 1, "tools": null})", text, error, &unread), Outcome::Done);
  EXPECT_EQ(unread, std::vector<std::string>{"mood"});
}

TEST(ChatTemplate, IsReadFromFiles) {
  namespace fs = std::filesystem;
  std::string name = (fs::temp_directory_path() / "quoin-chat-XXXXXX").string();
  ASSERT_TRUE(mkdtemp(name.data()));
  auto write = [&](const std::string &file, const std::string &text) {
    fs::create_directories((fs::path(name) / file).parent_path());
    std::ofstream(fs::path(name) / file) << text;
  };
  write("tokenizer.json", tokenizerJson({"<a>"}).dump());
  write("tokenizer_config.json", R"({"chat_template": "config", "bos_token": "<z>"})");
  std::string error;
  auto t = Tokenizer::load(name, error);
  ASSERT_TRUE(t) << error;
  EXPECT_EQ(rendered(*t, hello), "config");
  EXPECT_EQ(t->encode("<z>"), Ids{257});
  write("chat_template.jinja", "file {{ bos_token }}\n");
  EXPECT_EQ(rendered(*Tokenizer::load(name, error), hello), "file <z>");
  write("additional_chat_templates/tool_use.jinja", "tools");
  t = Tokenizer::load(name + "/tokenizer.json", error);
  EXPECT_EQ(rendered(*t, hello), "file <z>");
  EXPECT_EQ(rendered(*t, R"({"messages": [{}], "tools": [1]})"), "tools");
  write("tokenizer_config.json", "{");
  EXPECT_FALSE(Tokenizer::load(name, error));
  EXPECT_EQ(error, "'" + name + "/tokenizer_config.json': expects valid JSON, but it is not in line 1");
  write("tokenizer_config.json", "{}");
  // The last of several with one name counts, and files of the folder after the one beside it.
  write("additional_chat_templates/default.jinja", "later");
  EXPECT_EQ(rendered(*Tokenizer::load(name, error), hello), "later");
  // What is no template, though any text would do as one.
  auto refused = [&](const std::string &text, const std::string &what) {
    write("chat_template.jinja", text);
    EXPECT_FALSE(Tokenizer::load(name, error));
    EXPECT_EQ(error, "'" + name + "/chat_template.jinja': expects " + what);
  };
  const std::string wrong = "a file of a tokenizer, but it is ";
  refused("version https://git-lfs.github.com/spec/v1\noid sha256:0\n",
          wrong + "a Git LFS pointer (run 'git lfs pull' where it was cloned)");
  refused("\n <!DOCTYPE html>\n", wrong + "a web page (was it saved from a browser?)");
  refused("\xff\xfe{", wrong + "text in UTF-16 (save it as UTF-8)");
  refused("a\xff{{ 1 }}", "text in UTF-8, but some of its bytes are not");
  write("chat_template.jinja", "");
  write("special_tokens_map.json", "version https://git-lfs.github.com/spec/v1\n");
  EXPECT_FALSE(Tokenizer::load(name, error));
  EXPECT_NE(error.find("special_tokens_map.json': expects a file of a tokenizer, but it is a Git LFS"), error.npos);
  fs::remove_all(name);
}
