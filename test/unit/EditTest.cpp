// EditTest.cpp: hosts that change scores: what they are shown, what comes of it, and what it does to others.

#include "RuntimeFixture.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <set>

using namespace quoin::test;

namespace {

constexpr int32_t kFill = 47;

using Edit = std::function<int32_t(const quoin_scores_t &)>;

/// The session's scores go through `edit`, which must outlive its run.
quoin_session_t *edited(Runtime &runtime, const Request &request, Edit &edit) {
  quoin_session_t *session = runtime.start(request);
  auto fn = [](void *self, const quoin_scores_t *rows) { return (*static_cast<Edit *>(self))(*rows); };
  EXPECT_EQ(quoin_session_edit(session, fn, &edit), QUOIN_STATUS_OK);
  return session;
}

Answer run(Runtime &runtime, const Request &request, Edit edit) {
  quoin_session_t *session = edited(runtime, request, edit);
  EXPECT_EQ(quoin_generate(session, nullptr, nullptr), QUOIN_STATUS_OK) << runtime.error();
  return Runtime::answer(session);
}

/// Calls `change` for each score.
Edit each(std::function<void(const quoin_scores_t &, int64_t row, int32_t token, float &score)> change) {
  return [change](const quoin_scores_t &rows) {
    for (int64_t i = 0; i < rows.rows; ++i)
      for (int32_t v = 0; v < rows.count; ++v)
        change(rows, i, v, rows.scores[i * rows.stride + v]);
    return 0;
  };
}

Edit onlyOdd() {
  return each([](const quoin_scores_t &, int64_t, int32_t token, float &score) {
    if (token % 2 == 0)
      score = -HUGE_VALF;
  });
}

Edit nothing() {
  return [](const quoin_scores_t &) { return 0; };
}

/// The arg max of decoders, draws with and without filters, guidance, residuals and the likeliest tokens.
std::vector<Request> allKinds() {
  std::vector<Request> all;
  for (double temperature : {0.0, 1.0})
    for (double p : {1.0, 0.6})
      for (const char *decoder : {"blocks", "causal"}) {
        all.push_back({{1, 2, 3, 4, 6, 9}, decoder, 12, 7, {{"temperature", temperature}, {"top_p", p}}});
      }
  for (double what : {0, 1, 3})
    all.push_back({{5, 6, 7}, "pair", 1, 3, {{"what", what}}});
  return all;
}

} // namespace

TEST(Edit, BannedTokensAreNeverChosen) {
  Runtime runtime;
  int64_t changed = 0;
  for (const Request &request : allKinds()) {
    Answer plain = runtime.run(request), odd = run(runtime, request, onlyOdd());
    size_t first = request.decoder == "pair" ? request.ids.size() : 0; // which returns its prompt
    ASSERT_EQ(odd.ids.size() >= first, true);
    for (size_t i = first; i < odd.ids.size(); ++i)
      EXPECT_EQ(odd.ids[i] % 2, 1) << request.decoder << " " << i;
    changed += plain.ids != odd.ids;
  }
  EXPECT_GT(changed, 5);
}

TEST(Edit, ScoresThatAProgramTakesAsNumbersStay) {
  Runtime runtime;
  Request request = {{5, 6, 7}, "pair", 1, 3, {{"what", 2.0}}};
  int64_t calls = 0;
  Answer answer = run(runtime, request, [&](const quoin_scores_t &) { return ++calls, 0; });
  EXPECT_EQ(calls, 0);
  EXPECT_EQ(answer, runtime.run(request));
}

TEST(Edit, AHookThatChangesNothingChangesNothing) {
  Runtime runtime;
  for (const Request &request : allKinds())
    EXPECT_EQ(run(runtime, request, nothing()), runtime.run(request)) << request.decoder;
}

// As if the temperature had been another: scores that are multiplied are what is drawn from and measured.
TEST(Edit, StatisticsAreOfEditedScores) {
  Runtime runtime;
  auto confidences = [&](Edit edit) {
    std::vector<float> found;
    quoin_session_t *session = edited(runtime, {}, edit);
    auto listen = [](void *self, const quoin_event_t *event) -> int32_t {
      for (size_t i = 0; i < event->filled_count; ++i)
        static_cast<std::vector<float> *>(self)->push_back(event->filled[i].confidence);
      return 0;
    };
    EXPECT_EQ(quoin_generate(session, listen, &found), QUOIN_STATUS_OK);
    return found;
  };
  std::vector<float> plain = confidences(nothing());
  std::vector<float> flat =
      confidences(each([](const quoin_scores_t &, int64_t, int32_t, float &score) { score = 2; }));
  ASSERT_FALSE(flat.empty());
  for (float confidence : flat)
    EXPECT_FLOAT_EQ(confidence, 1.0f / 48);
  EXPECT_NE(plain, flat);
  std::vector<float> sure = confidences(each([](const quoin_scores_t &rows, int64_t row, int32_t token, float &score) {
    score = token == rows.positions[row] % 40 ? 0 : -HUGE_VALF;
  }));
  for (float confidence : sure)
    EXPECT_EQ(confidence, 1);
}

