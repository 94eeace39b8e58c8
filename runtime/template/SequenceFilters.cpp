// SequenceFilters.cpp - filters of what can be iterated over. Those that give a generator in Jinja give one here, as a
// template can tell: it is always true, has no length and is used up by the first loop.

#include "runtime/template/MergeSort.h"
#include "runtime/template/Renderer.h"
#include "runtime/template/Text.h"

#include <algorithm>

using namespace quoin::jinja;

namespace {

/// The parts of "a.b.0": numbers are indices.
std::vector<Value> pathOf(const Value &attribute) {
  std::vector<Value> parts;
  if (attribute.is(Kind::None) || attribute.is(Kind::Undefined))
    return parts;
  if (!attribute.is(Kind::String))
    return {attribute};
  std::string_view rest = attribute.text();
  for (;;) {
    const size_t dot = rest.find('.');
    const std::string_view part = rest.substr(0, dot);
    int64_t number = 0;
    bool digits = !part.empty() && part.size() < 18;
    for (char c : part) {
      digits &= c >= '0' && c <= '9';
      number = digits ? number * 10 + (c - '0') : 0;
    }
    parts.push_back(digits ? Value(number) : Value(part));
    if (dot == rest.npos)
      return parts;
    rest.remove_prefix(dot + 1);
  }
}

Value reach(Renderer &renderer, Value value, const std::vector<Value> &path, const Value *otherwise = nullptr) {
  for (const Value &part : path) {
    value = renderer.item(value, part);
    if (otherwise && value.is(Kind::Undefined))
      value = *otherwise;
  }
  return value;
}

/// What sorting and grouping compare: texts without their case, unless it counts.
Value keyOf(Renderer &renderer, const Value &value, const std::vector<Value> &path, bool caseCounts) {
  Value key = reach(renderer, value, path);
  return key.is(Kind::String) && !caseCounts ? renderer.text(toLower(key.text())) : key;
}

/// Sorts `items` by their keys; equal ones keep their order, also in reverse.
std::vector<Value> sorted(Renderer &renderer, std::vector<std::pair<Value, Value>> keyed, bool reverse) {
  mergeSort(keyed, [&](const auto &a, const auto &b) {
    renderer.step();
    return reverse ? less(b.first, a.first) : less(a.first, b.first);
  });
  std::vector<Value> items;
  for (auto &[key, item] : keyed)
    items.push_back(std::move(item));
  return items;
}

Value sortFilter(Renderer &renderer, const Value &value, Arguments &arguments) {
  Bound bound("the filter 'sort'", arguments, {"reverse", "case_sensitive", "attribute"});
  // Several attributes, "a,b", are compared one after the other.
  std::vector<std::vector<Value>> paths;
  if (bound[2] && bound[2]->is(Kind::String)) {
    std::string_view rest = bound[2]->text();
    for (size_t comma = 0; comma != rest.npos; rest.remove_prefix(comma == rest.npos ? rest.size() : comma + 1)) {
      comma = rest.find(',');
      paths.push_back(pathOf(Value(rest.substr(0, comma))));
    }
  } else {
    paths.push_back(pathOf(bound[2] ? *bound[2] : Value::none()));
  }
  std::vector<std::pair<Value, Value>> keyed;
  for (Value &item : renderer.listOf(value)) {
    std::vector<Value> keys;
    for (const auto &path : paths)
      keys.push_back(keyOf(renderer, item, path, bound.truth(1, false)));
    keyed.emplace_back(Value::list(std::move(keys)), std::move(item));
  }
  return Value::list(sorted(renderer, std::move(keyed), bound.truth(0, false)));
}

Value dictSort(Renderer &renderer, const Value &value, Arguments &arguments) {
  Bound bound("the filter 'dictsort'", arguments, {"case_sensitive", "by", "reverse"});
  if (!value.is(Kind::Dict))
    fail(std::string("the filter 'dictsort' expects a dict, but found ") + value.kindName());
  const std::string by = bound.text(1, "key");
  if (by != "key" && by != "value")
    fail("the filter 'dictsort' expects 'key' or 'value', but found '" + shown(by) + "'");
  std::vector<std::pair<Value, Value>> keyed;
  for (const auto &[key, item] : value.as<Dict>().entries)
    keyed.emplace_back(keyOf(renderer, by == "key" ? key : item, {}, bound.truth(0, false)), Value::tuple({key, item}));
  return Value::list(sorted(renderer, std::move(keyed), bound.truth(2, false)));
}

Value extreme(Renderer &renderer, const Value &value, Arguments &arguments, bool largest) {
  Bound bound(largest ? "the filter 'max'" : "the filter 'min'", arguments, {"case_sensitive", "attribute"});
  const std::vector<Value> path = pathOf(bound[1] ? *bound[1] : Value::none());
  std::optional<Value> best, bestKey;
  for (Value &item : renderer.listOf(value)) {
    Value key = keyOf(renderer, item, path, bound.truth(0, false));
    if (best && !(largest ? less(*bestKey, key) : less(key, *bestKey)))
      continue;
    best = std::move(item);
    bestKey = std::move(key);
  }
  return best ? *best : Value::undefined("no aggregated item, as the sequence was empty");
}

/// `change` of each item, when it is asked for.
template <typename Change> Value mapped(Renderer &renderer, const Value &value, Change change) {
  return makeIterator(value, [&renderer, next = iterate(value), change]() -> std::optional<Value> {
    std::optional<Value> item = next();
    if (!item)
      return std::nullopt;
    renderer.step();
    return change(*item);
  });
}

/// Those items that `isWanted`, when they are asked for.
template <typename IsWanted> Value kept(Renderer &renderer, const Value &value, IsWanted isWanted) {
  return makeIterator(value, [&renderer, next = iterate(value), isWanted]() -> std::optional<Value> {
    while (std::optional<Value> item = next()) {
      renderer.step();
      if (isWanted(*item))
        return item;
    }
    return std::nullopt;
  });
}

Value unique(Renderer &renderer, const Value &value, Arguments &arguments) {
  Bound bound("the filter 'unique'", arguments, {"case_sensitive", "attribute"});
  const bool caseCounts = bound.truth(0, false);
  return kept(renderer, value,
              [&renderer, caseCounts, seen = std::make_shared<Dict>(),
               path = pathOf(bound[1] ? *bound[1] : Value::none())](const Value &item) {
                const Value key = keyOf(renderer, item, path, caseCounts);
                if (seen->find(key))
                  return false;
                seen->set(key, Value());
                return true;
              });
}

Value groupBy(Renderer &renderer, const Value &value, Arguments &arguments) {
  Bound bound("the filter 'groupby'", arguments, {"attribute", "default", "case_sensitive"});
  const std::vector<Value> path = pathOf(bound.need(0));
  const Value *otherwise = bound.given(1) ? bound[1] : nullptr;
  const bool caseCounts = bound.truth(2, false);
  auto groupOf = [&](const Value &item) {
    Value key = reach(renderer, item, path, otherwise);
    return key.is(Kind::String) && !caseCounts ? renderer.text(toLower(key.text())) : key;
  };
  std::vector<std::pair<Value, Value>> keyed;
  for (Value &item : renderer.listOf(value)) {
    Value key = groupOf(item);
    keyed.emplace_back(std::move(key), std::move(item));
  }
  const std::vector<Value> items = sorted(renderer, std::move(keyed), false);
  std::vector<Value> groups;
  for (size_t i = 0; i < items.size();) {
    const Value key = groupOf(items[i]), spelled = reach(renderer, items[i], path, otherwise);
    std::vector<Value> members;
    for (; i < items.size() && equal(groupOf(items[i]), key); ++i)
      members.push_back(items[i]);
    auto group = std::make_shared<Sequence>();
    group->items = {spelled, Value::list(std::move(members))};
    group->names = {"grouper", "list"};
    group->depth = nest(group->items[1], nest(spelled));
    groups.push_back(Value(Kind::Tuple, std::move(group)));
  }
  return Value::list(std::move(groups));
}

/// Some filters do not look at what is false, whatever it is, nor at their arguments then.
Value nothing() {
  const Value none = Value::list({});
  return makeIterator(none, iterate(none));
}

Value mapFilter(Renderer &renderer, const Value &value, Arguments &arguments) {
  if (!value.truth())
    return nothing();
  if (arguments.positional.empty()) {
    Bound bound("the filter 'map'", arguments, {"attribute", "default"});
    const Value otherwise = bound.given(1) ? *bound[1] : Value();
    return mapped(renderer, value, [&renderer, path = pathOf(bound.need(0)), otherwise](const Value &item) {
      return reach(renderer, item, path, otherwise.is(Kind::Undefined) ? nullptr : &otherwise);
    });
  }
  if (!arguments.positional[0].is(Kind::String))
    fail(std::string("the filter 'map' expects the name of a filter, but found ") + arguments.positional[0].kindName());
  const std::string name = arguments.positional[0].text();
  arguments.positional.erase(arguments.positional.begin());
  return mapped(renderer, value, [&renderer, name, arguments](const Value &item) {
    Arguments copy = arguments;
    return renderer.filter(name, item, copy);
  });
}

Value chosen(Renderer &renderer, const Value &value, Arguments &arguments, const char *name, bool byAttribute,
             bool keep) {
  if (!value.truth())
    return nothing();
  const std::string what = std::string("the filter '") + name + "'";
  std::vector<Value> path;
  Arguments rest = arguments;
  if (byAttribute) {
    if (rest.positional.empty())
      fail(what + " expects the name of an attribute, but found none");
    path = pathOf(rest.positional[0]);
    rest.positional.erase(rest.positional.begin());
  }
  std::string test;
  if (!rest.positional.empty()) {
    if (!rest.positional[0].is(Kind::String))
      fail(what + " expects the name of a test, but found " + rest.positional[0].kindName());
    test = rest.positional[0].text();
    rest.positional.erase(rest.positional.begin());
  }
  return kept(renderer, value, [&renderer, path, test, rest, keep](const Value &item) {
    const Value looked = reach(renderer, item, path);
    Arguments copy = rest;
    return (test.empty() ? looked.truth() : renderer.test(test, looked, copy)) == keep;
  });
}

Value joinFilter(Renderer &renderer, const Value &value, Arguments &arguments) {
  Bound bound("the filter 'join'", arguments, {"d", "attribute"});
  const std::string separator = bound[0] ? str(*bound[0]) : "";
  const std::vector<Value> path = bound.given(1) ? pathOf(*bound[1]) : std::vector<Value>();
  std::string out;
  bool first = true;
  Next next = iterate(value);
  while (std::optional<Value> item = next()) {
    renderer.step();
    const size_t before = out.size();
    if (!std::exchange(first, false))
      out += separator;
    appendStr(reach(renderer, *item, path), out);
    renderer.produce(out.size() - before);
  }
  return Value(std::move(out));
}

Value sumFilter(Renderer &renderer, const Value &value, Arguments &arguments) {
  Bound bound("the filter 'sum'", arguments, {"attribute", "start"});
  const std::vector<Value> path = bound.given(0) ? pathOf(*bound[0]) : std::vector<Value>();
  Value sum = bound[1] ? *bound[1] : Value(int64_t(0));
  for (const Value &item : renderer.listOf(value))
    sum = binary(renderer, "+", sum, reach(renderer, item, path));
  return sum;
}

Value first(Renderer &, const Value &value, Arguments &arguments) {
  noArguments("first", arguments);
  std::optional<Value> item = iterate(value)();
  return item ? *item : Value::undefined("no first item, as the sequence was empty");
}

Value last(Renderer &renderer, const Value &value, Arguments &arguments) {
  noArguments("last", arguments);
  if (value.is(Kind::Iterator))
    fail("the filter 'last' expects something with an end, but found a generator");
  std::vector<Value> items = renderer.listOf(value);
  return items.empty() ? Value::undefined("no last item, as the sequence was empty") : items.back();
}

Value reverse(Renderer &renderer, const Value &value, Arguments &arguments) {
  noArguments("reverse", arguments);
  std::vector<Value> items = renderer.listOf(value);
  std::reverse(items.begin(), items.end());
  if (value.is(Kind::String)) {
    std::string text;
    for (const Value &item : items)
      text += item.text();
    return renderer.text(std::move(text));
  }
  Value list = Value::list(std::move(items));
  // What can be read backwards gives an iterator, the rest a list.
  if (value.is(Kind::Iterator) || value.is(Kind::Undefined))
    return list;
  return makeIterator(list, iterate(list));
}

Value length(Renderer &, const Value &value, Arguments &arguments) {
  noArguments("length", arguments);
  std::optional<int64_t> size = lengthOf(value);
  if (!size)
    fail(std::string("the filter 'length' expects something with a length, but found ") + value.kindName());
  return *size;
}

Value items(Renderer &renderer, const Value &value, Arguments &arguments) {
  noArguments("items", arguments);
  if (value.is(Kind::Undefined))
    return makeIterator(value, iterate(value));
  if (!value.is(Kind::Dict))
    fail(std::string("the filter 'items' expects a dict, but found ") + value.kindName());
  Arguments none;
  const Value view = renderer.call(renderer.attribute(value, "items"), none);
  return makeIterator(view, iterate(view));
}

/// Cuts into lists of `size` items; the last is filled up if `filling` is given.
Value batch(Renderer &renderer, const Value &value, Arguments &arguments) {
  Bound bound("the filter 'batch'", arguments, {"linecount", "fill_with"});
  bound.need(0);
  const int64_t size = bound.whole(0, 1);
  if (size < 1)
    fail("the filter 'batch' expects a size of at least 1, but found " + std::to_string(size));
  std::vector<Value> rows, row;
  for (Value &item : renderer.listOf(value)) {
    if (static_cast<int64_t>(row.size()) == size)
      rows.push_back(Value::list(std::exchange(row, {})));
    row.push_back(std::move(item));
  }
  if (!row.empty()) {
    for (; bound.given(1) && static_cast<int64_t>(row.size()) < size; renderer.step())
      row.push_back(*bound[1]);
    rows.push_back(Value::list(std::move(row)));
  }
  Value list = Value::list(std::move(rows));
  return makeIterator(list, iterate(list));
}

/// Cuts into `slices` lists whose sizes differ by at most one.
Value slices(Renderer &renderer, const Value &value, Arguments &arguments) {
  Bound bound("the filter 'slice'", arguments, {"slices", "fill_with"});
  bound.need(0);
  const int64_t count = bound.whole(0, 1);
  if (count < 1)
    fail("the filter 'slice' expects at least 1 slice, but found " + std::to_string(count));
  const std::vector<Value> all = renderer.listOf(value);
  const int64_t each = static_cast<int64_t>(all.size()) / count, more = static_cast<int64_t>(all.size()) % count;
  std::vector<Value> rows;
  auto at = all.begin();
  for (int64_t i = 0; i < count; ++i) {
    renderer.step();
    const int64_t size = each + (i < more);
    std::vector<Value> row(at, at + size);
    at += size;
    if (bound.given(1) && i >= more)
      row.push_back(*bound[1]);
    rows.push_back(Value::list(std::move(row)));
  }
  Value list = Value::list(std::move(rows));
  return makeIterator(list, iterate(list));
}

#define QUOIN_FILTER(name, ...)                                                                                        \
  {name, [](Renderer &renderer, const Value &value, Arguments &arguments) -> Value { __VA_ARGS__; }}

const FilterEntry sequenceFilters[] = {
    QUOIN_FILTER("list", noArguments("list", arguments); return Value::list(renderer.listOf(value))),
    QUOIN_FILTER("select", return chosen(renderer, value, arguments, "select", false, true)),
    QUOIN_FILTER("reject", return chosen(renderer, value, arguments, "reject", false, false)),
    QUOIN_FILTER("selectattr", return chosen(renderer, value, arguments, "selectattr", true, true)),
    QUOIN_FILTER("rejectattr", return chosen(renderer, value, arguments, "rejectattr", true, false)),
    QUOIN_FILTER("min", return extreme(renderer, value, arguments, false)),
    QUOIN_FILTER("max", return extreme(renderer, value, arguments, true)),
    {"map", mapFilter},
    {"join", joinFilter},
    {"sort", sortFilter},
    {"dictsort", dictSort},
    {"unique", unique},
    {"groupby", groupBy},
    {"sum", sumFilter},
    {"first", first},
    {"last", last},
    {"reverse", reverse},
    {"length", length},
    {"count", length},
    {"items", items},
    {"batch", batch},
    {"slice", slices},
};
#undef QUOIN_FILTER

} // namespace

FilterFunction quoin::jinja::findSequenceFilter(std::string_view name) {
  for (const FilterEntry &each : sequenceFilters)
    if (name == each.name)
      return each.function;
  return nullptr;
}
