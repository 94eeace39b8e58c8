// Json.cpp - values from JSON, and `tojson` as `transformers` defines it: Python's `json.dumps`, nothing escaped for
// HTML.

#include "runtime/template/MergeSort.h"
#include "runtime/template/Renderer.h"
#include "runtime/template/Text.h"

#include <nlohmann/json.hpp>

#include <cmath>

using namespace quoin::jinja;

static Value convert(const nlohmann::ordered_json &json, int depth) {
  nest(depth);
  using Type = nlohmann::ordered_json::value_t;
  switch (json.type()) {
  case Type::boolean:
    return json.get<bool>();
  case Type::number_integer:
    return json.get<int64_t>();
  case Type::number_unsigned:
    if (json.get<uint64_t>() > uint64_t(INT64_MAX))
      fail("expects integers of at most 64 bits, but found " + json.dump());
    return json.get<int64_t>();
  case Type::number_float:
    return json.get<double>();
  case Type::string:
    return Value(validText(json.get_ref<const std::string &>()));
  case Type::array: {
    std::vector<Value> items;
    for (const auto &each : json)
      items.push_back(convert(each, depth + 1));
    return Value::list(std::move(items));
  }
  case Type::object: {
    auto made = std::make_shared<Dict>();
    for (const auto &[key, each] : json.items())
      made->set(Value(validText(key)), convert(each, depth + 1));
    return Value(Kind::Dict, std::move(made));
  }
  default:
    return Value::none();
  }
}

Value quoin::jinja::fromJson(const nlohmann::ordered_json &json) { return convert(json, 0); }

namespace {

class Writer {
public:
  Writer(Renderer &renderer, const JsonStyle &style) : renderer(renderer), style(style) {}
  std::string out;
  void write(const Value &value, int depth);

private:
  Renderer &renderer;
  const JsonStyle &style;

  void writeText(std::string_view text);
  void breakLine(int depth) {
    if (!style.indented)
      return;
    out += '\n';
    renderer.produce(style.indent.size() * static_cast<size_t>(depth));
    for (int i = 0; i < depth; ++i)
      out += style.indent;
  }
};

void Writer::writeText(std::string_view text) {
  renderer.produce(text.size());
  out += '"';
  char escape[16];
  while (!text.empty()) {
    size_t size = 0;
    const uint32_t code = firstChar(text, size);
    static constexpr std::string_view plain = "\"\\\n\r\t\b\f", letters = "\"\\nrtbf";
    if (const size_t known = code < 0x80 ? plain.find(static_cast<char>(code)) : plain.npos; known != plain.npos) {
      out += {'\\', letters[known]};
    } else if (code < 0x20 || (style.ascii && code > 0x7E && code < 0x10000)) {
      std::snprintf(escape, sizeof(escape), "\\u%04x", code);
      out += escape;
    } else if (style.ascii && code >= 0x10000) {
      std::snprintf(escape, sizeof(escape), "\\u%04x\\u%04x", 0xD800 + ((code - 0x10000) >> 10),
                    0xDC00 + ((code - 0x10000) & 0x3FF));
      out += escape;
    } else {
      out += text.substr(0, size);
    }
    text.remove_prefix(size);
  }
  out += '"';
}

void Writer::write(const Value &value, int depth) {
  renderer.step();
  switch (value.kind()) {
  case Kind::None:
    out += "null";
    return;
  case Kind::Bool:
    out += value.whole() ? "true" : "false";
    return;
  case Kind::Int:
    out += std::to_string(value.whole());
    return;
  case Kind::Float:
    out += std::isnan(value.floating())   ? "NaN"
           : std::isinf(value.floating()) ? (value.floating() < 0 ? "-Infinity" : "Infinity")
                                          : floatText(value.floating());
    return;
  case Kind::String:
    return writeText(value.text());
  case Kind::List:
  case Kind::Tuple: {
    if (value.items().empty()) {
      out += "[]";
      return;
    }
    out += '[';
    bool first = true;
    for (const Value &each : value.items()) {
      if (!std::exchange(first, false))
        out += style.itemSeparator;
      breakLine(depth + 1);
      write(each, depth + 1);
    }
    breakLine(depth);
    out += ']';
    return;
  }
  case Kind::Dict: {
    std::vector<std::pair<Value, Value>> entries = value.as<Dict>().entries;
    if (style.sorted)
      mergeSort(entries, [](const auto &a, const auto &b) { return less(a.first, b.first); });
    out += '{';
    bool first = true;
    for (const auto &[key, each] : entries) {
      if (!std::exchange(first, false))
        out += style.itemSeparator;
      breakLine(depth + 1);
      if (key.is(Kind::String)) {
        writeText(key.text());
      } else if (key.isNumber() || key.is(Kind::None)) {
        out += '"';
        write(key, depth);
        out += '"';
      } else {
        fail(std::string("expects strings or numbers as keys for 'tojson', but found ") + key.kindName());
      }
      out += style.keySeparator;
      write(each, depth + 1);
    }
    if (!entries.empty())
      breakLine(depth);
    out += '}';
    return;
  }
  default:
    fail(std::string("expects a value that JSON has for 'tojson', but found ") + value.kindName());
  }
}

} // namespace

std::string quoin::jinja::toJson(Renderer &renderer, const Value &value, const JsonStyle &style) {
  Writer writer(renderer, style);
  writer.write(value, 0);
  return std::move(writer.out);
}
