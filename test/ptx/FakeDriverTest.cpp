//===- FakeDriverTest.cpp - CUDA's driver on the PTX machine -----------------===//
//
// The library is loaded as a program loads libcuda.so.1, and used by the interface alone.
//
//===----------------------------------------------------------------------===//

#include "runtime/src/driver.h"
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <numeric>
#include <string>
#include <vector>

namespace {

/// Adds a number to each of 64 words.
constexpr const char *kText = R"(.version 8.0
.target sm_80
.address_size 64
.visible .entry add(.param .u64 at, .param .u32 number)
.reqntid 64
{ .reg .b32 %r<4>; .reg .b64 %d<3>;
ld.param.b64 %d0, [at]; ld.param.b32 %r0, [number];
mov.b32 %r1, %tid.x; mad.wide.u32 %d1, %r1, 4, %d0;
ld.global.b32 %r2, [%d1];
add.s32 %r2, %r2, %r0;
st.global.b32 [%d1], %r2;
ret;
}
)";

class FakeDriver : public testing::Test {
protected:
  template <typename F> F *function(const char *name) {
    void *found = library ? dlsym(library, name) : nullptr;
    EXPECT_TRUE(found) << name;
    return reinterpret_cast<F *>(found);
  }
#define QUOIN_CALL(name) function<decltype(name)>(#name)

  void SetUp() override {
    setenv("QUOIN_PTX_TIMING", timing, 1);
    library = dlopen(QUOIN_FAKE_DRIVER, RTLD_NOW | RTLD_LOCAL);
    ASSERT_TRUE(library) << dlerror();
    ASSERT_EQ(QUOIN_CALL(cuInit)(0), CUDA_SUCCESS);
    ASSERT_EQ(QUOIN_CALL(cuDevicePrimaryCtxRetain)(&context, 0), CUDA_SUCCESS);
    ASSERT_EQ(QUOIN_CALL(cuCtxSetCurrent)(context), CUDA_SUCCESS);
    add = load();
    ASSERT_TRUE(add);
  }
  void TearDown() override {
    if (!library)
      return;
    EXPECT_EQ(QUOIN_CALL(cuCtxSetCurrent)(nullptr), CUDA_SUCCESS);
    EXPECT_EQ(QUOIN_CALL(cuDevicePrimaryCtxRelease_v2)(0), CUDA_SUCCESS);
    dlclose(library);
  }

  CUfunction load() {
    CUfunction made = nullptr;
    EXPECT_EQ(QUOIN_CALL(cuModuleLoadData)(&module, kText), CUDA_SUCCESS);
    EXPECT_EQ(QUOIN_CALL(cuModuleGetFunction)(&made, module, "add"), CUDA_SUCCESS);
    return made;
  }
  CUdeviceptr allocate(size_t bytes) {
    CUdeviceptr made = 0;
    EXPECT_EQ(QUOIN_CALL(cuMemAlloc_v2)(&made, bytes), CUDA_SUCCESS);
    return made;
  }
  CUresult launch(CUfunction kernel, CUdeviceptr at, int number, CUstream stream = nullptr, unsigned shared = 0) {
    void *parameters[] = {&at, &number};
    return QUOIN_CALL(cuLaunchKernel)(kernel, 1, 1, 1, 64, 1, 1, shared, stream, parameters, nullptr);
  }

  const char *timing = "late";
  void *library = nullptr;
  CUcontext context = nullptr;
  CUmodule module = nullptr;
  CUfunction add = nullptr;
};

std::vector<int> counted(int from) {
  std::vector<int> values(64);
  std::iota(values.begin(), values.end(), from);
  return values;
}

