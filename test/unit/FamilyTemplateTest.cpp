//===- FamilyTemplateTest.cpp - the language of templates -------------------===//

#include "compiler/import/Families.h"
#include "compiler/import/ModelTemplate.h"
#include "compiler/import/ValueNames.h"
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <set>
#include <tuple>

using namespace quoin;
using testing::HasSubstr;

namespace {

/// What a text becomes, or its error.
std::string expand(std::string_view text, std::map<std::string, TemplateValue> values = {},
                   size_t mostSteps = TemplateRun::kMostSteps) {
  TemplateHost host;
  TemplateRun run(host, mostSteps);
  for (auto &[name, value] : values)
    run.define(name, value);
  std::string error;
  auto read = Template::parse("t", text, error);
  return read && run.expand(read, error) ? run.text() : "error: " + error;
}

TEST(TemplateTest, conditionsNestAndPlaceholdersAreReplaced) {
  std::string_view text = "a ${x}\n//: if one\nb\n//: if two\nc\n//: else\nd\n//: end\n//: else\ne\n//: end\n";
  auto with = [&](bool one, bool two) { return expand(text, {{"x", {int64_t(1)}}, {"one", {one}}, {"two", {two}}}); };
  EXPECT_EQ(with(true, false), "a 1\nb\nd\n");
  EXPECT_EQ(with(true, true), "a 1\nb\nc\n");
  EXPECT_EQ(with(false, true), "a 1\ne\n");
}

TEST(TemplateTest, loopsChoicesAndNames) {
  EXPECT_EQ(expand("//: for i in 3\n${i},${i * i}\n//: end\n"), "0,0\n1,1\n2,4\n");
  EXPECT_EQ(expand("//: for a, b in (\"x\", 1), (\"y\", 2)\n${a}=${b}\n//: end\n"), "x=1\ny=2\n");
  EXPECT_EQ(expand("//: for i in 0\n${missing}\n//: end\n"), "");
  EXPECT_EQ(expand("//: for i in 4\n//: if i == 0\nzero\n//: else if i == 1\none\n//: else if i == 2\ntwo\n//: else\n"
                   "more\n//: end\n//: end\n"),
            "zero\none\ntwo\nmore\n");
  EXPECT_EQ(
      expand("//: let a = 2\n//: let a = a * a\n//: # a comment ${\n//:\n  //: if a == 4\n${a}${\"}\"}\n  //: end\n"),
      "4}\n");
}

TEST(TemplateTest, namesOfValuesAreGivenAgain) {
  EXPECT_EQ(expand("%x = f\n//: for i in 2\n%x = g %x, %x // %x\n//: end\nh %x\n"),
            "%x = f\n%x_1 = g %x, %x // %x\n%x_2 = g %x_1, %x_1 // %x\nh %x_2\n");
  // Names that are taken are not made; texts and symbols are left alone.
  EXPECT_EQ(expand("%x_1 = f\n%x = f\n%x = g \"%x\", @x, %x_1\n"), "%x_1 = f\n%x = f\n%x_2 = g \"%x\", @x, %x_1\n");
  // A region's names end with it; an op's results are known behind it.
  EXPECT_EQ(expand("%x = f\n%x = r %x {\n^bb0(%y: t, %x: t):\n  %y = g %x, %y\n}\nh %x\n%y = f\n"),
            "%x = f\n%x_1 = r %x {\n^bb0(%y: t, %x_2: t):\n  %y_1 = g %x_2, %y\n}\nh %x_1\n%y = f\n");
  EXPECT_EQ(expand("%a, %b:2 = f\n%a, %b:2 = g %a, %b#0, %b#1 {k = 1}\nh %a, %b#1\n"),
            "%a, %b:2 = f\n%a_1, %b_1:2 = g %a, %b#0, %b#1 {k = 1}\nh %a_1, %b_1#1\n");
  EXPECT_EQ(expand("%x = f\n%y = g %x == %x\n"), "%x = f\n%y = g %x == %x\n");
}

TEST(TemplateTest, errorsNameTextLineRuleAndWhatWasFound) {
  const std::pair<std::string, const char *> cases[] = {
      {"a\n//: if yes\n", "t:2: expects 'end' for 'if', but there is none"},
      {"//: for i in 3\n", "t:1: expects 'end' for 'for', but there is none"},
      {"//: for i in 3\n//: else\n//: end\n", "t:1: expects no 'else' for 'for'"},
      {"//: if true\n//: else\n//: else\n//: end\n", "t:3: expects one 'else' for an 'if'"},
      {"\n//: end\n", "t:2: expects 'end' behind an 'if' or 'for' alone"},
      {"//: while true\n", "t:1: expects a statement (if, for, "},
      {"//: let x\n", "t:1: expects '=', but found the end of the line"},
      {"//: let x = 1 2\n", "t:1: expects nothing more on the line, but found '2'"},
      {"//: for 1 in x\n", "t:1: expects a name, but found '1 in x'"},
      {"//: for i of x\n", "t:1: expects 'in', but found 'of x'"},
      {"${1\n", "t:1: expects '}' behind what began with '${', but found the end of the line"},
      {"${}\n", "t:1: expects a value, but found '}'"},
      {"\n${x}\n", "t:2: expects a name that has a value, but found 'x'"},
      {"//: if 1\n//: end\n", "t:1: expects a flag as the condition, but found an index, 1"},
      {"//: for i in \"abc\"\n//: end\n", "t:1: expects a list or an index from 0 on to go over, but found a text"},
      {"//: for i in -1\n//: end\n", "t:1: expects a list or an index from 0 on"},
      {"//: for a, b in 3\n//: end\n", "t:1: expects a list to go over, but found an index"},
      {"//: for a, b in (1, 2), (1, 2, 3)\n//: end\n", "t:1: expects lists of 2 values, but found [1, 2, 3]"},
      {"//: include x\n", "t:1: expects no 'include' here"},
      {"//: vocabulary 3\n", "t:1: expects no statement about a checkpoint in the text of a decoder"},
      {"//: if has(\"x\")\n//: end\n", "t:1: expects no function about a checkpoint here, but found 'has'"},
      {"//: if true\n//: family x\n//: end\n", "t:2: expects 'family' outside of 'if' and 'for'"},
      {"//: config x : number\n", "t:1: expects a kind: index, real, flag, text, list or rotary, but found 'number'"},
      {"//: config x : list of real\n", "t:1: expects 'index', but found 'real'"},
      {"//: config x.1 : index\n", "t:1: expects a key, but found '1 : index'"},
      {"//: config x : index from 1\n", "t:1: expects 'to', but found the end of the line"},
      {"//: weight x = \"a\" [1]\n", "t:1: expects a symbol, '@..', but found 'x = \"a\" [1]'"},
      {"//: weight @x = a [1]\n", "t:1: expects a text in quotes, but found 'a [1]'"},
      {"//: weight @x = \"a\" 1\n", "t:1: expects a shape, '[..]', but found '1'"},
      {"//: weight @x = \"a\" [1] rows 0\n", "t:1: expects 'to', but found the end of the line"},
      {"//: absent \"a\"\n", "t:1: expects ':' and a key, but found the end of the line"},
      {"//: require true\n", "t:1: expects ':' and what is expected"},
      {"//: require true : x is\n", "t:1: expects 'expects' behind the key, but found 'is'"},
      {std::string(5000, 'x'), "t:1: expects lines of at most 4096 bytes, but found 5000"},
      {std::string((1 << 20) + 1, '\n'), "t:0: expects a text of at most 1048576 bytes"},
  };
  for (const auto &[text, words] : cases)
    EXPECT_THAT(expand(text), HasSubstr(std::string("error: ") + words)) << text.substr(0, 200);
  std::string deep, chain = "//: if false\n";
  for (int i = 0; i < 100; ++i) {
    deep += "//: if true\n";
    chain += "//: else if false\n";
  }
  for (const std::string &text : {deep, chain})
    EXPECT_THAT(expand(text), HasSubstr("expects statements nested at most 64 deep"));
}

TEST(TemplateTest, workIsBounded) {
  auto bounded = [](const std::string &text) { return expand(text, {}, /*mostSteps=*/1 << 18); };
  EXPECT_THAT(bounded("//: for i in 1000000000000\n//: end\n"), HasSubstr("t:1: expects a template that ends within"));
  std::string loops;
  for (int i = 0; i < 20; ++i)
    loops += "//: for i in 1000\n";
  for (int i = 0; i < 20; ++i)
    loops += "//: end\n";
  EXPECT_THAT(bounded(loops), HasSubstr("expects a template that ends within 262144 steps"));
  EXPECT_THAT(
      bounded("//: let x = \"0123456789abcdef\"\n//: for i in 12\n//: let x = x + x\n//: end\n//: for i in 100000\n"
              "${x}\n//: end\n"),
      HasSubstr("t:6: expects a t"));
}

//===----------------------------------------------------------------------===//
// Models
//===----------------------------------------------------------------------===//

class FamilyTest : public testing::Test {
protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "quoin-family-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(folder); }

