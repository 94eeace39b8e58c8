// Metrics.h: what the server counts, and its page for Prometheus.
#ifndef QUOIN_SERVE_METRICS_H
#define QUOIN_SERVE_METRICS_H

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>

namespace quoin {

/// How often values were at most each of some bounds, and their sum.
class Histogram {
public:
  void add(double value);
  std::string text(const std::string &name, const std::string &help) const;

private:
  static constexpr std::array<double, 15> kBounds = {0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02,
                                                     0.05,   0.1,    0.2,    0.5,   1,     5,     30};
  mutable std::mutex mutex;
  std::array<uint64_t, kBounds.size() + 1> counts = {};
  double sum = 0;
  uint64_t all = 0;
};

struct Metrics {
  std::atomic<int64_t> queued{0}, running{0}, connections{0};
  std::atomic<uint64_t> refusedConnections{0}, closedConnections{0};
  std::atomic<uint64_t> steps{0}, sessionSteps{0}, rows{0}, forwards{0}, tokens{0}, promptTokens{0}, sharedTokens{0};
  std::atomic<uint64_t> stopped{0}, cut{0}, failed{0}, cancelled{0};
  Histogram stepSeconds, waitSeconds, answerSeconds;

  void countResponse(int status) {
    std::lock_guard lock(mutex);
    ++responses[status];
  }
  std::string text() const;

private:
  mutable std::mutex mutex;
  std::map<int, uint64_t> responses;
};

} // namespace quoin

#endif
