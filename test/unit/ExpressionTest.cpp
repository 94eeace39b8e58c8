//===- ExpressionTest.cpp - the expressions of templates --------------------===//

#include "compiler/import/Expression.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <map>

using namespace quoin;
using testing::HasSubstr;

namespace {

class Names : public ExpressionScope {
public:
  std::map<std::string, TemplateValue> values = {{"i", {int64_t(7)}},
                                                 {"x", {2.5}},
                                                 {"t", {std::string("ab")}},
                                                 {"yes", {true}},
                                                 {"l", {TemplateList{{int64_t(3)}, {int64_t(4)}}}}};
  size_t left = 100000;

  const TemplateValue *find(const std::string &name) const override {
    auto it = values.find(name);
    return it == values.end() ? nullptr : &it->second;
  }
  std::optional<TemplateValue> call(const std::string &function, const TemplateList &arguments,
                                    std::string &) override {
    return TemplateValue{function + " of " + textOf({arguments})};
  }
  bool spend(size_t steps, std::string &error) override {
    if (steps <= left) {
      left -= steps;
      return true;
    }
    error = "no more work";
    return false;
  }
};

std::string valueOf(std::string_view text) {
  Names names;
  std::string error;
  auto expression = Expression::parseList(text, error);
  std::optional<TemplateValue> value = expression ? expression->evaluate(names, error) : std::nullopt;
  if (!value)
    return "error: " + error;
  return textOf(*value) + (text.empty() ? "" : " then " + std::string(text));
}

TEST(Expression, computesWithIntegersAndReals) {
  const std::pair<const char *, const char *> cases[] = {
      {"1 + 2 * 3", "7"},
      {"(1 + 2) * 3", "9"},
      {"7 // 2", "3"},
      {"-7 // 2", "-4"},
      {"-7 % 2", "1"},
      {"7 % -2", "-1"},
      {"7 // -1", "-7"},
      {"7 % -1", "0"},
      {"1 / 4", "0.25"},
      {"4 / 2", "2.0"},
      {"1.0e6", "1.0e+06"},
      {"1e-6", "1.0e-06"},
      {"i * x", "17.5"},
      {"5.5 // 2", "2.0"},
      {"- - 3", "3"},
      {"sqrt(16)", "4.0"},
      {"int(2.9) + floor(-0.5) + ceil(0.5)", "2"},
      {"max(2, 3) + min(2.0, 3)", "5.0"},
      {"pow(2, 10)", "1024.0"},
      {"abs(-3) + abs(-0.5)", "3.5"},
      {"log(exp(1))", "1.0"},
      {"9223372036854775807 - 1", "9223372036854775806"},
  };
  for (auto [text, expected] : cases)
    EXPECT_EQ(valueOf(text), expected) << text;
}

TEST(Expression, comparesAndChooses) {
  const std::pair<const char *, const char *> cases[] = {
      {"1 < 2 and 2 <= 2", "true"},
      {"1 == 1.0", "true"},
      {"\"a\" != \"b\"", "true"},
      {"not yes or i > 7", "false"},
      {"not not yes", "true"},
      {"\"a\" if i == 7 else \"b\"", "a"},
      {"1 if not yes else 2 if yes else 3", "2"},
      {"3 in l", "true"},
      {"5 in l", "false"},
      {"\"b\" in t", "true"},
      {"yes or missing", "true"}, // what does not count is not looked at
      {"not yes and missing", "false"},
      {"1 if yes else missing", "1"},
  };
  for (auto [text, expected] : cases)
    EXPECT_EQ(valueOf(text), expected) << text;
}

TEST(Expression, hasTextsAndLists) {
  const std::pair<const char *, const char *> cases[] = {
      {"t + \"c\" + str(i)", "abc7"},
      {"len(t) + len(l)", "4"},
      {"l[1]", "4"},
      {"[1, [2, 3], \"x\"]", "[1, [2, 3], x]"},
      {"(\"a\", 1), (\"b\", 2)", "[[a, 1], [b, 2]]"},
      {"(\"a\", 1),", "[[a, 1]]"},
      {"[[1, 2], [3]][0][1]", "2"},
      {"l + [5,]", "[3, 4, 5]"},
      {"lower(\"DREAM\")", "dream"},
      {"\"q\\\"\\\\\"", "q\"\\"},
      {"has(t + \".w\")", "has of [ab.w]"},
      {"i : index", "7 then : index"},
      {"i [8]", "7 then [8]"},
  };
  for (auto [text, expected] : cases)
    EXPECT_EQ(valueOf(text), expected) << text;
}

TEST(Expression, saysWhatItExpectedAndFound) {
  const std::pair<std::string, const char *> cases[] = {
      {"", "expects a value, but found the end of the line"},
      {"1 +", "expects a value, but found the end of the line"},
      {"(1", "expects ',' or ')', but found the end of the line"},
      {"[1 2]", "expects ',' or ']', but found '2]'"},
      {"1 if yes", "expects 'else' and another value, but found the end of the line"},
      {"if", "expects a value, but found 'if'"},
      {"1x", "expects a number, but found '1x'"},
      {"99999999999999999999", "expects a number"},
      {"1.2.3", "expects a number"},
      {"\"open", "expects a text that ends"},
      {"\"a\\q\"", "expects a text that ends"},
      {"open(\"x\")", "expects one of the functions len, "},
      {"sqrt(1, 2)", "expects 1 argument of 'sqrt', but found 2"},
      {"missing + 1", "expects a name that has a value, but found 'missing'"},
      {"1 // 0", "expects a divisor other than 0 for '//'"},
      {"1 / 0.0", "expects a divisor other than 0"},
      {"9223372036854775807 + 1", "expects integers of 64 bits"},
      {"9223372036854775807 * 2", "expects integers of 64 bits"},
      {"-9223372036854775807 - 1", "expects integers of 64 bits"},
      {"exp(1000)", "expects finite numbers, but found an infinite one"},
      {"sqrt(-1)", "expects a non-negative number for 'sqrt', but found -1"},
      {"log(0)", "expects a positive number for 'log'"},
      {"int(1e30)", "expects an integer of 64 bits"},
      {"t + 1", "expects two numbers, texts or lists for '+', but found a text, \"ab\""},
      {"t < t", "expects two numbers for '<', but found a text"},
      {"1 == t", "expects values of one kind for '==', but found an index and a text"},
      {"1 and yes", "expects a flag, but found an index, 1"},
      {"l[2]", "expects an index below the list's size 2, but found 2"},
      {"l[-1]", "expects an index below the list's size 2, but found -1"},
      {"i[0]", "expects a list for '[]', but found an index, 7"},
      {"-t", "expects a number for '-'"},
      {"len(1)", "expects a list or a text for 'len'"},
      {std::string(100, '(') + "1", "nested at most 64 deep"},
      {std::string(100, '[') + "1", "nested at most 64 deep"},
  };
  for (const auto &[text, words] : cases)
    EXPECT_THAT(valueOf(text), HasSubstr(words)) << text;
}

TEST(Expression, isBounded) {
  Names names;
  std::string error, text = "t + t";
  names.left = 1 << 30;
  for (int i = 0; i < 40; ++i) {
    std::string_view rest = text;
    std::optional<TemplateValue> value = Expression::parse(rest, error)->evaluate(names, error);
    if (!value) {
      EXPECT_THAT(error, HasSubstr("expects texts of at most 65536 bytes"));
      break;
    }
    ASSERT_LT(i, 39);
    names.values["t"] = *value;
  }
  // Lists that hold themselves twice, and lists of lists of lists.
  for (const char *grow : {"[l, l]", "[l]", "l + l"}) {
    names.values["l"] = {TemplateList{{int64_t(1)}}};
    for (int i = 0;; ++i) {
      ASSERT_LT(i, 40) << grow;
      std::string_view rest = grow;
      std::optional<TemplateValue> value = Expression::parse(rest, error)->evaluate(names, error);
      if (!value)
        break;
      names.values["l"] = *value;
    }
    EXPECT_THAT(error, HasSubstr("lists of at most")) << grow;
    error.clear();
  }
  names.left = 3;
  std::string_view rest = "1 + 1 + 1 + 1";
  EXPECT_FALSE(Expression::parse(rest, error)->evaluate(names, error));
  EXPECT_EQ(error, "no more work");
}

} // namespace
