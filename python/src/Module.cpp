// Module.cpp: the extension `quoin._quoin`. People see the Python files beside it.

#include "Objects.h"

using namespace quoin;

NB_MODULE(_quoin, module) {
  nanobind::exception<PythonError>(module, "Error", PyExc_RuntimeError).doc() =
      "What the runtime or the compiler refused; the text is its diagnostic.";
  bindModel(module);
  bindSession(module);
  bindFunction(module);
}
