// Function.cpp: compiled functions on arrays, which are read and written where they lie.

#include "Objects.h"

#include <nanobind/ndarray.h>
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <utility>

namespace nb = nanobind;
using namespace quoin;

namespace {

template <typename... Constraints> quoin_array_t view(const nb::ndarray<Constraints...> &array) {
  if (array.ndim() > QUOIN_MAX_RANK)
    throw PythonError("expects an array of at most " + std::to_string(QUOIN_MAX_RANK) + " sizes, but found " +
                      std::to_string(array.ndim()));
  quoin_array_t found = {};
  if (array.dtype() == nb::dtype<float>())
    found.dtype = QUOIN_DTYPE_F32;
  else if (array.dtype() == nb::dtype<int32_t>())
    found.dtype = QUOIN_DTYPE_I32;
  else if (array.dtype() == nb::dtype<int64_t>())
    found.dtype = QUOIN_DTYPE_I64;
  else
    throw PythonError("expects an array of float32, int32 or int64, but found another type");
  found.rank = static_cast<int32_t>(array.ndim());
  for (size_t i = 0; i < array.ndim(); ++i)
    found.sizes[i] = static_cast<int64_t>(array.shape(i));
  found.data = const_cast<void *>(static_cast<const void *>(array.data()));
  return found;
}

struct FunctionDeleter {
  void operator()(quoin_function_t *function) const { quoin_function_destroy(function); }
};

using Argument = nb::ndarray<nb::ro, nb::c_contig, nb::device::cpu>;
using Result = nb::ndarray<nb::c_contig, nb::device::cpu>;

struct Function {
  Function(const std::string &folder, int32_t threads) : context(std::make_shared<Context>(threads)) {
    locked(*context, [&] {
      quoin_function_t *made = nullptr;
      context->expectOk(quoin_function_load(context->own.get(), folder.c_str(), &made));
      own.reset(made);
    });
  }

  void call(const std::vector<Argument> &arguments, const std::vector<Result> &results) {
    std::vector<quoin_array_t> in, out;
    for (const Argument &array : arguments)
      in.push_back(view(array));
    for (const Result &array : results)
      out.push_back(view(array));
    locked(*context,
           [&] { context->expectOk(quoin_function_call(own.get(), in.data(), in.size(), out.data(), out.size())); });
  }

  SharedContext context;
  std::unique_ptr<quoin_function_t, FunctionDeleter> own;
};

} // namespace

void quoin::bindFunction(nb::module_ &module) {
  nb::class_<Function>(module, "Function")
      .def(nb::init<const std::string &, int32_t>(), nb::arg("folder"), nb::arg("threads"))
      .def("call", &Function::call, nb::arg("arguments"), nb::arg("results"))
      .def("take_warnings", [](Function &function) {
        return locked(*function.context, [&] { return std::exchange(function.context->warnings, {}); });
      });
}
