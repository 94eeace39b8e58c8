// Format.cpp - `'%s' % x` and `'{}'.format(x)`, as far as Python's rules for texts and numbers go.

#include "runtime/template/Renderer.h"
#include "runtime/template/Text.h"

#include <algorithm>
#include <cmath>

using namespace quoin::jinja;

namespace {

/// What stands between the beginning of a field and its type.
struct Spec {
  std::string fill = " ";
  char align = 0, sign = 0, grouping = 0, type = 0;
  bool alternate = false, zeros = false;
  int64_t width = 0, precision = -1;
};

std::string padded(std::string text, const Spec &spec, char otherwise) {
  const auto count = static_cast<int64_t>(charCount(text));
  if (count >= spec.width)
    return text;
  const int64_t missing = spec.width - count;
  const char align = spec.align ? spec.align : otherwise;
  // The sign and a prefix stay in front of the padding.
  size_t head = 0;
  if (align == '=') {
    head = !text.empty() && (text[0] == '-' || text[0] == '+' || text[0] == ' ');
    if (text.size() > head + 1 && text[head] == '0' && std::isalpha(static_cast<unsigned char>(text[head + 1])))
      head += 2;
  }
  const int64_t left = align == '>' || align == '=' ? missing : align == '^' ? missing / 2 : 0;
  std::string out = text.substr(0, head);
  for (int64_t i = 0; i < left; ++i)
    out += spec.fill;
  out += text.substr(head);
  for (int64_t i = left; i < missing; ++i)
    out += spec.fill;
  return out;
}

std::string withSign(bool negative, std::string digits, const Spec &spec) {
  if (negative)
    return "-" + digits;
  return spec.sign == '+' || spec.sign == ' ' ? spec.sign + digits : digits;
}

void group(std::string &digits, char separator) {
  size_t end = digits.find_first_not_of("0123456789");
  end = end == std::string::npos ? digits.size() : end;
  for (; end > 3; end -= 3)
    digits.insert(end - 3, 1, separator);
}

std::string wholeText(int64_t value, const Spec &spec) {
  const uint64_t size = value < 0 ? uint64_t(0) - uint64_t(value) : uint64_t(value);
  std::string digits;
  const int base = spec.type == 'x' || spec.type == 'X' ? 16 : spec.type == 'o' ? 8 : spec.type == 'b' ? 2 : 10;
  for (uint64_t rest = size; rest || digits.empty(); rest /= static_cast<uint64_t>(base))
    digits += (spec.type == 'X' ? "0123456789ABCDEF" : "0123456789abcdef")[rest % static_cast<uint64_t>(base)];
  std::reverse(digits.begin(), digits.end());
  if (spec.grouping)
    group(digits, spec.grouping);
  if (spec.alternate && base != 10)
    digits = std::string("0") + spec.type + digits;
  return withSign(value < 0, digits, spec);
}

std::string floatDigits(double value, const Spec &spec) {
  const int64_t precision = spec.precision < 0 ? 6 : spec.precision;
  if (precision > 400)
    fail("expects a precision of at most 400, but found " + std::to_string(precision));
  const double size = std::fabs(value) * (spec.type == '%' ? 100 : 1);
  const char format[] = {'%', '.', '*', spec.type == '%' ? 'f' : spec.type, 0};
  char buffer[1024];
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wformat-nonliteral"
  std::snprintf(buffer, sizeof(buffer), format, static_cast<int>(precision), size);
#pragma clang diagnostic pop
  std::string digits = buffer;
  if (spec.grouping)
    group(digits, spec.grouping);
  if (spec.type == '%')
    digits += '%';
  return withSign(std::signbit(value) && !std::isnan(value), digits, spec);
}

/// The text of `value` by `spec`; `percent` is the older of Python's two ways.
std::string formatted(const Value &value, Spec spec, bool percent) {
  if (spec.width > 100000)
    fail("expects a width of at most 100000, but found " + std::to_string(spec.width));
  char type = spec.type;
  if (percent && (type == 'i' || type == 'u'))
    spec.type = type = 'd';
  if (percent && (type == 's' || type == 'r')) {
    std::string text = type == 's' ? str(value) : repr(value);
    if (spec.precision >= 0)
      text = text.substr(0, byteOfChar(text, static_cast<size_t>(spec.precision)));
    spec.fill = " ";
    return padded(text, spec, '>');
  }
  const bool isText = value.is(Kind::String) || (!value.isNumber() && !percent);
  if (isText) {
    if ((type != 0 && type != 's') || percent)
      fail(std::string("expects a number for the format '") + type + "', but found " + value.kindName());
    if (!value.is(Kind::String) && (spec.width || spec.precision >= 0 || type))
      fail(std::string("expects a string or a number for a format with a width, but found ") + value.kindName());
    std::string text = str(value);
    if (spec.precision >= 0)
      text = text.substr(0, byteOfChar(text, static_cast<size_t>(spec.precision)));
    return padded(text, spec, '<');
  }
  if (!value.isNumber())
    fail(std::string("expects a number for the format '") + type + "', but found " + value.kindName());
  const bool plain = type == 0;
  if (plain && value.is(Kind::Bool) && !spec.width)
    return str(value);
  if (plain)
    spec.type = type = value.is(Kind::Float) ? 0 : 'd';
  if (type == 'c') {
    if (!value.isWhole() || value.whole() < 0 || value.whole() > 0x10FFFF ||
        (value.whole() >= 0xD800 && value.whole() < 0xE000))
      fail("expects the number of a character for the format 'c', but found " + str(value));
    std::string text;
    appendChar(static_cast<uint32_t>(value.whole()), text);
    return padded(text, spec, '<');
  }
  if (type == 0) {
    if (spec.precision >= 0)
      fail("a precision without a type in a format is not supported");
    return padded(withSign(value.floating() < 0, floatText(std::fabs(value.floating())), spec), spec, '>');
  }
  if (std::string_view("dxXob").find(type) != std::string_view::npos) {
    if (value.is(Kind::Float) && !(percent && type == 'd'))
      fail(std::string("expects an integer for the format '") + type + "', but found a float");
    if (spec.precision >= 0)
      fail(std::string("a precision for the format '") + type + "' is not supported");
    if (value.is(Kind::Float) && !(std::fabs(value.floating()) < 9e18))
      fail("expects a number of at most 64 bits for the format 'd', but found " + floatText(value.floating()));
    return padded(wholeText(value.is(Kind::Float) ? static_cast<int64_t>(value.floating()) : value.whole(), spec), spec,
                  '>');
  }
  if (std::string_view("fFeEgG%").find(type) != std::string_view::npos && !(percent && type == '%'))
    return padded(floatDigits(value.floating(), spec), spec, '>');
  fail(std::string("the format '") + type + "' is not supported");
}

int64_t readNumber(const std::string &format, size_t &at) {
  int64_t value = 0;
  while (at < format.size() && format[at] >= '0' && format[at] <= '9')
    value = std::min<int64_t>(value * 10 + (format[at++] - '0'), 1'000'000);
  return value;
}

/// [[fill]align][sign][#][0][width][,][.precision][type]
Spec readSpec(const std::string &text) {
  Spec spec;
  size_t at = 0, size = 0;
  auto isAlign = [&](size_t i) {
    return i < text.size() && std::string_view("<>^=").find(text[i]) != std::string::npos;
  };
  if (!text.empty()) {
    firstChar(text, size);
    if (isAlign(size)) {
      spec.fill = text.substr(0, size);
      spec.align = text[size];
      at = size + 1;
    } else if (isAlign(0)) {
      spec.align = text[at++];
    }
  }
  auto next = [&](std::string_view any) {
    return at < text.size() && any.find(text[at]) != any.npos ? text[at++] : '\0';
  };
  spec.sign = next("+- ");
  spec.alternate = next("#") != 0;
  if (next("0") && !spec.align) {
    spec.fill = "0";
    spec.align = '=';
  }
  spec.width = readNumber(text, at);
  spec.grouping = next(",_");
  if (next("."))
    spec.precision = readNumber(text, at);
  if (at < text.size())
    spec.type = text[at++];
  if (at != text.size())
    fail("expects a format such as '>8.2f', but found '" + shown(text) + "'");
  return spec;
}

} // namespace

