//===- GgufContents.cpp - reads the keys and the table of a GGUF file ------===//
//
// One cursor goes over the bytes; whatever it reads has to lie before the file's end, so that a count of 2^60 fails
// where the bytes end, before anything is kept for it.
//
//===----------------------------------------------------------------------===//

#include "support/FileKinds.h"
#include "support/Gguf.h"
#include "support/JsonText.h"
#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <iterator>
#include <limits>
#include <utility>

using namespace quoin;

namespace {

struct TypeInfo {
  uint32_t number;
  std::string_view name;
  uint64_t elements, bytes; // of a block
};

/// All that the format knows, so that a file with others than we read can be told from a damaged one.
constexpr TypeInfo ggufTypes[] = {
    {0, "F32", 1, 4},         {1, "F16", 1, 2},         {2, "Q4_0", 32, 18},      {3, "Q4_1", 32, 20},
    {6, "Q5_0", 32, 22},      {7, "Q5_1", 32, 24},      {8, "Q8_0", 32, 34},      {9, "Q8_1", 32, 40},
    {10, "Q2_K", 256, 84},    {11, "Q3_K", 256, 110},   {12, "Q4_K", 256, 144},   {13, "Q5_K", 256, 176},
    {14, "Q6_K", 256, 210},   {15, "Q8_K", 256, 292},   {16, "IQ2_XXS", 256, 66}, {17, "IQ2_XS", 256, 74},
    {18, "IQ3_XXS", 256, 98}, {19, "IQ1_S", 256, 50},   {20, "IQ4_NL", 32, 18},   {21, "IQ3_S", 256, 110},
    {22, "IQ2_S", 256, 82},   {23, "IQ4_XS", 256, 136}, {24, "I8", 1, 1},         {25, "I16", 1, 2},
    {26, "I32", 1, 4},        {27, "I64", 1, 8},        {28, "F64", 1, 8},        {29, "IQ1_M", 256, 56},
    {30, "BF16", 1, 2},       {34, "TQ1_0", 256, 54},   {35, "TQ2_0", 256, 66},   {39, "MXFP4", 32, 17},
    {40, "NVFP4", 64, 36},    {41, "Q1_0", 128, 18},
};

constexpr uint64_t defaultAlignment = 32, mostAlignment = uint64_t(1) << 20;
/// Far above any published file; what is kept of a value is longer than the value.
constexpr uint64_t mostKeys = uint64_t(1) << 16, mostTensors = uint64_t(1) << 20, mostOfList = uint64_t(1) << 24;
constexpr const char *shortFile = " (a download that did not end?)";

class GgufReader {
public:
  GgufReader(std::string_view bytes, GgufContents &to, std::string &message) : file(bytes), out(to), error(message) {}
  bool run();

private:
  bool fail(const std::string &what) {
    error = what;
    return false;
  }
  size_t left() const { return file.size() - at; }
  template <typename T> bool number(T &value, const std::string &what);
  bool text(std::string_view &value, const std::string &what);
  bool name(std::string &value, const std::string &what);
  bool head();
  bool value(GgufValue &to, const std::string &what);
  bool values(GgufValue &to, uint32_t type, uint64_t count, const std::string &what);
  template <typename T> bool integers(GgufValue &to, uint64_t count, const std::string &what);
  template <typename T> bool reals(GgufValue &to, uint64_t count, const std::string &what);
  bool tensor(uint64_t index);
  bool place();

