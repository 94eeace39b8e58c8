// SharingTest.cpp: equal beginnings of prompts are computed once, and nobody's results change by it.

#include "RuntimeFixture.h"

#include <algorithm>
#include <random>

using namespace quoin::test;

namespace {

/// A text of `length` tokens; texts of one `family` have equal beginnings of `same` tokens.
std::vector<int32_t> text(int length, int same = 0, unsigned family = 0, unsigned own = 0) {
  std::vector<int32_t> ids;
  for (int i = 0; i < length; ++i)
    ids.push_back(static_cast<int32_t>((static_cast<unsigned>(i) * 7 + (i < same ? family : own) * 13 + 3) % 40));
  return ids;
}

Request requestOf(std::vector<int32_t> ids, const char *decoder = "blocks") {
  Request request;
  request.ids = std::move(ids);
  request.decoder = decoder;
  return request;
}

int64_t shared(quoin_session_t *session) {
  quoin_result_t result = {};
  EXPECT_EQ(quoin_session_result(session, &result), QUOIN_STATUS_OK);
  return result.shared_tokens;
}

void finish(std::vector<quoin_session_t *> sessions) {
  auto finished = [](const quoin_session_t *session) { return quoin_session_finished(session); };
  while (!std::all_of(sessions.begin(), sessions.end(), finished))
    ASSERT_EQ(quoin_sessions_step(sessions.data(), sessions.size()), QUOIN_STATUS_OK);
}

Answer alone(const Request &request) { return Runtime().run(request); }

} // namespace

TEST(Sharing, SessionsSteppedTogetherComputeTheirPrefixOnce) {
  for (const char *decoder : {"blocks", "causal"}) {
    Runtime runtime;
    std::vector<Request> requests;
    std::vector<quoin_session_t *> sessions;
    for (unsigned i = 0; i < 5; ++i)
      requests.push_back(requestOf(text(150, 130, 1, i), decoder));
    requests.push_back(requestOf(text(150, 100, 1, 9), decoder)); // one page in common
    requests.push_back(requestOf(text(60, 60, 1), decoder));      // less than a page
    for (const Request &request : requests)
      sessions.push_back(runtime.start(request));
    finish(sessions);
    std::vector<int64_t> counts;
    for (size_t i = 0; i < sessions.size(); ++i) {
      EXPECT_EQ(Runtime::answer(sessions[i]), alone(requests[i])) << decoder << ' ' << i;
      counts.push_back(shared(sessions[i]));
    }
    EXPECT_EQ(counts, (std::vector<int64_t>{0, 128, 128, 128, 128, 64, 0})) << decoder;
  }
}

TEST(Sharing, LaterSessionsFindPagesThatAreHeld) {
  Runtime runtime;
  Request request = requestOf(text(140));
  Answer expected = runtime.run(request);
  quoin_session_t *second = runtime.start(request);
  finish({second});
  EXPECT_EQ(Runtime::answer(second), expected);
  EXPECT_EQ(shared(second), 128);
  // The same session with the same prompt again uses its own.
  ASSERT_EQ(quoin_session_prompt(second, request.ids.data(), request.ids.size()), QUOIN_STATUS_OK);
  finish({second});
  EXPECT_EQ(Runtime::answer(second), expected);
  EXPECT_EQ(shared(second), 128);
}

TEST(Sharing, NothingIsSharedOnceNobodyHoldsIt) {
  Runtime runtime;
  Request request = requestOf(text(140));
  runtime.run(request);
  int64_t held = runtime.memory.live;
  quoin_session_destroy(runtime.sessions.back());
  runtime.sessions.pop_back();
  EXPECT_LT(runtime.memory.live, held);
  quoin_session_t *later = runtime.start(request);
  finish({later});
  EXPECT_EQ(shared(later), 0);
}

TEST(Sharing, DecodersAndProgramsThatDoNotShareKeepToThemselves) {
  Runtime runtime;
  Request request = requestOf(text(140), "causal");
  runtime.run(request);
  request.decoder = "blocks"; // another decoder, other masks
  quoin_session_t *other = runtime.start(request);
  finish({other});
  EXPECT_EQ(shared(other), 0);
}

