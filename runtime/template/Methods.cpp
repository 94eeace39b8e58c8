// Methods.cpp - the methods of Python's texts, dicts and lists. Those that would change a list or dict are refused, as
// the sandbox refuses them in which templates are rendered elsewhere.

#include "runtime/template/Renderer.h"
#include "runtime/template/Text.h"

#include <algorithm>

using namespace quoin::jinja;

namespace {

using Method = Value (*)(Renderer &, const Value &, Arguments &);
struct MethodEntry {
  const char *name;
  Method function;
};

/// A text made of `self`'s: markup stays markup.
Value like(Renderer &renderer, const Value &self, std::string text) {
  Value made = renderer.text(std::move(text));
  return self.isMarkup() ? made.asMarkup() : made;
}

const std::string &textOf(const char *method, const Value &value) {
  if (!value.is(Kind::String))
    fail(std::string("'") + method + "' of a string expects a string, but found " + value.kindName());
  return value.text();
}

void noMethodArguments(const char *method, Arguments &arguments) {
  Bound(std::string("'") + method + "'", arguments, {});
}

//===----------------------------------------------------------------------===//
// Texts
//===----------------------------------------------------------------------===//

Value stripped(Renderer &renderer, const Value &self, Arguments &arguments, const char *name, bool left, bool right) {
  Bound bound(std::string("'") + name + "'", arguments, {"chars"});
  if (bound.given(0))
    return like(renderer, self, std::string(strip(self.text(), bound.text(0, ""), left, right)));
  return like(renderer, self, std::string(strip(self.text(), left, right)));
}

Value splitAt(Renderer &renderer, const Value &self, Arguments &arguments, bool fromRight) {
  Bound bound(fromRight ? "'rsplit'" : "'split'", arguments, {"sep", "maxsplit"});
  int64_t left = bound.whole(1, -1);
  left = left < 0 ? INT64_MAX : left;
  const std::string separator = bound.text(0, "");
  const std::string_view text = self.text();
  renderer.produce(text.size());
  std::vector<Value> parts;
  auto add = [&](std::string_view part) {
    renderer.step();
    parts.emplace_back(part);
  };
  if (bound.given(0)) {
    if (separator.empty())
      fail("'split' expects a separator that is not empty, but it is");
    if (fromRight) {
      size_t end = text.size();
      for (size_t found;
           left > 0 && end >= separator.size() && (found = text.rfind(separator, end - separator.size())) != text.npos;
           --left, end = found)
        add(text.substr(found + separator.size(), end - found - separator.size()));
      add(text.substr(0, end));
    } else {
      size_t start = 0;
      for (size_t found; left > 0 && (found = text.find(separator, start)) != text.npos;
           --left, start = found + separator.size())
        add(text.substr(start, found - start));
      add(text.substr(start));
    }
  } else {
    std::string_view rest = strip(text, !fromRight, fromRight);
    for (; !rest.empty() && left > 0; --left) {
      size_t size = 0, at = 0, start = 0;
      // The first or last stretch without white space.
      if (fromRight) {
        for (at = start = 0; at < rest.size(); at += size)
          if (isSpace(firstChar(rest.substr(at), size)))
            start = at + size;
        add(rest.substr(start));
        rest = strip(rest.substr(0, start), false, true);
      } else {
        while (at < rest.size() && !isSpace(firstChar(rest.substr(at), size)))
          at += size;
        add(rest.substr(0, at));
        rest = strip(rest.substr(at), true, false);
      }
      renderer.step(static_cast<int64_t>(fromRight ? rest.size() / 16 : 0));
    }
    if (!rest.empty())
      add(rest);
  }
  if (fromRight)
    std::reverse(parts.begin(), parts.end());
  return Value::list(std::move(parts));
}

/// Where a method that takes `start` and `end` looks: a part of the text, and the number of its first character.
struct Stretch {
  std::string_view text;
  int64_t offset = 0;
  bool empty = false; ///< The start is behind the end: nothing is found, not even an empty text.
};

Stretch stretchOf(const Value &self, const Bound &bound) {
  const std::string &text = self.text();
  const auto length = static_cast<int64_t>(charCount(text));
  auto clamp = [&](int64_t index) {
    return std::max<int64_t>(index < 0 ? (index < -length ? 0 : index + length) : index, 0);
  };
  const int64_t start = bound.given(1) ? clamp(bound.whole(1, 0)) : 0;
  const int64_t end = bound.given(2) ? std::min(clamp(bound.whole(2, 0)), length) : length;
  if (start > end)
    return {{}, 0, true};
  const size_t from = byteOfChar(text, static_cast<size_t>(start)), to = byteOfChar(text, static_cast<size_t>(end));
  return {std::string_view(text).substr(from, to - from), start, false};
}

Value found(const Value &self, Arguments &arguments, const char *name, bool last, bool required) {
  Bound bound(std::string("'") + name + "'", arguments, {"sub", "start", "end"});
  const std::string &wanted = textOf(name, bound.need(0));
  const Stretch stretch = stretchOf(self, bound);
  const size_t at = stretch.empty ? std::string_view::npos
                    : last        ? stretch.text.rfind(wanted)
                                  : stretch.text.find(wanted);
  if (at == std::string_view::npos) {
    if (required)
      fail(std::string("'") + name + "' expects '" + shown(wanted) + "' in the string, but it is not there");
    return int64_t(-1);
  }
  return stretch.offset + static_cast<int64_t>(charCount(stretch.text.substr(0, at)));
}

Value startsOrEnds(const Value &self, Arguments &arguments, const char *name, bool end) {
  Bound bound(std::string("'") + name + "'", arguments, {"prefix", "start", "end"});
  const Value &wanted = bound.need(0);
  const Stretch stretch = stretchOf(self, bound);
  auto matches = [&](const Value &each) {
    const std::string &affix = textOf(name, each);
    return !stretch.empty && (end ? stretch.text.ends_with(affix) : stretch.text.starts_with(affix));
  };
  if (!wanted.is(Kind::Tuple))
    return matches(wanted);
  for (const Value &each : wanted.items())
    if (matches(each))
      return true;
  return false;
}

size_t countOf(std::string_view text, const std::string &wanted) {
  if (wanted.empty())
    return charCount(text) + 1;
  size_t count = 0;
  for (size_t at = 0; (at = text.find(wanted, at)) != text.npos; at += wanted.size())
    ++count;
  return count;
}

std::string replaced(std::string_view text, const std::string &from, const std::string &to, int64_t times) {
  std::string out;
  times = times < 0 ? INT64_MAX : times;
  size_t start = 0, size = 0;
  if (from.empty()) {
    for (; times > 0; --times) {
      out += to;
      if (start == text.size())
        return out;
      firstChar(text.substr(start), size);
      out += text.substr(start, size);
      start += size;
    }
    return out += text.substr(start);
  }
  for (size_t found; times > 0 && (found = text.find(from, start)) != text.npos; --times, start = found + from.size())
    out.append(text.substr(start, found - start)).append(to);
  return out += text.substr(start);
}

Value isAll(const Value &self, Arguments &arguments, const char *name, bool (*test)(uint32_t), bool empty = false) {
  noMethodArguments(name, arguments);
  size_t size = 0;
  for (std::string_view rest = self.text(); !rest.empty(); rest.remove_prefix(size))
    if (!test(firstChar(rest, size)))
      return false;
  return empty || !self.text().empty();
}

bool isAlphanumeric(uint32_t code) { return isAlpha(code) || isDecimal(code) || isDigit(code) || isNumeric(code); }

std::string titled(std::string_view text) {
  std::string out;
  bool inside = false;
  for (size_t at = 0, size = 0; at < text.size(); at += size) {
    const uint32_t code = firstChar(text.substr(at), size);
    if (inside)
      appendLower(text.substr(0, at), text.substr(at), out);
    else
      appendCase(code, Case::Title, out);
    inside = isCased(code);
  }
  return out;
}

bool isTitled(std::string_view text) {
  bool inside = false, any = false;
  for (size_t size = 0; !text.empty(); text.remove_prefix(size)) {
    const uint32_t code = firstChar(text, size);
    const bool begins = isUpper(code) || isTitle(code);
    if ((begins && inside) || (isLower(code) && !inside))
      return false;
    inside = isCased(code);
    any |= inside;
  }
  return any;
}

std::string capitalized(std::string_view text) {
  std::string out;
  for (size_t at = 0, size = 0; at < text.size(); at += size) {
    const uint32_t code = firstChar(text.substr(at), size);
    if (at == 0)
      appendCase(code, Case::Title, out);
    else
      appendLower(text.substr(0, at), text.substr(at), out);
  }
  return out;
}

std::string caseSwapped(std::string_view text) {
  std::string out;
  for (size_t at = 0, size = 0; at < text.size(); at += size) {
    const uint32_t code = firstChar(text.substr(at), size);
    if (isUpper(code))
      appendLower(text.substr(0, at), text.substr(at), out);
    else if (isLower(code))
      appendCase(code, Case::Upper, out);
    else
      out += text.substr(at, size);
  }
  return out;
}

Value aligned(Renderer &renderer, const Value &self, Arguments &arguments, const char *name, char to) {
  Bound bound(std::string("'") + name + "'", arguments, {"width", "fillchar"});
  const Value &asked = bound.need(0);
  const int64_t width = bound.whole(0, 0);
  const std::string fill = bound.text(1, " ");
  (void)asked;
  if (charCount(fill) != 1)
    fail(std::string("'") + name + "' expects one character to fill with, but found '" + shown(fill) + "'");
  const auto length = static_cast<int64_t>(charCount(self.text()));
  if (width <= length)
    return self;
  const int64_t missing = width - length;
  renderer.produce(static_cast<size_t>(missing) * fill.size());
  // Where it cannot be even, the greater part stands at the left for odd widths, as in Python.
  const int64_t left = to == '>' ? missing : to == '<' ? 0 : missing / 2 + (missing & width & 1);
  std::string out;
  for (int64_t i = 0; i < left; ++i)
    out += fill;
  out += self.text();
  for (int64_t i = left; i < missing; ++i)
    out += fill;
  return like(renderer, self, std::move(out));
}

Value parted(const Value &self, Arguments &arguments, const char *name, bool last) {
  Bound bound(std::string("'") + name + "'", arguments, {"sep"});
  const std::string &separator = textOf(name, bound.need(0)), &text = self.text();
  if (separator.empty())
    fail(std::string("'") + name + "' expects a separator that is not empty, but it is");
  const size_t at = last ? text.rfind(separator) : text.find(separator);
  if (at == text.npos)
    return last ? Value::tuple({Value(""), Value(""), self}) : Value::tuple({self, Value(""), Value("")});
  return Value::tuple({Value(text.substr(0, at)), Value(separator), Value(text.substr(at + separator.size()))});
}

Value joinedBy(Renderer &renderer, const Value &self, Arguments &arguments) {
  Bound bound("'join'", arguments, {"iterable"});
  std::string out;
  bool first = true;
  for (const Value &each : renderer.listOf(bound.need(0))) {
    if (!std::exchange(first, false))
      out += self.text();
    out += textOf("join", each);
    if (out.size() > (size_t(1) << 20))
      renderer.produce(0);
  }
  return renderer.text(std::move(out));
}

/// A text as wide as asked, zeros between its sign and its digits.
Value zeroFilled(Renderer &renderer, const Value &self, Arguments &arguments) {
  Bound bound("'zfill'", arguments, {"width"});
  bound.need(0);
  const int64_t missing = bound.whole(0, 0) - static_cast<int64_t>(charCount(self.text()));
  if (missing <= 0)
    return self;
  renderer.produce(static_cast<size_t>(missing));
  const std::string &text = self.text();
  const size_t head = !text.empty() && (text[0] == '-' || text[0] == '+');
  return renderer.text(text.substr(0, head) + std::string(static_cast<size_t>(missing), '0') + text.substr(head));
}

#define QUOIN_METHOD(name, ...)                                                                                        \
  {name, [](Renderer &renderer, const Value &self, Arguments &arguments) -> Value {                                    \
     (void)renderer;                                                                                                   \
     __VA_ARGS__;                                                                                                      \
   }}
#define QUOIN_WITHOUT(name, expression) QUOIN_METHOD(name, noMethodArguments(name, arguments); return expression)

const MethodEntry textMethods[] = {
    QUOIN_METHOD("strip", return stripped(renderer, self, arguments, "strip", true, true)),
    QUOIN_METHOD("lstrip", return stripped(renderer, self, arguments, "lstrip", true, false)),
    QUOIN_METHOD("rstrip", return stripped(renderer, self, arguments, "rstrip", false, true)),
    QUOIN_METHOD("split", return splitAt(renderer, self, arguments, false)),
    QUOIN_METHOD("rsplit", return splitAt(renderer, self, arguments, true)),
    QUOIN_METHOD(
        "splitlines", Bound bound("'splitlines'", arguments, {"keepends"}); std::vector<Value> lines;
        for (std::string_view line : splitLines(self.text(), bound.truth(0, false))) {
          renderer.step();
          lines.emplace_back(line);
        } return Value::list(std::move(lines))),
    QUOIN_METHOD("startswith", return startsOrEnds(self, arguments, "startswith", false)),
    QUOIN_METHOD("endswith", return startsOrEnds(self, arguments, "endswith", true)),
    QUOIN_METHOD("find", return found(self, arguments, "find", false, false)),
    QUOIN_METHOD("rfind", return found(self, arguments, "rfind", true, false)),
    QUOIN_METHOD("index", return found(self, arguments, "index", false, true)),
    QUOIN_METHOD("rindex", return found(self, arguments, "rindex", true, true)),
    QUOIN_METHOD("count", Bound bound("'count'", arguments, {"sub", "start", "end"});
                 const std::string &wanted = textOf("count", bound.need(0));
                 const Stretch stretch = stretchOf(self, bound);
                 return stretch.empty ? int64_t(0) : static_cast<int64_t>(countOf(stretch.text, wanted))),
    QUOIN_METHOD("replace", Bound bound("'replace'", arguments, {"old", "new", "count"});
                 const std::string &from = textOf("replace", bound.need(0)), &to = textOf("replace", bound.need(1));
                 // What it could come to at most, so that it is refused before it is made.
                 renderer.produce(countOf(self.text(), from) * (to.size() > from.size() ? to.size() - from.size() : 0));
                 return like(renderer, self, replaced(self.text(), from, to, bound.whole(2, -1)))),
    QUOIN_WITHOUT("upper", like(renderer, self, toUpper(self.text()))),
    QUOIN_WITHOUT("lower", like(renderer, self, toLower(self.text()))),
    QUOIN_WITHOUT("title", like(renderer, self, titled(self.text()))),
    QUOIN_WITHOUT("capitalize", like(renderer, self, capitalized(self.text()))),
    QUOIN_WITHOUT("swapcase", like(renderer, self, caseSwapped(self.text()))),
    QUOIN_METHOD("join", return joinedBy(renderer, self, arguments)),
    QUOIN_METHOD("format", return renderer.text(formatBraces(renderer, self.text(), arguments))),
    QUOIN_METHOD("removeprefix", Bound bound("'removeprefix'", arguments, {"prefix"});
                 const std::string &affix = textOf("removeprefix", bound.need(0));
                 return self.text().starts_with(affix) ? renderer.text(self.text().substr(affix.size())) : self),
    QUOIN_METHOD("removesuffix", Bound bound("'removesuffix'", arguments, {"suffix"});
                 const std::string &affix = textOf("removesuffix", bound.need(0));
                 return self.text().ends_with(affix)
                            ? renderer.text(self.text().substr(0, self.text().size() - affix.size()))
                            : self),
    QUOIN_METHOD("partition", return parted(self, arguments, "partition", false)),
    QUOIN_METHOD("rpartition", return parted(self, arguments, "rpartition", true)),
    QUOIN_METHOD("center", return aligned(renderer, self, arguments, "center", '^')),
    QUOIN_METHOD("ljust", return aligned(renderer, self, arguments, "ljust", '<')),
    QUOIN_METHOD("rjust", return aligned(renderer, self, arguments, "rjust", '>')),
    QUOIN_METHOD("zfill", return zeroFilled(renderer, self, arguments)),
    QUOIN_METHOD("isalpha", return isAll(self, arguments, "isalpha", isAlpha)),
    QUOIN_METHOD("isalnum", return isAll(self, arguments, "isalnum", isAlphanumeric)),
    QUOIN_METHOD("isdigit", return isAll(self, arguments, "isdigit", isDigit)),
    QUOIN_METHOD("isdecimal", return isAll(self, arguments, "isdecimal", isDecimal)),
    QUOIN_METHOD("isnumeric", return isAll(self, arguments, "isnumeric", isNumeric)),
    QUOIN_METHOD("isspace", return isAll(self, arguments, "isspace", isSpace)),
    QUOIN_METHOD("isprintable", return isAll(self, arguments, "isprintable", isPrintable, true)),
    QUOIN_METHOD("isascii", return isAll(
                                self, arguments, "isascii", [](uint32_t code) { return code < 0x80; }, true)),
    QUOIN_METHOD("islower", return renderer.test("lower", self, arguments)),
    QUOIN_METHOD("isupper", return renderer.test("upper", self, arguments)),
    QUOIN_WITHOUT("istitle", isTitled(self.text())),
};

//===----------------------------------------------------------------------===//
// Dicts and lists
//===----------------------------------------------------------------------===//

Value viewOf(const Value &self, View::What what) {
  auto made = std::make_shared<View>();
  made->depth = nest(self);
  made->what = what;
  made->dict = self;
  return Value(Kind::View, std::move(made));
}

const MethodEntry dictMethods[] = {
    QUOIN_METHOD("get", Bound bound("'get'", arguments, {"key", "default"});
                 const Value *entry = self.as<Dict>().find(bound.need(0)); return entry      ? *entry
                                                                                  : bound[1] ? *bound[1]
                                                                                             : Value::none()),
    QUOIN_WITHOUT("keys", viewOf(self, View::Keys)),
    QUOIN_WITHOUT("values", viewOf(self, View::Values)),
    QUOIN_WITHOUT("items", viewOf(self, View::Items)),
    QUOIN_WITHOUT("copy", self),
};

const MethodEntry listMethods[] = {
    QUOIN_METHOD(
        "index", Bound bound("'index'", arguments, {"value"}); const Value &wanted = bound.need(0);
        for (size_t i = 0; i < self.items().size(); ++i) {
          renderer.step();
          if (equal(self.items()[i], wanted))
            return static_cast<int64_t>(i);
        } fail("'index' expects the value in the list, but it is not there")),
    QUOIN_METHOD(
        "count", Bound bound("'count'", arguments, {"value"}); const Value &wanted = bound.need(0); int64_t count = 0;
        for (const Value &each : self.items()) {
          renderer.step();
          count += equal(each, wanted);
        } return count),
    QUOIN_WITHOUT("copy", self),
};

/// What Python's types have besides. `changes`: refused by the sandbox, too.
struct Unknown {
  Kind kind;
  bool changes;
  std::initializer_list<const char *> names;
};
const Unknown unknown[] = {
    {Kind::String, false, {"casefold", "encode", "expandtabs", "format_map", "isidentifier", "maketrans", "translate"}},
    {Kind::Dict, true, {"clear", "pop", "popitem", "setdefault", "update"}},
    {Kind::Dict, false, {"fromkeys"}},
    {Kind::List, true, {"append", "clear", "extend", "insert", "pop", "remove", "reverse", "sort"}},
    {Kind::Int,
     false,
     {"real", "imag", "numerator", "denominator", "conjugate", "bit_length", "bit_count", "to_bytes", "from_bytes",
      "as_integer_ratio"}},
    {Kind::Float, false, {"real", "imag", "conjugate", "as_integer_ratio", "is_integer", "hex", "fromhex"}},
    {Kind::Range, false, {"start", "stop", "step", "index", "count"}},
    {Kind::View, false, {"isdisjoint", "mapping"}},
};

} // namespace

Value quoin::jinja::method(Renderer &, const Value &self, const std::string &name) {
  const MethodEntry *first = nullptr, *last = nullptr;
  if (self.is(Kind::String)) {
    first = std::begin(textMethods);
    last = std::end(textMethods);
  } else if (self.is(Kind::Dict)) {
    first = std::begin(dictMethods);
    last = std::end(dictMethods);
  } else if (self.isSequence()) {
    first = std::begin(listMethods);
    last = std::end(listMethods);
  }
  for (const MethodEntry *each = first; each != last; ++each) {
    if (name != each->name || (self.is(Kind::Tuple) && name == "copy"))
      continue;
    return makeFunction(
        name,
        [self, function = each->function](Renderer &at, Arguments &arguments) { return function(at, self, arguments); },
        self);
  }
  const Kind kind = self.is(Kind::Bool) ? Kind::Int : self.kind();
  for (const Unknown &each : unknown)
    for (const char *known : each.names) {
      if (each.kind != kind || name != known)
        continue;
      if (each.changes)
        return Value::undefined(std::string("expects lists and dicts to stay as they are, but '") + name +
                                "' would change " + self.kindName());
      fail("the method '" + name + "' of " + self.kindName() + " is not supported");
    }
  return Value();
}
