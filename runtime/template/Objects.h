// Objects.h - the values that are more than data: dicts, views, iterators, functions, namespaces, loops.

#ifndef QUOIN_RUNTIME_TEMPLATE_OBJECTS_H
#define QUOIN_RUNTIME_TEMPLATE_OBJECTS_H

#include "runtime/template/Value.h"

#include <functional>
#include <optional>
#include <unordered_map>
#include <utility>

namespace quoin::jinja {

/// In the order of insertion. Keys are what Python can hash: texts, numbers, None and tuples of them.
struct Dict : Object {
  std::vector<std::pair<Value, Value>> entries;

  const Value *find(const Value &key) const;
  const Value *find(std::string_view key) const;
  /// Sets or replaces; a key keeps its place and first spelling.
  void set(const Value &key, Value value);

private:
  std::unordered_map<std::string, size_t> places;
};

struct Range : Object {
  int64_t start = 0, stop = 0, step = 1, size = 0;
  Value at(int64_t index) const { return Value(start + index * step); }
};

struct View : Object {
  enum What { Keys, Values, Items } what = Keys;
  Value dict;
  Value at(size_t index) const;
};

/// Gives the next item, or nothing.
using Next = std::function<std::optional<Value>()>;
struct Iterator : Object {
  Next next;
};

/// What a call passes.
struct Arguments {
  std::vector<Value> positional;
  std::vector<std::pair<std::string, Value>> named;
};

class Renderer;
struct Function : Object {
  std::string name;
  std::function<Value(Renderer &, Arguments &)> call;
};

struct Namespace : Object {
  std::vector<std::pair<std::string, Value>> entries;
  const Value *find(std::string_view name) const;
};

/// `loop`, which reads ahead only as far as it is asked to, as the items may depend on what the body does.
struct Loop : Object {
  Value source;
  Next next;
  int64_t index0 = -1, depth0 = 0;
  std::optional<Value> before, current, after, changed;
  std::optional<int64_t> length;
  /// Renders the loop's body over other items; only where the loop is `recursive`.
  std::function<Value(Renderer &, const Value &)> recurse;

  std::optional<Value> advance();
  const std::optional<Value> &peek();
  int64_t size();
};

Value makeDict(std::vector<std::pair<Value, Value>> entries);
Value makeIterator(const Value &source, Next next);
Value makeFunction(std::string name, std::function<Value(Renderer &, Arguments &)> call, const Value &self = Value());

/// Python's `len`; nothing for what has none.
std::optional<int64_t> lengthOf(const Value &value);
/// Python's `iter`; fails for what cannot be iterated over.
Next iterate(const Value &value);
bool isIterable(const Value &value);

} // namespace quoin::jinja

#endif // QUOIN_RUNTIME_TEMPLATE_OBJECTS_H
