//===- ProgramSettings.cpp - settings of a decoder that a template holds ---===//

#include "compiler/import/ProgramSettings.h"
#include "support/JsonText.h"
#include <algorithm>
#include <charconv>
#include <cmath>

using namespace quoin;
using nlohmann::json;

/// No number of a setting reaches these: programs count with 64 bits, and reals are f32.
static constexpr double mostIndex = 9007199254740992.0, mostReal = 1e38;

static void append(std::string &list, const std::string &piece) { list += (list.empty() ? "" : ", ") + piece; }

static const std::string *findGiven(const GivenSettings &given, const std::string &name) {
  auto last = std::find_if(given.rbegin(), given.rend(), [&](const auto &each) { return each.first == name; });
  return last == given.rend() ? nullptr : &last->second;
}

bool ProgramSettings::number(const Statement &s, TemplateRun &run, TemplateValue &value, std::string &error) const {
  const bool whole = s.word == "index";
  double low = whole ? 0 : -mostReal, high = whole ? mostIndex : mostReal;
  for (auto [bound, into] : {std::pair(&s.from, &low), std::pair(&s.to, &high)}) {
    std::optional<TemplateValue> limit = *bound ? run.evaluate(**bound, error) : std::nullopt;
    if (*bound && !limit)
      return false;
    if (limit && !limit->isNumber()) {
      error = run.at("expects a bound that is a number, but found " + describe(*limit));
      return false;
    }
    if (limit)
      *into = limit->real();
  }
  auto fits = [&](double n) { return std::isfinite(n) && n >= low && n <= high && (!whole || n == std::floor(n)); };
  if (!value.isNumber() || (whole && !value.as<int64_t>()) || !fits(value.real())) {
    error = run.at("expects a default of kind " + s.word + " between its bounds, but found " + describe(value));
    return false;
  }
  if (const std::string *asked = findGiven(given, s.names[0])) {
    json parsed = json::parse(*asked, nullptr, /*allow_exceptions=*/false);
    if (!parsed.is_number() || (whole && !parsed.is_number_integer()) || !fits(parsed.get<double>())) {
      auto text = [&](double n) { return textOf(whole ? TemplateValue{static_cast<int64_t>(n)} : TemplateValue{n}); };
      error = "setting '" + s.names[0] + "' expects " + (whole ? "an integer" : "a number") +
              (s.from ? " from " + text(low) + " to " + text(high) : "") + ", but found " + shortened(*asked);
      return false;
    }
    value = whole ? TemplateValue{parsed.get<int64_t>()} : TemplateValue{parsed.get<double>()};
  }
  if (!whole)
    value = TemplateValue{value.real()};
  return true;
}

/// Is a text one of the words, or one that ends in `*` with a number behind it?
static bool fitsWord(const std::string &text, const std::string &word) {
  if (!word.ends_with('*'))
    return text == word;
  std::string_view stem = std::string_view(word).substr(0, word.size() - 1);
  double number = 0;
  if (!text.starts_with(stem))
    return false;
  auto [next, code] = std::from_chars(text.data() + stem.size(), text.data() + text.size(), number);
  return code == std::errc() && next == text.data() + text.size() && std::isfinite(number);
}

bool ProgramSettings::word(const Statement &s, TemplateRun &run, TemplateValue &value, std::string &error) {
  std::vector<std::string> words;
  for (const ExpressionPtr &each : s.expressions) {
    std::optional<TemplateValue> text = run.evaluate(*each, error);
    if (!text)
      return false;
    const std::string *known = text->as<std::string>();
    bool plain = known && !known->empty() && known->size() <= 64 &&
                 std::all_of(known->begin(), known->end() - (known->ends_with('*') ? 1 : 0), [](char c) {
                   return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
                          c == '-' || c == '.';
                 });
    if (!plain || *known == "*" || words.size() == 64 || std::find(words.begin(), words.end(), *known) != words.end()) {
      error = run.at("expects at most 64 words, each once, of letters, digits, '_', '-' and '.', but found " +
                     describe(*text));
      return false;
    }
    words.push_back(*known);
  }
  auto isWord = [&](const std::string &text) {
    return std::any_of(words.begin(), words.end(), [&](const std::string &word) { return fitsWord(text, word); });
  };
  if (!value.as<std::string>() || !isWord(*value.as<std::string>())) {
    error = run.at("expects a default that is one of the words, but found " + describe(value));
    return false;
  }
  std::string list, choice;
  for (const std::string &each : words) {
    append(list, each);
    append(choice, "\"" + each + "\"");
  }
  if (const std::string *asked = findGiven(given, s.names[0])) {
    // A word as it is, or as JSON writes it.
    json parsed = json::parse(*asked, nullptr, /*allow_exceptions=*/false);
    std::string text = parsed.is_string() ? parsed.get<std::string>() : *asked;
    if (!isWord(text)) {
      error = "setting '" + s.names[0] + "' expects one of " + list + ", but found '" + shortened(text) + "'";
      return false;
    }
    value = TemplateValue{text};
  }
  append(entries, s.names[0] + " = #quoin.word<\"" + *value.as<std::string>() + "\" of " + choice + ">");
  return true;
}

bool ProgramSettings::declare(const Statement &s, TemplateRun &run, std::string &error) {
  const std::string &name = s.names[0];
  if (std::find(names.begin(), names.end(), name) != names.end()) {
    error = run.at("expects each setting once, but found '" + name + "' again");
    return false;
  }
  names.push_back(name);
  std::optional<TemplateValue> value = run.evaluate(*s.otherwise, error);
  if (!value)
    return false;
  if (s.word == "word" ? !word(s, run, *value, error) : !number(s, run, *value, error))
    return false;
  if (s.word != "word")
    append(s.fixed ? fixed : entries, name + " = " + textOf(*value) + (s.word == "index" ? " : index" : " : f32"));
  if (!s.fixed)
    append(listed, "\"" + name + "\"");
  run.define(name, std::move(*value));
  run.define("settings", {text()});
  return true;
}

std::string ProgramSettings::text() const {
  std::string attributes = listed.empty() ? "" : "run_time = [" + listed + "]";
  if (!fixed.empty())
    append(attributes, "fixed = {" + fixed + "}");
  return "settings {" + entries + "}" + (attributes.empty() ? "" : " attributes {" + attributes + "}");
}
