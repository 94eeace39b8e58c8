//===- FakeDriver.h - the device behind the driver that runs in tests --------===//

#ifndef QUOIN_TEST_PTX_FAKEDRIVER_H
#define QUOIN_TEST_PTX_FAKEDRIVER_H

#include "test/ptx/Machine.h"
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <random>
#include <set>

#pragma GCC visibility push(default)
#include "runtime/src/driver.h"
#pragma GCC visibility pop

/// What the driver's handles stand for.
struct CUctx_st {};
struct CUmod_st {
  quoin::ptx::Module code;
  std::unique_ptr<quoin::ptx::Machine> machine;
  std::map<std::string, std::unique_ptr<CUfunc_st>, std::less<>> functions;
};
struct CUfunc_st {
  CUmod_st *module;
  const quoin::ptx::Kernel *kernel;
  unsigned mostDynamicShared;
};
struct CUstream_st {
  uint64_t last = 0; ///< the ticket of its last work
};
struct CUevent_st {
  uint64_t after = 0;
};

namespace quoin::ptx {

inline constexpr unsigned kUsualSharedBytes = 48 << 10;

/// One device. Its work waits in a queue, in the order in which it was submitted, which is one of the orders that
/// streams permit. It is done as late as somebody waits for it, at once, or at random.
class FakeDevice {
public:
  static FakeDevice &get();

  using Work = std::function<CUresult()>;
  CUresult submit(CUstream stream, Work work);
  /// Does all work up to that ticket.
  CUresult finish(uint64_t ticket);
  CUresult finishAll() { return finish(submitted); }
  bool isDone(uint64_t ticket) const { return ticket <= done; }
  uint64_t ticketOf(CUstream stream) const { return stream ? stream->last : submitted; }
  uint64_t nextSeed() { return seed++; }

  /// Says what was wrong with work, and makes the error stay.
  CUresult fail(CUresult error, const std::string &text);
  CUresult write(CUdeviceptr to, const void *from, size_t bytes);
  CUresult read(void *to, CUdeviceptr from, size_t bytes);
  CUresult launch(CUfunc_st &function, Launch launch);
  /// Reads the environment, as a context begins.
  void configure();
  /// Forgets all that the context had.
  void reset();
  bool isPinned(const void *address, size_t bytes) const;

  std::recursive_mutex mutex;
  bool initialised = false;
  int retained = 0;
  CUresult sticky = CUDA_SUCCESS;
  Timing timing = Timing::Late;
  CUctx_st context;
  std::shared_ptr<Memory> memory = std::make_shared<Memory>();
  uint64_t usedBytes = 0;
  std::map<CUdeviceptr, size_t> sizes;
  std::map<uintptr_t, std::unique_ptr<uint8_t[]>> pinned;
  std::map<uintptr_t, size_t> pinnedSizes;
  std::map<CUmodule, std::unique_ptr<CUmod_st>> modules;
  std::map<CUstream, std::unique_ptr<CUstream_st>> streams;
  std::map<CUevent, std::unique_ptr<CUevent_st>> events;
  std::set<CUfunction> functions;

private:
  FakeDevice() = default;

  std::deque<Work> queue;
  uint64_t submitted = 0, done = 0, seed = 1;
  std::mt19937_64 random;
};

} // namespace quoin::ptx

#endif
