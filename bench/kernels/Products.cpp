//===- Products.cpp - our packed product beside the reference's and Halide's ===//
//
// One thread, 1024 features to 3072 (a gate of Qwen3-0.6B). Cold: every call takes the next of many copies of the
// weight, more than the caches hold, as a step does. Hot: the same weight again and again.
//
//===----------------------------------------------------------------------===//

#include "bench/kernels/Race.h"
#include "bench/kernels/reference.h"
#include "compiler/cpu/EmitObject.h"
#include "compiler/cpu/Kernels.h"
#include "dialects/quoin/QuoinDialect.h"
#include "mlir/IR/MLIRContext.h"
#include "support/PeakLoops.h"
#include "tools/quoin-bench/TemporaryFolder.h"
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <memory>
#include <random>
#ifdef QUOIN_HALIDE_KERNELS
#include "halide_product.h"
#include <HalideBuffer.h>
#endif

using namespace quoin;
using namespace quoin::bench;
using namespace quoin::cpu;

namespace {
constexpr int64_t features = 1024, outputs = 3072, maxRows = 32;
constexpr int64_t coldBytes = int64_t(512) << 20;

using Product = void (*)(const void *, const void *, const void *, void *, int64_t, int64_t, int64_t);

struct Free {
  void operator()(void *p) const { std::free(p); }
};
using Memory = std::unique_ptr<uint8_t, Free>;

Memory allocate(int64_t bytes) {
  return Memory(static_cast<uint8_t *>(std::aligned_alloc(64, static_cast<size_t>((bytes + 63) / 64 * 64))));
}

float at(const uint8_t *bytes, int64_t i, bool brain) {
  float x;
  uint32_t bits = 0;
  if (brain) {
    uint16_t half;
    std::memcpy(&half, bytes + i * 2, 2);
    bits = uint32_t(half) << 16;
  } else {
    std::memcpy(&bits, bytes + i * 4, 4);
  }
  std::memcpy(&x, &bits, 4);
  return x;
}

/// Small numbers.
void fill(uint8_t *bytes, int64_t count, bool brain) {
  std::mt19937 generator(3);
  std::uniform_real_distribution<float> uniform(-0.1f, 0.1f);
  for (int64_t i = 0; i < count; ++i) {
    float x = uniform(generator);
    uint32_t bits;
    std::memcpy(&bits, &x, 4);
    bits >>= brain ? 16 : 0;
    std::memcpy(bytes + i * (brain ? 2 : 4), &bits, brain ? 2 : 4);
  }
}

/// Our kernel for a shape, loaded; null with a message if something fails.
Product compileOurs(const LinearShape &shape, const TemporaryFolder &folder) {
  static mlir::MLIRContext *context = [] {
    auto *made = new mlir::MLIRContext;
    made->loadDialect<QuoinDialect>();
    return made;
  }();
  static int number = 0; // a library of the same path would be the one that is loaded
  std::string error, path = folder.path("product" + std::to_string(++number) + ".so");
  std::optional<Target> target = makeTarget("native", error, isWhole(shape.storage()));
  mlir::OwningOpRef<mlir::ModuleOp> module = mlir::ModuleOp::create(mlir::UnknownLoc::get(context));
  std::string name;
  if (target) {
    KernelBuilder kernels(*module, target->kernels);
    mlir::LLVM::LLVMFuncOp function = linearKernel(kernels, shape);
    function.setLinkage(mlir::LLVM::Linkage::External);
    name = function.getName().str();
  }
  std::optional<std::string> object;
  if (target && mlir::succeeded(lowerToLLVM(*module)))
    object = emitObject(*module, *target, {name}, error);
  if (!object || !linkShared(*object, path, error)) {
    std::fprintf(stderr, "error: the product does not compile: %s\n", error.c_str());
    return nullptr;
  }
  void *library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  return library ? reinterpret_cast<Product>(dlsym(library, name.c_str())) : nullptr;
}

/// The reference must be right to be one: some of its results against plain sums.
bool referenceIsRight(const uint8_t *a, int64_t stride, bool narrow, const uint8_t *w, const float *out, int64_t rows) {
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t j = 0; j < outputs; j += 61) {
      double sum = 0;
      for (int64_t i = 0; i < features; ++i)
        sum += double(at(a, r * stride + i, narrow)) *
               at(w, ((j / 64 * (features / 2) + i / 2) * 64 + j % 64) * 2 + i % 2, true);
      if (std::fabs(sum - out[r * outputs + j]) > 1e-4)
        return false;
    }
  return true;
}

