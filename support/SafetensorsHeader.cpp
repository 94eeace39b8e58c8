//===- SafetensorsHeader.cpp - reads what a checkpoint says it holds -------===//
//
// The header is read event by event, so that nesting costs no stack and two entries of one name are seen, which a
// parsed document would have merged. Then the ranges are checked against types, shapes and each other.
//
// What we do not use cannot refuse a file: metadata that are no strings, fields of a tensor that later versions of the
// format may add, and types that we do not know.
//
//===----------------------------------------------------------------------===//

#include "support/JsonText.h"
#include "support/Safetensors.h"

#include <algorithm>
#include <nlohmann/json.hpp>

using namespace quoin;
using Json = nlohmann::json;

namespace {

constexpr size_t maxRank = 16;
constexpr size_t maxNameLength = 4096;

/// Messages quote names from the file; long ones would hide the message.
std::string quote(const std::string &name) { return "'" + shortened(name, 200) + "'"; }

class HeaderReader {
public:
  HeaderReader(SafetensorsHeader &header, std::string &error) : header(header), error(error) {}

  bool null() { return passOver() || unexpected("null"); }
  bool boolean(bool) { return passOver() || unexpected("a truth value"); }
  bool number_integer(Json::number_integer_t value) { return passOver() || unexpected(std::to_string(value)); }
  bool number_float(Json::number_float_t, const std::string &text) { return passOver() || unexpected(text); }
  bool binary(Json::binary_t &) { return passOver() || unexpected("bytes"); }

  bool number_unsigned(Json::number_unsigned_t value) {
    if (passOver())
      return true;
    if (where == Shape) {
      if (entry.shape.size() == maxRank)
        return fail("tensor " + quote(name) + " expects a rank of at most " + std::to_string(maxRank) +
                    ", but found more");
      if (value > INT64_MAX)
        return unexpected(std::to_string(value));
      entry.shape.push_back(static_cast<int64_t>(value));
      return true;
    }
    if (where == Offsets && offsets < 2) {
      (offsets++ ? entry.end : entry.begin) = value;
      return true;
    }
    return unexpected(std::to_string(value));
  }

  bool string(std::string &value) {
    if (passOver(/*text=*/true))
      return true;
    if (where == Metadata) {
      header.metadata[field] = value;
      return true;
    }
    if (where != Tensor || field != "dtype")
      return unexpected(quote(value));
    entry.dtype = parseDtype(value);
    entry.spelled = value;
    return true;
  }

  bool key(std::string &value) {
    if (passed)
      return true;
    if (value.size() > maxNameLength)
      return fail("expects names of at most " + std::to_string(maxNameLength) + " bytes, but found " +
                  std::to_string(value.size()));
    if (where == Top) {
      name = value;
      if (name == "__metadata__" ? sawMetadata : header.entries.count(name) != 0)
        return fail("expects each tensor once, but found " + quote(name) + " twice");
      unused = false;
      return true;
    }
    field = value;
    unused = where == Tensor && field != "dtype" && field != "shape" && field != "data_offsets";
    if (where == Metadata || unused)
      return true;
    unsigned bit = field == "dtype" ? 1u : field == "shape" ? 2u : 4u;
    if (seen & bit)
      return fail("tensor " + quote(name) + " expects dtype, shape and data_offsets once each, but found " +
                  quote(field));
    seen |= bit;
    return true;
  }

  bool start_object(size_t) {
    if (passInto())
      return true;
    if (where == Outside) {
      where = Top;
      return true;
    }
    if (where != Top)
      return unexpected("an object");
    if (name == "__metadata__") {
      where = Metadata;
      sawMetadata = true;
      return true;
    }
    where = Tensor;
    entry = {};
    unused = false;
    seen = 0;
    offsets = 0;
    return true;
  }

  bool end_object() {
    if (passed) {
      --passed;
      return true;
    }
    if (where == Tensor) {
      if (seen != 7 || offsets != 2)
        return fail("tensor " + quote(name) + " expects dtype, shape and two data_offsets, but found less");
      header.entries.emplace(name, entry);
    }
    where = where == Top ? Outside : Top;
    unused = false;
    return true;
  }

  bool start_array(size_t) {
    if (passInto())
      return true;
    if (passOver()) { // metadata that are a list
      ++passed;
      return true;
    }
    if (where != Tensor || field == "dtype")
      return unexpected("an array");
    where = field == "shape" ? Shape : Offsets;
    return true;
  }

  bool end_array() {
    if (passed) {
      --passed;
      return true;
    }
    where = Tensor;
    return true;
  }