std::string quoin::jinja::formatPercent(Renderer &renderer, const std::string &format, const Value &values) {
  std::string out;
  size_t used = 0;
  const bool many = values.is(Kind::Tuple);
  auto next = [&]() -> Value {
    if (many ? used >= values.items().size() : used >= 1)
      fail("expects a value for each '%' of a format, but there are fewer");
    return many ? values.items()[used++] : (++used, values);
  };
  for (size_t at = 0; at < format.size(); ++at) {
    if (format[at] != '%') {
      out += format[at];
      continue;
    }
    renderer.step();
    if (++at < format.size() && format[at] == '%') {
      out += '%';
      continue;
    }
    std::optional<Value> value;
    if (at < format.size() && format[at] == '(') {
      const size_t end = format.find(')', at);
      if (end == std::string::npos || !values.is(Kind::Dict))
        fail("expects a dict for a format with '%(name)', but found " + std::string(values.kindName()));
      const std::string key = format.substr(at + 1, end - at - 1);
      const Value *found = values.as<Dict>().find(std::string_view(key));
      if (!found)
        fail("expects '" + shown(key) + "' in the dict of a format, but it is not there");
      value = *found;
      at = end + 1;
      used = 1;
    }
    Spec spec;
    for (; at < format.size() && std::string_view("-+ #0").find(format[at]) != std::string_view::npos; ++at) {
      if (format[at] == '-')
        spec.align = '<';
      else if (format[at] == '#')
        spec.alternate = true;
      else if (format[at] == '0')
        spec.zeros = true;
      else if (spec.sign != '+')
        spec.sign = format[at];
    }
    auto star = [&]() -> int64_t {
      if (at >= format.size() || format[at] != '*')
        return readNumber(format, at);
      ++at;
      Value number = next();
      if (!number.isWhole() || number.whole() < 0 || number.whole() > 1'000'000)
        fail(std::string("expects an integer for '*' in a format, but found ") + number.kindName());
      return number.whole();
    };
    spec.width = star();
    if (at < format.size() && format[at] == '.') {
      ++at;
      spec.precision = star();
    }
    if (spec.zeros && !spec.align) {
      spec.fill = "0";
      spec.align = '=';
    }
    if (at >= format.size())
      fail("expects a letter behind '%' of a format, but the text ends");
    spec.type = format[at];
    out += formatted(value ? *value : next(), spec, true);
    renderer.produce(static_cast<size_t>(spec.width) / 16);
  }
  if (many ? used < values.items().size() : used < 1 && !values.is(Kind::Dict))
    fail("expects a '%' in a format for each value, but there are fewer");
  return out;
}

