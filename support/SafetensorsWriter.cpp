//===- SafetensorsWriter.cpp - writes tensors to a file --------------------===//

#include "support/Safetensors.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <nlohmann/json.hpp>
#include <set>
#include <unistd.h>

using namespace quoin;

static size_t byteSize(const NamedTensor &tensor) {
  size_t size = dtypeSize(tensor.dtype);
  for (int64_t extent : tensor.shape)
    size *= static_cast<size_t>(extent);
  return size;
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
    size_t wide = dtypeSize(a->dtype), other = dtypeSize(b->dtype);
    return wide != other ? wide > other : a->name < b->name;
  });

  std::string beside = path + ".tmp" + std::to_string(::getpid());
  std::FILE *file = std::fopen(beside.c_str(), "wb");
  if (!file) {
    error = path + ": " + std::strerror(errno);
    return false;
  }
  std::string header = makeHeader(order);
  bool good = std::fwrite(header.data(), 1, header.size(), file) == header.size();
  for (const NamedTensor *tensor : order) {
    size_t size = byteSize(*tensor);
    good = good && (size == 0 || std::fwrite(tensor->data, 1, size, file) == size);
  }
  // Errors of a full disk may show only when the file is closed.
  good = std::fclose(file) == 0 && good;
  good = good && std::rename(beside.c_str(), path.c_str()) == 0;
  if (!good) {
    error = path + ": " + std::strerror(errno);
    std::remove(beside.c_str());
  }
  return good;
}