  std::string_view file;
  GgufContents &out;
  std::string &error;
  size_t at = 0;
  uint64_t tensorCount = 0, valueCount = 0, alignment = defaultAlignment;
};

template <typename T> bool GgufReader::number(T &value, const std::string &what) {
  if (left() < sizeof(T))
    return fail(what + " expects " + std::to_string(sizeof(T)) + " bytes, but found " + std::to_string(left()) +
                shortFile);
  std::memcpy(&value, file.data() + at, sizeof(T));
  at += sizeof(T);
  return true;
}

bool GgufReader::text(std::string_view &value, const std::string &what) {
  uint64_t length;
  if (!number(length, what))
    return false;
  if (length > left())
    return fail(what + " expects a text of at most " + std::to_string(left()) + " bytes, but found " +
                std::to_string(length) + shortFile);
  value = file.substr(at, length);
  at += length;
  return true;
}

bool GgufReader::name(std::string &value, const std::string &what) {
  std::string_view bytes;
  if (!text(bytes, what))
    return false;
  if (bytes.empty() || bytes.size() > 65535)
    return fail(what + " expects a name of 1 to 65535 bytes, but found " + std::to_string(bytes.size()));
  value = bytes;
  return true;
}

bool GgufReader::head() {
  if (!file.starts_with("GGUF")) {
    std::string kind = fileKind(file.substr(0, fileKindBytes));
    if (kind.empty())
      kind = "'" + shortened(std::string(file.substr(0, 4))) + "'";
    return fail("expects a GGUF file, but found " + kind);
  }
  at = 4;
  if (!number(out.version, "a GGUF file's version"))
    return false;
  if (out.version != 2 && out.version != 3) {
    bool swapped = (out.version & 0xffff) == 0 && out.version != 0;
    return fail("expects version 2 or 3, but found " + std::to_string(out.version) +
                (swapped ? " (a file for big-endian machines?)" : ""));
  }
  if (!number(tensorCount, "a GGUF file's number of tensors") || !number(valueCount, "a GGUF file's number of keys"))
    return false;
  if (tensorCount > mostTensors)
    return fail("expects at most " + std::to_string(mostTensors) + " tensors, but found " +
                std::to_string(tensorCount));
  return valueCount <= mostKeys ||
         fail("expects at most " + std::to_string(mostKeys) + " keys, but found " + std::to_string(valueCount));
}

/// The shortest decimal number that means this one: 1e-6, and not what is next to it in f32.
double asWritten(float value) {
  char buffer[64];
  auto end = std::to_chars(buffer, buffer + sizeof(buffer), value);
  double result = value;
  if (std::isfinite(value))
    std::from_chars(buffer, end.ptr, result);
  return result;
}
double asWritten(double value) { return value; }

template <typename T> bool GgufReader::integers(GgufValue &to, uint64_t count, const std::string &what) {
  to.kind = GgufValue::Kind::Integer;
  for (uint64_t i = 0; i < count; ++i) {
    T one;
    if (!number(one, what))
      return false;
    constexpr auto largest = std::numeric_limits<int64_t>::max();
    to.integers.push_back(std::in_range<int64_t>(one) ? static_cast<int64_t>(one) : largest);
  }
  return true;
}

template <typename T> bool GgufReader::reals(GgufValue &to, uint64_t count, const std::string &what) {
  to.kind = GgufValue::Kind::Real;
  for (uint64_t i = 0; i < count; ++i) {
    T one;
    if (!number(one, what))
      return false;
    to.reals.push_back(asWritten(one));
  }
  return true;
}

bool GgufReader::values(GgufValue &to, uint32_t type, uint64_t count, const std::string &what) {
  static constexpr uint64_t least[] = {1, 1, 2, 2, 4, 4, 4, 1, 8, 0, 8, 8, 8}; // bytes of a value
  if (uint64_t each = type < std::size(least) ? least[type] : 0) {
    uint64_t room = left() / each;
    if (count > std::min(room, mostOfList))
      return fail(what + " expects at most " + std::to_string(std::min(room, mostOfList)) + " values, but found " +
                  std::to_string(count) + (count > room ? shortFile : ""));
  }
  switch (type) {
  case 0:
    return integers<uint8_t>(to, count, what);
  case 1:
    return integers<int8_t>(to, count, what);
  case 2:
    return integers<uint16_t>(to, count, what);
  case 3:
    return integers<int16_t>(to, count, what);
  case 4:
    return integers<uint32_t>(to, count, what);
  case 5:
    return integers<int32_t>(to, count, what);
  case 6:
    return reals<float>(to, count, what);
  case 7:
    if (!integers<uint8_t>(to, count, what))
      return false;
    to.kind = GgufValue::Kind::Flag;
    for (int64_t flag : to.integers)
      if (flag > 1)
        return fail(what + " expects flags of 0 or 1, but found " + std::to_string(flag));
    return true;
  case 8:
    to.kind = GgufValue::Kind::Text;
    for (uint64_t i = 0; i < count; ++i)
      if (!text(to.texts.emplace_back(), what))
        return false;
    return true;
  case 10:
    return integers<uint64_t>(to, count, what);
  case 11:
    return integers<int64_t>(to, count, what);
  case 12:
    return reals<double>(to, count, what);
  default:
    return fail(what + " expects a type from 0 to 12" + (to.list ? ", no list in a list" : "") + ", but found " +
                std::to_string(type));
  }
}

bool GgufReader::value(GgufValue &to, const std::string &what) {
  uint32_t type;
  uint64_t count = 1;
  if (!number(type, what))
    return false;
  if (type == 9) {
    to.list = true;
    if (!number(type, what) || !number(count, what))
      return false;
  }
  return values(to, type, count, what);
}

bool GgufReader::tensor(uint64_t index) {
  std::string key, what = "tensor " + std::to_string(index);
  if (!name(key, what))
    return false;
  what = "tensor '" + shortened(key, 200) + "'";
  GgufTensor made;
  uint32_t rank, type;
  if (!number(rank, what))
    return false;
  if (rank < 1 || rank > 4)
    return fail(what + " expects 1 to 4 dimensions, but found " + std::to_string(rank));
  uint64_t elements = 1;
  for (uint32_t i = 0; i < rank; ++i) {
    uint64_t size;
    if (!number(size, what))
      return false;
    if (size < 1 || size > uint64_t(std::numeric_limits<int64_t>::max()) ||
        __builtin_mul_overflow(elements, size, &elements))
      return fail(what + " expects sizes from 1 whose product fits into 64 bits, but found " + std::to_string(size));
    made.shape.insert(made.shape.begin(), static_cast<int64_t>(size));
  }
  if (!number(type, what) || !number(made.begin, what))
    return false;
  const auto *info = std::find_if(std::begin(ggufTypes), std::end(ggufTypes),
                                  [&](const TypeInfo &known) { return known.number == type; });
  if (info == std::end(ggufTypes))
    return fail(what + " expects a known type, but found number " + std::to_string(type));
  made.type = info->name;
  auto row = static_cast<uint64_t>(made.shape.back());
  if (row % info->elements)
    return fail(what + " expects rows of a multiple of " + std::to_string(info->elements) + " elements for " +
                std::string(info->name) + ", but found " + std::to_string(row));
  uint64_t bytes;
  if (__builtin_mul_overflow(elements / info->elements, info->bytes, &bytes) ||
      __builtin_add_overflow(made.begin, bytes, &made.end))
    return fail(what + " expects a size that fits into 64 bits, but found " + std::to_string(elements) + " elements");
  if (!out.tensors.emplace(key, std::move(made)).second)
    return fail("expects each tensor once, but found '" + shortened(key, 200) + "' twice");
  return true;
}

/// Gives the tensors their places in the file.
bool GgufReader::place() {
  if (const GgufValue *given = out.find("general.alignment")) {
    std::optional<int64_t> number = given->integer();
    if (!number || *number < 1 || static_cast<uint64_t>(*number) > mostAlignment || (*number & (*number - 1)))
      return fail("key 'general.alignment' expects a power of two from 1 to " + std::to_string(mostAlignment) +
                  ", but found " + (number ? std::to_string(*number) : "another value"));
    alignment = static_cast<uint64_t>(*number);
  }
  uint64_t start = (at + alignment - 1) / alignment * alignment, room = file.size() > start ? file.size() - start : 0;
  std::vector<std::pair<uint64_t, const std::string *>> order;
  for (auto &[key, tensor] : out.tensors) {
    std::string what = "tensor '" + shortened(key, 200) + "' expects ";
    if (tensor.begin % alignment)
      return fail(what + "an offset that " + std::to_string(alignment) + " divides, but found " +
                  std::to_string(tensor.begin));
    if (tensor.end > room)
      return fail(what + "a range within " + std::to_string(room) + " bytes, but found [" +
                  std::to_string(tensor.begin) + ", " + std::to_string(tensor.end) + ")" + shortFile);
    order.emplace_back(tensor.begin, &key);
  }
  std::sort(order.begin(), order.end());
  for (size_t i = 1; i < order.size(); ++i) {
    const GgufTensor &before = out.tensors.find(*order[i - 1].second)->second;
    if (order[i].first < before.end)
      return fail("tensor '" + shortened(*order[i].second, 200) + "' expects to begin behind '" +
                  shortened(*order[i - 1].second, 200) + "', at byte " + std::to_string(before.end) +
                  " or later, but found " + std::to_string(order[i].first));
  }
  for (auto &[key, tensor] : out.tensors) {
    tensor.begin += start;
    tensor.end += start;
  }
  return true;
}

bool GgufReader::run() {
  if (!head())
    return false;
  for (uint64_t i = 0; i < valueCount; ++i) {
    std::string key;
    if (!name(key, "key " + std::to_string(i)))
      return false;
    GgufValue read;
    if (!value(read, "key '" + shortened(key, 200) + "'"))
      return false;
    if (!out.values.emplace(key, std::move(read)).second)
      return fail("expects each key once, but found '" + shortened(key, 200) + "' twice");
  }
  for (uint64_t i = 0; i < tensorCount; ++i)
    if (!tensor(i))
      return false;
  return place();
}

} // namespace

std::optional<int64_t> GgufValue::integer() const {
  return !list && kind == Kind::Integer ? std::optional(integers[0]) : std::nullopt;
}

std::optional<double> GgufValue::real() const {
  if (!list && kind == Kind::Integer)
    return static_cast<double>(integers[0]);
  return !list && kind == Kind::Real ? std::optional(reals[0]) : std::nullopt;
}

std::optional<bool> GgufValue::flag() const {
  return !list && kind == Kind::Flag ? std::optional(integers[0] != 0) : std::nullopt;
}

std::optional<std::string_view> GgufValue::text() const {
  return !list && kind == Kind::Text ? std::optional(texts[0]) : std::nullopt;
}

const GgufValue *GgufContents::find(std::string_view key) const {
  auto it = values.find(key);
  return it == values.end() ? nullptr : &it->second;
}

bool quoin::parseGguf(std::string_view file, GgufContents &contents, std::string &error) {
  contents = GgufContents();
  return GgufReader(file, contents, error).run();
}
