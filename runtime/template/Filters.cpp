// Filters.cpp - filters of single values: texts, numbers, JSON.

#include "runtime/template/Renderer.h"
#include "runtime/template/Text.h"

#include <algorithm>
#include <charconv>
#include <cmath>

using namespace quoin::jinja;

std::string quoin::jinja::escaped(const Value &value) {
  std::string text = str(value);
  if (value.isMarkup())
    return text;
  std::string out;
  for (char c : text) {
    switch (c) {
    case '&':
      out += "&amp;";
      break;
    case '<':
      out += "&lt;";
      break;
    case '>':
      out += "&gt;";
      break;
    case '"':
      out += "&#34;";
      break;
    case '\'':
      out += "&#39;";
      break;
    default:
      out += c;
    }
  }
  return out;
}

namespace {

/// As a text; what is one already, markup or not, stays.
Value soft(Renderer &renderer, const Value &value) {
  return value.is(Kind::String) ? value : renderer.text(str(value));
}

/// A method of texts, called on the value as a text.
Value byMethod(Renderer &renderer, const Value &value, Arguments &arguments, const char *name) {
  return renderer.call(renderer.attribute(soft(renderer, value), name), arguments);
}

void expectNumber(const char *filter, const Value &value) {
  if (value.is(Kind::Undefined))
    failUndefined(value);
  if (!value.isNumber())
    fail(std::string("the filter '") + filter + "' expects a number, but found " + value.kindName());
}

std::string withoutUnderscores(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i)
    if (text[i] != '_' || i == 0 || i + 1 == text.size() || text[i - 1] == '_')
      out += text[i];
  return out;
}

std::optional<int64_t> readWhole(std::string_view text, int64_t base) {
  std::string digits = withoutUnderscores(strip(text, true, true));
  bool negative = false;
  std::string_view rest = digits;
  if (!rest.empty() && (rest[0] == '-' || rest[0] == '+')) {
    negative = rest[0] == '-';
    rest.remove_prefix(1);
  }
  if (base == 16 || base == 8 || base == 2) {
    const char letter = base == 16 ? 'x' : base == 8 ? 'o' : 'b';
    if (rest.size() > 2 && rest[0] == '0' && (rest[1] | 0x20) == letter)
      rest.remove_prefix(2);
  }
  if (rest.empty() || base < 2 || base > 36)
    return std::nullopt;
  uint64_t size = 0;
  auto [end, code] = std::from_chars(rest.data(), rest.data() + rest.size(), size, static_cast<int>(base));
  if (end != rest.data() + rest.size())
    return std::nullopt;
  if (code != std::errc() || size > uint64_t(INT64_MAX))
    fail("expects integers of at most 64 bits, but found '" + shown(text) + "'");
  return negative ? -static_cast<int64_t>(size) : static_cast<int64_t>(size);
}

std::optional<double> readFloat(std::string_view text) {
  std::string digits = withoutUnderscores(strip(text, true, true));
  std::string_view rest = digits;
  if (!rest.empty() && rest[0] == '+' && (rest.size() < 2 || rest[1] != '-'))
    rest.remove_prefix(1);
  double value = 0;
  auto [end, code] = std::from_chars(rest.data(), rest.data() + rest.size(), value);
  if (rest.empty() || end != rest.data() + rest.size() || rest.find('(') != rest.npos)
    return std::nullopt;
  if (code == std::errc::result_out_of_range)
    return rest[0] == '-' ? -HUGE_VAL : HUGE_VAL;
  return code == std::errc() ? std::optional(value) : std::nullopt;
}

Value truncated(double value) {
  if (!(std::fabs(value) < 9.2e18))
    fail("expects a number of at most 64 bits for the filter 'int', but found " + floatText(value));
  return static_cast<int64_t>(value);
}

