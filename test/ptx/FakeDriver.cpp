//===- FakeDriver.cpp - CUDA's driver interface, for tests -------------------===//
//
// What a program finds in libcuda.so.1, on the PTX machine: one GPU of compute capability 9.0 that runs PTX only.
// QUOIN_PTX_TIMING (late, early, random) says when work of streams is done and, in kernels, when asynchronous copies
// end; QUOIN_PTX_SEED is a number that orders warps. What a kernel must not do is printed, and is an error of whatever
// waits for it and of all calls that follow.
//
//===----------------------------------------------------------------------===//

#include "test/ptx/FakeDriver.h"
#include <algorithm>
#include <cstdio>

using namespace quoin::ptx;

namespace {
constexpr int kDriverVersion = 12080;
constexpr size_t kTotalBytes = size_t(4) << 30;
thread_local CUcontext currentContext = nullptr;

/// What a function runs under: one at a time, on a driver that began, with a context, and after no fault.
struct Call {
  enum Needs : uint8_t { Nothing, Driver, Context };
  explicit Call(Needs needs) : lock(device.mutex) {
    if (needs != Nothing && !device.initialised)
      error = CUDA_ERROR_NOT_INITIALIZED;
    else if (needs == Context && (!currentContext || !device.retained))
      error = CUDA_ERROR_INVALID_CONTEXT;
    else if (needs == Context)
      error = device.sticky;
  }
  FakeDevice &device = FakeDevice::get();
  std::lock_guard<std::recursive_mutex> lock;
  CUresult error = CUDA_SUCCESS;
};

struct ErrorName {
  CUresult error;
  const char *name, *text;
};
constexpr ErrorName kErrors[] = {
    {CUDA_SUCCESS, "CUDA_SUCCESS", "no error"},
    {CUDA_ERROR_INVALID_VALUE, "CUDA_ERROR_INVALID_VALUE", "invalid argument"},
    {CUDA_ERROR_OUT_OF_MEMORY, "CUDA_ERROR_OUT_OF_MEMORY", "out of memory"},
    {CUDA_ERROR_NOT_INITIALIZED, "CUDA_ERROR_NOT_INITIALIZED", "driver not initialized"},
    {CUDA_ERROR_INVALID_DEVICE, "CUDA_ERROR_INVALID_DEVICE", "no such device"},
    {CUDA_ERROR_INVALID_CONTEXT, "CUDA_ERROR_INVALID_CONTEXT", "no context"},
    {CUDA_ERROR_NO_BINARY_FOR_GPU, "CUDA_ERROR_NO_BINARY_FOR_GPU", "no code for this device"},
    {CUDA_ERROR_INVALID_PTX, "CUDA_ERROR_INVALID_PTX", "PTX is not valid"},
    {CUDA_ERROR_INVALID_HANDLE, "CUDA_ERROR_INVALID_HANDLE", "no such handle"},
    {CUDA_ERROR_NOT_FOUND, "CUDA_ERROR_NOT_FOUND", "name not found"},
    {CUDA_ERROR_NOT_READY, "CUDA_ERROR_NOT_READY", "work is not done"},
    {CUDA_ERROR_ILLEGAL_ADDRESS, "CUDA_ERROR_ILLEGAL_ADDRESS", "access to memory that must not be"},
    {CUDA_ERROR_MISALIGNED_ADDRESS, "CUDA_ERROR_MISALIGNED_ADDRESS", "access that is not aligned"},
    {CUDA_ERROR_LAUNCH_FAILED, "CUDA_ERROR_LAUNCH_FAILED", "a kernel failed"},
    {CUDA_ERROR_NOT_SUPPORTED, "CUDA_ERROR_NOT_SUPPORTED", "not supported"},
};

bool isStream(const FakeDevice &device, CUstream stream) { return !stream || device.streams.count(stream); }
/// Whether these bytes are in one piece of memory now.
bool isMemory(FakeDevice &device, CUdeviceptr at, size_t bytes) { return !bytes || device.memory->find(at, bytes); }
} // namespace

