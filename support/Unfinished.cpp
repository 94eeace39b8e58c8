//===- Unfinished.cpp - what goes when the process is told to end -----------===//

#include "support/Unfinished.h"
#include <algorithm>
#include <csignal>
#include <dirent.h>
#include <fcntl.h>
#include <system_error>
#include <thread>
#include <unistd.h>

using namespace quoin;

namespace {
struct Registry {
  std::recursive_mutex mutex;
  std::vector<Unfinished *> all;
};
} // namespace

/// Never destroyed: the signal thread may outlive everything.
static Registry &registry() {
  static auto *instance = new Registry;
  return *instance;
}

std::unique_lock<std::recursive_mutex> Unfinished::hold() { return std::unique_lock(registry().mutex); }

void Unfinished::note(std::string made, std::vector<std::string> onTheWay) {
  auto held = hold();
  path = std::move(made);
  folders = std::move(onTheWay);
  registry().all.push_back(this);
}

void Unfinished::keep() {
  auto held = hold();
  std::erase(registry().all, this);
  path.clear();
  folders.clear();
}

void Unfinished::discard() {
  auto held = hold();
  if (!noted())
    return;
  // Other threads may still put files into the folder: until it is gone, after which none can.
  for (int i = 0; i < 100 && !removeFlat(path); ++i)
    ::usleep(1000);
  for (auto folder = folders.rbegin(); folder != folders.rend(); ++folder)
    ::rmdir(folder->c_str());
  keep();
}

void Unfinished::discardAll() {
  auto held = hold();
  while (!registry().all.empty())
    registry().all.back()->discard();
}

bool quoin::removeFlat(const std::string &path) {
  if (::unlink(path.c_str()) == 0)
    return true;
  DIR *folder = ::opendir(path.c_str());
  if (!folder)
    return ::access(path.c_str(), F_OK) != 0;
  while (const dirent *entry = ::readdir(folder))
    ::unlinkat(::dirfd(folder), entry->d_name, 0); // "." and folders stay
  ::closedir(folder);
  return ::rmdir(path.c_str()) == 0;
}

/// What ends a program from outside.
static constexpr int endings[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};

static void waitForSignals(sigset_t set) {
  int number = 0;
  while (::sigwait(&set, &number) != 0)
    ;
  auto held = Unfinished::hold();
  Unfinished::discardAll();
  ::signal(number, SIG_DFL);
  ::pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
  ::raise(number);
  ::_exit(128 + number);
}

static void watchSignals() {
  sigset_t set, blocked;
  ::sigemptyset(&set);
  ::pthread_sigmask(SIG_BLOCK, nullptr, &blocked);
  for (int number : endings) {
    struct sigaction now;
    // What the caller ignores or holds back stays so.
    if (::sigaction(number, nullptr, &now) == 0 && now.sa_handler != SIG_IGN && !::sigismember(&blocked, number))
      ::sigaddset(&set, number);
  }
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  try {
    std::thread(waitForSignals, set).detach();
  } catch (const std::system_error &) {
    // Without the thread signals end the process as ever.
    ::pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
  }
}

void quoin::prepareTool() {
  // The standard output only to be read: what is written to it is lost, and the write has to say so.
  for (int number = 0; number <= 2; ++number)
    if (::fcntl(number, F_GETFD) < 0)
      (void)::open("/dev/null", number == 1 ? O_RDONLY : O_RDWR);
  ::signal(SIGXFSZ, SIG_IGN);
  watchSignals();
}
