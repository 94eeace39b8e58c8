// Job.h: one answer on its way from the threads of connections to the thread of the model and back.
#ifndef QUOIN_SERVE_JOB_H
#define QUOIN_SERVE_JOB_H

#include "tools/quoin-run/QuoinRun.h"

#include <atomic>
#include <chrono>
#include <iterator>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace quoin {

/// An error as the API reports it.
struct ApiError {
  int status = 400;
  std::string message;
  std::string param = {}; // empty: null
  std::string code = {};  // empty: null
};

/// What wakes a thread that waits on a socket, too: a descriptor to poll.
class Waker {
public:
  Waker();
  ~Waker();
  Waker(const Waker &) = delete;
  Waker &operator=(const Waker &) = delete;
  int descriptor() const { return event; }
  void wake();
  void clear();

private:
  int event;
};

/// A token that was chosen, how likely it was, and which were likelier: logarithms of the model's probabilities.
struct TokenChance {
  int32_t token = -1;
  double logprob = 0;
  std::vector<std::pair<int32_t, double>> likeliest;
  size_t from = 0; // where its text begins in that of the answer, in bytes
  size_t to = 0;
};

/// A position that is not final yet.
struct ProvisionalToken {
  bool open = true;
  std::string text;
};

/// What an answer came to.
struct Answered {
  const char *reason = "stop";
  int64_t tokens = 0, evaluations = 0, forwards = 0, shared = 0;
};

/// What one step brought.
struct Frame {
  std::string text;
  std::vector<TokenChance> chances;
  std::optional<std::vector<ProvisionalToken>> provisional;

  bool empty() const { return text.empty() && chances.empty() && !provisional; }
  /// Adds what came after it.
  void append(Frame &&next) {
    text += next.text;
    std::move(next.chances.begin(), next.chances.end(), std::back_inserter(chances));
    if (next.provisional)
      provisional = std::move(next.provisional);
  }
};

/// What the model's thread has for a connection since it last asked: a frame a step; of a connection that does not keep
/// up, the last grows.
struct Progress {
  static constexpr size_t mostFrames = 256;
  std::vector<Frame> frames;
  bool started = false;
  std::optional<Answered> answered;
  std::optional<ApiError> error;

  void add(Frame &&frame) {
    if (frames.size() < mostFrames)
      frames.push_back(std::move(frame));
    else
      frames.back().append(std::move(frame));
  }
  bool ended() const { return answered || error; }
};

struct Job {
  // Said by the connection before it submits.
  Request request; // with its ids
  std::vector<std::string> stops;
  int64_t logprobs = -1; // alternatives; -1: no chances at all
  bool provisional = false;
  std::chrono::steady_clock::time_point submitted, deadline;
  std::shared_ptr<Waker> waker;

  /// Nobody waits for the answer any more.
  std::atomic<bool> cancelled{false};

  /// Takes what there is.
  Progress take() {
    std::lock_guard lock(mutex);
    Progress taken = std::move(progress);
    progress = {};
    progress.started = taken.started;
    return taken;
  }
  /// Changes what there is, and wakes who waits.
  template <typename Change> void tell(Change change) {
    {
      std::lock_guard lock(mutex);
      change(progress);
    }
    waker->wake();
  }

private:
  std::mutex mutex;
  Progress progress;
};
using JobPtr = std::shared_ptr<Job>;

} // namespace quoin

#endif