TEST(Edit, ShowsTheTextAndWhereRowsStand) {
  Runtime runtime;
  Request request = {{1, 2, 3, 4, 6}, "causal", 6, 0, {}};
  std::vector<int32_t> text = request.ids;
  int64_t calls = 0;
  Answer answer = run(runtime, request, [&](const quoin_scores_t &rows) {
    EXPECT_EQ(rows.rows, 1);
    EXPECT_EQ(rows.count, 48);
    EXPECT_GE(rows.stride, rows.count);
    EXPECT_EQ(rows.evaluation, calls);
    EXPECT_EQ(rows.model, 0);
    EXPECT_EQ(rows.prompt_length, 5);
    EXPECT_EQ(rows.positions[0], rows.length); // of the token to come
    EXPECT_EQ(std::count(rows.open, rows.open + rows.length, 1), 0);
    EXPECT_TRUE(std::equal(text.begin(), text.end(), rows.tokens, rows.tokens + std::min<int64_t>(rows.length, 5)));
    ++calls;
    return 0;
  });
  EXPECT_EQ(calls, answer.evaluations);
  run(runtime, {}, [&](const quoin_scores_t &rows) {
    EXPECT_EQ(std::count(rows.open, rows.open + rows.length, 1) > 0, true);
    for (int64_t i = 0; i < rows.rows; ++i)
      EXPECT_EQ(rows.open[rows.positions[i]], 1); // a block fills the places that it reads
    return 0;
  });
}

TEST(Edit, NoTokenTwice) {
  Runtime runtime;
  Edit once = each([](const quoin_scores_t &rows, int64_t, int32_t token, float &score) {
    for (int64_t i = 0; i < rows.length; ++i)
      if (!rows.open[i] && rows.tokens[i] == token)
        score = -HUGE_VALF;
  });
  for (const char *decoder : {"causal", "blocks"}) {
    Request request = {{1, 2, 3, 4, 6}, decoder, 20, 0, {}};
    if (request.decoder == "blocks")
      request.settings["threshold"] = 1; // one token a step: they see each other
    std::vector<int32_t> ids = run(runtime, request, once).ids;
    std::set<int32_t> seen(request.ids.begin(), request.ids.end());
    for (int32_t id : ids)
      EXPECT_TRUE(seen.insert(id).second) << decoder << " " << id;
  }
}

TEST(Edit, OthersInTheBatchAreAsTheyWouldBeAlone) {
  std::vector<Request> requests = allKinds();
  std::vector<Answer> plain, odd;
  {
    Runtime runtime;
    for (const Request &request : requests) {
      plain.push_back(runtime.run(request));
      odd.push_back(run(runtime, request, onlyOdd()));
    }
  }
  for (int32_t workers : {1, 2}) {
    Runtime runtime(workers);
    Edit edit = onlyOdd();
    std::vector<quoin_session_t *> sessions;
    for (const Request &request : requests) {
      sessions.push_back(runtime.start(request));
      sessions.push_back(edited(runtime, request, edit));
    }
    for (int step = 0; step < 200; ++step)
      ASSERT_EQ(quoin_sessions_step(sessions.data(), sessions.size()), QUOIN_STATUS_OK);
    for (size_t i = 0; i < requests.size(); ++i) {
      EXPECT_EQ(Runtime::answer(sessions[2 * i]), plain[i]) << i;
      EXPECT_EQ(Runtime::answer(sessions[2 * i + 1]), odd[i]) << i;
    }
  }
}