Value toInt(Renderer &, const Value &value, Arguments &arguments) {
  Bound bound("the filter 'int'", arguments, {"default", "base"});
  const Value otherwise = bound[0] ? *bound[0] : Value(int64_t(0));
  if (value.is(Kind::Undefined))
    failUndefined(value);
  if (value.is(Kind::String)) {
    if (std::optional<int64_t> whole = readWhole(value.text(), bound.whole(1, 10)))
      return *whole;
    std::optional<double> real = readFloat(value.text());
    return real && std::isfinite(*real) ? truncated(*real) : otherwise;
  }
  if (value.isWhole())
    return value.whole();
  if (value.is(Kind::Float) && !std::isnan(value.floating()))
    return truncated(value.floating());
  return otherwise;
}

Value toFloat(Renderer &, const Value &value, Arguments &arguments) {
  Bound bound("the filter 'float'", arguments, {"default"});
  if (value.is(Kind::Undefined))
    failUndefined(value);
  if (value.isNumber())
    return value.floating();
  if (value.is(Kind::String))
    if (std::optional<double> real = readFloat(value.text()))
      return *real;
  return bound[0] ? *bound[0] : Value(0.0);
}

Value absolute(Renderer &, const Value &value, Arguments &arguments) {
  noArguments("abs", arguments);
  expectNumber("abs", value);
  if (value.is(Kind::Float))
    return std::fabs(value.floating());
  return value.whole() < 0 ? negate(value, "-") : Value(value.whole());
}

Value rounded(Renderer &, const Value &value, Arguments &arguments) {
  Bound bound("the filter 'round'", arguments, {"precision", "method"});
  const int64_t precision = bound.whole(0, 0);
  const std::string method = bound.text(1, "common");
  expectNumber("round", value);
  if (precision < -300 || precision > 300)
    fail("the filter 'round' expects a precision from -300 to 300, but found " + std::to_string(precision));
  if (method == "common") {
    if (value.isWhole() && precision >= 0)
      return value.whole();
    if (precision < 0) {
      const double unit = std::pow(10.0, static_cast<double>(-precision));
      const double near = std::nearbyint(value.floating() / unit) * unit;
      return value.isWhole() ? truncated(near) : Value(near);
    }
    if (!std::isfinite(value.floating()))
      return value;
    // The C library rounds the exact value of the number to even, as Python does.
    char buffer[1024];
    std::snprintf(buffer, sizeof(buffer), "%.*f", static_cast<int>(precision), value.floating());
    return std::strtod(buffer, nullptr);
  }
  if (method != "ceil" && method != "floor")
    fail("the filter 'round' expects 'common', 'ceil' or 'floor', but found '" + shown(method) + "'");
  const double unit = std::pow(10.0, static_cast<double>(precision));
  const double scaled = value.floating() * unit;
  if (!std::isfinite(scaled))
    fail("the filter 'round' expects a number with an end, but found " + str(Value(scaled)));
  // Python makes a whole number of it first, which has no negative zero.
  return ((method == "ceil" ? std::ceil(scaled) : std::floor(scaled)) + 0.0) / unit;
}

Value byDefault(Renderer &, const Value &value, Arguments &arguments) {
  Bound bound("the filter 'default'", arguments, {"default_value", "boolean"});
  const bool use = value.is(Kind::Undefined) || (bound.truth(1, false) && !value.truth());
  return use ? (bound[0] ? *bound[0] : Value("")) : value;
}

Value replaceText(Renderer &renderer, const Value &value, Arguments &arguments) {
  Bound bound("the filter 'replace'", arguments, {"old", "new", "count"});
  Arguments texts;
  texts.positional = {Value(str(bound.need(0))), Value(str(bound.need(1)))};
  if (bound.given(2))
    texts.positional.push_back(*bound[2]);
  return renderer.call(renderer.attribute(renderer.text(str(value)), "replace"), texts);
}

