//===- FuzzRuntime.cpp - calls of the C API in any order, with little memory ===//
//
// Bytes choose calls on a context, a model and up to six sessions of the hand-written program of the unit tests, and
// which allocations fail. Only what the header forbids is left out: NULL, dead objects, a session twice in a step. Then
// everything is freed, nothing may be left, and what finished well must equal the same request run alone.
//
//===----------------------------------------------------------------------===//

#include "Fuzz.h"
#include "quoin/runtime.h"
#include "test/unit/FakeProgram.h"

#include <fuzzer/FuzzedDataProvider.h>

#include <cmath>
#include <cstring>
#include <iterator>
#include <optional>
#include <vector>

using namespace quoin::fuzz;

namespace {

constexpr int64_t vocabulary = 48; // of the hand-written program

/// Refuses an allocation when its countdown ends, and then each of the `run` after it.
struct Memory {
  int64_t live = 0, calls = 0, failAfter = -1, run = 0;
  bool refused = false;

  static void *allocate(void *self, size_t bytes, size_t alignment) {
    auto &memory = *static_cast<Memory *>(self);
    ++memory.calls;
    if (memory.failAfter >= 0 && memory.failAfter-- == 0) {
      memory.refused = true;
      if (memory.run > 0) {
        --memory.run;
        memory.failAfter = 0;
      }
      return nullptr;
    }
    REQUIRE(bytes >= 1 && alignment >= 8 && alignment <= 64 && (alignment & (alignment - 1)) == 0);
    memory.live += static_cast<int64_t>(bytes);
    return std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
  }
  static void release(void *self, void *data, size_t bytes) {
    REQUIRE(data);
    static_cast<Memory *>(self)->live -= static_cast<int64_t>(bytes);
    std::free(data);
  }
};

/// What a session was asked for, to ask it again alone.
struct Asked {
  const char *decoder = nullptr;
  std::vector<int32_t> ids;
  int64_t maxTokens = 64;
  uint64_t seed = 0;
  std::optional<std::vector<int32_t>> stops;
  std::vector<std::pair<std::string, double>> settings;
  int32_t banned = -1; // by a hook on scores; -1: there is none
};

struct Session {
  quoin_session_t *handle = nullptr;
  Asked asked;
  bool changed = false;  // told something after its run ended, or a hook since its prompt
  int32_t cancelAt = -1; // the event that cancels
  int32_t events = 0;
};

int32_t listen(void *self, const quoin_event_t *event) {
  auto &session = *static_cast<Session *>(self);
  REQUIRE(event->length >= event->prompt_length && event->prompt_length >= 1);
  REQUIRE(event->committed_from <= event->committed_to && event->committed_to <= event->length);
  for (size_t i = 0; i < event->filled_count; ++i) {
    const quoin_change_t &change = event->filled[i];
    REQUIRE(change.position >= 0 && change.position < event->length && change.token >= 0 && change.token < vocabulary);
    REQUIRE(event->tokens[change.position] == change.token && !event->open[change.position]);
  }
  return session.events++ == session.cancelAt;
}

int32_t ban(void *self, const quoin_scores_t *rows) {
  const auto &asked = *static_cast<const Asked *>(self);
  REQUIRE(rows->rows >= 1 && rows->count >= 1 && rows->count <= vocabulary && rows->stride >= rows->count);
  REQUIRE(rows->length >= rows->prompt_length && rows->prompt_length >= 1 && rows->tokens && rows->open);
  for (int64_t row = 0; row < rows->rows; ++row) {
    REQUIRE(rows->positions[row] >= -1);
    if (asked.banned < rows->count)
      rows->scores[row * rows->stride + asked.banned] = -HUGE_VALF;
  }
  return 0;
}

const void *weights() {
  alignas(64) static const uint64_t bytes[QUOIN_FAKE_WEIGHTS / 8] = {0, 0, 0, 0, 0, 0, 0, 0x1122334455667788u};
  return bytes;
}

class Driver {
public:
  Driver(const uint8_t *data, size_t size) : draw(data, size) {}
  void run();

private:
  bool check(quoin_status_t status) {
    REQUIRE(status >= QUOIN_STATUS_OK && status <= QUOIN_STATUS_CANCELLED);
    if (status != QUOIN_STATUS_OK)
      REQUIRE(isOneLine(quoin_context_last_error(context)));
    REQUIRE(status != QUOIN_STATUS_OUT_OF_MEMORY || memory.refused);
    return status == QUOIN_STATUS_OK;
  }
  std::vector<int32_t> drawIds(size_t most) {
    std::vector<int32_t> ids(draw.ConsumeIntegralInRange<size_t>(0, most));
    bool wild = draw.ConsumeIntegralInRange(0, 15) == 0;
    for (int32_t &id : ids)
      id = wild ? draw.ConsumeIntegral<int32_t>() : draw.ConsumeIntegralInRange<int32_t>(0, vocabulary - 1);
    return ids;
  }
  void create(Session &session);
  void prepare(Session &session);
  void step();
  void look(Session &session);
  void compare(const Session &session);
  void destroy(Session &session);

