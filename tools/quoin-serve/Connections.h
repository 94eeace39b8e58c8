// Connections.h: the HTTP library's server with bounds: so many connections at most, a thread each, and those that only
// wait make room for new ones.
#ifndef QUOIN_SERVE_CONNECTIONS_H
#define QUOIN_SERVE_CONNECTIONS_H

#include "Limits.h"
#include "Metrics.h"
#include "Wire.h"

#include <condition_variable>
#include <deque>
#include <set>
#include <thread>
#include <vector>

namespace quoin {

class Connections : public httplib::Server {
public:
  Connections(const ServeOptions &options, Metrics &metrics);

  /// The port that it listens on. Throws Failure.
  int open(const std::string &host, int port);
  /// Serves until `stop`.
  void serve() { listen_after_bind(); }
  /// From now on a connection ends with the response it is at, and idle ones end at once.
  void drain();
  /// None has a request that is not answered.
  bool idle() const;

  /// The connection that the calling thread serves.
  static Wire &current();

private:
  class Threads;
  bool process_and_close_socket(socket_t socket) override;
  /// Closes so many of the connections that have waited longest for a request.
  void closeOldest(size_t count);

  const ServeOptions &options;
  Metrics &metrics;
  mutable std::mutex mutex;
  std::set<Wire *> wires;
  std::atomic<bool> draining{false};
};

} // namespace quoin

#endif
