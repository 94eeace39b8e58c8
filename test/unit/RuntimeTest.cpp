// RuntimeTest.cpp: sessions over a hand-written program: batches, caches, events, settings, memory and errors.

#include "RuntimeFixture.h"

#include <algorithm>
#include <cmath>
#include <set>

using namespace quoin::test;

namespace {

std::vector<int32_t> prompt(size_t length, uint32_t salt = 1) {
  std::vector<int32_t> ids(length);
  for (size_t i = 0; i < length; ++i)
    ids[i] = int32_t((i * 7 + salt * 13 + i * i) % 47);
  return ids;
}

std::vector<Request> manyRequests() {
  std::vector<Request> all;
  for (uint32_t i = 0; i < 12; ++i) {
    Request r;
    r.ids = prompt(1 + 11 * i, i);
    r.decoder = i % 4 == 3 ? "pair" : i % 2 ? "causal" : "blocks";
    r.maxTokens = 3 + 5 * i;
    r.seed = i;
    if (r.decoder == "pair")
      r.settings["what"] = (i / 4 + 1) % 4;
    else
      r.settings["temperature"] = i % 3 ? 0.0 : 1.0;
    if (i % 5 == 0)
      r.settings["top_p"] = 0.8;
    if (r.decoder == "causal" && i > 6)
      r.settings["below"] = 1;
    all.push_back(r);
  }
  return all;
}

} // namespace

TEST(Runtime, RunsUnderACaller) { EXPECT_EQ(quoin_c_caller(quoin_fake_query, fakeWeights(), QUOIN_FAKE_WEIGHTS), 0); }

TEST(Runtime, BatchesAndWorkersChangeNothing) {
  std::vector<Answer> alone;
  {
    Runtime runtime;
    for (const Request &request : manyRequests())
      alone.push_back(runtime.run(request));
  }
  for (int32_t workers : {1, 2, 3}) {
    Runtime runtime(workers);
    std::vector<quoin_session_t *> waiting, running;
    for (const Request &request : manyRequests())
      waiting.push_back(runtime.start(request));
    // One more joins at every step: all stand at different points of their programs.
    for (size_t step = 0; step < 1000; ++step) {
      if (step < waiting.size())
        running.push_back(waiting[step]);
      ASSERT_EQ(quoin_sessions_step(running.data(), running.size()), QUOIN_STATUS_OK);
    }
    for (size_t i = 0; i < waiting.size(); ++i)
      EXPECT_EQ(Runtime::answer(waiting[i]), alone[i]) << "request " << i << " with " << workers << " workers";
  }
}

TEST(Runtime, ManySessionsTakeSeveralPasses) {
  Runtime runtime(2);
  std::vector<Answer> alone;
  std::vector<quoin_session_t *> all;
  auto request = [](size_t i) {
    Request r;
    r.ids = prompt(8, uint32_t(i % 3));
    r.maxTokens = 4;
    r.seed = i % 3;
    r.settings = {{"temperature", double(i % 3)}, {"top_p", 0.7}};
    return r;
  };
  for (size_t i = 0; i < 3; ++i)
    alone.push_back(runtime.run(request(i)));
  for (size_t i = 0; i < 1200; ++i)
    all.push_back(runtime.start(request(i)));
  while (!quoin_session_finished(all[0]) || !quoin_session_finished(all[1]) || !quoin_session_finished(all[2]))
    ASSERT_EQ(quoin_sessions_step(all.data(), all.size()), QUOIN_STATUS_OK);
  for (size_t i = 0; i < all.size(); ++i)
    ASSERT_EQ(Runtime::answer(all[i]), alone[i % 3]) << i;
}

