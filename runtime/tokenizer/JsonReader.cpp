// JsonReader.cpp - the events of the JSON parser, with every type checked here
// so that no later access can fail.

#include "runtime/tokenizer/JsonReader.h"
#include "runtime/tokenizer/Unicode.h"

#include <algorithm>
#include <charconv>
#include <string_view>

using namespace quoin;
using nlohmann::json;

/// A number as Hugging Face's reader has it: up to 64 bits of digits, then one product with a power of ten, or one
/// quotient. That is not always the nearest number, and the last bit decides between two ways to cut a piece that are
/// equally good.
static double scoreOf(std::string_view text) {
  const bool negative = text.starts_with('-');
  uint64_t digits = 0;
  int64_t exponent = 0;
  bool full = false, fraction = false;
  size_t at = negative;
  for (; at < text.size() && text[at] != 'e' && text[at] != 'E'; ++at) {
    if (text[at] == '.') {
      fraction = true;
      continue;
    }
    const auto digit = static_cast<uint64_t>(text[at] - '0');
    full |= digits > (UINT64_MAX - digit) / 10;
    if (!full)
      digits = digits * 10 + digit;
    exponent += full ? !fraction : fraction ? -1 : 0;
  }
  if (at < text.size()) {
    int64_t given = 0;
    const std::string_view rest = text.substr(at + 1);
    std::from_chars(rest.data() + rest.starts_with('+'), rest.data() + rest.size(), given);
    exponent += std::clamp<int64_t>(given, -100000, 100000);
  }
  auto power = [](int64_t n) {
    double value = 0;
    const std::string spelled = "1e" + std::to_string(n);
    std::from_chars(spelled.data(), spelled.data() + spelled.size(), value);
    return value;
  };
  auto value = static_cast<double>(digits);
  for (; exponent < -308 && value != 0; exponent += 308)
    value /= power(308);
  if (value != 0)
    value = exponent < 0 ? value / power(-exponent) : value * power(std::min<int64_t>(exponent, 308));
  return negative ? -value : value;
}

bool JsonReader::fail(std::string message) {
  error = std::move(message);
  return false;
}

json *JsonReader::put(json value) {
  if (parents.empty()) {
    root = std::move(value);
    return &root;
  }
  json &parent = *parents.back();
  if (parent.is_array()) {
    parent.push_back(std::move(value));
    return &parent.back();
  }
  return &(parent[lastKey] = std::move(value));
}

bool JsonReader::open(json value) {
  // Published files are nested 6 deep.
  constexpr size_t maxDepth = 64;
  if (parents.size() == maxDepth)
    return fail("expects JSON nested at most 64 deep, but it is deeper at '" + forMessage(lastKey) + "'");
  parents.push_back(put(std::move(value)));
  return true;
}

/// True if the value that comes is that of `key` in the object `model`.
bool JsonReader::atModel(const char *key) const {
  if (parents.size() != 2 || lastKey != key || !parents[1]->is_object())
    return false;
  auto model = parents[0]->find("model");
  return model != parents[0]->end() && &*model == parents[1];
}

bool JsonReader::scalar(json value) {
  switch (place) {
  case Place::Tree:
    put(std::move(value));
    return true;
  case Place::Vocabulary:
    return fail("expects an integer from 0 to 2147483647 as the id of '" + forMessage(lastKey) +
                "' in 'vocab', but the value is " +
                (value.is_primitive() && !value.is_string() ? value.dump() : "a " + std::string(value.type_name())));
  case Place::Scores:
  case Place::ScorePair:
    return failScore("it has a " + std::string(value.type_name()));
  case Place::Merges:
  case Place::MergePair:
    break;
  }
  return fail("expects merge " + std::to_string(file.merges.size()) + " to be 'a b' or [\"a\", \"b\"], but it has a " +
              std::string(value.type_name()));
}

bool JsonReader::null() { return scalar(nullptr); }
bool JsonReader::boolean(bool value) { return scalar(value); }
bool JsonReader::number_integer(number_integer_t value) {
  return place == Place::ScorePair ? score(static_cast<double>(value)) : scalar(value);
}
bool JsonReader::number_float(number_float_t value, const string_t &text) {
  return place == Place::ScorePair ? score(scoreOf(text)) : scalar(value);
}
bool JsonReader::binary(binary_t &) { return scalar(nullptr); }

bool JsonReader::failScore(const std::string &found) {
  return fail("expects element " + std::to_string(file.vocabulary.size()) +
              " of 'vocab' to be [\"token\", score], but " + found);
}