  FuzzedDataProvider draw;
  Memory memory;
  quoin_context_t *context = nullptr;
  quoin_model_t *model = nullptr;
  Session sessions[6];
};

void Driver::create(Session &session) {
  static const char *const names[] = {nullptr, "blocks", "causal", "pair", "wrong", "none"};
  session = {};
  session.asked.decoder = names[draw.ConsumeIntegralInRange<size_t>(0, std::size(names) - 1)];
  check(quoin_session_create(model, session.asked.decoder, &session.handle));
}

void Driver::prepare(Session &session) {
  quoin_session_t *s = session.handle;
  Asked &asked = session.asked;
  session.changed |= quoin_session_finished(s);
  switch (draw.ConsumeIntegralInRange(0, 8)) {
  case 0:
  case 1: {
    std::vector<int32_t> ids = drawIds(draw.ConsumeBool() ? 12 : 300);
    if (check(quoin_session_prompt(s, ids.data(), ids.size()))) {
      asked.ids = ids;
      session.changed = false;
      session.events = 0;
    }
    break;
  }
  case 2: {
    int64_t count = draw.ConsumeBool() ? draw.ConsumeIntegralInRange<int64_t>(-1, 40) : draw.ConsumeIntegral<int64_t>();
    if (check(quoin_session_set_max_tokens(s, count)))
      asked.maxTokens = count;
    break;
  }
  case 3: {
    std::vector<int32_t> ids = drawIds(4);
    if (check(quoin_session_set_stops(s, ids.empty() ? nullptr : ids.data(), ids.size())))
      asked.stops = ids;
    break;
  }
  case 4: {
    uint64_t seed = draw.ConsumeIntegral<uint64_t>();
    if (check(quoin_session_set_seed(s, seed)))
      asked.seed = seed;
    break;
  }
  case 5: {
    static const char *const names[] = {"temperature", "top_k", "top_p", "block", "threshold",
                                        "cached",      "below", "what",  "none"};
    const char *name = names[draw.ConsumeIntegralInRange<size_t>(0, std::size(names) - 1)];
    double value = 0;
    switch (draw.ConsumeIntegralInRange(0, 4)) {
    case 0:
      value = draw.ConsumeFloatingPoint<double>();
      break;
    case 1:
      value = draw.ConsumeBool() ? std::nan("") : HUGE_VAL;
      break;
    case 2:
      value = draw.ConsumeProbability<double>();
      break;
    default:
      value = draw.ConsumeIntegralInRange(-1, 12);
      break;
    }
    // The hand-written program converts these two to integers of 64 and 32 bits.
    if ((!std::strcmp(name, "threshold") || !std::strcmp(name, "what")) && std::isfinite(value))
      value = std::fmod(value, 1 << 20);
    if (check(quoin_session_set(s, name, value)))
      asked.settings.emplace_back(name, value);
    break;
  }
  case 6:
    if (check(quoin_session_set_defaults(s)))
      asked = {asked.decoder, asked.ids, 64, 0, std::nullopt, {}, asked.banned};
    break;
  case 7: {
    int32_t banned = draw.ConsumeIntegralInRange<int32_t>(-1, vocabulary - 1);
    if (check(quoin_session_edit(s, banned < 0 ? nullptr : ban, &asked))) {
      asked.banned = banned;
      session.changed = true;
    }
    break;
  }
  default: {
    int32_t cancelAt = draw.ConsumeBool() ? -1 : draw.ConsumeIntegralInRange(0, 20);
    if (check(quoin_session_listen(s, listen, &session)))
      session.cancelAt = cancelAt;
    break;
  }
  }
}

void Driver::step() {
  std::vector<quoin_session_t *> together;
  unsigned which = draw.ConsumeIntegralInRange(0u, (1u << std::size(sessions)) - 1);
  for (size_t i = 0; i < std::size(sessions); ++i)
    if ((which >> i & 1) && sessions[i].handle)
      together.push_back(sessions[i].handle);
  for (int times = draw.ConsumeIntegralInRange(1, 6); times > 0; --times)
    check(quoin_sessions_step(together.data(), together.size()));
}

/// Runs what the session was asked for in a context of its own; the answers must be equal.
void compareAlone(Asked asked, const quoin_result_t &want) {
  quoin_context_t *context = nullptr;
  quoin_model_t *model = nullptr;
  quoin_session_t *session = nullptr;
  quoin_hooks_t hooks = {};
  hooks.workers = 1;
  quoin_result_t got;
  REQUIRE(quoin_context_create(&hooks, &context) == QUOIN_STATUS_OK);
  REQUIRE(quoin_model_from_program(context, quoin_fake_query, weights(), QUOIN_FAKE_WEIGHTS, nullptr, &model) ==
          QUOIN_STATUS_OK);
  REQUIRE(quoin_session_create(model, asked.decoder, &session) == QUOIN_STATUS_OK);
  REQUIRE(quoin_session_set_max_tokens(session, asked.maxTokens) == QUOIN_STATUS_OK);
  REQUIRE(quoin_session_set_seed(session, asked.seed) == QUOIN_STATUS_OK);
  if (asked.stops)
    REQUIRE(quoin_session_set_stops(session, asked.stops->data(), asked.stops->size()) == QUOIN_STATUS_OK);
  for (const auto &[name, value] : asked.settings)
    REQUIRE(quoin_session_set(session, name.c_str(), value) == QUOIN_STATUS_OK);
  if (asked.banned >= 0)
    REQUIRE(quoin_session_edit(session, ban, &asked) == QUOIN_STATUS_OK);
  REQUIRE(quoin_session_prompt(session, asked.ids.data(), asked.ids.size()) == QUOIN_STATUS_OK);
  REQUIRE(quoin_generate(session, nullptr, nullptr) == QUOIN_STATUS_OK);
  REQUIRE(quoin_session_result(session, &got) == QUOIN_STATUS_OK);
  REQUIRE(got.count == want.count && got.shown == want.shown && got.stopped == want.stopped);
  REQUIRE(got.evaluations == want.evaluations && got.forwards == want.forwards);
  REQUIRE(got.prefill_tokens == want.prefill_tokens);
  REQUIRE(got.count == 0 || std::memcmp(got.ids, want.ids, got.count * sizeof(int32_t)) == 0);
  quoin_session_destroy(session);
  quoin_model_destroy(model);
  quoin_context_destroy(context);
}

void Driver::look(Session &session) {
  quoin_result_t result;
  bool finished = quoin_session_finished(session.handle);
  quoin_status_t status = quoin_session_status(session.handle);
  REQUIRE(finished || status == QUOIN_STATUS_OK);
  REQUIRE((status == QUOIN_STATUS_OK) == (quoin_session_error(session.handle)[0] == 0));
  REQUIRE(check(quoin_session_result(session.handle, &result)) == (finished && status == QUOIN_STATUS_OK));
  if (!finished || status != QUOIN_STATUS_OK)
    return;
  REQUIRE(result.shown <= result.count);
  for (size_t i = 0; i < result.count; ++i)
    REQUIRE(result.ids[i] >= 0 && result.ids[i] < vocabulary);
}

void Driver::compare(const Session &session) {
  quoin_result_t result;
  if (!session.changed && quoin_session_finished(session.handle) &&
      quoin_session_status(session.handle) == QUOIN_STATUS_OK && check(quoin_session_result(session.handle, &result)))
    compareAlone(session.asked, result);
}

void Driver::destroy(Session &session) {
  look(session);
  if (draw.ConsumeBool())
    compare(session);
  quoin_session_destroy(session.handle);
  session = {};
}

void Driver::run() {
  auto plan = [&] {
    memory.failAfter = draw.ConsumeBool() ? -1 : draw.ConsumeIntegralInRange<int64_t>(0, 60);
    memory.run = draw.ConsumeIntegralInRange<int64_t>(0, 3);
  };
  plan();
  quoin_hooks_t hooks = {&memory, Memory::allocate, Memory::release, nullptr, nullptr, 1};
  if (quoin_context_create(&hooks, &context) != QUOIN_STATUS_OK) {
    REQUIRE(memory.refused && memory.live == 0);
    return;
  }
  size_t bytes = draw.ConsumeIntegralInRange(0, 31) == 0 ? 8 : QUOIN_FAKE_WEIGHTS;
  if (check(quoin_model_from_program(context, quoin_fake_query, weights(), bytes, nullptr, &model))) {
    for (int calls = 0; calls < 200 && draw.remaining_bytes() > 0; ++calls) {
      Session &session = sessions[draw.ConsumeIntegralInRange<size_t>(0, std::size(sessions) - 1)];
      int what = draw.ConsumeIntegralInRange(0, 15);
      if (what == 0)
        plan();
      else if (what >= 12)
        step();
      else if (!session.handle)
        create(session);
      else if (what == 1)
        destroy(session);
      else if (what == 2)
        quoin_session_cancel(session.handle);
      else if (what == 3)
        check(quoin_session_begin(session.handle));
      else if (what == 4)
        look(session);
      else if (what == 5 && check(quoin_generate(session.handle, nullptr, nullptr)))
        compare(session);
      else if (what > 5)
        prepare(session);
    }
    for (Session &session : sessions)
      if (session.handle)
        destroy(session);
    quoin_model_destroy(model);
  }
  quoin_context_destroy(context);
  REQUIRE(memory.live == 0);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  Driver(data, size).run();
  return 0;
}
