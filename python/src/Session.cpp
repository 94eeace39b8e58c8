// Session.cpp: sessions, what they heard of their evaluations, and steps of many at once.

#include "Objects.h"

#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <tuple>

namespace nb = nanobind;
using namespace quoin;

namespace {

/// A copy of a quoin_event_t: the runtime's holds during the call only.
struct Event {
  using Change = std::tuple<int64_t, int32_t, float>;
  int64_t evaluation, forward, committedFrom, committedTo, promptLength;
  std::vector<Change> filled, edited;
  std::vector<int32_t> tokens;
  std::vector<bool> open;
};

std::vector<Event::Change> copyChanges(const quoin_change_t *changes, size_t count) {
  std::vector<Event::Change> copied;
  copied.reserve(count);
  for (size_t i = 0; i < count; ++i)
    copied.emplace_back(changes[i].position, changes[i].token, changes[i].confidence);
  return copied;
}

nb::str asString(const std::string &text) {
  return nb::steal<nb::str>(PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), "replace"));
}

struct Session {
  Session(Model &of, const std::optional<std::string> &decoder) : context(of.context), model(of) {
    locked(*context, [&] {
      quoin_session_t *made = nullptr;
      context->expectOk(quoin_session_create(of.own.get(), decoder ? decoder->c_str() : nullptr, &made));
      own.reset(made);
    });
  }
  ~Session() {
    if (!own)
      return;
    std::lock_guard guard(context->lock);
    own.reset();
  }

  template <typename Call> void tell(Call call) {
    locked(*context, [&] { context->expectOk(call(own.get())); });
  }

  void listen(bool trace, bool text, std::vector<int32_t> stops, int64_t maxTokens) {
    tell([&](quoin_session_t *session) {
      keepsEvents = trace;
      events.clear();
      settled.reset();
      if (text)
        settled = std::make_unique<SettledText>(model.tokenizer(), std::move(stops), maxTokens);
      waiting.clear();
      return quoin_session_listen(session, trace || text ? hear : nullptr, this);
    });
  }

  /// No exception may leave a callback: a session that cannot be listened to is cancelled.
  static int32_t hear(void *self, const quoin_event_t *event) try {
    static_cast<Session *>(self)->take(*event);
    return 0;
  } catch (...) {
    return 1;
  }

  void take(const quoin_event_t &event) {
    if (keepsEvents)
      events.push_back({event.evaluation, event.forward, event.committed_from, event.committed_to, event.prompt_length,
                        copyChanges(event.filled, event.filled_count), copyChanges(event.edited, event.edited_count),
                        std::vector<int32_t>(event.tokens, event.tokens + event.length),
                        std::vector<bool>(event.open, event.open + event.length)});
    if (settled) {
      // Text is made behind the step, since a listener may not call the runtime.
      const int64_t from = event.prompt_length + settled->taken() + static_cast<int64_t>(waiting.size());
      if (event.committed_to > from)
        waiting.insert(waiting.end(), event.tokens + from, event.tokens + event.committed_to);
    }
  }

  /// The text that became final since it was asked last.
  nb::str takeText() {
    std::string text = locked(*context, [&] {
      if (!settled)
        return std::string();
      std::string more = settled->settle(waiting.data(), static_cast<int64_t>(waiting.size()));
      waiting.clear();
      quoin_result_t result;
      if (quoin_session_finished(own.get()) && quoin_session_status(own.get()) == QUOIN_STATUS_OK) {
        context->expectOk(quoin_session_result(own.get(), &result));
        const int64_t taken = settled->taken();
        more += settled->settle(result.ids + std::min<int64_t>(taken, static_cast<int64_t>(result.count)),
                                std::max<int64_t>(static_cast<int64_t>(result.shown) - taken, 0));
        more += settled->rest();
        settled.reset();
      }
      return more;
    });
    return asString(text);
  }

  nb::list takeEvents() {
    std::vector<Event> taken = locked(*context, [&] { return std::exchange(events, {}); });
    nb::list list;
    for (const Event &event : taken) {
      nb::dict entry;
      entry["evaluation"] = event.evaluation;
      entry["forward"] = event.forward;
      entry["filled"] = event.filled;
      entry["edited"] = event.edited;
      entry["committed"] = nb::make_tuple(event.committedFrom, event.committedTo);
      entry["prompt_length"] = event.promptLength;
      entry["tokens"] = event.tokens;
      entry["open"] = event.open;
      list.append(entry);
    }
    return list;
  }

  nb::dict result() {
    quoin_result_t found;
    std::vector<int32_t> ids, raw;
    locked(*context, [&] {
      if (quoin_session_status(own.get()) != QUOIN_STATUS_OK)
        throw PythonError(quoin_session_error(own.get()));
      context->expectOk(quoin_session_result(own.get(), &found));
      ids.assign(found.ids, found.ids + found.shown);
      raw.assign(found.ids, found.ids + found.count);
    });
    nb::dict entry;
    entry["text_ids"] = ids;
    entry["ids"] = raw;
    entry["stopped"] = found.stopped != 0;
    entry["evaluations"] = found.evaluations;
    entry["forwards"] = found.forwards;
    entry["prefill_tokens"] = found.prefill_tokens;
    entry["shared_tokens"] = found.shared_tokens;
    entry["rows"] = found.rows;
    return entry;
  }

