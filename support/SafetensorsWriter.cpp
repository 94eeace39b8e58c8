//===- SafetensorsWriter.cpp - writes tensors to a file --------------------===//

#include "support/Safetensors.h"
#include "support/WholeFile.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

using namespace quoin;

static size_t byteSize(const NamedTensor &tensor) {
  size_t bits = dtypeBits(tensor.dtype);
  for (int64_t extent : tensor.shape)
    bits *= static_cast<size_t>(extent);
  return bits / 8;
}

/// The eight bytes of length and the JSON, padded so that the tensors begin aligned.
static std::string makeHeader(const std::vector<const NamedTensor *> &order) {
  nlohmann::json header = nlohmann::json::object();
  size_t begin = 0;
  for (const NamedTensor *tensor : order) {
    size_t end = begin + byteSize(*tensor);
    header[tensor->name] = {
        {"dtype", dtypeName(tensor->dtype)}, {"shape", tensor->shape}, {"data_offsets", {begin, end}}};
    begin = end;
  }
  // Names that are no UTF-8 are written with replacements instead of throwing.
  std::string text = header.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  text.resize((text.size() + 7) / 8 * 8, ' ');
  std::string bytes(8, '\0');
  for (int i = 0; i < 8; ++i)
    bytes[static_cast<size_t>(i)] = static_cast<char>(static_cast<uint64_t>(text.size()) >> (8 * i) & 255);
  return bytes + text;
}

bool quoin::writeSafetensors(const std::string &path, const std::vector<NamedTensor> &tensors, std::string &error) {
  std::set<std::string> names;
  std::vector<const NamedTensor *> order;
  for (const NamedTensor &tensor : tensors) {
    if (!names.insert(tensor.name).second) {
      error = path + ": expects each tensor once, but found '" + tensor.name + "' twice";
      return false;
    }
    order.push_back(&tensor);
  }
  std::sort(order.begin(), order.end(), [](const NamedTensor *a, const NamedTensor *b) {
    size_t wide = dtypeBits(a->dtype), other = dtypeBits(b->dtype);
    return wide != other ? wide > other : a->name < b->name;
  });

  WholeFile file(path);
  std::string header = makeHeader(order);
  if (!file.open(error) || !file.write(header.data(), header.size(), error))
    return false;
  for (const NamedTensor *tensor : order)
    if (!file.write(tensor->data, byteSize(*tensor), error))
      return false;
  return file.commit(error);
}
