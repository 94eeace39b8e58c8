// Running.h: an answer that has a place in the batch.
#ifndef QUOIN_SERVE_RUNNING_H
#define QUOIN_SERVE_RUNNING_H

#include "Chances.h"
#include "Job.h"
#include "Metrics.h"
#include "StopText.h"

#include "tools/quoin-run/Sessions.h"

#include <deque>

namespace quoin {

/// The model and what reads its tokens; one thread's.
struct Loaded {
  ContextPtr context;
  ModelPtr model;
  quoin_tokenizer_t *tokenizer = nullptr;
  quoin_model_info_t info = {};
};

/// A place of the batch, and the answer that it makes. What the session says inside of a step is noted, and told to who
/// waits after it.
class Running {
public:
  explicit Running(Loaded &loaded, Metrics &metrics) : loaded(loaded), metrics(metrics) {}

  /// Gives the place to a job, and runs its decoder up to the first call of the model; false if the request is refused,
  /// which the job is told.
  bool begin(JobPtr next);
  bool busy() const { return job != nullptr; }
  const Job *current() const { return job.get(); }
  quoin_session_t *session() const { return own.session.get(); }
  /// Tells what a step brought; the place may be free then.
  void afterStep();
  /// Ends the answer with an error.
  void fail(const ApiError &error);
  /// Ends it without a word: nobody waits.
  void drop();
  uint64_t lastUsed = 0; // when it was given its last job, in jobs

private:
  struct Heard {
    std::vector<int32_t> ids; // that became final
    int64_t forwards, evaluations;
  };
  static int32_t hear(void *self, const quoin_event_t *event);
  static int32_t score(void *self, const quoin_scores_t *rows);
  void note(const quoin_event_t &event);
  bool take(int32_t id);
  void show(const std::string &text);
  void release(bool last);
  void flush(const std::optional<Answered> &answered = {}, const std::optional<ApiError> &error = {});
  void finish();
  void answer(const char *reason, int64_t forwards, int64_t evaluations, int64_t shared);
  void free();

  Loaded &loaded;
  Metrics &metrics;
  RequestSession own;
  JobPtr job;
  std::unique_ptr<SettledText> settled;
  std::unique_ptr<StopText> stop;
  std::unique_ptr<Chances> chances; // null: not asked for
  std::vector<Heard> heard;
  int64_t noted = 0; // tokens in all of them so far
  struct Cells {
    std::vector<int32_t> tokens;
    std::vector<uint8_t> open;
  };
  std::optional<Cells> cells;      // the latest that are not final
  Frame fresh;                     // to be told
  std::deque<TokenChance> waiting; // of tokens whose text is not shown yet
  size_t settledBytes = 0, shownBytes = 0;
  int64_t tokens = 0;
};

/// What a session's status is to a client.
ApiError errorOf(quoin_status_t status, const std::string &text);

} // namespace quoin

#endif