void raceOne(Storage storage, bool cold, double seconds, const TemporaryFolder &folder) {
  // Pairs where the machine has an instruction for them, whether or not it would choose it.
  bool brain = storage == Storage::BF16, pairs = brain && quoin_reference_runs();
  LinearShape shape{features, outputs, pairs ? Arithmetic::Pairs : brain ? Arithmetic::Widened : Arithmetic::F32};
  Storage rowStorage = rowsOf(shape.arithmetic);
  Product ours = compileOurs(shape, folder);
  if (!ours)
    return;
  int64_t weightBytes = shape.tiles() * shape.tileBytes(), copies = cold ? coldBytes / weightBytes : 1;
  int64_t aBytes = rowBytes(features, rowStorage), stride = aBytes / storageBytes(rowStorage),
          outBytes = rowBytes(outputs);
  Memory weight = allocate(weightBytes * copies), a = allocate(aBytes * maxRows), out = allocate(outBytes * maxRows);
  fill(weight.get(), weightBytes / storageBytes(storage), brain);
  for (int64_t c = 1; c < copies; ++c)
    std::memcpy(weight.get() + c * weightBytes, weight.get(), static_cast<size_t>(weightBytes));
  fill(a.get(), stride * maxRows, pairs);
  int64_t next = 0;
  auto take = [&] { return weight.get() + weightBytes * (next++ % copies); };
  for (int64_t rows : {1, 4, 8, 16, 32}) {
    std::vector<std::function<void()>> functions{
        [&] { ours(a.get(), take(), nullptr, out.get(), rows, 0, shape.tiles()); }};
    const char *other = nullptr;
    auto brainOf = [](uint8_t *bytes) { return reinterpret_cast<uint16_t *>(bytes); };
    auto floatsOf = [](uint8_t *bytes) { return reinterpret_cast<float *>(bytes); };
    if (brain && (pairs || quoin_reference_widened_runs())) {
      other = "intrinsics";
      functions.push_back([&] {
        if (pairs)
          quoin_reference_product(brainOf(a.get()), stride, brainOf(take()), floatsOf(out.get()), rows, features,
                                  outputs);
        else
          quoin_reference_widened(floatsOf(a.get()), stride, brainOf(take()), floatsOf(out.get()), rows, features,
                                  outputs);
      });
    }
#ifdef QUOIN_HALIDE_KERNELS
    // Halide's kernel takes whole register tiles of 4 rows only.
    if (!brain && rows >= 4) {
      other = "Halide";
      functions.push_back([&] {
        Halide::Runtime::Buffer<float> x(reinterpret_cast<float *>(a.get()), int(features), int(rows)),
            w(reinterpret_cast<float *>(take()), 64, int(features), int(outputs / 64)),
            o(reinterpret_cast<float *>(out.get()), int(outputs), int(rows));
        halide_product(x, w, o);
      });
    }
#endif
    // The ceiling is taken in turn with the rest.
    std::vector<double> peaks;
    functions.push_back([&] { peaks.push_back(pairs ? peakOfBf16Pairs(20000) : peakOfF32(20000)); });
    std::vector<double> times = race(functions, seconds);
    std::sort(peaks.begin(), peaks.end());
    double flops = 2.0 * double(rows) * features * outputs;
    std::printf("%-5s %-5s %5lld %10.1f %7.1f %10.1f", brain ? "bf16" : "f32", cold ? "cold" : "hot",
                static_cast<long long>(rows), flops / times[0] * 1e-9, 100 * flops / times[0] / peaks[peaks.size() / 2],
                double(weightBytes) / times[0] * 1e-9);
    if (other) {
      std::printf(" %10.1f %8.2f  %s", flops / times[1] * 1e-9, times[1] / times[0], other);
      if (brain && !referenceIsRight(a.get(), stride, pairs, weight.get(), floatsOf(out.get()), rows))
        std::printf(" (wrong results)");
    }
    std::printf("\n");
    std::fflush(stdout);
  }
}
/// Whole numbers beside bf16, all in turn: what it takes depends on no number, so all bytes are the same.
void raceWhole(bool cold, double seconds, const TemporaryFolder &folder) {
  struct Racer {
    const char *name;
    LinearShape shape;
    Product run;
    int64_t bytes, copies, next = 0;
    Memory weight = nullptr, rows = nullptr;
  };
  bool pairs = quoin_reference_runs();
  std::vector<Racer> all;
  auto add = [&](const char *name, Arithmetic arithmetic, int64_t group) {
    LinearShape shape{features, outputs, arithmetic};
    shape.group = group;
    Racer racer{name, shape, compileOurs(shape, folder), shape.tiles() * shape.tileBytes(), 1};
    if (cold)
      racer.copies = coldBytes / 2 / racer.bytes;
    racer.weight = allocate(racer.bytes * racer.copies);
    int64_t rowsBytes = maxRows * rowBytes(features, rowsOf(arithmetic));
    racer.rows = allocate(rowsBytes);
    std::memset(racer.weight.get(), 0x3c, static_cast<size_t>(racer.bytes * racer.copies));
    std::memset(racer.rows.get(), 0x3c, static_cast<size_t>(rowsBytes));
    all.push_back(std::move(racer));
  };
  add("bf16", pairs ? Arithmetic::Pairs : Arithmetic::Widened, 0);
  add("int8", Arithmetic::Bytes, 0);
  add("int8 128", Arithmetic::Bytes, 128);
  add("int4 128", Arithmetic::Nibbles, 128);
  add("int4 32", Arithmetic::Nibbles, 32);
  Memory out = allocate(rowBytes(outputs) * maxRows);
  for (int64_t rows : {1, 4, 8, 16, 32}) {
    std::vector<std::function<void()>> functions;
    for (Racer &racer : all) {
      if (!racer.run)
        return;
      functions.push_back([&racer, &out, rows] {
        const uint8_t *weight = racer.weight.get() + racer.bytes * (racer.next++ % racer.copies);
        racer.run(racer.rows.get(), weight, nullptr, out.get(), rows, 0, racer.shape.tiles());
      });
    }
    std::vector<double> times = race(functions, seconds);
    for (size_t i = 0; i < all.size(); ++i)
      std::printf("%-9s %-5s %5lld %10.1f %10.1f %10.2f\n", all[i].name, cold ? "cold" : "hot",
                  static_cast<long long>(rows), 2.0 * double(rows) * features * outputs / times[i] * 1e-9,
                  double(all[i].bytes) / times[i] * 1e-9, times[0] / times[i]);
    std::fflush(stdout);
  }
}
} // namespace

void quoin::bench::raceWholeNumbers(double seconds) {
  std::string error;
  std::unique_ptr<TemporaryFolder> folder = TemporaryFolder::create(error);
  if (!folder)
    return;
  std::printf("%-9s %-5s %5s %10s %10s %10s\n", "type", "", "rows", "GOP/s", "GB/s", "of bf16");
  for (bool cold : {false, true})
    raceWhole(cold, seconds, *folder);
}

void quoin::bench::raceProducts(double seconds) {
  std::string error;
  std::unique_ptr<TemporaryFolder> folder = TemporaryFolder::create(error);
  if (!folder)
    return;
  std::printf("%-5s %-5s %5s %10s %7s %10s %10s %8s\n", "type", "", "rows", "GFLOP/s", "peak %", "GB/s", "peer's",
              "faster");
  for (Storage storage : {Storage::F32, Storage::BF16})
    for (bool cold : {false, true})
      raceOne(storage, cold, seconds, *folder);
}
