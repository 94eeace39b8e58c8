//===- Safetensors.cpp - maps a checkpoint file ----------------------------===//

#include "support/Safetensors.h"
#include "support/FileKinds.h"
#include "support/MappedFile.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <optional>
#include <sys/mman.h>

using namespace quoin;

namespace {
struct DTypeInfo {
  DType dtype;
  std::string_view name;
  size_t bits;
};
constexpr DTypeInfo dtypes[] = {
    {DType::Bool, "BOOL", 8},
    {DType::F4, "F4", 4},
    {DType::F6E2M3, "F6_E2M3", 6},
    {DType::F6E3M2, "F6_E3M2", 6},
    {DType::U8, "U8", 8},
    {DType::I8, "I8", 8},
    {DType::F8E4M3, "F8_E4M3", 8},
    {DType::F8E5M2, "F8_E5M2", 8},
    {DType::F8E8M0, "F8_E8M0", 8},
    {DType::F8E4M3FNUZ, "F8_E4M3FNUZ", 8},
    {DType::F8E5M2FNUZ, "F8_E5M2FNUZ", 8},
    {DType::U16, "U16", 16},
    {DType::I16, "I16", 16},
    {DType::F16, "F16", 16},
    {DType::BF16, "BF16", 16},
    {DType::U32, "U32", 32},
    {DType::I32, "I32", 32},
    {DType::F32, "F32", 32},
    {DType::U64, "U64", 64},
    {DType::I64, "I64", 64},
    {DType::F64, "F64", 64},
    {DType::C64, "C64", 64},
    {DType::Other, "another type", 0},
};
static_assert(std::size(dtypes) == static_cast<size_t>(DType::Other) + 1);

/// Lengths above this are not headers; the format's own reader has the same limit.
constexpr uint64_t maxHeaderLength = 100'000'000;

/// What a file that is shorter than it says most likely is.
constexpr const char *cutOff = " (a download that did not end?)";
} // namespace

// The table is in the order of the enumeration.
std::string_view quoin::dtypeName(DType dtype) { return dtypes[static_cast<size_t>(dtype)].name; }
size_t quoin::dtypeBits(DType dtype) { return dtypes[static_cast<size_t>(dtype)].bits; }

DType quoin::parseDtype(std::string_view name) {
  for (const DTypeInfo &info : dtypes)
    if (info.name == name)
      return info.dtype;
  return DType::Other;
}

int64_t TensorView::elements() const {
  if (blocks)
    return static_cast<int64_t>(size / blocks->bytes * blocks->elements);
  size_t bits = dtypeBits(dtype);
  return bits ? static_cast<int64_t>(size / bits * 8 + size % bits * 8 / bits) : 0;
}

float quoin::widenHalf(uint16_t bits) {
  uint32_t sign = static_cast<uint32_t>(bits & 0x8000) << 16;
  uint32_t exponent = (bits >> 10) & 31, fraction = bits & 1023;
  if (exponent == 31)
    return __builtin_bit_cast(float, sign | 0x7f800000u | (fraction << 13));
  if (exponent)
    return __builtin_bit_cast(float, sign | ((exponent + 112) << 23) | (fraction << 13));
  // Zero and the numbers below the normal ones: a multiple of 2^-24, exact in f32.
  float magnitude = static_cast<float>(fraction) * 0x1p-24f;
  return sign ? -magnitude : magnitude;
}

template <typename T, typename Convert>
static void widen(const TensorView &tensor, std::vector<double> &out, Convert convert) {
  for (size_t i = 0; i < out.size(); ++i) {
    T value;
    std::memcpy(&value, tensor.data + i * sizeof(T), sizeof(T));
    out[i] = convert(value);
  }
}

/// Rows of a head, as they are stored, in order.
static void unpair(const TensorView &tensor, std::vector<double> &numbers) {
  const int64_t rows = tensor.shape.front();
  const size_t columns = numbers.size() / static_cast<size_t>(rows);
  std::vector<double> stored = numbers;
  for (int64_t row = 0; row < rows; ++row)
    std::copy_n(stored.begin() + pairedRow(row, tensor.pairedRows) * static_cast<ptrdiff_t>(columns), columns,
                numbers.begin() + row * static_cast<ptrdiff_t>(columns));
}

