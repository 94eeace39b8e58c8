// Model.cpp: contexts, models and their tokenizers.

#include "Objects.h"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

namespace nb = nanobind;
using namespace quoin;

static void keepWarning(void *self, int32_t level, const char *message) {
  if (level > 0)
    static_cast<Context *>(self)->warnings.emplace_back(message);
}

Context::Context(int32_t threads) {
  quoin_hooks_t hooks = {};
  hooks.self = this;
  hooks.log = keepWarning;
  hooks.workers = threads;
  quoin_context_t *made = nullptr;
  if (quoin_context_create(&hooks, &made) != QUOIN_STATUS_OK)
    throw PythonError(threads < 0 ? "expects threads to be at least 0, but found " + std::to_string(threads)
                                  : "out of memory");
  own.reset(made);
}

Model::Model(const std::string &folder, int32_t threads) {
  nb::gil_scoped_release released;
  context = std::make_shared<Context>(threads);
  quoin_model_t *made = nullptr;
  context->expectOk(quoin_model_load(context->own.get(), folder.c_str(), &made));
  own.reset(made);
  quoin_model_info(made, &info);
}

Model::~Model() {
  if (!own)
    return;
  std::lock_guard guard(context->lock);
  own.reset();
}

quoin_tokenizer_t *Model::tokenizer() const {
  quoin_tokenizer_t *found = quoin_model_tokenizer(own.get());
  if (!found)
    throw PythonError("expects a model with a tokenizer, but its folder has none: give ids");
  return found;
}

namespace {

Prompt encodeText(Model &model, const std::string &text) {
  Request request;
  request.text = text;
  return promptOf(model.tokenizer(), request, model.context->own.get());
}

Prompt encodeConversation(Model &model, const std::string &conversation) {
  Request request;
  request.conversation = conversation;
  return promptOf(model.tokenizer(), request, model.context->own.get());
}

} // namespace

void quoin::bindModel(nb::module_ &module) {
  nb::class_<Model>(module, "Model")
      .def(nb::init<const std::string &, int32_t>(), nb::arg("folder"), nb::arg("threads"))
      .def_prop_ro("capacity", [](const Model &model) { return model.info.capacity; })
      .def_prop_ro("vocabulary", [](const Model &model) { return model.info.vocabulary; })
      .def_prop_ro("has_tokenizer",
                   [](const Model &model) { return quoin_model_tokenizer(model.own.get()) != nullptr; })
      .def_prop_ro("stops",
                   [](const Model &model) {
                     return std::vector<int32_t>(model.info.stops, model.info.stops + model.info.stops_count);
                   })
      .def_prop_ro("decoders",
                   [](const Model &model) {
                     std::vector<std::string> names;
                     for (int32_t i = 0; i < model.info.decoders_count; ++i)
                       names.emplace_back(model.info.decoders[i].name);
                     return names;
                   })
      .def_prop_ro("metadata",
                   [](const Model &model) {
                     const char *text = quoin_model_metadata(model.own.get());
                     return std::string(text ? text : "{}");
                   })
      .def("encode",
           [](Model &model, const std::string &text) {
             return locked(*model.context, [&] { return encodeText(model, text).ids; });
           })
      .def("render",
           [](Model &model, const std::string &conversation) {
             return locked(*model.context, [&] { return encodeConversation(model, conversation).ids; });
           })
      .def("decode",
           [](Model &model, const std::vector<int32_t> &ids, bool skipSpecial) {
             std::string text =
                 locked(*model.context, [&] { return decode(model.tokenizer(), ids.data(), ids.size(), skipSpecial); });
             return nb::steal<nb::str>(
                 PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), "replace"));
           })
      .def("take_warnings", [](Model &model) {
        return locked(*model.context, [&] { return std::exchange(model.context->warnings, {}); });
      });
}