/// Words begin behind blanks, hyphens and opening brackets, so unlike Python's own `title` not behind an apostrophe.
Value titleText(Renderer &renderer, const Value &value, Arguments &arguments) {
  noArguments("title", arguments);
  const Value whole = soft(renderer, value);
  std::string_view text = whole.text();
  std::string out;
  auto separates = [](uint32_t c) { return isSpace(c) || c == '-' || c == '(' || c == '{' || c == '[' || c == '<'; };
  while (!text.empty()) {
    // A stretch of separators or of others; its first character in upper case, the rest in lower.
    size_t size = 0, end = 0;
    const bool separators = separates(firstChar(text, size));
    const size_t head = size;
    for (end = size; end < text.size() && separates(firstChar(text.substr(end), size)) == separators; end += size) {
    }
    out += toUpper(text.substr(0, head)) + toLower(text.substr(head, end - head));
    text.remove_prefix(end);
  }
  Value made = renderer.text(std::move(out));
  return whole.isMarkup() ? made.asMarkup() : made;
}

Value indent(Renderer &renderer, const Value &value, Arguments &arguments) {
  Bound bound("the filter 'indent'", arguments, {"width", "first", "blank"});
  if (value.is(Kind::Undefined))
    failUndefined(value);
  if (!value.is(Kind::String))
    fail(std::string("the filter 'indent' expects a string, but found ") + value.kindName());
  std::string indention;
  if (bound[0] && bound[0]->is(Kind::String)) {
    indention = bound[0]->text();
  } else {
    const int64_t width = std::max<int64_t>(bound.whole(0, 4), 0);
    renderer.produce(static_cast<size_t>(width));
    indention.assign(static_cast<size_t>(width), ' ');
  }
  const bool blank = bound.truth(2, false);
  const std::string text = value.text() + "\n";
  std::string out = bound.truth(1, false) ? indention : "";
  bool first = true;
  for (std::string_view line : splitLines(text, false)) {
    const bool indents = !first && (blank || !line.empty());
    renderer.produce(indents ? indention.size() : 0);
    if (!std::exchange(first, false))
      out += '\n';
    out += indents ? indention : "";
    out += line;
  }
  Value made = renderer.text(std::move(out));
  return value.isMarkup() ? made.asMarkup() : made;
}

Value truncateText(Renderer &renderer, const Value &value, Arguments &arguments) {
  Bound bound("the filter 'truncate'", arguments, {"length", "killwords", "end", "leeway"});
  if (!value.is(Kind::String))
    fail(std::string("the filter 'truncate' expects a string, but found ") + value.kindName());
  const std::string end = bound.text(2, "...");
  const int64_t length = bound.whole(0, 255), leeway = bound.given(3) ? bound.whole(3, 5) : 5;
  const auto ending = static_cast<int64_t>(charCount(end));
  if (length < ending || leeway < 0)
    fail("the filter 'truncate' expects a length of at least " + std::to_string(ending) + ", but found " +
         std::to_string(length));
  const std::string &text = value.text();
  if (static_cast<int64_t>(charCount(text)) - leeway <= length)
    return value;
  std::string cut = text.substr(0, byteOfChar(text, static_cast<size_t>(length - ending)));
  if (!bound.truth(1, false))
    cut.resize(std::min(cut.rfind(' '), cut.size()));
  return renderer.text(cut + end);
}

Value wordCount(Renderer &renderer, const Value &value, Arguments &arguments) {
  noArguments("wordcount", arguments);
  const Value whole = soft(renderer, value);
  int64_t count = 0;
  bool inside = false;
  size_t size = 0;
  for (std::string_view rest = whole.text(); !rest.empty(); rest.remove_prefix(size)) {
    const uint32_t c = firstChar(rest, size);
    const bool word = c == '_' || isAlpha(c) || isDecimal(c) || isDigit(c) || isNumeric(c);
    count += word && !inside;
    inside = word;
  }
  return count;
}