TEST(Sharing, MemoryIsHeldOnce) {
  auto bytes = [](unsigned families) {
    Runtime runtime;
    std::vector<quoin_session_t *> sessions;
    for (unsigned i = 0; i < 8; ++i)
      sessions.push_back(runtime.start(requestOf(text(200, 200, i % families))));
    finish(sessions);
    return runtime.memory.live;
  };
  int64_t page = QUOIN_PAGE_SLOTS * 8 * 4;
  EXPECT_GT(bytes(8) - bytes(1), 7 * 3 * page);
}

TEST(Sharing, RandomTrafficGivesWhatEachGivesAlone) {
  std::mt19937 random(5);
  auto below = [&](unsigned n) { return static_cast<unsigned>(random() % n); };
  std::map<std::vector<int32_t>, Answer> known[2];
  Runtime runtime;
  int64_t saved = 0;
  for (int round = 0; round < 60; ++round) {
    std::vector<Request> requests;
    std::vector<quoin_session_t *> running;
    size_t count = 1 + below(5);
    while (runtime.sessions.size() < count)
      runtime.session(below(2) ? "blocks" : "causal");
    for (size_t i = 0; i < count; ++i) {
      // Sessions go on with another prompt, or are replaced.
      bool causal = below(2);
      quoin_session_destroy(runtime.sessions[i]);
      ASSERT_EQ(quoin_session_create(runtime.model, causal ? "causal" : "blocks", &runtime.sessions[i]),
                QUOIN_STATUS_OK);
      for (unsigned again = below(2) + 1; again > 0; --again) {
        Request request =
            requestOf(text(int(1 + below(200)), int(60 + below(80)), below(2), below(3)), causal ? "causal" : "blocks");
        request.maxTokens = 8 + below(8);
        ASSERT_EQ(quoin_session_prompt(runtime.sessions[i], request.ids.data(), request.ids.size()), QUOIN_STATUS_OK);
        ASSERT_EQ(quoin_session_set_max_tokens(runtime.sessions[i], request.maxTokens), QUOIN_STATUS_OK);
        if (again > 1)
          finish({runtime.sessions[i]});
        else
          requests.push_back(request);
      }
      running.push_back(runtime.sessions[i]);
    }
    finish(running);
    for (size_t i = 0; i < count; ++i) {
      EXPECT_EQ(Runtime::answer(running[i]), alone(requests[i])) << round << ' ' << i;
      saved += shared(running[i]);
    }
  }
  EXPECT_GT(saved, 1000);
}

TEST(Sharing, EachAllocationMayFail) {
  std::vector<Request> requests = {requestOf(text(150, 130, 1, 0)), requestOf(text(150, 130, 1, 1)),
                                   requestOf(text(90, 70, 1, 2))};
  std::vector<Answer> expected;
  for (const Request &request : requests)
    expected.push_back(alone(request));
  for (int64_t skip = 0; skip < 150; ++skip) {
    Runtime runtime;
    std::vector<quoin_session_t *> sessions;
    for (const Request &request : requests)
      sessions.push_back(runtime.start(request));
    runtime.memory.failAt = runtime.memory.calls + 1 + skip;
    auto finished = [](const quoin_session_t *session) { return quoin_session_finished(session); };
    while (!std::all_of(sessions.begin(), sessions.end(), finished))
      (void)quoin_sessions_step(sessions.data(), sessions.size());
    for (size_t i = 0; i < sessions.size(); ++i) {
      if (quoin_session_status(sessions[i]) == QUOIN_STATUS_OK)
        EXPECT_EQ(Runtime::answer(sessions[i]), expected[i]) << skip << ' ' << i;
      else
        EXPECT_EQ(quoin_session_status(sessions[i]), QUOIN_STATUS_OUT_OF_MEMORY);
    }
  }
}
