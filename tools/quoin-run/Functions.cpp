// Functions.cpp: calls a program that was compiled from a function, on tensors from a file.

#include "QuoinRun.h"

#include "quoin/function.h"
#include "support/Safetensors.h"

#include <cstdio>
#include <cstring>
#include <memory>

using namespace quoin;

namespace {

struct FunctionDeleter {
  void operator()(quoin_function_t *function) const { quoin_function_destroy(function); }
};

/// Memory for a tensor, aligned to its elements whatever the file does.
using Data = std::vector<uint64_t>;

DType fileType(int32_t dtype) {
  return dtype == QUOIN_DTYPE_F32    ? DType::F32
         : dtype == QUOIN_DTYPE_BF16 ? DType::BF16
         : dtype == QUOIN_DTYPE_I32  ? DType::I32
                                     : DType::I64;
}

void check(quoin_status_t status, quoin_context_t *context) {
  if (status != QUOIN_STATUS_OK)
    throw Failure{quoin_context_last_error(context)};
}

std::string listed(const quoin_tensor_type_t *types, int32_t count) {
  std::string text;
  for (int32_t i = 0; i < count; ++i)
    text += (i ? ", '" : "'") + std::string(types[i].name) + "'";
  return text;
}

/// The argument from the file; `data` holds its elements.
quoin_array_t readArgument(const SafetensorsFile &file, const quoin_function_program_t &program, int32_t number,
                           Data &data) {
  const quoin_tensor_type_t &type = program.arguments[number];
  const TensorView *tensor = file.find(type.name);
  if (!tensor)
    throw Failure{"expects tensors " + listed(program.arguments, program.arguments_count) + " in '" + file.path() +
                  "', but found no '" + type.name + "'"};
  if (tensor->dtype != fileType(type.dtype))
    throw Failure{"expects elements " + std::string(dtypeName(fileType(type.dtype))) + " of '" + type.name + "' in '" +
                  file.path() + "', but found " + tensor->spelled};
  if (tensor->shape.size() != static_cast<size_t>(type.rank))
    throw Failure{"expects rank " + std::to_string(type.rank) + " of '" + type.name + "' in '" + file.path() +
                  "', but found " + std::to_string(tensor->shape.size())};
  data.resize(tensor->size / 8 + 1);
  std::memcpy(data.data(), tensor->data, tensor->size);
  quoin_array_t array = {type.dtype, type.rank, {}, data.data()};
  for (int32_t i = 0; i < type.rank; ++i)
    array.sizes[i] = tensor->shape[static_cast<size_t>(i)];
  return array;
}

} // namespace

void quoin::runFunction(quoin_context_t *context, const std::string &folder, const std::string &inputs,
                        const std::string &outputs) {
  quoin_function_t *made = nullptr;
  check(quoin_function_load(context, folder.c_str(), &made), context);
  std::unique_ptr<quoin_function_t, FunctionDeleter> function(made);
  const quoin_function_program_t &program = *quoin_function_describe(made);

  std::string error;
  std::unique_ptr<SafetensorsFile> file = SafetensorsFile::open(inputs, error);
  if (!file)
    throw Failure{error};
  size_t in = static_cast<size_t>(program.arguments_count), out = static_cast<size_t>(program.results_count);
  std::vector<Data> memory(in + out);
  std::vector<quoin_array_t> arguments, results(out);
  for (size_t i = 0; i < in; ++i)
    arguments.push_back(readArgument(*file, program, static_cast<int32_t>(i), memory[i]));
  check(quoin_function_results(made, arguments.data(), in, results.data(), out), context);

  std::vector<NamedTensor> tensors;
  for (size_t r = 0; r < out; ++r) {
    DType type = fileType(results[r].dtype);
    NamedTensor tensor{program.results[r].name, type, {results[r].sizes, results[r].sizes + results[r].rank}, nullptr};
    size_t bytes = dtypeSize(type);
    for (int64_t size : tensor.shape)
      bytes *= static_cast<size_t>(size);
    memory[in + r].resize(bytes / 8 + 1);
    tensor.data = results[r].data = memory[in + r].data();
    tensors.push_back(tensor);
  }
  check(quoin_function_call(made, arguments.data(), in, results.data(), out), context);
  if (int64_t blind = quoin_function_blind_query(made); blind >= 0)
    std::fprintf(stderr, "warning: query %lld sees no key; its result is 0\n", static_cast<long long>(blind));
  if (!writeSafetensors(outputs, tensors, error))
    throw Failure{error};
}
