// Objects.h: what Python holds of the runtime. A context and all made from it share one lock. Who holds the lock never
// waits for Python's: what is under it touches no Python object.
#ifndef QUOIN_PYTHON_OBJECTS_H
#define QUOIN_PYTHON_OBJECTS_H

#include "Sessions.h"

#include "quoin/function.h"

#include <nanobind/nanobind.h>

#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <vector>

namespace quoin {

/// What Python sees as quoin.Error.
struct PythonError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct Context {
  explicit Context(int32_t threads);

  void expectOk(quoin_status_t status) const {
    if (status != QUOIN_STATUS_OK)
      throw PythonError(quoin_context_last_error(own.get()));
  }

  ContextPtr own;
  std::mutex lock;
  std::vector<std::string> warnings;
};
using SharedContext = std::shared_ptr<Context>;

/// Runs `work` under the context's lock without Python's.
template <typename Work> auto locked(Context &context, Work work) {
  nanobind::gil_scoped_release released;
  std::lock_guard guard(context.lock);
  try {
    return work();
  } catch (const Failure &failure) {
    throw PythonError(failure.text);
  }
}

/// A model, which closes under the lock.
struct Model {
  Model(const std::string &folder, int32_t threads);
  ~Model();

  quoin_tokenizer_t *tokenizer() const;

  SharedContext context;
  ModelPtr own;
  quoin_model_info_t info = {};
};
using SharedModel = std::shared_ptr<Model>;

void bindModel(nanobind::module_ &module);
void bindSession(nanobind::module_ &module);
void bindFunction(nanobind::module_ &module);

} // namespace quoin

#endif
