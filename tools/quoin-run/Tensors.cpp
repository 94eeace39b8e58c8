// Tensors.cpp: numbers and tensors that a request gives and gets by name, in safetensors files.

#include "QuoinRun.h"

#include "support/Safetensors.h"

#include <cstring>
#include <limits>

using namespace quoin;

namespace {

template <typename T> void widen(const TensorView &tensor, std::vector<int64_t> &out) {
  out.resize(tensor.size / sizeof(T));
  for (size_t i = 0; i < out.size(); ++i) {
    T value;
    std::memcpy(&value, tensor.data + i * sizeof(T), sizeof(T));
    out[i] = static_cast<int64_t>(value);
  }
}

/// False if the elements are no integers that 64 bits hold.
bool readIntegers(const TensorView &tensor, std::vector<int64_t> &out) {
  switch (tensor.dtype) {
  case DType::I64:
    return widen<int64_t>(tensor, out), true;
  case DType::I32:
    return widen<int32_t>(tensor, out), true;
  case DType::I16:
    return widen<int16_t>(tensor, out), true;
  case DType::I8:
    return widen<int8_t>(tensor, out), true;
  case DType::U32:
    return widen<uint32_t>(tensor, out), true;
  case DType::U16:
    return widen<uint16_t>(tensor, out), true;
  case DType::U8:
  case DType::Bool:
    return widen<uint8_t>(tensor, out), true;
  default:
    return false;
  }
}

} // namespace

void quoin::readInputs(const std::string &path, Request &request) {
  std::string error;
  std::unique_ptr<SafetensorsFile> file = SafetensorsFile::open(path, error);
  if (!file)
    throw Failure{error};
  for (const std::string &name : file->names()) {
    const TensorView &tensor = *file->find(name);
    RequestTensor read;
    read.name = name;
    read.shape = tensor.shape;
    std::vector<double> wide;
    if (readIntegers(tensor, read.integers)) {
      read.kind = RequestTensor::Kind::I64;
    } else if (widenToDouble(tensor, wide)) {
      read.kind = RequestTensor::Kind::F32;
      read.reals.assign(wide.begin(), wide.end());
    } else {
      throw Failure{"expects numbers in '" + path + "', but '" + name + "' has elements " + tensor.spelled};
    }
    if (name != "prompt") {
      request.inputs.push_back(std::move(read));
      continue;
    }
    if (read.kind != RequestTensor::Kind::I64 || read.shape.size() != 1)
      throw Failure{"expects ids in 'prompt' of '" + path + "', integers of rank 1, but found " + tensor.spelled +
                    " of rank " + std::to_string(read.shape.size())};
    for (int64_t id : read.integers) {
      if (id < 0 || id > std::numeric_limits<int32_t>::max())
        throw Failure{"expects ids in 'prompt' of '" + path + "', but found " + std::to_string(id)};
      request.ids.push_back(static_cast<int32_t>(id));
    }
  }
}

void quoin::writeOutputs(const std::string &path, const std::vector<int32_t> &ids,
                         const std::vector<RequestTensor> &outputs) {
  std::vector<NamedTensor> tensors = {{"ids", DType::I32, {static_cast<int64_t>(ids.size())}, ids.data()}};
  std::vector<std::vector<int32_t>> narrow(outputs.size());
  for (size_t i = 0; i < outputs.size(); ++i) {
    const RequestTensor &output = outputs[i];
    NamedTensor tensor{output.name, DType::F32, output.shape, output.reals.data()};
    if (output.kind == RequestTensor::Kind::I64) {
      tensor.dtype = DType::I64;
      tensor.data = output.integers.data();
    } else if (output.kind == RequestTensor::Kind::I32) {
      for (int64_t value : output.integers)
        narrow[i].push_back(static_cast<int32_t>(value));
      tensor.dtype = DType::I32;
      tensor.data = narrow[i].data();
    }
    tensors.push_back(std::move(tensor));
  }
  std::string error;
  if (!writeSafetensors(path, tensors, error))
    throw Failure{error};
}

void quoin::takeMaxTokens(Request &request) {
  for (auto at = request.settings.begin(); at != request.settings.end();) {
    if (at->first != "max_tokens") {
      ++at;
      continue;
    }
    if (at->second < 1 || at->second > double(std::numeric_limits<int32_t>::max()) ||
        at->second != double(static_cast<int64_t>(at->second)))
      throw Failure{"--set expects max_tokens of at least 1 and below 2^31, but has " + std::to_string(at->second), 2};
    request.maxTokens = static_cast<int64_t>(at->second);
    at = request.settings.erase(at);
  }
}