TEST_F(FakeDriver, ModulesShareMemoryOnAStream) {
  CUfunction other = load();
  CUdeviceptr at = allocate(256);
  CUstream stream;
  ASSERT_EQ(QUOIN_CALL(cuStreamCreate)(&stream, CU_STREAM_NON_BLOCKING), CUDA_SUCCESS);
  void *pinned;
  ASSERT_EQ(QUOIN_CALL(cuMemHostAlloc)(&pinned, 256, 0), CUDA_SUCCESS);
  std::vector<int> values = counted(5);
  ASSERT_EQ(QUOIN_CALL(cuMemcpyHtoDAsync_v2)(at, values.data(), 256, stream), CUDA_SUCCESS);
  values.assign(64, -1); // it was read
  EXPECT_EQ(launch(add, at, 100, stream), CUDA_SUCCESS);
  EXPECT_EQ(launch(other, at, 1000, stream), CUDA_SUCCESS);
  CUevent event;
  ASSERT_EQ(QUOIN_CALL(cuEventCreate)(&event, CU_EVENT_DISABLE_TIMING), CUDA_SUCCESS);
  EXPECT_EQ(QUOIN_CALL(cuMemcpyDtoHAsync_v2)(pinned, at, 256, stream), CUDA_SUCCESS);
  ASSERT_EQ(QUOIN_CALL(cuEventRecord)(event, stream), CUDA_SUCCESS);
  // Nobody has waited: what is copied is not there.
  EXPECT_EQ(QUOIN_CALL(cuEventQuery)(event), CUDA_ERROR_NOT_READY);
  EXPECT_NE(std::memcmp(pinned, counted(1105).data(), 256), 0);
  EXPECT_EQ(QUOIN_CALL(cuEventSynchronize)(event), CUDA_SUCCESS);
  EXPECT_EQ(QUOIN_CALL(cuEventQuery)(event), CUDA_SUCCESS);
  EXPECT_EQ(std::memcmp(pinned, counted(1105).data(), 256), 0);
  EXPECT_EQ(QUOIN_CALL(cuStreamDestroy_v2)(stream), CUDA_SUCCESS);
  EXPECT_EQ(QUOIN_CALL(cuStreamSynchronize)(stream), CUDA_ERROR_INVALID_HANDLE);
}

TEST_F(FakeDriver, OtherTimingsGiveTheSame) {
  for (const char *other : {"early", "random"}) {
    TearDown();
    timing = other;
    SetUp();
    CUdeviceptr at = allocate(256);
    CUevent event;
    ASSERT_EQ(QUOIN_CALL(cuEventCreate)(&event, CU_EVENT_DISABLE_TIMING), CUDA_SUCCESS);
    std::vector<int> values = counted(5);
    ASSERT_EQ(QUOIN_CALL(cuMemcpyHtoD_v2)(at, values.data(), 256), CUDA_SUCCESS);
    for (int i = 0; i < 4; ++i)
      EXPECT_EQ(launch(add, at, 1), CUDA_SUCCESS);
    ASSERT_EQ(QUOIN_CALL(cuEventRecord)(event, nullptr), CUDA_SUCCESS);
    if (std::string(other) == "early") {
      EXPECT_EQ(QUOIN_CALL(cuEventQuery)(event), CUDA_SUCCESS);
    }
    EXPECT_EQ(QUOIN_CALL(cuMemcpyDtoH_v2)(values.data(), at, 256), CUDA_SUCCESS);
    EXPECT_EQ(values, counted(9));
  }
}

TEST_F(FakeDriver, AnErrorOfAKernelStays) {
  CUdeviceptr at = allocate(256);
  ASSERT_EQ(QUOIN_CALL(cuMemsetD8_v2)(at, 0, 252), CUDA_SUCCESS); // all but the last word
  testing::internal::CaptureStderr();
  EXPECT_EQ(launch(add, at, 1), CUDA_SUCCESS);
  EXPECT_EQ(QUOIN_CALL(cuCtxSynchronize)(), CUDA_ERROR_ILLEGAL_ADDRESS);
  std::string text = testing::internal::GetCapturedStderr();
  EXPECT_NE(text.find("ptx machine: add: line "), std::string::npos) << text;
  EXPECT_NE(text.find("nobody wrote"), std::string::npos) << text;
  EXPECT_EQ(QUOIN_CALL(cuMemsetD8_v2)(at, 0, 256), CUDA_ERROR_ILLEGAL_ADDRESS);
  EXPECT_EQ(launch(add, at, 1), CUDA_ERROR_ILLEGAL_ADDRESS);
  EXPECT_EQ(QUOIN_CALL(cuCtxSynchronize)(), CUDA_ERROR_ILLEGAL_ADDRESS);
}