  /// The description, or its error.
  std::optional<ModelDescription> describe(const std::string &config, const std::string &text) {
    std::ofstream(folder / "config.json") << config;
    ConfigReader reader((folder / "config.json").string());
    error.clear();
    auto family = Template::parse("mine", text, error);
    return family ? describeModel(family, reader, nullptr, error) : std::nullopt;
  }
  std::string refuse(const std::string &config, const std::string &text) {
    EXPECT_FALSE(describe(config, text)) << text;
    return error;
  }

  std::filesystem::path folder;
  std::string error;
};

const std::string facts = "//: vocabulary 10\n//: capacity 20\n";

TEST_F(FamilyTest, readsKeysOfEveryKind) {
  auto model = describe(
      R"({"i": 3, "r": 0.5, "w": 2, "f": true, "t": "x", "l": [1, 2], "k": [0, 7], "o": {"in": {"n": 4}}, "no": null})",
      "//: family mine\n//: config i : index from 1 to 3\n//: config r, w : real\n//: config f : flag\n"
      "//: config t : text\n//: config l : list\n//: config k : list of index from 0 to 7\n//: config o.in.n as deep : "
      "index\n//: config no : index = i + 1\n"
      "${i} ${r} ${w} ${f} ${t} ${l} ${k[1]} ${deep} ${no} ${given(\"no\")} ${is(\"t\", \"x\")} ${is(\"i\", 4)} "
      "${given(\"o.in.n\")} ${has(\"x\")} ${shape(\"x\")}\n" +
          facts + "//: layers i\n//: head_size 8\n//: window 5\n//: decoder \"d\" with block = 4\n//: fill m = 7\n");
  ASSERT_TRUE(model) << error;
  EXPECT_EQ(model->text, "3 0.5 2.0 true x [1, 2] 7 4 4 false true false true false []\n");
  EXPECT_EQ(model->family, "mine");
  EXPECT_EQ(model->vocabulary, 10);
  EXPECT_EQ(model->capacity, 20);
  EXPECT_EQ(model->layers, 3);
  EXPECT_EQ(model->headSize, 8);
  EXPECT_EQ(model->window, 5);
  EXPECT_EQ(model->decoder, "d");
  ASSERT_EQ(model->settings.size(), 1u);
  EXPECT_EQ(model->settings[0].first, "block");
  EXPECT_EQ(model->publishedFill, 7);
  EXPECT_THAT(model->keys, testing::UnorderedElementsAre("i", "r", "w", "f", "t", "l", "k", "o", "no", "m"));
}

TEST_F(FamilyTest, weightsHaveShapesRowsAndCounts) {
  auto model = describe(R"({"n": 2})", "//: family mine\n//: config n : index\n//: for i in n\n"
                                       "//:   weight @l${i}.q = \"t.${i}.w\" [2 * n, 8] rows n to 2 * n\n"
                                       "//:   weight @l${i}.e = \"t.${i}.e.*.w\" [3, 4, 5]\n"
                                       "//:   absent \"t.${i}.b\" : \"n\"\n//: end\n//: ignore \"a*\", \"b\"\n" +
                                           facts);
  ASSERT_TRUE(model) << error;
  ASSERT_EQ(model->tensors.size(), 6u);
  const TensorRequest &rows = model->tensors[3], &experts = model->tensors[4], &absent = model->tensors[5];
  EXPECT_EQ(rows.symbol, "l1.q");
  EXPECT_EQ(rows.tensor, "t.1.w");
  EXPECT_EQ(rows.shape, (std::vector<int64_t>{4, 8}));
  EXPECT_EQ(*rows.rows, std::pair(int64_t(2), int64_t(4)));
  EXPECT_EQ(rows.key, "n");
  EXPECT_EQ(experts.shape, (std::vector<int64_t>{3, 4, 5}));
  EXPECT_TRUE(absent.symbol.empty());
  EXPECT_THAT(model->ignored, testing::ElementsAre("a*", "b"));
}

TEST_F(FamilyTest, mistakesAreNamed) {
  const std::tuple<const char *, std::string, const char *> cases[] = {
      {"{}", "//: config n : index\n",
       "config.json: 'n' expects an integer from 0 to 1099511627776, but there is none"},
      {R"({"n": 9})", "//: config n : index from 1 to 8\n", "'n' expects an integer from 1 to 8, but found 9"},
      {R"({"n": "x"})", "//: config n : real from 0 to 1\n", "'n' expects a number from 0.0 to 1.0, but found \"x\""},
      {R"({"n": 1})", "//: config n : flag\n", "'n' expects true or false, but found 1"},
      {R"({"n": {}})", "//: config n : list\n", "'n' expects a list of at most 4096 numbers, texts or flags"},
      {R"({"n": [1, 9]})", "//: config n : list of index from 1 to 8\n",
       "'n' expects a list of at most 4096 integers from 1 to 8, but found [1,9]"},
      {R"({"n": [1, 2.5]})", "//: config n : list of index\n", "'n' expects a list of at most 4096 integers from 0 to"},
      {R"({"n": [1, "2"]})", "//: config n : list of index\n", "'n' expects a list of at most 4096 integers from 0 to"},
      {R"({"n": [18446744073709551615]})", "//: config n : list of index\n",
       "'n' expects a list of at most 4096 integers"},
      {R"({"n": 3})", "//: config n : list of index from 1 to 8\n",
       "'n' expects a list of at most 4096 integers from 1"},
      {"{}", "//: config n : list of index\n", "'n' expects a list of at most 4096 integers from 0 to"},
      {R"({"n": [1]})", "//: config n : list of index from 0.5 to 2\n", "mine:1: expects a bound of kind index"},
      {R"({"n": {"m": 0}})", "//: config n.m : index from 1 to 2\n",
       "'n.m' expects an integer from 1 to 2, but found 0"},
      {"{}", "//: config n : index = 0.5\n", "mine:1: expects a default of kind index, but found a real, 0.5"},
      {R"({"n": 1})", "//: config n : index from 0.5 to 2\n", "mine:1: expects a bound of kind index"},
      {R"({"n": 3})", "//: config n : index\n//: require n < 3 : n expects less than ${2 + 1}\n",
       "config.json: 'n' expects less than 3, but found 3"},
      {"{}", "//: vocabulary 10\n", "mine: expects a statement 'capacity', but there is none"},
      {"{}", "//: vocabulary 1\n", "mine:1: expects an index from 2 to 16777216, but found 1"},
      {"{}", "//: vocabulary \"x\"\n", "mine:1: expects an index, but found a text, \"x\""},
      {"{}", "//: decoder 3\n", "mine:1: expects a decoder's name, but found an index, 3"},
      {"{}", "//: include nothing\n", "mine:1: expects one of the library's texts (a2d, "},
      {"{}", "//: include ../../../etc/passwd\n", "mine:1: expects one of the library's texts"},
      {"{}", "//: weight @x = \"t\" [0, 2]\n",
       "mine:1: expects a shape of 1 to 4 sizes from 1 to 2^31 - 1, but found [0, 2]"},
      {"{}", "//: weight @x = \"t\" [2.5]\n", "mine:1: expects a shape of 1 to 4 sizes"},
      {"{}", "//: weight @x = \"t\" [2] rows 1 to 3\n", "mine:1: expects rows within the tensor's 2, but found 1 to 3"},
      {"{}", "//: weight @x = \"t*\" [2]\n", "mine:1: expects '*' at most once"},
      {"{}", "//: weight @${\"a b\"} = \"t\" [2]\n", "mine:1: expects a symbol of letters, digits"},
      {"{}", "//: weight @x = \"t\" [2]\n//: weight @x = \"u\" [2]\n",
       "mine:2: expects each symbol once, but found '@x' again"},
      {"{}", "//: if given(3)\n//: end\n", "mine:1: expects a name for 'given', but found 3"},
      {R"({"num_experts": 8})", facts, "'num_experts' expects 0 (mixtures of experts are not supported), but found 8"},
      {R"({"rope_theta": "x"})", "//: config rope_theta : rotary\n", "'rope_theta' expects a number"},
      {"{}", "//: config a.rope_theta : rotary\n", "mine:1: expects 'rotary' of a key at the top of config.json"},
  };
  for (const auto &[config, text, words] : cases)
    EXPECT_THAT(refuse(config, text), HasSubstr(words)) << text;
  // What a template reads is its own business.
  EXPECT_TRUE(describe(R"({"num_experts": 8})", "//: config num_experts : index\n" + facts)) << error;
}

TEST_F(FamilyTest, everyTextOfTheLibraryIsKnownByOneNameOnly) {
  std::set<std::string> names;
  for (const auto &family : families())
    for (std::string name : family->families()) {
      for (char &c : name)
        c = static_cast<char>(std::tolower(c));
      EXPECT_TRUE(names.insert(name).second) << name;
    }
  // A family that came is not recognised as missing any more.
  for (const auto &family : families())
    if (family->name() == "models/unsupported.mlir.in")
      for (const std::string &name : names) {
        std::ofstream(folder / "config.json") << "{\"model_type\": \"" + name + "\"}";
        ConfigReader reader((folder / "config.json").string());
        std::string message;
        EXPECT_EQ(holds(family, *family->recognitions()[0], reader, nullptr, message), false) << name;
      }
  for (const char *name : {"sdar", "fast_dllm_qwen", "sdlm", "wedlm", "llada", "qwen2", "qwen3"})
    EXPECT_TRUE(names.count(name)) << name;
}

} // namespace
