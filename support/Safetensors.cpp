//===- Safetensors.cpp - maps a checkpoint file ----------------------------===//

#include "support/Safetensors.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace quoin;

namespace {
struct DTypeInfo {
  DType dtype;
  std::string_view name;
  size_t size;
};
constexpr DTypeInfo dtypes[] = {
    {DType::Bool, "BOOL", 1},      {DType::U8, "U8", 1},   {DType::I8, "I8", 1},   {DType::F8E4M3, "F8_E4M3", 1},
    {DType::F8E5M2, "F8_E5M2", 1}, {DType::U16, "U16", 2}, {DType::I16, "I16", 2}, {DType::F16, "F16", 2},
    {DType::BF16, "BF16", 2},      {DType::U32, "U32", 4}, {DType::I32, "I32", 4}, {DType::F32, "F32", 4},
    {DType::U64, "U64", 8},        {DType::I64, "I64", 8}, {DType::F64, "F64", 8},
};

/// Lengths above this are not headers; the format's own reader has the same limit.
constexpr uint64_t maxHeaderLength = 100'000'000;
} // namespace

// The table is in the order of the enumeration.
std::string_view quoin::dtypeName(DType dtype) { return dtypes[static_cast<size_t>(dtype)].name; }
size_t quoin::dtypeSize(DType dtype) { return dtypes[static_cast<size_t>(dtype)].size; }

bool quoin::parseDtype(std::string_view name, DType &dtype) {
  for (const DTypeInfo &info : dtypes)
    if (info.name == name) {
      dtype = info.dtype;
      return true;
    }
  return false;
}

int64_t TensorView::elements() const { return static_cast<int64_t>(size / dtypeSize(dtype)); }

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

bool quoin::widenToDouble(const TensorView &tensor, std::vector<double> &out) {
  out.resize(static_cast<size_t>(tensor.elements()));
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

namespace {
/// Closes on every way out.
struct Descriptor {
  int number;
  ~Descriptor() {
    if (number >= 0)
      ::close(number);
  }
};
} // namespace

std::unique_ptr<SafetensorsFile> SafetensorsFile::open(const std::string &path, std::string &error) {
  auto fail = [&](const std::string &what) {
    error = path + ": " + what;
    return nullptr;
  };
  Descriptor fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (fd.number < 0)
    return fail(std::strerror(errno));
  struct stat info;
  if (::fstat(fd.number, &info) != 0)
    return fail(std::strerror(errno));
  if (!S_ISREG(info.st_mode))
    return fail("expects a file, but found something else");
  auto length = static_cast<uint64_t>(info.st_size);
  if (length < 8)
    return fail("expects at least 8 bytes, but found " + std::to_string(length));

  // Not make_unique: the constructor is private.
  std::unique_ptr<SafetensorsFile> result(new SafetensorsFile());
  result->file = path;
  void *mapping = ::mmap(nullptr, length, PROT_READ, MAP_PRIVATE, fd.number, 0);
  if (mapping == MAP_FAILED)
    return fail(std::strerror(errno));
  result->mapping = mapping;
  result->length = length;

  const auto *bytes = static_cast<const uint8_t *>(mapping);
  uint64_t headerLength = 0;
  for (int i = 7; i >= 0; --i)
    headerLength = headerLength << 8 | bytes[i];
  if (headerLength > length - 8 || headerLength > maxHeaderLength)
    return fail("expects a header of at most " + std::to_string(std::min(length - 8, maxHeaderLength)) +
                " bytes, but found " + std::to_string(headerLength));

  SafetensorsHeader header;
  std::string message;
  std::string_view json(static_cast<const char *>(mapping) + 8, headerLength);
  if (!parseSafetensorsHeader(json, length - 8 - headerLength, header, message))
    return fail(message);
  const uint8_t *data = bytes + 8 + headerLength;
  for (auto &[name, entry] : header.entries) {
    TensorView view;
    view.dtype = entry.dtype;
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