bool JsonReader::score(double value) {
  if (pair.size() != 1 || scores != 0)
    return failScore("the number is not its second part");
  file.scores.push_back(value);
  ++scores;
  return true;
}

bool JsonReader::number_unsigned(number_unsigned_t value) {
  if (place == Place::ScorePair)
    return score(static_cast<double>(value));
  if (place != Place::Vocabulary || value > INT32_MAX)
    return scalar(value);
  file.vocabulary.emplace_back(std::move(lastKey), static_cast<int32_t>(value));
  lastKey.clear();
  return true;
}

bool JsonReader::string(string_t &value) {
  switch (place) {
  case Place::MergePair:
  case Place::ScorePair:
    pair.push_back(std::move(value));
    return true;
  case Place::Merges:
    return addMerge(value);
  case Place::Scores:
  case Place::Vocabulary:
  case Place::Tree:
    break;
  }
  return scalar(std::move(value));
}

bool JsonReader::addMerge(const std::string &text) {
  // The header line of a merges.txt, which some converters left in.
  if (text.rfind("#version", 0) == 0)
    return true;
  const size_t space = text.find(' ');
  if (space == std::string::npos || text.find(' ', space + 1) != std::string::npos)
    return fail("expects merge " + std::to_string(file.merges.size()) +
                " to be two tokens with one space between them, but it is '" + forMessage(text) + "'");
  file.merges.emplace_back(text.substr(0, space), text.substr(space + 1));
  return true;
}

bool JsonReader::start_object(std::size_t) {
  if (place != Place::Tree)
    return scalar(json::object());
  if (atModel("vocab")) {
    file.vocabulary.clear();
    sawVocabulary = true;
    place = Place::Vocabulary;
    return true;
  }
  return open(json::object());
}

bool JsonReader::key(string_t &value) {
  lastKey = std::move(value);
  return true;
}

bool JsonReader::end_object() {
  if (place == Place::Vocabulary)
    place = Place::Tree;
  else
    parents.pop_back();
  return true;
}

bool JsonReader::start_array(std::size_t) {
  if (place == Place::Merges) {
    pair.clear();
    place = Place::MergePair;
    return true;
  }
  if (place == Place::Scores) {
    pair.clear();
    scores = 0;
    place = Place::ScorePair;
    return true;
  }
  if (place != Place::Tree)
    return scalar(json::array());
  if (atModel("vocab")) {
    file.vocabulary.clear();
    file.scores.clear();
    sawScores = true;
    place = Place::Scores;
    return true;
  }
  if (atModel("merges")) {
    file.merges.clear();
    sawMerges = true;
    place = Place::Merges;
    return true;
  }
  return open(json::array());
}

bool JsonReader::end_array() {
  switch (place) {
  case Place::MergePair:
    if (pair.size() != 2)
      return fail("expects merge " + std::to_string(file.merges.size()) + " to be two tokens, but it has " +
                  std::to_string(pair.size()));
    file.merges.emplace_back(std::move(pair[0]), std::move(pair[1]));
    place = Place::Merges;
    return true;
  case Place::ScorePair:
    if (pair.size() != 1 || scores != 1)
      return failScore("it has " + std::to_string(pair.size()) + " texts and " + std::to_string(scores) + " numbers");
    if (file.vocabulary.size() > INT32_MAX)
      return failScore("there are too many");
    file.vocabulary.emplace_back(std::move(pair[0]), static_cast<int32_t>(file.vocabulary.size()));
    place = Place::Scores;
    return true;
  case Place::Merges:
  case Place::Scores:
    place = Place::Tree;
    return true;
  case Place::Vocabulary:
  case Place::Tree:
    break;
  }
  parents.pop_back();
  return true;
}

bool JsonReader::parse_error(std::size_t position, const std::string &, const json::exception &exception) {
  // The parser's text is "[json.exception..] parse error at line 3, column 7: syntax error .. - what; last read: '..'".
  std::string text = exception.what(), line;
  if (size_t at = text.find(" at line "); at != std::string::npos)
    line = text.substr(at + 9, text.find(',', at) - at - 9);
  if (size_t at = text.find(" - "); at != std::string::npos)
    text = text.substr(at + 3);
  constexpr std::string_view escape = "forbidden character after backslash";
  if (size_t at = text.find(escape); at != std::string::npos)
    text.replace(at, escape.size(), "a bad escape");
  return fail("expects valid JSON, but " + (line.empty() ? "byte " + std::to_string(position) : "line " + line) +
              " is not: " + forMessage(text, 200));
}