TEST_F(FakeDriver, FreedMemoryIsRefused) {
  CUdeviceptr at = allocate(256), next = allocate(256);
  ASSERT_EQ(QUOIN_CALL(cuMemsetD8_v2)(at, 1, 256), CUDA_SUCCESS);
  EXPECT_EQ(launch(add, at, 1), CUDA_SUCCESS); // has ended before its memory goes
  EXPECT_EQ(QUOIN_CALL(cuMemFree_v2)(at), CUDA_SUCCESS);
  EXPECT_EQ(QUOIN_CALL(cuMemFree_v2)(at), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(QUOIN_CALL(cuMemFree_v2)(next + 8), CUDA_ERROR_INVALID_VALUE);
  int word = 0;
  EXPECT_EQ(QUOIN_CALL(cuMemcpyHtoD_v2)(at, &word, 4), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(QUOIN_CALL(cuMemcpyDtoH_v2)(&word, at, 4), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(QUOIN_CALL(cuMemcpyHtoD_v2)(next, &word, 257), CUDA_ERROR_INVALID_VALUE);
  testing::internal::CaptureStderr();
  EXPECT_EQ(launch(add, at, 1), CUDA_SUCCESS);
  EXPECT_EQ(QUOIN_CALL(cuMemcpyHtoD_v2)(next, &word, 4), CUDA_ERROR_ILLEGAL_ADDRESS);
  EXPECT_NE(testing::internal::GetCapturedStderr().find("line 9"), std::string::npos);
}

TEST_F(FakeDriver, WhatDoesNotFitIsRefusedAtOnce) {
  CUmodule none;
  EXPECT_EQ(QUOIN_CALL(cuModuleLoadData)(&none, "\177ELF\2\1\1"), CUDA_ERROR_NO_BINARY_FOR_GPU);
  char log[200] = "";
  CUjit_option options[] = {CU_JIT_ERROR_LOG_BUFFER, CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES};
  void *values[] = {log, reinterpret_cast<void *>(sizeof log)};
  testing::internal::CaptureStderr();
  EXPECT_EQ(QUOIN_CALL(cuModuleLoadDataEx)(&none, ".version 8.0\nnonsense", 2, options, values),
            CUDA_ERROR_INVALID_PTX);
  testing::internal::GetCapturedStderr();
  EXPECT_EQ(std::string(log).rfind("line ", 0), 0u) << log;
  CUfunction missing;
  EXPECT_EQ(QUOIN_CALL(cuModuleGetFunction)(&missing, module, "subtract"), CUDA_ERROR_NOT_FOUND);
  CUdeviceptr at = allocate(256), large;
  EXPECT_EQ(QUOIN_CALL(cuMemAlloc_v2)(&large, size_t(1) << 50), CUDA_ERROR_OUT_OF_MEMORY);
  // Beyond 48 KB a kernel must be allowed what it gets.
  ASSERT_EQ(QUOIN_CALL(cuMemsetD8_v2)(at, 0, 256), CUDA_SUCCESS);
  EXPECT_EQ(launch(add, at, 1, nullptr, 65536), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(QUOIN_CALL(cuFuncSetAttribute)(add, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, 65536), CUDA_SUCCESS);
  EXPECT_EQ(launch(add, at, 1, nullptr, 65536), CUDA_SUCCESS);
  EXPECT_EQ(QUOIN_CALL(cuCtxSynchronize)(), CUDA_SUCCESS);
  EXPECT_EQ(QUOIN_CALL(cuCtxSetCurrent)(nullptr), CUDA_SUCCESS);
  EXPECT_EQ(QUOIN_CALL(cuCtxSynchronize)(), CUDA_ERROR_INVALID_CONTEXT);
}

TEST_F(FakeDriver, NamesAndAttributesAreFound) {
  void *found;
  int status;
  auto ask = QUOIN_CALL(cuGetProcAddress_v2);
  EXPECT_EQ(ask("cuMemAlloc", &found, 12000, 0, &status), CUDA_SUCCESS);
  EXPECT_EQ(found, dlsym(library, "cuMemAlloc_v2"));
  EXPECT_EQ(ask("cuNothing", &found, 12000, 0, &status), CUDA_ERROR_NOT_FOUND);
  EXPECT_EQ(status, 1);
  const char *text;
  EXPECT_EQ(QUOIN_CALL(cuGetErrorName)(CUDA_ERROR_ILLEGAL_ADDRESS, &text), CUDA_SUCCESS);
  EXPECT_STREQ(text, "CUDA_ERROR_ILLEGAL_ADDRESS");
  int major, count;
  EXPECT_EQ(QUOIN_CALL(cuDeviceGetCount)(&count), CUDA_SUCCESS);
  EXPECT_EQ(count, 1);
  EXPECT_EQ(QUOIN_CALL(cuDeviceGetAttribute)(&major, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, 0), CUDA_SUCCESS);
  EXPECT_EQ(major, 9);
  CUdevice device;
  EXPECT_EQ(QUOIN_CALL(cuDeviceGet)(&device, 1), CUDA_ERROR_INVALID_DEVICE);
}

} // namespace
