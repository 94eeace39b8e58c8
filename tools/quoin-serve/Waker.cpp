// Waker.cpp: a counter of the kernel's that threads wait on beside their sockets.

#include "Job.h"

#include <cerrno>
#include <cstring>
#include <sys/eventfd.h>
#include <unistd.h>

using namespace quoin;

Waker::Waker() : event(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  if (event < 0)
    throw Failure{std::string("expects a descriptor to wait on, but the system gives none: ") + std::strerror(errno)};
}

Waker::~Waker() { close(event); }

void Waker::wake() { eventfd_write(event, 1); }

void Waker::clear() {
  eventfd_t count;
  eventfd_read(event, &count);
}
