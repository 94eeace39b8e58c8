//===- FuzzSafetensors.cpp - hostile checkpoints ---------------------------===//
//
// The first byte says what the rest is: a whole file, or ('h') a header up to the first zero byte and the bytes after
// it, so that a length which fits need not be guessed. What opens must keep the promises of Safetensors.h.
//
//===----------------------------------------------------------------------===//

#include "Fuzz.h"
#include "support/Safetensors.h"

#include <algorithm>

using namespace quoin;
using namespace quoin::fuzz;

static void checkHeader(std::string_view json, uint64_t size) {
  SafetensorsHeader header;
  std::string error;
  if (!parseSafetensorsHeader(json, size, header, error)) {
    REQUIRE(isOneLine(error));
    return;
  }
  std::vector<std::pair<uint64_t, uint64_t>> ranges;
  for (const auto &[name, entry] : header.entries) {
    uint64_t bits = dtypeBits(entry.dtype);
    for (int64_t extent : entry.shape)
      REQUIRE(extent >= 0 && !__builtin_mul_overflow(bits, static_cast<uint64_t>(extent), &bits));
    REQUIRE(entry.begin <= entry.end && entry.end <= size);
    REQUIRE(entry.dtype == DType::Other || (bits % 8 == 0 && entry.end - entry.begin == bits / 8));
    ranges.emplace_back(entry.begin, entry.end);
  }
  std::sort(ranges.begin(), ranges.end());
  uint64_t end = 0;
  for (auto [from, to] : ranges) {
    REQUIRE(from == end);
    end = to;
  }
  REQUIRE(end == size);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const Folder folder;
  std::string_view input(reinterpret_cast<const char *>(data), size);
  bool apart = !input.empty() && input[0] == 'h';
  input.remove_prefix(!input.empty());
  std::string file(input);
  if (apart) {
    std::string_view json = takePart(input);
    checkHeader(json, input.size());
    std::string length(8, '\0');
    for (size_t i = 0; i < 8; ++i)
      length[i] = static_cast<char>(static_cast<uint64_t>(json.size()) >> (8 * i) & 255);
    file = length + std::string(json) + std::string(input);
  }

  std::string error, path = folder.write("model.safetensors", file);
  std::unique_ptr<SafetensorsFile> opened = SafetensorsFile::open(path, error);
  if (!opened) {
    REQUIRE(isOneLine(error) && error.starts_with(path + ": "));
    return 0;
  }
  uint64_t bytes = 0;
  std::vector<NamedTensor> copies;
  for (const std::string &name : opened->names()) {
    const TensorView *tensor = opened->find(name);
    REQUIRE(tensor);
    for (size_t i = 0; i < tensor->size; ++i)
      bytes += 1 + (tensor->data[i] & 0);
    std::vector<double> wide;
    REQUIRE(!widenToDouble(*tensor, wide) || wide.size() == static_cast<size_t>(tensor->elements()));
    if (tensor->dtype != DType::Other)
      copies.push_back({name, tensor->dtype, tensor->shape, tensor->data});
  }
  REQUIRE(bytes <= file.size());

  // What was read can be written and is read again as it was.
  REQUIRE(writeSafetensors(folder.path + "/copy.safetensors", copies, error));
  std::unique_ptr<SafetensorsFile> again = SafetensorsFile::open(folder.path + "/copy.safetensors", error);
  REQUIRE(again && again->names().size() == copies.size());
  for (const NamedTensor &copy : copies) {
    const TensorView *a = opened->find(copy.name), *b = again->find(copy.name);
    REQUIRE(a->dtype == b->dtype && a->shape == b->shape && std::equal(a->data, a->data + a->size, b->data));
  }
  return 0;
}