std::string quoin::jinja::formatBraces(Renderer &renderer, const std::string &format, const Arguments &arguments) {
  std::string out;
  size_t automatic = 0;
  for (size_t at = 0; at < format.size(); ++at) {
    const char c = format[at];
    if (c != '{' && c != '}') {
      out += c;
      continue;
    }
    renderer.step();
    if (at + 1 < format.size() && format[at + 1] == c) {
      out += c;
      ++at;
      continue;
    }
    const size_t end = format.find('}', at);
    if (c == '}' || end == std::string::npos)
      fail("expects braces of a format in pairs, but found a single one");
    std::string field = format.substr(at + 1, end - at - 1), spec;
    if (field.find('{') != std::string::npos)
      fail("a field inside of a format's field is not supported");
    at = end;
    if (const size_t colon = field.find(':'); colon != std::string::npos) {
      spec = field.substr(colon + 1);
      field.resize(colon);
    }
    char conversion = 0;
    if (field.size() >= 2 && field[field.size() - 2] == '!') {
      conversion = field.back();
      field.resize(field.size() - 2);
    }
    size_t stop = std::min(field.find_first_of(".["), field.size());
    const std::string name = field.substr(0, stop);
    std::optional<Value> value;
    if (name.empty() || name.find_first_not_of("0123456789") == std::string::npos) {
      size_t from = 0;
      const auto index = name.empty() ? automatic++ : static_cast<size_t>(readNumber(name, from));
      if (index < arguments.positional.size())
        value = arguments.positional[index];
    }
    for (const auto &[known, given] : arguments.named)
      if (known == name)
        value = given;
    if (!value)
      fail("expects an argument for '{" + shown(name) + "}' of a format, but there is none");
    while (stop < field.size()) {
      const bool dot = field[stop] == '.';
      const size_t close = dot ? std::min(field.find_first_of(".[", stop + 1), field.size()) : field.find(']', stop);
      if (close == std::string::npos)
        fail("expects ']' behind '[' of a format, but there is none");
      std::string key = field.substr(stop + 1, close - stop - 1);
      const bool index = !dot && !key.empty() && key.find_first_not_of("0123456789") == std::string::npos;
      size_t from = 0;
      value = dot ? renderer.attribute(*value, key)
                  : renderer.item(*value, index ? Value(readNumber(key, from)) : Value(key));
      stop = dot ? close : close + 1;
    }
    if (conversion == 'r' || conversion == 's')
      value = Value(conversion == 'r' ? repr(*value) : str(*value));
    else if (conversion)
      fail(std::string("the conversion '!") + conversion + "' of a format is not supported");
    const Spec read = readSpec(spec);
    renderer.produce(static_cast<size_t>(read.width) / 16);
    out += formatted(*value, read, false);
  }
  return out;
}
