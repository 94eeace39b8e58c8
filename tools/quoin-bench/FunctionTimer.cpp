//===- FunctionTimer.cpp - a compiled attention function, called and timed -===//

#include "tools/quoin-bench/FunctionTimer.h"
#include "tools/quoin-bench/Machine.h"
#include <algorithm>
#include <cstring>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <random>

using namespace quoin::bench;

static int64_t elementBytes(int32_t dtype) {
  return dtype == QUOIN_DTYPE_F32 || dtype == QUOIN_DTYPE_I32 ? 4 : dtype == QUOIN_DTYPE_I64 ? 8 : 2;
}

static int64_t elements(const quoin_array_t &array) {
  int64_t n = 1;
  for (int32_t i = 0; i < array.rank; ++i)
    n *= array.sizes[i];
  return n;
}

/// Normal numbers, as activations are.
static void fillRandom(const quoin_array_t &array, unsigned seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal;
  std::vector<float> stretch(1 << 16);
  for (float &x : stretch)
    x = normal(generator);
  for (int64_t i = 0, n = elements(array); i < n; ++i) {
    float x = stretch[static_cast<size_t>(i) % stretch.size()];
    if (array.dtype == QUOIN_DTYPE_F32) {
      static_cast<float *>(array.data)[i] = x;
    } else {
      uint32_t bits;
      std::memcpy(&bits, &x, 4);
      static_cast<uint16_t *>(array.data)[i] = static_cast<uint16_t>(bits >> 16);
    }
  }
}

std::vector<int32_t> quoin::bench::documentLabels(int64_t length, int64_t documents) {
  std::mt19937 generator(7);
  std::vector<int64_t> ends;
  for (int64_t i = 1; i < documents; ++i)
    ends.push_back(std::uniform_int_distribution<int64_t>(0, length)(generator));
  std::sort(ends.begin(), ends.end());
  std::vector<int32_t> labels(static_cast<size_t>(length));
  for (size_t i = 0, document = 0; i < labels.size(); ++i) {
    while (document < ends.size() && static_cast<int64_t>(i) >= ends[document])
      ++document;
    labels[i] = static_cast<int32_t>(document);
  }
  return labels;
}

std::unique_ptr<CompiledFunction> CompiledFunction::open(const std::string &folder, int threads, std::string &error) {
  std::unique_ptr<CompiledFunction> f(new CompiledFunction);
  quoin_hooks_t hooks = {};
  hooks.workers = threads;
  if (quoin_context_create(&hooks, &f->context) != QUOIN_STATUS_OK) {
    error = "cannot make a context of " + std::to_string(threads) + " threads";
    return nullptr;
  }
  if (quoin_function_load(f->context, folder.c_str(), &f->function) != QUOIN_STATUS_OK) {
    error = quoin_context_last_error(f->context);
    return nullptr;
  }
  if (!f->describe(error))
    return nullptr;
  // The ABI's numbers of types are for machines; model.json spells them.
  std::ifstream file(folder + "/model.json");
  nlohmann::json json = nlohmann::json::parse(file, nullptr, false);
  auto spell = [&](const char *list, std::string &word) {
    if (json.is_object() && json.contains(list) && json[list].is_array() && !json[list].empty())
      word = json[list][0].value("dtype", word);
  };
  spell("arguments", f->attention.element);
  spell("results", f->attention.result);
  return f;
}

CompiledFunction::~CompiledFunction() {
  quoin_function_destroy(function);
  quoin_context_destroy(context);
}

bool CompiledFunction::describe(std::string &error) {
  const quoin_function_program_t &p = *quoin_function_describe(function);
  std::vector<const quoin_tensor_type_t *> tensors;
  for (int32_t i = 0; i < p.arguments_count; ++i) {
    if (p.arguments[i].rank == 3)
      tensors.push_back(&p.arguments[i]);
    takesLabels |= p.arguments[i].rank == 1;
  }
  if (tensors.size() != 3) {
    error = "expects an attention function of three tensors of rank 3, but '" + std::string(p.name) + "' takes " +
            std::to_string(tensors.size());
    return false;
  }
  attention.heads = tensors[0]->sizes[1];
  attention.keyHeads = tensors[1]->sizes[1];
  attention.headDim = tensors[0]->sizes[2];
  return true;
}

bool CompiledFunction::prepare(int64_t length, const std::vector<int32_t> &labels,
                               const std::map<std::string, int64_t> &symbols, std::string &error) {
  const quoin_function_program_t &p = *quoin_function_describe(function);
  arguments.clear();
  memory.assign(static_cast<size_t>(p.arguments_count + p.results_count), {});
  for (int32_t i = 0; i < p.arguments_count; ++i) {
    const quoin_tensor_type_t &type = p.arguments[i];
    quoin_array_t a = {type.dtype, type.rank, {}, nullptr};
    for (int32_t d = 0; d < type.rank; ++d)
      a.sizes[d] = type.sizes[d] < 0 ? length : type.sizes[d];
    std::vector<uint64_t> &words = memory[static_cast<size_t>(i)];
    words.resize(static_cast<size_t>(elements(a) * elementBytes(a.dtype) / 8 + 1));
    a.data = words.data();
    if (type.rank == 0) {
      auto found = symbols.find(type.name);
      if (found == symbols.end()) {
        error = "expects a value of symbol '" + std::string(type.name) + "', but found none; give it with --symbol";
        return false;
      }
      std::memcpy(a.data, &found->second, 8);
    } else if (type.rank == 1) {
      std::memcpy(a.data, labels.data(), std::min(labels.size(), static_cast<size_t>(elements(a))) * 4);
    } else {
      fillRandom(a, static_cast<unsigned>(i));
    }
    arguments.push_back(a);
  }
  results.assign(static_cast<size_t>(p.results_count), {});
  if (quoin_function_results(function, arguments.data(), arguments.size(), results.data(), results.size()) !=
      QUOIN_STATUS_OK) {
    error = quoin_context_last_error(context);
    return false;
  }
  for (size_t r = 0; r < results.size(); ++r) {
    std::vector<uint64_t> &words = memory[arguments.size() + r];
    words.resize(static_cast<size_t>(elements(results[r]) * elementBytes(results[r].dtype) / 8 + 1));
    results[r].data = words.data();
  }
  return true;
}

double CompiledFunction::call(std::string &error) {
  double start = now();
  if (quoin_function_call(function, arguments.data(), arguments.size(), results.data(), results.size()) !=
      QUOIN_STATUS_OK) {
    error = quoin_context_last_error(context);
    return -1;
  }
  return now() - start;
}

double CompiledFunction::bytes() const {
  double bytes = 0;
  for (const std::vector<quoin_array_t> *list : {&arguments, &results})
    for (const quoin_array_t &a : *list)
      bytes += double(elements(a) * elementBytes(a.dtype));
  return bytes;
}