TEST(Edit, DeadEndsEndTheSessionAlone) {
  struct Case {
    Edit edit;
    quoin_status_t status;
    const char *text;
  };
  auto put = [](float value, int32_t keep) {
    return each([=](const quoin_scores_t &, int64_t, int32_t token, float &score) {
      if (token != keep)
        score = value;
    });
  };
  auto one = [](float value) {
    return each([=](const quoin_scores_t &, int64_t, int32_t token, float &score) {
      if (token == 11)
        score = value;
    });
  };
  const Case cases[] = {
      {put(-HUGE_VALF, -1), QUOIN_STATUS_INVALID_ARGUMENT,
       "expects edited scores to leave a token, but found none for position 5"},
      {put(-HUGE_VALF, kFill), QUOIN_STATUS_INVALID_ARGUMENT,
       "expects edited scores to leave a token, but found none for position 5"},
      {one(NAN), QUOIN_STATUS_INVALID_ARGUMENT,
       "expects edited scores below infinity, but found nan for token 11 of position 5"},
      {one(HUGE_VALF), QUOIN_STATUS_INVALID_ARGUMENT,
       "expects edited scores below infinity, but found inf for token 11 of position 5"},
      {[](const quoin_scores_t &) { return 1; }, QUOIN_STATUS_CANCELLED, "cancelled by the hook that edits scores"}};
  for (const Case &c : cases)
    for (const char *decoder : {"blocks", "causal"}) {
      Runtime runtime;
      Edit edit = c.edit;
      Request request = {{1, 2, 3, 4, 6}, decoder, 6, 0, {}};
      Answer expected = runtime.run(request);
      quoin_session_t *both[] = {edited(runtime, request, edit), runtime.start(request)};
      for (int step = 0; step < 30; ++step)
        ASSERT_EQ(quoin_sessions_step(both, 2), QUOIN_STATUS_OK);
      EXPECT_EQ(quoin_session_status(both[0]), c.status);
      EXPECT_STREQ(quoin_session_error(both[0]), c.text);
      EXPECT_EQ(Runtime::answer(both[1]), expected);
      // Without the hook the same session goes on.
      EXPECT_EQ(quoin_session_edit(both[0], nullptr, nullptr), QUOIN_STATUS_OK);
      EXPECT_EQ(quoin_session_prompt(both[0], request.ids.data(), request.ids.size()), QUOIN_STATUS_OK);
      EXPECT_EQ(quoin_generate(both[0], nullptr, nullptr), QUOIN_STATUS_OK);
      EXPECT_EQ(Runtime::answer(both[0]), expected);
    }
}

TEST(Edit, StaysUntilItIsTakenAway) {
  Runtime runtime;
  Edit edit = onlyOdd();
  Request request = {{1, 2, 3, 4, 6}, "causal", 6, 0, {}};
  quoin_session_t *session = edited(runtime, request, edit);
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(quoin_session_begin(session), QUOIN_STATUS_OK);
    EXPECT_EQ(quoin_session_edit(session, nullptr, nullptr), QUOIN_STATUS_INVALID_ARGUMENT) << "it runs";
    EXPECT_EQ(quoin_generate(session, nullptr, nullptr), QUOIN_STATUS_OK);
    for (int32_t id : Runtime::answer(session).ids)
      EXPECT_EQ(id % 2, 1);
    EXPECT_EQ(quoin_session_set_defaults(session), QUOIN_STATUS_OK);
    EXPECT_EQ(quoin_session_set_max_tokens(session, 6), QUOIN_STATUS_OK);
    EXPECT_EQ(quoin_session_prompt(session, request.ids.data(), request.ids.size()), QUOIN_STATUS_OK);
  }
}

TEST(Edit, EachAllocationMayFail) {
  Request request = {{1, 2, 3, 4, 6}, "blocks", 12, 0, {}};
  Answer expected;
  int64_t before = 0, after = 0;
  {
    Runtime runtime;
    Edit edit = onlyOdd();
    quoin_session_t *session = edited(runtime, request, edit);
    before = runtime.memory.calls;
    ASSERT_EQ(quoin_generate(session, nullptr, nullptr), QUOIN_STATUS_OK);
    after = runtime.memory.calls;
    expected = Runtime::answer(session);
  }
  int64_t refused = 0;
  for (int64_t at = 1; at <= after - before; ++at) {
    Runtime runtime;
    Edit edit = onlyOdd();
    quoin_session_t *session = edited(runtime, request, edit);
    runtime.memory.failAt = runtime.memory.calls + at;
    while (!quoin_session_finished(session))
      (void)quoin_sessions_step(&session, 1);
    if (quoin_session_status(session) == QUOIN_STATUS_OK)
      EXPECT_EQ(Runtime::answer(session), expected) << at;
    else
      EXPECT_EQ(quoin_session_status(session), QUOIN_STATUS_OUT_OF_MEMORY) << at;
    refused += quoin_session_status(session) != QUOIN_STATUS_OK;
  }
  EXPECT_GT(refused, 3);
}

TEST(Edit, SettledRunsAllocateNothing) {
  Runtime runtime;
  Edit edit = onlyOdd();
  Request request = {{1, 2, 3, 4, 6}, "blocks", 12, 0, {}};
  quoin_session_t *session = edited(runtime, request, edit);
  int64_t calls = 0;
  for (int round = 0; round < 3; ++round) {
    calls = round == 2 ? runtime.memory.calls : 0;
    ASSERT_EQ(quoin_generate(session, nullptr, nullptr), QUOIN_STATUS_OK);
    if (round < 2) {
      ASSERT_EQ(quoin_session_prompt(session, request.ids.data(), request.ids.size()), QUOIN_STATUS_OK);
    }
  }
  EXPECT_EQ(runtime.memory.calls, calls);
}
