// Functions.cpp - the functions every template finds, those of Jinja and those of `transformers`; and how arguments
// meet parameters.

#include "runtime/template/Renderer.h"
#include "runtime/template/Text.h"

#include <algorithm>

using namespace quoin::jinja;

//===----------------------------------------------------------------------===//
// Arguments
//===----------------------------------------------------------------------===//

Bound::Bound(const std::string &what, Arguments &arguments, std::initializer_list<const char *> names)
    : what(what), names(names), found(names.size()) {
  if (arguments.positional.size() > names.size())
    fail(what + " expects at most " + std::to_string(names.size()) + " arguments, but found " +
         std::to_string(arguments.positional.size()));
  for (size_t i = 0; i < arguments.positional.size(); ++i)
    found[i] = &arguments.positional[i];
  for (const auto &[name, value] : arguments.named) {
    auto known = std::find_if(names.begin(), names.end(), [&](const char *each) { return name == each; });
    if (known == names.end())
      fail(what + " expects no argument '" + shown(name) + "', but it is given");
    const auto index = static_cast<size_t>(known - names.begin());
    if (found[index])
      fail(what + " expects '" + shown(name) + "' once, but found it twice");
    found[index] = &value;
  }
}

const Value &Bound::need(size_t index) const {
  if (!found[index])
    fail(what + " expects '" + names[index] + "', but it is not given");
  return *found[index];
}

int64_t Bound::whole(size_t index, int64_t otherwise) const {
  if (!found[index])
    return otherwise;
  if (!found[index]->isWhole())
    fail(what + " expects an integer as '" + names[index] + "', but found " + found[index]->kindName());
  return found[index]->whole();
}

std::string Bound::text(size_t index, std::string otherwise) const {
  if (!given(index))
    return otherwise;
  if (!found[index]->is(Kind::String))
    fail(what + " expects a string as '" + names[index] + "', but found " + found[index]->kindName());
  return found[index]->text();
}

//===----------------------------------------------------------------------===//
// Functions
//===----------------------------------------------------------------------===//

static Value makeRange(Renderer &, Arguments &arguments) {
  // As the sandbox of Jinja has it.
  constexpr int64_t largest = 100000;
  Bound bound("the function 'range'", arguments, {"start", "stop", "step"});
  if (arguments.positional.empty() || !arguments.named.empty())
    fail("the function 'range' expects one to three integers, but found others");
  int64_t start = bound.whole(0, 0), stop = bound.whole(1, 0), step = bound.whole(2, 1);
  if (arguments.positional.size() == 1)
    std::swap(start, stop);
  if (step == 0)
    fail("the function 'range' expects a step that is not 0, but found 0");
  auto made = std::make_shared<Range>();
  made->start = start;
  made->stop = stop;
  made->step = step;
  if (step > 0 ? start < stop : start > stop) {
    // The distance as an unsigned number cannot overflow.
    const uint64_t distance = step > 0 ? uint64_t(stop) - uint64_t(start) : uint64_t(start) - uint64_t(stop);
    const uint64_t stride = step > 0 ? uint64_t(step) : uint64_t(0) - uint64_t(step);
    const uint64_t size = (distance - 1) / stride + 1;
    if (size > uint64_t(largest))
      fail("the function 'range' expects at most " + std::to_string(largest) + " numbers, but they are " +
           std::to_string(size));
    made->size = static_cast<int64_t>(size);
  }
  return Value(Kind::Range, std::move(made));
}

/// The items of what `dict` and `namespace` are given.
static std::vector<std::pair<Value, Value>> entries(Renderer &renderer, const char *what, Arguments &arguments) {
  std::vector<std::pair<Value, Value>> made;
  if (arguments.positional.size() > 1)
    fail(std::string(what) + " expects at most one argument without a name, but found " +
         std::to_string(arguments.positional.size()));
  if (!arguments.positional.empty()) {
    const Value &from = arguments.positional[0];
    if (from.is(Kind::Dict)) {
      made = from.as<Dict>().entries;
    } else {
      for (const Value &pair : renderer.listOf(from)) {
        std::vector<Value> both = renderer.listOf(pair);
        if (both.size() != 2)
          fail(std::string(what) + " expects pairs, but found " + std::to_string(both.size()) + " items together");
        made.emplace_back(std::move(both[0]), std::move(both[1]));
      }
    }
  }
  for (auto &[name, value] : arguments.named)
    made.emplace_back(Value(name), std::move(value));
  renderer.step(static_cast<int64_t>(made.size()));
  return made;
}

static Value makeDictOf(Renderer &renderer, Arguments &arguments) {
  return makeDict(entries(renderer, "the function 'dict'", arguments));
}

static Value makeNamespaceOf(Renderer &renderer, Arguments &arguments) {
  Namespace &made = renderer.makeNamespace();
  Value unique = makeDict(entries(renderer, "the function 'namespace'", arguments));
  for (const auto &[key, value] : unique.as<Dict>().entries) {
    if (!key.is(Kind::String) || key.text().starts_with('_'))
      fail("the function 'namespace' expects names without an underscore at their beginning, but found '" +
           shown(str(key)) + "'");
    made.entries.emplace_back(key.text(), value);
  }
  return Value(Kind::Namespace, &made);
}

static Value raiseException(Renderer &, Arguments &arguments) {
  Bound bound("the function 'raise_exception'", arguments, {"message"});
  fail("the template refuses: " + shown(str(bound.need(0)), 400));
}

static Value timeText(Renderer &renderer, Arguments &arguments) {
  Bound bound("the function 'strftime_now'", arguments, {"format"});
  bound.need(0);
  const std::string format = bound.text(0, "");
  const std::time_t now = renderer.now();
  std::tm local = {};
  localtime_r(&now, &local);
  std::string out;
  // One directive at a time, as a text of no characters and one that does not fit look the same.
  for (size_t i = 0; i < format.size(); ++i) {
    if (format[i] != '%' || i + 1 == format.size()) {
      out += format[i];
      continue;
    }
    size_t end = i + 1;
    while (end + 1 < format.size() && std::string_view("-_0^#EO").find(format[end]) != std::string_view::npos)
      ++end;
    const std::string directive = format.substr(i, end + 1 - i);
    char buffer[128];
    if (format[end] == 'f')
      out += "000000";
    else if (format[end] != 'z' && format[end] != 'Z') // Python's `now()` knows of no zone
      out.append(buffer, std::strftime(buffer, sizeof(buffer), directive.c_str(), &local));
    i = end;
  }
  return renderer.text(std::move(out));
}

/// A function that gives nothing the first time it is called, and then its separator.
static Value makeJoiner(Renderer &, Arguments &arguments) {
  Bound bound("the function 'joiner'", arguments, {"sep"});
  return makeFunction("joiner",
                      [separator = Value(bound.text(0, ", ")), used = false](Renderer &, Arguments &) mutable {
                        return std::exchange(used, true) ? separator : Value("");
                      });
}

Value quoin::jinja::globalFunction(const std::string &name) {
  static const std::pair<const char *, Value (*)(Renderer &, Arguments &)> functions[] = {
      {"range", makeRange},           {"dict", makeDictOf},
      {"namespace", makeNamespaceOf}, {"raise_exception", raiseException},
      {"strftime_now", timeText},     {"joiner", makeJoiner}};
  for (const auto &[known, function] : functions)
    if (name == known)
      return makeFunction(name, function);
  for (const char *known : {"lipsum", "cycler"})
    if (name == known)
      fail("the function '" + name + "' is not supported");
  return Value();
}