static bool widenAsStored(const TensorView &tensor, std::vector<double> &out) {
  out.resize(static_cast<size_t>(tensor.elements()));
  if (tensor.blocks) {
    float numbers[BlockFormat::most];
    for (size_t at = 0; at < out.size(); at += tensor.blocks->elements) {
      tensor.blocks->read(tensor.data, at, tensor.blocks->elements, numbers);
      std::copy_n(numbers, tensor.blocks->elements, out.begin() + static_cast<ptrdiff_t>(at));
    }
    return true;
  }
  switch (tensor.dtype) {
  case DType::F64:
    widen<double>(tensor, out, [](double x) { return x; });
    return true;
  case DType::F32:
    widen<float>(tensor, out, [](float x) { return x; });
    return true;
  case DType::F16:
    widen<uint16_t>(tensor, out, widenHalf);
    return true;
  case DType::BF16:
    widen<uint16_t>(tensor, out, widenBfloat);
    return true;
  default:
    out.clear();
    return false;
  }
}

bool quoin::widenToDouble(const TensorView &tensor, std::vector<double> &out) {
  if (!widenAsStored(tensor, out))
    return false;
  if (tensor.pairedRows)
    unpair(tensor, out);
  return true;
}

std::unique_ptr<SafetensorsFile> SafetensorsFile::open(const std::string &path, std::string &error) {
  auto fail = [&](const std::string &what) {
    error = path + ": " + what;
    return nullptr;
  };
  std::string message;
  std::optional<std::string_view> all = mapFile(path, message);
  if (!all)
    return fail(message);
  // Not make_unique: the constructor is private.
  std::unique_ptr<SafetensorsFile> result(new SafetensorsFile());
  result->file = path;
  result->mapping = const_cast<char *>(all->data());
  result->length = all->size();
  const uint64_t length = all->size();
  if (length < 8)
    return fail("expects at least 8 bytes, but found " + std::to_string(length) +
                " (a download that did not begin, or a disk that was full?)");

  const auto *bytes = reinterpret_cast<const uint8_t *>(all->data());
  std::string_view head = all->substr(0, fileKindBytes);
  if (std::string kind = fileKind(head); !kind.empty())
    return fail("expects a safetensors file, but found " + kind);
  if (looksLikeJson(head) && !looksLikeSafetensors(head))
    return fail("expects a safetensors file, but found JSON");
  uint64_t headerLength = 0;
  for (int i = 7; i >= 0; --i)
    headerLength = headerLength << 8 | bytes[i];
  if (headerLength > length - 8 || headerLength > maxHeaderLength)
    return fail("expects a header of at most " + std::to_string(std::min(length - 8, maxHeaderLength)) +
                " bytes, but found " + std::to_string(headerLength) +
                (headerLength <= maxHeaderLength ? cutOff : " (this is no safetensors file)"));

  SafetensorsHeader header;
  if (!parseSafetensorsHeader(all->substr(8, headerLength), length - 8 - headerLength, header, message))
    return fail(message);
  const uint8_t *data = bytes + 8 + headerLength;
  for (auto &[name, entry] : header.entries) {
    TensorView view;
    view.dtype = entry.dtype;
    view.spelled = std::move(entry.spelled);
    view.shape = std::move(entry.shape);
    view.data = data + entry.begin;
    view.size = entry.end - entry.begin;
    result->tensors.emplace(name, std::move(view));
  }
  result->strings = std::move(header.metadata);
  return result;
}

SafetensorsFile::~SafetensorsFile() {
  if (mapping)
    ::munmap(mapping, length);
}

const TensorView *SafetensorsFile::find(std::string_view name) const {
  auto it = tensors.find(name);
  return it == tensors.end() ? nullptr : &it->second;
}

std::vector<std::string> SafetensorsFile::names() const {
  std::vector<std::string> result;
  for (const auto &[name, view] : tensors)
    result.push_back(name);
  return result;
}
