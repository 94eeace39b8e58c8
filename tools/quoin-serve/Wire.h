// Wire.h: the bytes of one connection, with bounds on how many and how long.
#ifndef QUOIN_SERVE_WIRE_H
#define QUOIN_SERVE_WIRE_H

#include "Job.h"

#include <httplib.h>

#include <array>
#include <atomic>
#include <chrono>

namespace quoin {

/// A connection as the HTTP library reads and writes it. Only `wait`, `waitsSince` and `shut` may be called from other
/// threads.
class Wire : public httplib::Stream {
public:
  using Clock = std::chrono::steady_clock;

  explicit Wire(int socket);
  ~Wire() override;

  /// Waits for the first byte of a request; false if none comes.
  bool awaitRequest();
  /// From here on so many bytes are read at most, until so many seconds from now.
  void bound(int64_t bytes, int seconds);
  /// The request is there: the connection is not idle any more.
  void work() { since = 0; }
  /// The rest of what the other side sends is of no interest: reads some of it, so that what we wrote arrives.
  void linger();

  /// Waits until `waker` wakes, the time has come, or the other side has gone, which makes it false.
  bool wait(Waker &waker, Clock::time_point until);

  /// Since when the connection waits for bytes of a request, in ticks; 0: it does not.
  int64_t waitsSince() const { return since; }
  /// Ends the connection under whoever reads or writes.
  void shut();

  bool is_readable() const override;
  bool is_writable() const override { return !dead; }
  ssize_t read(char *ptr, size_t size) override;
  ssize_t write(const char *ptr, size_t size) override;
  void get_remote_ip_and_port(std::string &ip, int &port) const override;
  void get_local_ip_and_port(std::string &ip, int &port) const override;
  socket_t socket() const override { return descriptor; }

  bool closing = false;         // the response said so
  bool unread = false;          // there may be a body that nobody read
  std::shared_ptr<Waker> waker; // one for all requests of the connection

private:
  bool fill();

  int descriptor;
  std::array<char, 16384> buffer;
  size_t from = 0, to = 0;
  int64_t budget = 0;
  Clock::time_point deadline;
  bool dead = false;
  std::atomic<int64_t> since{0};
};

} // namespace quoin

#endif
