//===- FakeDevice.cpp - work of the driver that runs in tests ----------------===//

#include "test/ptx/FakeDriver.h"
#include <cstdio>
#include <cstdlib>

namespace quoin::ptx {

FakeDevice &FakeDevice::get() {
  static FakeDevice device;
  return device;
}

void FakeDevice::configure() {
  timing = Timing::Late;
  seed = 1;
  if (const char *text = std::getenv("QUOIN_PTX_SEED"))
    seed = std::strtoull(text, nullptr, 10);
  if (const char *text = std::getenv("QUOIN_PTX_TIMING")) {
    std::string_view name = text;
    if (name == "early")
      timing = Timing::Early;
    else if (name == "random")
      timing = Timing::Random;
    else if (name != "late")
      std::fprintf(stderr, "ptx machine: expects QUOIN_PTX_TIMING to be late, early or random, but found '%s'\n", text);
  }
  random.seed(seed);
}

CUresult FakeDevice::submit(CUstream stream, Work work) {
  queue.push_back(std::move(work));
  ++submitted;
  if (stream)
    stream->last = submitted;
  // A fault is told to who waits, even where the work was done at once.
  if (timing == Timing::Early || (timing == Timing::Random && random() % 2))
    finishAll();
  return CUDA_SUCCESS;
}

CUresult FakeDevice::finish(uint64_t ticket) {
  while (done < ticket && !queue.empty()) {
    Work work = std::move(queue.front());
    queue.pop_front();
    ++done;
    // After a fault nothing runs any more.
    if (!sticky)
      sticky = work();
  }
  return sticky;
}

CUresult FakeDevice::fail(CUresult error, const std::string &text) {
  std::fprintf(stderr, "ptx machine: %s\n", text.c_str());
  return sticky = error;
}

CUresult FakeDevice::write(CUdeviceptr to, const void *from, size_t bytes) {
  if (!bytes)
    return CUDA_SUCCESS;
  Allocation *found = memory->find(to, bytes);
  if (!found)
    return fail(CUDA_ERROR_ILLEGAL_ADDRESS,
                "expects a copy to the device to end in memory of it, but found one that does not");
  std::memcpy(&found->bytes[to - found->address], from, bytes);
  found->shadow.markWritten(to - found->address, bytes);
  return CUDA_SUCCESS;
}

CUresult FakeDevice::read(void *to, CUdeviceptr from, size_t bytes) {
  if (!bytes)
    return CUDA_SUCCESS;
  Allocation *found = memory->find(from, bytes);
  if (!found)
    return fail(CUDA_ERROR_ILLEGAL_ADDRESS,
                "expects a copy from the device to begin in memory of it, but found one that does not");
  uint64_t offset = from - found->address;
  if (std::optional<uint64_t> byte = found->shadow.firstUnwritten(offset, bytes))
    return fail(CUDA_ERROR_ILLEGAL_ADDRESS,
                "expects a copy from the device of bytes that were written, but found byte " + std::to_string(*byte) +
                    " of " + std::to_string(found->bytes.size()) + " that nobody wrote");
  std::memcpy(to, &found->bytes[offset], bytes);
  return CUDA_SUCCESS;
}

CUresult FakeDevice::launch(CUfunc_st &function, Launch launch) {
  Machine &machine = *function.module->machine;
  launch.timing = timing;
  machine.clearFaults();
  if (machine.launch(launch))
    return CUDA_SUCCESS;
  CUresult error = CUDA_SUCCESS;
  for (const Fault &each : machine.faults()) {
    CUresult kind = each.kind == Fault::Kind::Bounds || each.kind == Fault::Kind::Unwritten ? CUDA_ERROR_ILLEGAL_ADDRESS
                    : each.kind == Fault::Kind::Alignment ? CUDA_ERROR_MISALIGNED_ADDRESS
                                                          : CUDA_ERROR_LAUNCH_FAILED;
    fail(error ? error : kind, launch.kernel + ": " + each.text);
    error = sticky;
  }
  return error;
}

void FakeDevice::reset() {
  finishAll();
  sticky = CUDA_SUCCESS;
  functions.clear();
  modules.clear();
  streams.clear();
  events.clear();
  sizes.clear();
  usedBytes = 0;
  pinned.clear();
  pinnedSizes.clear();
  memory = std::make_shared<Memory>();
}

bool FakeDevice::isPinned(const void *address, size_t bytes) const {
  auto at = reinterpret_cast<uintptr_t>(address);
  auto after = pinnedSizes.upper_bound(at);
  if (after == pinnedSizes.begin())
    return false;
  auto [begin, size] = *std::prev(after);
  return at - begin <= size && bytes <= size - (at - begin);
}

} // namespace quoin::ptx
