// Scheduler.h: the thread that owns the model: it gives answers a place in the batch, steps them, and tells who waits.
#ifndef QUOIN_SERVE_SCHEDULER_H
#define QUOIN_SERVE_SCHEDULER_H

#include "Job.h"
#include "Limits.h"
#include "Metrics.h"

#include <condition_variable>
#include <list>
#include <thread>

namespace quoin {

/// What connections have to know about the model; it does not change.
struct ModelFacts {
  int64_t vocabulary = 0, capacity = 0;
  int32_t fill = -1;
  std::vector<int32_t> stops;
  struct Decoder {
    std::string name;
    struct Setting {
      std::string name;
      bool word = false;
    };
    std::vector<Setting> settings; // those that a request may give
  };
  std::vector<Decoder> decoders;
};

/// Answers start in the order they came in; but of long prompts only one is being computed at a time, in pieces, and
/// short ones that came later do not wait for it.
class Scheduler {
public:
  /// Loads the model. Throws Failure.
  Scheduler(const ServeOptions &options, Metrics &metrics);
  /// Cancels what runs.
  ~Scheduler();

  const ModelFacts &facts() const { return known; }

  /// Puts all of them into the queue, or none: false if it is full.
  bool submit(const std::vector<JobPtr> &jobs);
  /// Has a look at `cancelled` of jobs, soon.
  void lookAgain();
  /// Neither queue nor batch has anything.
  bool idle() const;

private:
  void run();
  void admit();
  bool place(JobPtr job);
  void step();
  void dropDead();
  void failAll(const std::string &why);
  JobPtr nextJob();

  const ServeOptions &options;
  Metrics &metrics;
  ModelFacts known;
  struct Engine; // what belongs to the thread
  std::unique_ptr<Engine> engine;

  mutable std::mutex mutex;
  std::condition_variable changed;
  std::list<JobPtr> queue;
  size_t busy = 0; // places
  bool ending = false;
  std::thread thread;
};

} // namespace quoin

#endif
