// Objects.cpp - dicts by a canonical spelling of their keys, and everything that can be iterated over.

#include "runtime/template/Objects.h"
#include "runtime/template/Text.h"

#include <cmath>

using namespace quoin::jinja;

//===----------------------------------------------------------------------===//
// Dicts
//===----------------------------------------------------------------------===//

/// Equal for equal keys and only for these.
static void appendKey(const Value &key, std::string &out) {
  switch (key.kind()) {
  case Kind::String:
    out += 's' + std::to_string(key.text().size()) + ':' + key.text();
    return;
  case Kind::Bool:
  case Kind::Int:
    out += 'n' + std::to_string(key.whole());
    return;
  case Kind::Float: {
    const double value = key.floating();
    if (value == std::floor(value) && std::fabs(value) < 9e18)
      out += 'n' + std::to_string(static_cast<int64_t>(value));
    else
      out += 'f' + floatText(value);
    return;
  }
  case Kind::None:
    out += 'z';
    return;
  case Kind::Undefined:
    out += 'u';
    return;
  case Kind::Tuple:
    out += 't' + std::to_string(key.items().size());
    for (const Value &item : key.items())
      appendKey(item, out);
    return;
  default:
    fail(std::string("expects a key that can be hashed, but found ") + key.kindName());
  }
}

static std::string spell(const Value &key) {
  std::string out;
  appendKey(key, out);
  return out;
}

const Value *Dict::find(const Value &key) const {
  auto found = places.find(spell(key));
  return found == places.end() ? nullptr : &entries[found->second].second;
}

const Value *Dict::find(std::string_view key) const {
  std::string spelling = 's' + std::to_string(key.size()) + ':';
  spelling += key;
  auto found = places.find(spelling);
  return found == places.end() ? nullptr : &entries[found->second].second;
}

void Dict::set(const Value &key, Value value) {
  depth = std::max(nest(key, std::max(depth, 1)), nest(value));
  auto [place, isNew] = places.emplace(spell(key), entries.size());
  if (isNew)
    entries.emplace_back(key, std::move(value));
  else
    entries[place->second].second = std::move(value);
}

Value quoin::jinja::makeDict(std::vector<std::pair<Value, Value>> entries) {
  auto made = std::make_shared<Dict>();
  for (auto &[key, value] : entries)
    made->set(key, std::move(value));
  return Value(Kind::Dict, std::move(made));
}

Value View::at(size_t index) const {
  const auto &[key, value] = dict.as<Dict>().entries[index];
  if (what == Items)
    return Value::tuple({key, value});
  return what == Keys ? key : value;
}

const Value *Namespace::find(std::string_view name) const {
  for (const auto &[key, value] : entries)
    if (key == name)
      return &value;
  return nullptr;
}

//===----------------------------------------------------------------------===//
// Iterating
//===----------------------------------------------------------------------===//

Value quoin::jinja::makeIterator(const Value &source, Next next) {
  auto made = std::make_shared<Iterator>();
  made->depth = nest(source);
  made->next = std::move(next);
  return Value(Kind::Iterator, std::move(made));
}

Value quoin::jinja::makeFunction(std::string name, std::function<Value(Renderer &, Arguments &)> call,
                                 const Value &self) {
  auto made = std::make_shared<Function>();
  made->depth = nest(self);
  made->name = std::move(name);
  made->call = std::move(call);
  return Value(Kind::Function, std::move(made));
}

std::optional<int64_t> quoin::jinja::lengthOf(const Value &value) {
  switch (value.kind()) {
  case Kind::Undefined:
    return 0;
  case Kind::String:
    return static_cast<int64_t>(charCount(value.text()));
  case Kind::List:
  case Kind::Tuple:
    return static_cast<int64_t>(value.items().size());
  case Kind::Dict:
    return static_cast<int64_t>(value.as<Dict>().entries.size());
  case Kind::View:
    return static_cast<int64_t>(value.as<View>().dict.as<Dict>().entries.size());
  case Kind::Range:
    return value.as<Range>().size;
  case Kind::Loop:
    return value.as<Loop>().size();
  default:
    return std::nullopt;
  }
}

bool quoin::jinja::isIterable(const Value &value) { return lengthOf(value).has_value() || value.is(Kind::Iterator); }

/// Counts through `size` items of what `value` keeps alive.
template <typename At> static Next counted(const Value &value, size_t size, At at) {
  return [value, size, at, index = size_t(0)]() mutable -> std::optional<Value> {
    if (index == size)
      return std::nullopt;
    return at(value, index++);
  };
}

Next quoin::jinja::iterate(const Value &value) {
  switch (value.kind()) {
  case Kind::Undefined:
    return [] { return std::nullopt; };
  case Kind::String:
    return [value, at = size_t(0)]() mutable -> std::optional<Value> {
      const std::string &text = value.text();
      if (at == text.size())
        return std::nullopt;
      size_t size = 0;
      firstChar(std::string_view(text).substr(at), size);
      Value item(text.substr(at, size));
      at += size;
      return item;
    };
  case Kind::List:
  case Kind::Tuple:
    return counted(value, value.items().size(), [](const Value &from, size_t i) { return from.items()[i]; });
  case Kind::Dict:
    return counted(value, value.as<Dict>().entries.size(),
                   [](const Value &from, size_t i) { return from.as<Dict>().entries[i].first; });
  case Kind::View:
    return counted(value, value.as<View>().dict.as<Dict>().entries.size(),
                   [](const Value &from, size_t i) { return from.as<View>().at(i); });
  case Kind::Range:
    return counted(value, static_cast<size_t>(value.as<Range>().size),
                   [](const Value &from, size_t i) { return from.as<Range>().at(static_cast<int64_t>(i)); });
  case Kind::Iterator:
    return [value] { return value.as<Iterator>().next(); };
  default:
    fail(std::string("expects something to iterate over, but found ") + value.kindName());
  }
}

std::optional<Value> Loop::advance() {
  std::optional<Value> item = after ? std::move(after) : next();
  after.reset();
  if (item) {
    ++index0;
    before = std::move(current);
    current = item;
  }
  return item;
}

const std::optional<Value> &Loop::peek() {
  if (!after)
    after = next();
  return after;
}

int64_t Loop::size() {
  if (length)
    return *length;
  if (std::optional<int64_t> known = source.is(Kind::Loop) ? std::nullopt : lengthOf(source))
    return *(length = known);
  std::vector<Value> rest;
  while (std::optional<Value> item = next())
    rest.push_back(std::move(*item));
  length = static_cast<int64_t>(rest.size()) + index0 + 1 + (after ? 1 : 0);
  next = iterate(Value::list(std::move(rest)));
  return *length;
}