  SharedContext context;
  Model &model; // kept by Python as long as this is
  SessionPtr own;
  bool keepsEvents = false;
  std::vector<Event> events;
  std::unique_ptr<SettledText> settled;
  std::vector<int32_t> waiting;
};

void step(const std::vector<Session *> &sessions) {
  if (sessions.empty())
    return;
  std::vector<quoin_session_t *> all;
  for (Session *session : sessions) {
    if (!session || &session->model != &sessions[0]->model)
      throw PythonError("expects sessions of one model in a step, but found those of several");
    all.push_back(session->own.get());
  }
  Context &context = *sessions[0]->context;
  locked(context, [&] { context.expectOk(quoin_sessions_step(all.data(), all.size())); });
}

using Input = nb::ndarray<nb::ro, nb::c_contig, nb::device::cpu>;

void giveInput(Session &session, const std::string &name, const Input &array) {
  quoin_named_tensor_t tensor = {};
  tensor.name = name.c_str();
  tensor.rank = static_cast<int32_t>(array.ndim());
  if (array.ndim() > QUOIN_MAX_RANK)
    throw PythonError("expects at most " + std::to_string(QUOIN_MAX_RANK) + " sizes of input '" + name +
                      "', but found " + std::to_string(array.ndim()));
  for (size_t i = 0; i < array.ndim(); ++i)
    tensor.sizes[i] = static_cast<int64_t>(array.shape(i));
  if (array.dtype() == nb::dtype<float>())
    tensor.dtype = QUOIN_DTYPE_F32;
  else if (array.dtype() == nb::dtype<int32_t>())
    tensor.dtype = QUOIN_DTYPE_I32;
  else if (array.dtype() == nb::dtype<int64_t>())
    tensor.dtype = QUOIN_DTYPE_I64;
  else
    throw PythonError("expects float32, int32 or int64 for input '" + name + "', but found another type");
  tensor.data = array.data();
  session.tell([&](quoin_session_t *own) { return quoin_session_input(own, &tensor); });
}

/// (name, type, sizes, bytes) of each.
nb::list outputs(Session &session) {
  struct Output {
    std::string name, bytes;
    int32_t type;
    std::vector<int64_t> sizes;
  };
  std::vector<Output> found = locked(*session.context, [&] {
    std::vector<Output> all;
    for (size_t i = 0; i < quoin_session_outputs(session.own.get()); ++i) {
      quoin_named_tensor_t tensor;
      session.context->expectOk(quoin_session_output(session.own.get(), i, &tensor));
      if (!tensor.data)
        continue;
      size_t bytes = tensor.dtype == QUOIN_DTYPE_I64 ? 8 : 4;
      for (int32_t d = 0; d < tensor.rank; ++d)
        bytes *= static_cast<size_t>(tensor.sizes[d]);
      all.push_back({tensor.name, std::string(static_cast<const char *>(tensor.data), bytes), tensor.dtype,
                     std::vector<int64_t>(tensor.sizes, tensor.sizes + tensor.rank)});
    }
    return all;
  });
  nb::list list;
  for (const Output &output : found)
    list.append(nb::make_tuple(output.name,
                               output.type == QUOIN_DTYPE_F32   ? "float32"
                               : output.type == QUOIN_DTYPE_I64 ? "int64"
                                                                : "int32",
                               output.sizes, nb::bytes(output.bytes.data(), output.bytes.size())));
  return list;
}

} // namespace

void quoin::bindSession(nb::module_ &module) {
  nb::class_<Session>(module, "Session")
      .def(nb::init<Model &, std::optional<std::string>>(), nb::arg("model"), nb::arg("decoder").none(),
           nb::keep_alive<1, 2>())
      .def("prompt",
           [](Session &session, const std::vector<int32_t> &ids) {
             session.tell([&](quoin_session_t *own) { return quoin_session_prompt(own, ids.data(), ids.size()); });
           })
      .def("set_max_tokens",
           [](Session &session, int64_t count) {
             session.tell([&](quoin_session_t *own) { return quoin_session_set_max_tokens(own, count); });
           })
      .def("set_seed",
           [](Session &session, uint64_t seed) {
             session.tell([&](quoin_session_t *own) { return quoin_session_set_seed(own, seed); });
           })
      .def("set_stops",
           [](Session &session, const std::vector<int32_t> &ids) {
             session.tell([&](quoin_session_t *own) { return quoin_session_set_stops(own, ids.data(), ids.size()); });
           })
      .def("set",
           [](Session &session, const std::string &name, double value) {
             session.tell([&](quoin_session_t *own) { return quoin_session_set(own, name.c_str(), value); });
           })
      .def("set_word",
           [](Session &session, const std::string &name, const std::string &word) {
             session.tell(
                 [&](quoin_session_t *own) { return quoin_session_set_word(own, name.c_str(), word.c_str()); });
           })
      .def("input", giveInput)
      .def("listen", &Session::listen)
      .def("take_text", &Session::takeText)
      .def("take_events", &Session::takeEvents)
      .def("result", &Session::result)
      .def("outputs", outputs)
      .def("cancel",
           [](Session &session) { locked(*session.context, [&] { quoin_session_cancel(session.own.get()); }); })
      .def_prop_ro("finished", [](Session &session) {
        return locked(*session.context, [&] { return quoin_session_finished(session.own.get()) != 0; });
      });
  module.def("step", step);
}