  bool parse_error(size_t position, const std::string &, const Json::exception &) {
    return fail("expects a header in JSON, but found an error at its byte " + std::to_string(position));
  }

private:
  enum Place { Outside, Top, Metadata, Tensor, Shape, Offsets };

  /// True at a value that nobody reads; strings of the metadata are kept.
  bool passOver(bool text = false) const {
    return passed || (unused && where == Tensor) || (where == Metadata && !text) ||
           (where == Top && name == "__metadata__");
  }
  bool passInto() {
    bool pass = passed || (unused && where == Tensor) || where == Metadata;
    passed += pass ? 1 : 0;
    return pass;
  }

  bool fail(std::string message) {
    if (error.empty())
      error = std::move(message);
    return false;
  }

  bool unexpected(const std::string &what) {
    if (where == Outside)
      return fail("expects a header that is an object, but found " + what);
    if (where == Top)
      return fail("tensor " + quote(name) + " expects an object, but found " + what);
    return fail("tensor " + quote(name) + " expects dtype, shape and two data_offsets, but found " + what + " at " +
                quote(field));
  }

  SafetensorsHeader &header;
  std::string &error;
  Place where = Outside;
  std::string name, field;
  SafetensorsHeader::Entry entry;
  unsigned seen = 0;
  int offsets = 0;
  size_t passed = 0;   // how deep we are in a value that nobody reads
  bool unused = false; // the field whose value comes is not ours
  bool sawMetadata = false;
};

/// Bits of a tensor, or false if they do not fit into 64 bits.
bool bitSize(const SafetensorsHeader::Entry &entry, uint64_t &size) {
  size = dtypeBits(entry.dtype);
  for (int64_t extent : entry.shape)
    if (__builtin_mul_overflow(size, static_cast<uint64_t>(extent), &size))
      return false;
  return true;
}

std::string printShape(const std::vector<int64_t> &shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); ++i)
    text += (i ? ", " : "") + std::to_string(shape[i]);
  return text + "]";
}

} // namespace

bool quoin::parseSafetensorsHeader(std::string_view json, uint64_t dataSize, SafetensorsHeader &header,
                                   std::string &error) {
  error.clear();
  HeaderReader reader(header, error);
  if (!Json::sax_parse(json.begin(), json.end(), &reader)) {
    if (error.empty())
      error = "expects a header in JSON, but found something else";
    return false;
  }

  // Each range by itself.
  using Named = std::pair<const std::string, SafetensorsHeader::Entry>;
  std::vector<const Named *> order;
  for (const Named &named : header.entries) {
    const auto &[name, entry] = named;
    uint64_t bits = 0;
    if (!bitSize(entry, bits)) {
      error = "tensor " + quote(name) + " expects a size that fits into 64 bits, but found shape " +
              printShape(entry.shape);
      return false;
    }
    if (entry.begin > entry.end || entry.end > dataSize) {
      error = "tensor " + quote(name) + " expects a range within " + std::to_string(dataSize) + " bytes, but found [" +
              std::to_string(entry.begin) + ", " + std::to_string(entry.end) + ")" +
              (entry.begin <= entry.end ? " (a download that did not end?)" : "");
      return false;
    }
    if (bits % 8 != 0) {
      error = "tensor " + quote(name) + " expects whole bytes, but found " + std::to_string(bits) + " bits of " +
              std::string(dtypeName(entry.dtype)) + " " + printShape(entry.shape);
      return false;
    }
    // How much elements of an unknown type take is not known; who reads them will refuse them.
    if (entry.dtype != DType::Other && entry.end - entry.begin != bits / 8) {
      error = "tensor " + quote(name) + " expects " + std::to_string(bits / 8) + " bytes for " +
              std::string(dtypeName(entry.dtype)) + " " + printShape(entry.shape) + ", but found " +
              std::to_string(entry.end - entry.begin);
      return false;
    }
    order.push_back(&named);
  }

  // Then against each other: one after another, to the end.
  std::sort(order.begin(), order.end(), [](const Named *a, const Named *b) {
    return std::pair(a->second.begin, a->second.end) < std::pair(b->second.begin, b->second.end);
  });
  uint64_t end = 0;
  for (const Named *named : order) {
    if (named->second.begin != end) {
      error = "tensor " + quote(named->first) + " expects to begin at byte " + std::to_string(end) +
              ", where the one before ends, but found " + std::to_string(named->second.begin);
      return false;
    }
    end = named->second.end;
  }
  if (end != dataSize) {
    error = "expects " + std::to_string(end) + " bytes of tensors, but found " + std::to_string(dataSize);
    return false;
  }
  return true;
}
