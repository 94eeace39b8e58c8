// Connections.cpp: see Connections.h.

#include "Connections.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

using namespace quoin;

static thread_local Wire *ownWire = nullptr;
static thread_local bool noRoom = false;

/// A connection may be closed for another after it has waited so long for a request: who just connected sends one soon.
static constexpr auto kLeastWait = std::chrono::milliseconds(500);
static constexpr size_t kMostWaiting = 64; // connections without a thread
static constexpr int kBacklog = 1024;

/// As many threads as there are connections, up to a number, and a short queue. The library hands over a function that
/// owns the socket, so what finds no room has to be called, too: it says so to its client.
class Connections::Threads : public httplib::TaskQueue {
public:
  Threads(Connections &owner, size_t most) : owner(owner), most(most) {}

  void enqueue(std::function<void()> task) override {
    makeRoom(1);
    {
      std::lock_guard lock(mutex);
      if (tasks.size() < kMostWaiting + idle) {
        tasks.push_back(std::move(task));
        if (idle < tasks.size() && threads.size() < most)
          startThread();
        changed.notify_one();
        return;
      }
    }
    ++owner.metrics.refusedConnections;
    noRoom = true;
    task();
    noRoom = false;
  }

  void on_idle() override { makeRoom(0); }

  void shutdown() override {
    {
      std::lock_guard lock(mutex);
      ending = true;
    }
    changed.notify_all();
    for (std::thread &thread : threads)
      thread.join();
  }

private:
  /// Some, and `more` that come now, wait for a thread: as many of those that have one and do nothing with it go.
  void makeRoom(size_t more) {
    size_t waiting = 0;
    {
      std::lock_guard lock(mutex);
      if (threads.size() >= most && tasks.size() + more > idle)
        waiting = tasks.size() + more - idle;
    }
    owner.closeOldest(waiting);
  }

  /// Where the system has no more of them, those that there are do the work.
  void startThread() {
    try {
      threads.emplace_back([this] { work(); });
    } catch (const std::system_error &) {
      if (threads.empty())
        throw;
    }
  }

  void work() {
    std::unique_lock lock(mutex);
    for (;;) {
      ++idle;
      changed.wait(lock, [&] { return ending || !tasks.empty(); });
      --idle;
      if (tasks.empty())
        return;
      std::function<void()> task = std::move(tasks.front());
      tasks.pop_front();
      lock.unlock();
      task();
      lock.lock();
    }
  }

  Connections &owner;
  const size_t most;
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<std::function<void()>> tasks;
  std::vector<std::thread> threads;
  size_t idle = 0;
  bool ending = false;
};

Connections::Connections(const ServeOptions &options, Metrics &metrics) : options(options), metrics(metrics) {
  new_task_queue = [this] { return new Threads(*this, static_cast<size_t>(this->options.connections)); };
  set_socket_options([](socket_t socket) {
    int yes = 1; // not SO_REUSEPORT: two servers on one port would share its clients
    setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
  });
  set_idle_interval(0, 50'000); // how often the threads have a look at who waits
  set_payload_max_length(static_cast<size_t>(options.maxBody));
}

int Connections::open(const std::string &host, int port) {
  errno = 0;
  int bound = port == 0 ? bind_to_any_port(host) : bind_to_port(host, port) ? port : -1;
  if (bound < 0)
    throw Failure{"cannot listen on " + host + ", port " + std::to_string(port) +
                  (errno ? ": " + std::string(std::strerror(errno)) : "")};
  ::listen(svr_sock_.load(), kBacklog); // the library asks for five
  return bound;
}

Wire &Connections::current() { return *ownWire; }

void Connections::closeOldest(size_t count) {
  if (count == 0)
    return;
  std::lock_guard lock(mutex);
  const int64_t latest = (Wire::Clock::now() - kLeastWait).time_since_epoch().count();
  std::vector<std::pair<int64_t, Wire *>> waiting; // they go on meanwhile
  for (Wire *wire : wires)
    if (int64_t since = wire->waitsSince(); since && since <= latest)
      waiting.emplace_back(since, wire);
  std::sort(waiting.begin(), waiting.end());
  for (auto [since, wire] : waiting) {
    if (count == 0)
      break;
    if (wire->waitsSince() != since)
      continue;
    wire->shut();
    ++metrics.closedConnections;
    --count;
  }
}

void Connections::drain() {
  draining = true;
  std::lock_guard lock(mutex);
  char byte;
  for (Wire *wire : wires)
    // A request that is there already is told that the server stops.
    if (wire->waitsSince() && recv(wire->socket(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) <= 0)
      wire->shut();
}

bool Connections::idle() const {
  std::lock_guard lock(mutex);
  for (const Wire *wire : wires)
    if (!wire->waitsSince())
      return false;
  return true;
}

static void refuse(Wire &wire) {
  static const std::string body = R"({"error":{"message":"too many connections","type":"server_error","param":null,)"
                                  R"("code":"too_many_connections"}})";
  static const std::string text = "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nRetry-After: "
                                  "1\r\nConnection: close\r\nContent-Length: " +
                                  std::to_string(body.size()) + "\r\n\r\n" + body;
  send(wire.socket(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

bool Connections::process_and_close_socket(socket_t socket) {
  Wire wire(socket);
  if (noRoom)
    return refuse(wire), false;
  {
    std::lock_guard lock(mutex);
    wires.insert(&wire);
    metrics.connections = static_cast<int64_t>(wires.size());
  }
  ownWire = &wire;
  try {
    wire.waker = std::make_shared<Waker>();
    while (wire.awaitRequest()) {
      bool closed = false;
      wire.closing = wire.unread = false;
      bool good = process_request(wire, draining, closed, nullptr);
      if (wire.unread)
        wire.linger();
      if (!good || closed || wire.closing || wire.unread || draining)
        break;
    }
  } catch (const std::exception &) {
    // No descriptor or no memory: the connection is closed, the server goes on.
  } catch (const Failure &) {
  }
  ownWire = nullptr;
  std::lock_guard lock(mutex);
  wires.erase(&wire);
  metrics.connections = static_cast<int64_t>(wires.size());
  return true;
}
