// RuntimeFixture.h: contexts that count their memory, and requests over the hand-written program.
#ifndef QUOIN_TEST_RUNTIME_FIXTURE_H
#define QUOIN_TEST_RUNTIME_FIXTURE_H

#include "FakeProgram.h"
#include "quoin/runtime.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <vector>

namespace quoin::test {

/// Hooks that count, and refuse allocation number `failAt` (from 1) and all after it if `forGood`.
struct CountingMemory {
  int64_t live = 0, calls = 0, failAt = 0;
  bool forGood = false;

  static void *allocate(void *self, size_t bytes, size_t alignment) {
    auto &memory = *static_cast<CountingMemory *>(self);
    ++memory.calls;
    if (memory.failAt && (memory.calls == memory.failAt || (memory.forGood && memory.calls > memory.failAt)))
      return nullptr;
    memory.live += static_cast<int64_t>(bytes);
    return std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
  }
  static void free(void *self, void *data, size_t bytes) {
    static_cast<CountingMemory *>(self)->live -= static_cast<int64_t>(bytes);
    std::free(data);
  }
  quoin_hooks_t hooks(int32_t workers) { return {this, allocate, free, nullptr, nullptr, workers}; }
};

/// The weights of the hand-written program.
inline const void *fakeWeights() {
  alignas(64) static uint64_t weights[QUOIN_FAKE_WEIGHTS / 8] = {0, 0, 0, 0, 0, 0, 0, 0x1122334455667788u};
  return weights;
}

struct Request {
  std::vector<int32_t> ids = {1, 2, 3, 4, 6};
  std::string decoder = "blocks";
  int64_t maxTokens = 20;
  uint64_t seed = 0;
  std::map<std::string, double> settings = {};
};

struct Answer {
  std::vector<int32_t> ids;
  int64_t evaluations = 0, forwards = 0, prefill = 0;
  bool operator==(const Answer &) const = default;
};

/// A context and the program, freed in the right order and checked for leaks.
struct Runtime {
  explicit Runtime(int32_t workers = 1) {
    quoin_hooks_t hooks = memory.hooks(workers);
    EXPECT_EQ(quoin_context_create(&hooks, &context), QUOIN_STATUS_OK);
    EXPECT_EQ(quoin_model_from_program(context, quoin_fake_query, fakeWeights(), QUOIN_FAKE_WEIGHTS, nullptr, &model),
              QUOIN_STATUS_OK);
  }
  ~Runtime() {
    for (quoin_session_t *session : sessions)
      quoin_session_destroy(session);
    quoin_model_destroy(model);
    quoin_context_destroy(context);
    EXPECT_EQ(memory.live, 0);
  }

  quoin_session_t *session(const std::string &decoder = "blocks") {
    quoin_session_t *made = nullptr;
    EXPECT_EQ(quoin_session_create(model, decoder.c_str(), &made), QUOIN_STATUS_OK);
    sessions.push_back(made);
    return made;
  }
  quoin_session_t *start(const Request &request) {
    quoin_session_t *made = session(request.decoder);
    EXPECT_EQ(quoin_session_prompt(made, request.ids.data(), request.ids.size()), QUOIN_STATUS_OK);
    EXPECT_EQ(quoin_session_set_max_tokens(made, request.maxTokens), QUOIN_STATUS_OK);
    EXPECT_EQ(quoin_session_set_seed(made, request.seed), QUOIN_STATUS_OK);
    for (const auto &[name, value] : request.settings)
      EXPECT_EQ(quoin_session_set(made, name.c_str(), value), QUOIN_STATUS_OK) << error();
    return made;
  }
  static Answer answer(quoin_session_t *session) {
    quoin_result_t result;
    if (quoin_session_result(session, &result) != QUOIN_STATUS_OK) {
      ADD_FAILURE() << quoin_session_error(session);
      return {};
    }
    return {{result.ids, result.ids + result.count}, result.evaluations, result.forwards, result.prefill_tokens};
  }
  Answer run(const Request &request) {
    quoin_session_t *made = start(request);
    EXPECT_EQ(quoin_generate(made, nullptr, nullptr), QUOIN_STATUS_OK) << error();
    return answer(made);
  }
  std::string error() const { return quoin_context_last_error(context); }

  CountingMemory memory;
  quoin_context_t *context = nullptr;
  quoin_model_t *model = nullptr;
  std::vector<quoin_session_t *> sessions;
};

} // namespace quoin::test

#endif