TEST(Runtime, CallsInTheWrongOrderAreRefused) {
  Runtime runtime, other;
  quoin_session_t *both[] = {runtime.start({}), other.start({})};
  quoin_result_t result;
  EXPECT_EQ(quoin_sessions_step(both, 2), QUOIN_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(runtime.error(), "expects sessions of one model, but session 1 has another");
  EXPECT_EQ(quoin_session_result(both[0], &result), QUOIN_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(quoin_session_begin(both[0]), QUOIN_STATUS_OK);
  EXPECT_EQ(quoin_session_begin(both[0]), QUOIN_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(quoin_session_prompt(both[0], nullptr, 0), QUOIN_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(quoin_sessions_step(nullptr, 0), QUOIN_STATUS_OK);
}

TEST(Runtime, CacheChangesNothing) {
  Runtime runtime;
  for (size_t length : {1, 3, 4, 63, 64, 65, 150}) {
    Request request;
    request.ids = prompt(length);
    request.maxTokens = 70;
    Answer cached = runtime.run(request);
    request.settings["cached"] = 0;
    Answer stateless = runtime.run(request);
    EXPECT_EQ(cached.ids, stateless.ids) << length;
    EXPECT_EQ(cached.evaluations, stateless.evaluations);
    // The block's commit is a call of its own only where there is a cache to fill.
    EXPECT_EQ(cached.forwards, cached.evaluations + int64_t(cached.ids.size() + length) / 4 - int64_t(length) / 4);
    EXPECT_EQ(stateless.forwards, stateless.evaluations);
    EXPECT_EQ(cached.prefill, int64_t(length));
  }
}

TEST(Runtime, PairsOfCallsGiveLogitsThatLive) {
  Runtime runtime;
  Request request;
  request.decoder = "pair";
  request.maxTokens = 1;
  request.ids = prompt(70);
  int32_t stored = -1;
  for (double what : {0, 1, 2, 3}) {
    request.settings["what"] = what;
    Answer answer = runtime.run(request);
    if (what == 2)
      stored = answer.ids.back();
    if (what == 3)
      EXPECT_EQ(answer.ids.back(), stored); // the highest of the stored scores is the likeliest token
    EXPECT_EQ(answer.ids.size(), 71u);
    EXPECT_EQ(answer.evaluations, 2);
    EXPECT_EQ(answer.forwards, 2);
    EXPECT_NE(answer.ids.back(), 47);
  }
}

TEST(Runtime, StopsEndAndCut) {
  Runtime runtime;
  Request request;
  request.maxTokens = 17;
  request.settings["temperature"] = 1;
  quoin_session_t *session = runtime.start(request);
  ASSERT_EQ(quoin_session_set_stops(session, nullptr, 0), QUOIN_STATUS_OK);
  ASSERT_EQ(quoin_generate(session, nullptr, nullptr), QUOIN_STATUS_OK);
  quoin_result_t result;
  ASSERT_EQ(quoin_session_result(session, &result), QUOIN_STATUS_OK);
  EXPECT_EQ(result.count, 19u);
  EXPECT_EQ(result.shown, 17u);
  EXPECT_FALSE(result.stopped);
  int32_t sixth = result.ids[6];
  std::vector<int32_t> ids(result.ids, result.ids + result.count);
  ASSERT_EQ(quoin_session_prompt(session, request.ids.data(), request.ids.size()), QUOIN_STATUS_OK);
  ASSERT_EQ(quoin_session_set_stops(session, &sixth, 1), QUOIN_STATUS_OK);
  ASSERT_EQ(quoin_generate(session, nullptr, nullptr), QUOIN_STATUS_OK);
  ASSERT_EQ(quoin_session_result(session, &result), QUOIN_STATUS_OK);
  EXPECT_TRUE(result.stopped);
  EXPECT_EQ(result.shown, size_t(std::find(ids.begin(), ids.end(), sixth) - ids.begin()));
  EXPECT_LE(result.count, 7u);
}

TEST(Runtime, EventsTellTheWholeStory) {
  struct Story {
    std::vector<int32_t> tokens;
    int64_t evaluations = 0, committed = 0;
  } story;
  Runtime runtime;
  Request request;
  request.maxTokens = 30;
  request.settings["threshold"] = 0.03;
  quoin_session_t *session = runtime.start(request);
  story.tokens.resize(256, -1);
  auto fn = [](void *self, const quoin_event_t *event) -> int32_t {
    auto &s = *static_cast<Story *>(self);
    EXPECT_EQ(event->evaluation, s.evaluations++);
    EXPECT_GE(event->forward, event->evaluation);
    EXPECT_EQ(event->committed_from, s.committed);
    s.committed = event->committed_to;
    EXPECT_EQ(event->edited_count, 0u);
    EXPECT_GT(event->filled_count, 0u);
    for (size_t i = 0; i < event->filled_count; ++i) {
      EXPECT_EQ(s.tokens[size_t(event->filled[i].position)], -1);
      EXPECT_GT(event->filled[i].confidence, 0);
      EXPECT_EQ(event->tokens[event->filled[i].position], event->filled[i].token);
      s.tokens[size_t(event->filled[i].position)] = event->filled[i].token;
    }
    return 0;
  };
  ASSERT_EQ(quoin_generate(session, fn, &story), QUOIN_STATUS_OK);
  Answer answer = Runtime::answer(session);
  EXPECT_EQ(story.evaluations, answer.evaluations);
  EXPECT_EQ(std::vector<int32_t>(story.tokens.begin() + 5, story.tokens.begin() + 5 + int64_t(answer.ids.size())),
            answer.ids);
  EXPECT_EQ(story.committed, int64_t(5 + answer.ids.size()));
}

TEST(Runtime, ListenerAndHostCancel) {
  Runtime runtime;
  quoin_session_t *session = runtime.start({});
  auto stop = [](void *, const quoin_event_t *event) -> int32_t { return event->evaluation == 1; };
  EXPECT_EQ(quoin_generate(session, stop, nullptr), QUOIN_STATUS_CANCELLED);
  EXPECT_TRUE(quoin_session_finished(session));
  quoin_result_t result;
  EXPECT_EQ(quoin_session_result(session, &result), QUOIN_STATUS_CANCELLED);
  session = runtime.start({});
  ASSERT_EQ(quoin_sessions_step(&session, 1), QUOIN_STATUS_OK);
  quoin_session_cancel(session);
  EXPECT_EQ(quoin_session_status(session), QUOIN_STATUS_CANCELLED);
}

TEST(Runtime, SettingsAreCheckedByName) {
  Runtime runtime;
  quoin_session_t *session = runtime.session();
  EXPECT_EQ(quoin_session_set(session, "block", 4), QUOIN_STATUS_OK);
  EXPECT_EQ(quoin_session_set(session, "block", 8), QUOIN_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(runtime.error(), "the setting 'block' was fixed as 4 when the model was compiled, but the request wants 8");
  EXPECT_EQ(quoin_session_set(session, "tau", 1), QUOIN_STATUS_NOT_FOUND);
  EXPECT_EQ(runtime.error(),
            "the decoder 'blocks' has no setting 'tau'; it has block, threshold, cached, temperature, top_k, top_p");
  EXPECT_EQ(quoin_session_set(session, "top_p", 1.5), QUOIN_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(quoin_session_set(session, "top_k", 1.5), QUOIN_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(quoin_session_set(session, "temperature", NAN), QUOIN_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(quoin_session_set_max_tokens(session, 0), QUOIN_STATUS_INVALID_ARGUMENT);
  // A value that only the decoder can judge is refused before any work.
  int32_t id = 1;
  EXPECT_EQ(quoin_session_set(session, "threshold", 7), QUOIN_STATUS_OK);
  EXPECT_EQ(quoin_session_prompt(session, &id, 1), QUOIN_STATUS_OK);
  EXPECT_EQ(quoin_session_begin(session), QUOIN_STATUS_FAILED);
  EXPECT_EQ(runtime.error(), "expects a threshold of at most 1, but found 7");
  EXPECT_EQ(quoin_session_set_defaults(session), QUOIN_STATUS_OK);
  EXPECT_EQ(quoin_session_prompt(session, &id, 1), QUOIN_STATUS_OK);
  EXPECT_EQ(quoin_session_begin(session), QUOIN_STATUS_OK);
  EXPECT_EQ(quoin_session_set(session, "threshold", 0.5), QUOIN_STATUS_INVALID_ARGUMENT); // it runs
}

TEST(Runtime, PromptsAreChecked) {
  Runtime runtime;
  quoin_session_t *session = runtime.session();
  int32_t ids[] = {1, 2, 48, -1};
  EXPECT_EQ(quoin_sessions_step(&session, 1), QUOIN_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(quoin_session_prompt(session, ids, 0), QUOIN_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(quoin_session_prompt(session, ids, 3), QUOIN_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(runtime.error(), "expects ids in [0, 48) (the vocabulary), but id 2 of the prompt is 48");
  std::vector<int32_t> longer = prompt(257);
  EXPECT_EQ(quoin_session_prompt(session, longer.data(), 257), QUOIN_STATUS_CAPACITY);
  EXPECT_EQ(runtime.error(), "expects a prompt of at most 256 tokens (the capacity), but it has 257");
  EXPECT_EQ(quoin_session_prompt(session, longer.data(), 200), QUOIN_STATUS_OK);
  EXPECT_EQ(quoin_session_begin(session), QUOIN_STATUS_CAPACITY);
  EXPECT_EQ(runtime.error(), "expects at most 256 positions (the capacity), but prompt and max_tokens are 200 + 64");
}

TEST(Runtime, WrongProgramsFailWithoutHarm) {
  Runtime runtime;
  std::set<std::string> errors;
  quoin_session_t *good = runtime.start({});
  for (int what = 0; what <= 12; ++what) {
    Request request;
    request.decoder = "wrong";
    request.settings["what"] = what;
    quoin_session_t *both[] = {runtime.start(request), good};
    ASSERT_EQ(quoin_sessions_step(both, 2), QUOIN_STATUS_OK);
    EXPECT_EQ(quoin_session_status(both[0]), what == 0 || what == 8 ? QUOIN_STATUS_CAPACITY : QUOIN_STATUS_FAILED);
    errors.insert(quoin_session_error(both[0]));
  }
  EXPECT_EQ(errors.size(), 13u);
  EXPECT_TRUE(errors.count(
      "quoin.extend expects at most 256 positions (the capacity of 256 and 0 beyond it), but needs 5 + 1000"));
  EXPECT_TRUE(errors.count("quoin.append expects tokens below 48, but found 48"));
  EXPECT_TRUE(errors.count("expects better (1, 2)"));
  EXPECT_EQ(quoin_session_status(good), QUOIN_STATUS_OK);
}

TEST(Runtime, ProgramsThatNeverEndAreStopped) {
  Runtime runtime;
  Request request;
  request.decoder = "wrong";
  request.settings["what"] = 13;
  quoin_session_t *endless = runtime.start(request);
  EXPECT_EQ(quoin_session_set_max_rounds(endless, 0), QUOIN_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(runtime.error(), "expects at least 1 round, but found 0");
  ASSERT_EQ(quoin_session_set_max_rounds(endless, 1000), QUOIN_STATUS_OK);
  EXPECT_EQ(quoin_session_begin(endless), QUOIN_STATUS_FAILED);
  EXPECT_EQ(runtime.error(), "expects a run of the model within 1000 rounds of the decoder's loops, but found none");
  // It disturbs nobody, and no bound of the host's lets it take all memory.
  endless = runtime.start(request);
  ASSERT_EQ(quoin_session_set_max_rounds(endless, INT64_MAX), QUOIN_STATUS_OK);
  quoin_session_t *both[] = {endless, runtime.start({})};
  ASSERT_EQ(quoin_sessions_step(both, 2), QUOIN_STATUS_OK);
  EXPECT_EQ(quoin_session_status(endless), QUOIN_STATUS_FAILED);
  EXPECT_NE(
      std::string(quoin_session_error(endless)).find("expects a run of the model before the decoder's values take"),
      std::string::npos);
  EXPECT_EQ(quoin_generate(both[1], nullptr, nullptr), QUOIN_STATUS_OK);
}

TEST(Runtime, SettledRunsAllocateNothing) {
  Runtime runtime(2);
  std::vector<quoin_session_t *> sessions;
  std::vector<Request> requests = manyRequests();
  for (const Request &request : requests)
    sessions.push_back(runtime.start(request));
  int64_t calls = 0;
  for (int round = 0; round < 3; ++round) {
    for (size_t i = 0; round && i < sessions.size(); ++i)
      ASSERT_EQ(quoin_session_prompt(sessions[i], requests[i].ids.data(), requests[i].ids.size()), QUOIN_STATUS_OK);
    if (round == 2)
      calls = runtime.memory.calls;
    for (int step = 0; step < 500; ++step)
      ASSERT_EQ(quoin_sessions_step(sessions.data(), sessions.size()), QUOIN_STATUS_OK);
  }
  EXPECT_EQ(runtime.memory.calls, calls);
}

/// All of an application's life; the first status that is not OK, after everything was freed.
static quoin_status_t wholeLife(CountingMemory &memory, int32_t workers) {
  quoin_hooks_t hooks = memory.hooks(workers);
  quoin_context_t *context = nullptr;
  quoin_model_t *model = nullptr;
  std::vector<quoin_session_t *> sessions;
  quoin_status_t status = quoin_context_create(&hooks, &context);
  if (!status)
    status = quoin_model_from_program(context, quoin_fake_query, fakeWeights(), QUOIN_FAKE_WEIGHTS, nullptr, &model);
  for (const Request &request : manyRequests()) {
    quoin_session_t *session = nullptr;
    if (!status)
      status = quoin_session_create(model, request.decoder.c_str(), &session);
    if (session)
      sessions.push_back(session);
    auto silent = [](void *, const quoin_event_t *) -> int32_t { return 0; };
    if (!status)
      status = quoin_session_listen(session, silent, nullptr);
    if (!status)
      status = quoin_session_prompt(session, request.ids.data(), request.ids.size());
    for (const auto &[name, value] : request.settings)
      if (!status)
        status = quoin_session_set(session, name.c_str(), value);
  }
  auto finished = [](const quoin_session_t *session) { return quoin_session_finished(session); };
  while (!status && !std::all_of(sessions.begin(), sessions.end(), finished))
    status = quoin_sessions_step(sessions.data(), sessions.size());
  for (quoin_session_t *session : sessions) {
    if (!status)
      status = quoin_session_status(session);
    quoin_session_destroy(session);
  }
  // One more by itself, in one call.
  const Request request = manyRequests().front();
  const int32_t stops[] = {1, 2, 3};
  quoin_session_t *alone = nullptr;
  quoin_result_t result;
  if (!status)
    status = quoin_session_create(model, request.decoder.c_str(), &alone);
  if (!status)
    status = quoin_session_set_stops(alone, stops, std::size(stops));
  if (!status)
    status = quoin_session_prompt(alone, request.ids.data(), request.ids.size());
  if (!status)
    status = quoin_generate(alone, nullptr, nullptr);
  if (!status)
    status = quoin_session_result(alone, &result);
  quoin_session_destroy(alone);
  quoin_model_destroy(model);
  quoin_context_destroy(context);
  return status;
}

TEST(Runtime, EachAllocationMayFail) {
  CountingMemory memory;
  ASSERT_EQ(wholeLife(memory, 2), QUOIN_STATUS_OK);
  int64_t all = memory.calls;
  ASSERT_GT(all, 100);
  int64_t refused = 0;
  for (int64_t at = 1; at <= all; ++at) {
    CountingMemory failing;
    failing.failAt = at;
    failing.forGood = at % 2;
    quoin_status_t status = wholeLife(failing, at % 16 ? 1 : 2);
    // A thread, a number of the trace or the index of shared pages may be done without; a page index that could not
    // grow tries again, so how many these are depends on which of two allocations in a row is refused for good.
    EXPECT_TRUE(status == QUOIN_STATUS_OUT_OF_MEMORY || status == QUOIN_STATUS_OK) << at << ": " << status;
    EXPECT_EQ(failing.live, 0) << at;
    refused += status == QUOIN_STATUS_OUT_OF_MEMORY;
  }
  EXPECT_GT(refused, all - 10);
}

TEST(Runtime, AStepThatFoundNoMemoryMayBeRepeated) {
  Runtime runtime;
  Request request;
  request.ids = prompt(100);
  Answer expected = runtime.run(request);
  for (int64_t skip = 0; skip < 12; ++skip) {
    Runtime other;
    quoin_session_t *session = other.start(request);
    ASSERT_EQ(quoin_session_begin(session), QUOIN_STATUS_OK);
    other.memory.failAt = other.memory.calls + 1 + skip;
    while (!quoin_session_finished(session))
      (void)quoin_sessions_step(&session, 1);
    if (quoin_session_status(session) == QUOIN_STATUS_OK)
      EXPECT_EQ(Runtime::answer(session), expected) << skip;
    else
      EXPECT_EQ(quoin_session_status(session), QUOIN_STATUS_OUT_OF_MEMORY);
  }
}

namespace {
/// A session of the decoder that applies a model to its input.
quoin_session_t *startNamed(Runtime &runtime, const std::vector<float> &rows, int64_t n) {
  quoin_session_t *session = runtime.session("named");
  quoin_named_tensor_t x = {"x", QUOIN_DTYPE_F32, 2, {int64_t(rows.size()) / 3, 3, 0, 0}, rows.data()};
  EXPECT_EQ(quoin_session_input(session, &x), QUOIN_STATUS_OK) << runtime.error();
  EXPECT_EQ(quoin_session_set(session, "n", double(n)), QUOIN_STATUS_OK) << runtime.error();
  EXPECT_EQ(quoin_session_prompt(session, nullptr, 0), QUOIN_STATUS_OK) << runtime.error();
  return session;
}

std::vector<float> sumsOf(quoin_session_t *session) {
  quoin_named_tensor_t sums = {};
  EXPECT_EQ(quoin_session_outputs(session), 1u);
  EXPECT_EQ(quoin_session_output(session, 0, &sums), QUOIN_STATUS_OK);
  EXPECT_STREQ(sums.name, "sums");
  EXPECT_EQ(sums.rank, 1);
  auto *first = static_cast<const float *>(sums.data);
  return {first, first + sums.sizes[0]};
}
} // namespace

TEST(Named, InputsGoInAndOutputsComeOut) {
  Runtime runtime(2);
  std::vector<quoin_session_t *> all = {startNamed(runtime, {1, 2, 3, 4, 5, 6}, 10), startNamed(runtime, {}, 1),
                                        startNamed(runtime, {0.5f, 0, 0}, 0),
                                        runtime.start({.ids = {1, 2, 3}, .decoder = "causal", .maxTokens = 3})};
  for (int step = 0; step < 20; ++step)
    ASSERT_EQ(quoin_sessions_step(all.data(), all.size()), QUOIN_STATUS_OK) << runtime.error();
  EXPECT_EQ(sumsOf(all[0]), (std::vector<float>{25, 43}));
  EXPECT_EQ(sumsOf(all[1]), std::vector<float>());
  EXPECT_EQ(sumsOf(all[2]), std::vector<float>{4});
  EXPECT_EQ(Runtime::answer(all[0]).ids, std::vector<int32_t>());
  EXPECT_EQ(Runtime::answer(all[3]).ids.size(), 3u);
  EXPECT_EQ(quoin_session_outputs(all[3]), 0u);
  quoin_named_tensor_t none;
  EXPECT_EQ(quoin_session_output(all[3], 0, &none), QUOIN_STATUS_NOT_FOUND);
  // Inputs hold for the next prompt; defaults forget them.
  int32_t ids[] = {1, 2};
  EXPECT_EQ(quoin_session_prompt(all[0], ids, 2), QUOIN_STATUS_OK);
  EXPECT_EQ(quoin_session_outputs(all[0]), 0u);
  EXPECT_EQ(quoin_generate(all[0], nullptr, nullptr), QUOIN_STATUS_OK) << runtime.error();
  EXPECT_EQ(sumsOf(all[0]), (std::vector<float>{25, 43}));
  EXPECT_EQ(quoin_session_set_defaults(all[0]), QUOIN_STATUS_OK);
  EXPECT_EQ(quoin_session_prompt(all[0], ids, 2), QUOIN_STATUS_OK);
  EXPECT_EQ(quoin_generate(all[0], nullptr, nullptr), QUOIN_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(runtime.error(), "expects input 'x', but the request does not give it");
}

TEST(Named, SaysWhatIsWrongWithAnInput) {
  Runtime runtime;
  quoin_session_t *session = runtime.session("named");
  float reals[4] = {};
  int32_t whole[2] = {7, 8};
  auto give = [&](const char *name, int32_t dtype, int32_t rank, int64_t first, int64_t second, const void *data) {
    quoin_named_tensor_t tensor = {name, dtype, rank, {first, second, 0, 0}, data};
    return quoin_session_input(session, &tensor);
  };
  EXPECT_EQ(give("y", QUOIN_DTYPE_F32, 1, 1, 0, reals), QUOIN_STATUS_NOT_FOUND);
  EXPECT_EQ(runtime.error(), "the program has no input 'y'; it has x, n");
  EXPECT_EQ(give("x", QUOIN_DTYPE_I32, 2, 1, 3, reals), QUOIN_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(runtime.error(), "expects input 'x' of reals, but found integers");
  EXPECT_EQ(give("x", QUOIN_DTYPE_F32, 2, 1, 4, reals), QUOIN_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(runtime.error(), "expects input 'x' of shape [?, 3], but found [1, 4]");
  EXPECT_EQ(give("x", QUOIN_DTYPE_F32, 2, -1, 3, reals), QUOIN_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(give("x", QUOIN_DTYPE_F32, 5, 1, 3, reals), QUOIN_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(give("x", QUOIN_DTYPE_BF16, 2, 1, 3, reals), QUOIN_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(give("x", QUOIN_DTYPE_F32, 2, INT64_MAX, 3, reals), QUOIN_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(give("n", QUOIN_DTYPE_I32, 1, 2, 0, whole), QUOIN_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(runtime.error(), "expects input 'n' of shape [], but found [2]");
  EXPECT_EQ(give("n", QUOIN_DTYPE_I32, 1, 1, 0, whole), QUOIN_STATUS_OK);
  EXPECT_EQ(quoin_session_set(session, "n", 0.5), QUOIN_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(quoin_session_set(session, "x", 1), QUOIN_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(runtime.error(), "expects input 'x' as a tensor, but found a number");
  EXPECT_EQ(quoin_session_prompt(runtime.session("causal"), nullptr, 0), QUOIN_STATUS_INVALID_ARGUMENT);
}