Value format(Renderer &renderer, const Value &value, Arguments &arguments) {
  if (!arguments.positional.empty() && !arguments.named.empty())
    fail("the filter 'format' expects arguments with names or without, but found both");
  Value values = Value::tuple(arguments.positional);
  if (!arguments.named.empty()) {
    std::vector<std::pair<Value, Value>> entries;
    for (auto &[name, each] : arguments.named)
      entries.emplace_back(Value(name), each);
    values = makeDict(std::move(entries));
  }
  return renderer.text(formatPercent(renderer, str(value), values));
}

Value json(Renderer &renderer, const Value &value, Arguments &arguments) {
  Bound bound("the filter 'tojson'", arguments, {"ensure_ascii", "indent", "separators", "sort_keys"});
  JsonStyle style;
  style.ascii = bound.truth(0, false);
  style.sorted = bound.truth(3, false);
  if (bound.given(1)) {
    style.indented = true;
    style.itemSeparator = ",";
    if (bound[1]->is(Kind::String)) {
      style.indent = bound[1]->text();
    } else {
      const int64_t width = std::max<int64_t>(bound.whole(1, 0), 0);
      renderer.produce(static_cast<size_t>(width));
      style.indent.assign(static_cast<size_t>(width), ' ');
    }
  }
  if (bound.given(2)) {
    std::vector<Value> both = renderer.listOf(*bound[2]);
    if (both.size() != 2 || !both[0].is(Kind::String) || !both[1].is(Kind::String))
      fail("the filter 'tojson' expects two strings as 'separators', but found others");
    style.itemSeparator = both[0].text();
    style.keySeparator = both[1].text();
  }
  return renderer.text(toJson(renderer, value, style));
}

Value attributeOf(Renderer &renderer, const Value &value, Arguments &arguments) {
  Bound bound("the filter 'attr'", arguments, {"name"});
  bound.need(0);
  const std::string name = bound.text(0, "");
  // Only attributes and no keys: of a dict, its methods.
  if (value.is(Kind::Dict))
    return method(renderer, value, name);
  return renderer.attribute(value, name);
}

#define QUOIN_FILTER(name, ...)                                                                                        \
  {name, [](Renderer &renderer, const Value &value, Arguments &arguments) -> Value {                                   \
     (void)renderer;                                                                                                   \
     __VA_ARGS__;                                                                                                      \
   }}

const FilterEntry valueFilters[] = {
    QUOIN_FILTER("trim", return byMethod(renderer, value, arguments, "strip")),
    QUOIN_FILTER("upper", return byMethod(renderer, value, arguments, "upper")),
    QUOIN_FILTER("lower", return byMethod(renderer, value, arguments, "lower")),
    QUOIN_FILTER("capitalize", return byMethod(renderer, value, arguments, "capitalize")),
    QUOIN_FILTER("center", if (arguments.positional.empty() && arguments.named.empty())
                               arguments.positional.emplace_back(int64_t(80));
                 return byMethod(renderer, value, arguments, "center")),
    QUOIN_FILTER("string", noArguments("string", arguments); return soft(renderer, value)),
    QUOIN_FILTER("safe", noArguments("safe", arguments); return soft(renderer, value).asMarkup()),
    QUOIN_FILTER("escape", noArguments("escape", arguments); return renderer.text(escaped(value)).asMarkup()),
    QUOIN_FILTER("e", noArguments("e", arguments); return renderer.text(escaped(value)).asMarkup()),
    {"title", titleText},
    {"replace", replaceText},
    {"indent", indent},
    {"truncate", truncateText},
    {"wordcount", wordCount},
    {"format", format},
    {"tojson", json},
    {"int", toInt},
    {"float", toFloat},
    {"abs", absolute},
    {"round", rounded},
    {"default", byDefault},
    {"d", byDefault},
    {"attr", attributeOf},
};
#undef QUOIN_FILTER

} // namespace

void quoin::jinja::noArguments(const char *filter, Arguments &arguments) {
  Bound(std::string("the filter '") + filter + "'", arguments, {});
}

FilterFunction quoin::jinja::findFilter(std::string_view name) {
  for (const FilterEntry &each : valueFilters)
    if (name == each.name)
      return each.function;
  return nullptr;
}
