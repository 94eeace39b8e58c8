// Wire.cpp: see Wire.h.

#include "Wire.h"
#include "Limits.h"

#include <cerrno>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

using namespace quoin;

static int milliseconds(Wire::Clock::time_point until) {
  auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Wire::Clock::now()).count();
  return static_cast<int>(std::clamp<int64_t>(left, 0, 1 << 30));
}

/// Waits for `events`; false if the time is over or the connection is.
static bool await(int descriptor, short events, Wire::Clock::time_point until) {
  for (;;) {
    pollfd polled = {descriptor, events, 0};
    int found = poll(&polled, 1, milliseconds(until));
    if (found > 0)
      return (polled.revents & (events | POLLHUP | POLLERR)) != 0;
    if (found == 0 || errno != EINTR)
      return false;
  }
}

Wire::Wire(int socket) : descriptor(socket) {
  int yes = 1;
  setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
}

Wire::~Wire() {
  shutdown(descriptor, SHUT_RDWR);
  close(descriptor);
}

void Wire::shut() { shutdown(descriptor, SHUT_RDWR); }

bool Wire::awaitRequest() {
  since = Clock::now().time_since_epoch().count();
  bound(kMostHead, kIdleSeconds);
  if (from == to && !fill())
    return false;
  bound(kMostHead, kHeadSeconds);
  return true;
}

void Wire::bound(int64_t bytes, int seconds) {
  budget = bytes;
  deadline = Clock::now() + std::chrono::seconds(seconds);
}

bool Wire::fill() {
  while (!dead) {
    if (!await(descriptor, POLLIN, deadline))
      break;
    ssize_t count = recv(descriptor, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (count > 0) {
      from = 0;
      to = static_cast<size_t>(count);
      return true;
    }
    if (count == 0 || (errno != EINTR && errno != EAGAIN))
      break;
  }
  return false;
}

bool Wire::is_readable() const { return from < to || await(descriptor, POLLIN, Clock::now()); }

ssize_t Wire::read(char *ptr, size_t size) {
  if (budget <= 0 || (from == to && !fill()))
    return -1;
  size_t count = std::min({size, to - from, static_cast<size_t>(budget)});
  std::copy_n(buffer.data() + from, count, ptr);
  from += count;
  budget -= static_cast<int64_t>(count);
  return static_cast<ssize_t>(count);
}

ssize_t Wire::write(const char *ptr, size_t size) {
  size_t written = 0;
  while (written < size && !dead) {
    ssize_t count = send(descriptor, ptr + written, size - written, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count > 0)
      written += static_cast<size_t>(count);
    else if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
      dead = !await(descriptor, POLLOUT, Clock::now() + std::chrono::seconds(kWriteSeconds));
    else if (count == 0 || errno != EINTR)
      dead = true;
  }
  return dead ? -1 : static_cast<ssize_t>(size);
}

void Wire::linger() {
  shutdown(descriptor, SHUT_WR);
  bound(int64_t(64) << 20, 2);
  while (budget > 0 && fill()) {
    budget -= static_cast<int64_t>(to - from);
    from = to;
  }
}

bool Wire::wait(Waker &own, Clock::time_point until) {
  for (;;) {
    pollfd polled[2] = {{descriptor, POLLRDHUP, 0}, {own.descriptor(), POLLIN, 0}};
    int found = poll(polled, 2, milliseconds(until));
    if (found < 0 && errno == EINTR)
      continue;
    own.clear();
    if (found > 0 && (polled[0].revents & (POLLRDHUP | POLLHUP | POLLERR)))
      dead = true;
    return !dead;
  }
}

static void addressOf(const sockaddr_storage &address, socklen_t size, std::string &ip, int &port) {
  char host[NI_MAXHOST], service[NI_MAXSERV];
  if (getnameinfo(reinterpret_cast<const sockaddr *>(&address), size, host, sizeof(host), service, sizeof(service),
                  NI_NUMERICHOST | NI_NUMERICSERV) == 0) {
    ip = host;
    port = std::atoi(service);
  }
}

void Wire::get_remote_ip_and_port(std::string &ip, int &port) const {
  sockaddr_storage address;
  socklen_t size = sizeof(address);
  if (getpeername(descriptor, reinterpret_cast<sockaddr *>(&address), &size) == 0)
    addressOf(address, size, ip, port);
}

void Wire::get_local_ip_and_port(std::string &ip, int &port) const {
  sockaddr_storage address;
  socklen_t size = sizeof(address);
  if (getsockname(descriptor, reinterpret_cast<sockaddr *>(&address), &size) == 0)
    addressOf(address, size, ip, port);
}