#define QUOIN_BEGIN(needs)                                                                                             \
  Call call(Call::needs);                                                                                              \
  if (call.error)                                                                                                      \
    return call.error;                                                                                                 \
  FakeDevice &device = call.device;                                                                                    \
  (void)device
#define QUOIN_EXPECT(condition, otherwise)                                                                             \
  if (!(condition))                                                                                                    \
  return otherwise

extern "C" {

CUresult cuInit(unsigned flags) {
  QUOIN_BEGIN(Nothing);
  QUOIN_EXPECT(!flags, CUDA_ERROR_INVALID_VALUE);
  device.initialised = true;
  return CUDA_SUCCESS;
}

CUresult cuDriverGetVersion(int *version) {
  QUOIN_EXPECT(version, CUDA_ERROR_INVALID_VALUE);
  *version = kDriverVersion;
  return CUDA_SUCCESS;
}

CUresult cuGetErrorName(CUresult error, const char **text) {
  QUOIN_EXPECT(text, CUDA_ERROR_INVALID_VALUE);
  *text = nullptr;
  for (const ErrorName &each : kErrors)
    if (each.error == error)
      *text = each.name;
  return *text ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

CUresult cuGetErrorString(CUresult error, const char **text) {
  QUOIN_EXPECT(text, CUDA_ERROR_INVALID_VALUE);
  *text = nullptr;
  for (const ErrorName &each : kErrors)
    if (each.error == error)
      *text = each.text;
  return *text ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

CUresult cuDeviceGetCount(int *count) {
  QUOIN_BEGIN(Driver);
  QUOIN_EXPECT(count, CUDA_ERROR_INVALID_VALUE);
  *count = 1;
  return CUDA_SUCCESS;
}

CUresult cuDeviceGet(CUdevice *number, int ordinal) {
  QUOIN_BEGIN(Driver);
  QUOIN_EXPECT(number, CUDA_ERROR_INVALID_VALUE);
  QUOIN_EXPECT(ordinal == 0, CUDA_ERROR_INVALID_DEVICE);
  *number = 0;
  return CUDA_SUCCESS;
}

CUresult cuDeviceGetName(char *name, int bytes, CUdevice number) {
  QUOIN_BEGIN(Driver);
  QUOIN_EXPECT(name && bytes > 0, CUDA_ERROR_INVALID_VALUE);
  QUOIN_EXPECT(number == 0, CUDA_ERROR_INVALID_DEVICE);
  std::snprintf(name, size_t(bytes), "PTX machine");
  return CUDA_SUCCESS;
}

CUresult cuDeviceGetAttribute(int *value, CUdevice_attribute attribute, CUdevice number) {
  QUOIN_BEGIN(Driver);
  QUOIN_EXPECT(value, CUDA_ERROR_INVALID_VALUE);
  QUOIN_EXPECT(number == 0, CUDA_ERROR_INVALID_DEVICE);
  static const std::map<CUdevice_attribute, int> values = {
      {CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK, 1024},
      {CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_X, 1024},
      {CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Y, 1024},
      {CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Z, 64},
      {CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_X, INT32_MAX},
      {CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Y, 65535},
      {CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Z, 65535},
      {CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK, int(kUsualSharedBytes)},
      {CU_DEVICE_ATTRIBUTE_WARP_SIZE, 32},
      {CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT, 4},
      {CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, 9},
      {CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR, 0},
      {CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN, 232448},
  };
  auto found = values.find(attribute);
  QUOIN_EXPECT(found != values.end(), CUDA_ERROR_INVALID_VALUE);
  *value = found->second;
  return CUDA_SUCCESS;
}

CUresult cuDeviceTotalMem_v2(size_t *bytes, CUdevice number) {
  QUOIN_BEGIN(Driver);
  QUOIN_EXPECT(bytes, CUDA_ERROR_INVALID_VALUE);
  QUOIN_EXPECT(number == 0, CUDA_ERROR_INVALID_DEVICE);
  *bytes = kTotalBytes;
  return CUDA_SUCCESS;
}

CUresult cuDevicePrimaryCtxRetain(CUcontext *context, CUdevice number) {
  QUOIN_BEGIN(Driver);
  QUOIN_EXPECT(context, CUDA_ERROR_INVALID_VALUE);
  QUOIN_EXPECT(number == 0, CUDA_ERROR_INVALID_DEVICE);
  if (device.retained++ == 0)
    device.configure();
  *context = &device.context;
  return CUDA_SUCCESS;
}

CUresult cuDevicePrimaryCtxRelease_v2(CUdevice number) {
  QUOIN_BEGIN(Driver);
  QUOIN_EXPECT(number == 0, CUDA_ERROR_INVALID_DEVICE);
  QUOIN_EXPECT(device.retained, CUDA_ERROR_INVALID_CONTEXT);
  if (--device.retained == 0)
    device.reset();
  return CUDA_SUCCESS;
}

CUresult cuCtxSetCurrent(CUcontext context) {
  QUOIN_BEGIN(Driver);
  QUOIN_EXPECT(!context || (context == &device.context && device.retained), CUDA_ERROR_INVALID_CONTEXT);
  currentContext = context;
  return CUDA_SUCCESS;
}

CUresult cuCtxGetCurrent(CUcontext *context) {
  QUOIN_BEGIN(Driver);
  QUOIN_EXPECT(context, CUDA_ERROR_INVALID_VALUE);
  *context = currentContext;
  return CUDA_SUCCESS;
}

CUresult cuCtxSynchronize(void) {
  QUOIN_BEGIN(Context);
  return device.finishAll();
}

CUresult cuMemAlloc_v2(CUdeviceptr *address, size_t bytes) {
  QUOIN_BEGIN(Context);
  QUOIN_EXPECT(address && bytes, CUDA_ERROR_INVALID_VALUE);
  QUOIN_EXPECT(bytes <= kTotalBytes - device.usedBytes, CUDA_ERROR_OUT_OF_MEMORY);
  *address = device.memory->allocate(bytes);
  device.sizes[*address] = bytes;
  device.usedBytes += bytes;
  return CUDA_SUCCESS;
}

CUresult cuMemFree_v2(CUdeviceptr address) {
  QUOIN_BEGIN(Context);
  QUOIN_EXPECT(address, CUDA_SUCCESS);
  auto found = device.sizes.find(address);
  QUOIN_EXPECT(found != device.sizes.end(), CUDA_ERROR_INVALID_VALUE);
  CUresult error = device.finishAll();
  device.memory->release(address);
  device.usedBytes -= found->second;
  device.sizes.erase(found);
  return error;
}

CUresult cuMemHostAlloc(void **address, size_t bytes, unsigned) {
  QUOIN_BEGIN(Context);
  QUOIN_EXPECT(address && bytes, CUDA_ERROR_INVALID_VALUE);
  QUOIN_EXPECT(bytes <= kTotalBytes, CUDA_ERROR_OUT_OF_MEMORY);
  auto memory = std::make_unique<uint8_t[]>(bytes);
  std::memset(memory.get(), 0xa5, bytes);
  *address = memory.get();
  device.pinnedSizes[reinterpret_cast<uintptr_t>(*address)] = bytes;
  device.pinned[reinterpret_cast<uintptr_t>(*address)] = std::move(memory);
  return CUDA_SUCCESS;
}

CUresult cuMemFreeHost(void *address) {
  QUOIN_BEGIN(Context);
  auto found = device.pinned.find(reinterpret_cast<uintptr_t>(address));
  QUOIN_EXPECT(found != device.pinned.end(), CUDA_ERROR_INVALID_VALUE);
  CUresult error = device.finishAll();
  device.pinnedSizes.erase(found->first);
  device.pinned.erase(found);
  return error;
}

CUresult cuMemcpyHtoD_v2(CUdeviceptr to, const void *from, size_t bytes) {
  QUOIN_BEGIN(Context);
  if (CUresult error = device.finishAll())
    return error;
  QUOIN_EXPECT((from || !bytes) && isMemory(device, to, bytes), CUDA_ERROR_INVALID_VALUE);
  return device.write(to, from, bytes);
}

CUresult cuMemcpyDtoH_v2(void *to, CUdeviceptr from, size_t bytes) {
  QUOIN_BEGIN(Context);
  if (CUresult error = device.finishAll())
    return error;
  QUOIN_EXPECT((to || !bytes) && isMemory(device, from, bytes), CUDA_ERROR_INVALID_VALUE);
  return device.read(to, from, bytes);
}

CUresult cuMemcpyHtoDAsync_v2(CUdeviceptr to, const void *from, size_t bytes, CUstream stream) {
  QUOIN_BEGIN(Context);
  QUOIN_EXPECT(isStream(device, stream), CUDA_ERROR_INVALID_HANDLE);
  QUOIN_EXPECT((from || !bytes) && isMemory(device, to, bytes), CUDA_ERROR_INVALID_VALUE);
  // Pinned memory is read when the copy is done, other memory before the call returns.
  if (device.isPinned(from, bytes))
    return device.submit(stream, [&device, to, from, bytes] { return device.write(to, from, bytes); });
  auto begin = static_cast<const uint8_t *>(from);
  return device.submit(stream, [&device, to, staged = std::vector<uint8_t>(begin, begin + bytes)] {
    return device.write(to, staged.data(), staged.size());
  });
}

CUresult cuMemcpyDtoHAsync_v2(void *to, CUdeviceptr from, size_t bytes, CUstream stream) {
  QUOIN_BEGIN(Context);
  QUOIN_EXPECT(isStream(device, stream), CUDA_ERROR_INVALID_HANDLE);
  QUOIN_EXPECT((to || !bytes) && isMemory(device, from, bytes), CUDA_ERROR_INVALID_VALUE);
  device.submit(stream, [&device, to, from, bytes] { return device.read(to, from, bytes); });
  // Memory that is not pinned is filled before the call returns.
  return device.isPinned(to, bytes) ? CUDA_SUCCESS : device.finish(device.ticketOf(stream));
}

CUresult cuMemsetD8Async(CUdeviceptr to, unsigned char value, size_t bytes, CUstream stream) {
  QUOIN_BEGIN(Context);
  QUOIN_EXPECT(isStream(device, stream), CUDA_ERROR_INVALID_HANDLE);
  QUOIN_EXPECT(isMemory(device, to, bytes), CUDA_ERROR_INVALID_VALUE);
  return device.submit(stream, [&device, to, value, bytes] {
    return device.write(to, std::vector<uint8_t>(bytes, value).data(), bytes);
  });
}

CUresult cuMemsetD8_v2(CUdeviceptr to, unsigned char value, size_t bytes) {
  return cuMemsetD8Async(to, value, bytes, nullptr);
}

CUresult cuStreamCreate(CUstream *stream, unsigned flags) {
  QUOIN_BEGIN(Context);
  QUOIN_EXPECT(stream && flags <= CU_STREAM_NON_BLOCKING, CUDA_ERROR_INVALID_VALUE);
  auto made = std::make_unique<CUstream_st>();
  *stream = made.get();
  device.streams[*stream] = std::move(made);
  return CUDA_SUCCESS;
}

CUresult cuStreamDestroy_v2(CUstream stream) {
  QUOIN_BEGIN(Context);
  QUOIN_EXPECT(device.streams.erase(stream), CUDA_ERROR_INVALID_HANDLE);
  return CUDA_SUCCESS;
}

CUresult cuStreamSynchronize(CUstream stream) {
  QUOIN_BEGIN(Context);
  QUOIN_EXPECT(isStream(device, stream), CUDA_ERROR_INVALID_HANDLE);
  return device.finish(device.ticketOf(stream));
}

CUresult cuStreamWaitEvent(CUstream stream, CUevent event, unsigned) {
  QUOIN_BEGIN(Context);
  QUOIN_EXPECT(isStream(device, stream) && device.events.count(event), CUDA_ERROR_INVALID_HANDLE);
  return CUDA_SUCCESS; // all work is done in the order in which it was submitted
}

CUresult cuEventCreate(CUevent *event, unsigned) {
  QUOIN_BEGIN(Context);
  QUOIN_EXPECT(event, CUDA_ERROR_INVALID_VALUE);
  auto made = std::make_unique<CUevent_st>();
  *event = made.get();
  device.events[*event] = std::move(made);
  return CUDA_SUCCESS;
}

CUresult cuEventRecord(CUevent event, CUstream stream) {
  QUOIN_BEGIN(Context);
  QUOIN_EXPECT(isStream(device, stream) && device.events.count(event), CUDA_ERROR_INVALID_HANDLE);
  event->after = device.ticketOf(stream);
  return CUDA_SUCCESS;
}

CUresult cuEventQuery(CUevent event) {
  QUOIN_BEGIN(Context);
  QUOIN_EXPECT(device.events.count(event), CUDA_ERROR_INVALID_HANDLE);
  return device.isDone(event->after) ? CUDA_SUCCESS : CUDA_ERROR_NOT_READY;
}

CUresult cuEventSynchronize(CUevent event) {
  QUOIN_BEGIN(Context);
  QUOIN_EXPECT(device.events.count(event), CUDA_ERROR_INVALID_HANDLE);
  return device.finish(event->after);
}

CUresult cuEventDestroy_v2(CUevent event) {
  QUOIN_BEGIN(Context);
  QUOIN_EXPECT(device.events.erase(event), CUDA_ERROR_INVALID_HANDLE);
  return CUDA_SUCCESS;
}

CUresult cuModuleLoadDataEx(CUmodule *module, const void *image, unsigned count, CUjit_option *options, void **values) {
  QUOIN_BEGIN(Context);
  QUOIN_EXPECT(module && image && (!count || (options && values)), CUDA_ERROR_INVALID_VALUE);
  // An ELF file, or several images in one.
  std::string_view begin(static_cast<const char *>(image), strnlen(static_cast<const char *>(image), 4));
  QUOIN_EXPECT(begin != "\177ELF" && begin != "\x50\xed\x55\xba", CUDA_ERROR_NO_BINARY_FOR_GPU);
  Diagnostic diagnostic;
  std::optional<Module> code = parse(static_cast<const char *>(image), diagnostic);
  if (!code) {
    std::string text = "line " + std::to_string(diagnostic.line) + ": " + diagnostic.text;
    std::fprintf(stderr, "ptx machine: %s\n", text.c_str());
    char *log = nullptr;
    size_t bytes = 0;
    for (unsigned i = 0; i < count; ++i) {
      if (options[i] == CU_JIT_ERROR_LOG_BUFFER)
        log = static_cast<char *>(values[i]);
      else if (options[i] == CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES)
        bytes = uint32_t(reinterpret_cast<uintptr_t>(values[i]));
    }
    if (log && bytes)
      std::snprintf(log, bytes, "%s", text.c_str());
    return CUDA_ERROR_INVALID_PTX;
  }
  auto made = std::make_unique<CUmod_st>();
  made->code = std::move(*code);
  made->machine = std::make_unique<Machine>(made->code, device.memory);
  *module = made.get();
  device.modules[*module] = std::move(made);
  return CUDA_SUCCESS;
}

CUresult cuModuleLoadData(CUmodule *module, const void *image) {
  return cuModuleLoadDataEx(module, image, 0, nullptr, nullptr);
}

CUresult cuModuleUnload(CUmodule module) {
  QUOIN_BEGIN(Context);
  QUOIN_EXPECT(device.modules.count(module), CUDA_ERROR_INVALID_HANDLE);
  CUresult error = device.finishAll();
  for (auto &[name, function] : module->functions)
    device.functions.erase(function.get());
  device.modules.erase(module);
  return error;
}

CUresult cuModuleGetFunction(CUfunction *function, CUmodule module, const char *name) {
  QUOIN_BEGIN(Context);
  QUOIN_EXPECT(function && name, CUDA_ERROR_INVALID_VALUE);
  QUOIN_EXPECT(device.modules.count(module), CUDA_ERROR_INVALID_HANDLE);
  const Kernel *kernel = module->code.kernel(name);
  QUOIN_EXPECT(kernel, CUDA_ERROR_NOT_FOUND);
  std::unique_ptr<CUfunc_st> &made = module->functions[name];
  if (!made) {
    unsigned most = kUsualSharedBytes - std::min(kUsualSharedBytes, kernel->sharedBytes);
    made = std::make_unique<CUfunc_st>(CUfunc_st{module, kernel, most});
    device.functions.insert(made.get());
  }
  *function = made.get();
  return CUDA_SUCCESS;
}

CUresult cuFuncSetAttribute(CUfunction function, CUfunction_attribute attribute, int value) {
  QUOIN_BEGIN(Context);
  QUOIN_EXPECT(device.functions.count(function), CUDA_ERROR_INVALID_HANDLE);
  QUOIN_EXPECT(attribute == CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, CUDA_ERROR_INVALID_VALUE);
  QUOIN_EXPECT(value >= 0 && unsigned(value) + function->kernel->sharedBytes <= 232448, CUDA_ERROR_INVALID_VALUE);
  function->mostDynamicShared = unsigned(value);
  return CUDA_SUCCESS;
}

CUresult cuLaunchKernel(CUfunction function, unsigned gridX, unsigned gridY, unsigned gridZ, unsigned blockX,
                        unsigned blockY, unsigned blockZ, unsigned sharedBytes, CUstream stream, void **parameters,
                        void **extra) {
  QUOIN_BEGIN(Context);
  QUOIN_EXPECT(isStream(device, stream) && device.functions.count(function), CUDA_ERROR_INVALID_HANDLE);
  QUOIN_EXPECT(!extra, CUDA_ERROR_NOT_SUPPORTED);
  const Kernel &kernel = *function->kernel;
  QUOIN_EXPECT(parameters || kernel.parameters.empty(), CUDA_ERROR_INVALID_VALUE);
  uint64_t threads = uint64_t(blockX) * blockY * blockZ;
  QUOIN_EXPECT(gridX && gridX <= INT32_MAX && gridY && gridY <= 65535 && gridZ && gridZ <= 65535 && blockX <= 1024 &&
                   blockY <= 1024 && blockZ <= 64 && threads && threads <= 1024,
               CUDA_ERROR_INVALID_VALUE);
  QUOIN_EXPECT(sharedBytes <= function->mostDynamicShared, CUDA_ERROR_INVALID_VALUE);
  Launch launch;
  launch.kernel = kernel.name;
  launch.grid = {gridX, gridY, gridZ};
  launch.threads = {blockX, blockY, blockZ};
  launch.dynamicShared = sharedBytes;
  launch.seed = device.nextSeed();
  // Parameters are read before the call returns.
  for (size_t i = 0; i < kernel.parameters.size(); ++i) {
    QUOIN_EXPECT(parameters[i], CUDA_ERROR_INVALID_VALUE);
    auto begin = static_cast<const uint8_t *>(parameters[i]);
    launch.arguments.emplace_back(begin, begin + kernel.parameters[i].bytes);
  }
  return device.submit(stream, [&device, function, launch] { return device.launch(*function, launch); });
}

CUresult cuGetProcAddress_v2(const char *name, void **function, int version, uint64_t, int *found) {
  QUOIN_EXPECT(name && function, CUDA_ERROR_INVALID_VALUE);
  static const std::map<std::string_view, void *> all = {
#define QUOIN_FUNCTION(name) {#name, reinterpret_cast<void *>(&name)}
#define QUOIN_VERSIONED(name) {#name, reinterpret_cast<void *>(&name##_v2)}
      QUOIN_FUNCTION(cuInit),
      QUOIN_FUNCTION(cuDriverGetVersion),
      QUOIN_FUNCTION(cuGetErrorName),
      QUOIN_FUNCTION(cuGetErrorString),
      QUOIN_VERSIONED(cuGetProcAddress),
      QUOIN_FUNCTION(cuDeviceGetCount),
      QUOIN_FUNCTION(cuDeviceGet),
      QUOIN_FUNCTION(cuDeviceGetName),
      QUOIN_FUNCTION(cuDeviceGetAttribute),
      QUOIN_VERSIONED(cuDeviceTotalMem),
      QUOIN_FUNCTION(cuDevicePrimaryCtxRetain),
      QUOIN_VERSIONED(cuDevicePrimaryCtxRelease),
      QUOIN_FUNCTION(cuCtxSetCurrent),
      QUOIN_FUNCTION(cuCtxGetCurrent),
      QUOIN_FUNCTION(cuCtxSynchronize),
      QUOIN_VERSIONED(cuMemAlloc),
      QUOIN_VERSIONED(cuMemFree),
      QUOIN_FUNCTION(cuMemHostAlloc),
      QUOIN_FUNCTION(cuMemFreeHost),
      QUOIN_VERSIONED(cuMemcpyHtoD),
      QUOIN_VERSIONED(cuMemcpyDtoH),
      QUOIN_VERSIONED(cuMemcpyHtoDAsync),
      QUOIN_VERSIONED(cuMemcpyDtoHAsync),
      QUOIN_VERSIONED(cuMemsetD8),
      QUOIN_FUNCTION(cuMemsetD8Async),
      QUOIN_FUNCTION(cuStreamCreate),
      QUOIN_VERSIONED(cuStreamDestroy),
      QUOIN_FUNCTION(cuStreamSynchronize),
      QUOIN_FUNCTION(cuStreamWaitEvent),
      QUOIN_FUNCTION(cuEventCreate),
      QUOIN_FUNCTION(cuEventRecord),
      QUOIN_FUNCTION(cuEventQuery),
      QUOIN_FUNCTION(cuEventSynchronize),
      QUOIN_VERSIONED(cuEventDestroy),
      QUOIN_FUNCTION(cuModuleLoadData),
      QUOIN_FUNCTION(cuModuleLoadDataEx),
      QUOIN_FUNCTION(cuModuleUnload),
      QUOIN_FUNCTION(cuModuleGetFunction),
      QUOIN_FUNCTION(cuFuncSetAttribute),
      QUOIN_FUNCTION(cuLaunchKernel),
#undef QUOIN_FUNCTION
#undef QUOIN_VERSIONED
  };
  auto at = all.find(name);
  *function = at == all.end() ? nullptr : at->second;
  // The function itself has one parameter less in older versions.
  if (version < 12000 && *function == reinterpret_cast<void *>(&cuGetProcAddress_v2))
    *function = reinterpret_cast<void *>(&cuGetProcAddress);
  if (found)
    *found = at == all.end() ? 1 : 0; // a symbol that is not there
  return *function ? CUDA_SUCCESS : CUDA_ERROR_NOT_FOUND;
}

CUresult cuGetProcAddress(const char *name, void **function, int version, uint64_t flags) {
  return cuGetProcAddress_v2(name, function, version, flags, nullptr);
}
}
