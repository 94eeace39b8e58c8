//===- CpuFixture.h - compiles, loads and calls kernels in a test ---------------===//

#ifndef QUOIN_TEST_UNIT_CPUFIXTURE_H
#define QUOIN_TEST_UNIT_CPUFIXTURE_H

#include "compiler/cpu/EmitModel.h"
#include "compiler/cpu/EmitObject.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/MLIRContext.h"
#include "runtime/include/quoin/program.h"
#include "test/lib/Tolerances.h"
#include "llvm/Support/FileSystem.h"
#include "gtest/gtest.h"
#include <atomic>
#include <cmath>
#include <cstring>
#include <dlfcn.h>
#include <fstream>
#include <random>
#include <thread>

namespace quoin::cpu::test {
using namespace mlir;

//===----------------------------------------------------------------------===//
// Compiling and calling
//===----------------------------------------------------------------------===//

/// Memory with the alignment that the ABI promises.
template <typename T> struct Aligned {
  explicit Aligned(size_t n, T fill = T())
      : count(n), memory(static_cast<T *>(std::aligned_alloc(64, (n * sizeof(T) + 127) / 64 * 64))) {
    std::fill_n(memory, n, fill);
  }
  ~Aligned() { std::free(memory); }
  Aligned(const Aligned &) = delete;
  T *data() { return memory; }
  T &operator[](size_t i) { return memory[i]; }
  size_t count;
  T *memory;
};

/// A CPU by name, or code of this machine in the shapes of a better one, so that those can be run here too: "wide" has
/// the kernels of AVX-512, "pairs" those of AVX512-BF16 with its instructions spelled out.
inline std::optional<Target> testTarget(StringRef name, std::string &error) {
  bool wide = name == "wide", pairs = name == "pairs";
  std::optional<Target> target = makeTarget(wide || pairs ? "native" : name, error);
  if (!target || !(wide || pairs) || !target->x86)
    return target;
  bool half = target->kernels.half;
  target->kernels = makeTarget(pairs ? "znver5" : "x86-64-v4", error)->kernels;
  target->kernels.half = half;
  target->kernels.narrow = false;
  target->kernels.bytes = ByteProducts::None;
  return target;
}

/// A module that becomes a shared object; all of its functions can be called.
class Program {
public:
  explicit Program(StringRef cpuName = "native")
      : target(testTarget(cpuName, error)), module(ModuleOp::create(UnknownLoc::get(context()))),
        kernels(*module, target ? target->kernels : KernelOptions()), lacks(target ? missingHere(*target) : error) {}

  static MLIRContext *context() {
    static MLIRContext *c = [] {
      auto *made = new MLIRContext;
      made->loadDialect<QuoinDialect, stage::StageDialect>();
      return made;
    }();
    return c;
  }

  void link() {
    ASSERT_TRUE(target) << error;
    std::vector<std::string> names;
    module->walk([&](LLVM::LLVMFuncOp f) {
      f.setLinkage(LLVM::Linkage::External);
      names.push_back(f.getName().str());
    });
    SmallVector<StringRef> exported(names.begin(), names.end());
    ASSERT_TRUE(succeeded(lowerToLLVM(*module)));
    std::optional<std::string> object = emitObject(*module, *target, exported, error);
    ASSERT_TRUE(object) << error;
    llvm::SmallString<128> path;
    ASSERT_FALSE(llvm::sys::fs::createTemporaryFile("quoin-kernels", "so", path));
    ASSERT_TRUE(linkShared(*object, path, error)) << error;
    handle = dlopen(path.c_str(), RTLD_NOW);
    ASSERT_TRUE(handle) << dlerror();
    llvm::sys::fs::remove(path);
  }

  /// Calls a kernel: pointers and integers alike are passed as 64-bit values.
  template <typename... Args> void call(StringRef name, Args... args) {
    ASSERT_EQ(lacks, "") << "a test must ask before it calls";
    auto *f = reinterpret_cast<void (*)(Args...)>(dlsym(handle, name.str().c_str()));
    ASSERT_TRUE(f) << name.str();
    f(args...);
  }

  std::string error;
  std::optional<Target> target;
  OwningOpRef<ModuleOp> module;
  KernelBuilder kernels;
  std::string lacks; ///< what this machine lacks to run it; "" if nothing
  void *handle = nullptr;
};

/// Ends a test whose program this machine cannot run.
#define QUOIN_SKIP_UNLESS_IT_RUNS(program)                                                                             \
  if ((program).target && !(program).lacks.empty())                                                                    \
  GTEST_SKIP() << "this machine lacks " << (program).lacks

inline std::mt19937 engine(7);
inline float uniform() { return std::uniform_real_distribution<float>(-1, 1)(engine); }

/// Where workers look a few times and then sleep.
inline quoin_barrier_t makeBarrier() {
  auto wait = [](quoin_barrier_t *b, int32_t seen) {
    std::atomic_ref<int32_t> sleeping(b->sleeping), phase(b->phase);
    sleeping.fetch_add(1);
    phase.wait(seen);
    sleeping.fetch_sub(1);
  };
  return {0, 0, 20, 0, wait, [](quoin_barrier_t *b) { std::atomic_ref<int32_t>(b->phase).notify_all(); }};
}

/// Runs `work(worker)` on that many threads at once.
template <typename F> void onWorkers(int64_t workers, F work) {
  std::vector<std::thread> threads;
  for (int64_t w = 0; w < workers; ++w)
    threads.emplace_back([=] { work(w); });
  for (std::thread &t : threads)
    t.join();
}

inline void expectNear(double expected, double actual, double scale, const char *what, int64_t where) {
  EXPECT_NEAR(expected, actual, quoin::tolerance::kernel * std::max(scale, std::fabs(expected)))
      << what << " " << where;
}

/// Philox4x32-10 as published, one word.
inline uint32_t philox(uint32_t key0, uint32_t key1, uint32_t c0, uint32_t c1, uint32_t c2, uint32_t c3, int word) {
  uint32_t c[4] = {c0, c1, c2, c3};
  for (int i = 0; i < 10; ++i) {
    uint64_t a = uint64_t(0xD2511F53u) * c[0], b = uint64_t(0xCD9E8D57u) * c[2];
    uint32_t next[4] = {uint32_t(b >> 32) ^ c[1] ^ key0, uint32_t(b), uint32_t(a >> 32) ^ c[3] ^ key1, uint32_t(a)};
    std::copy_n(next, 4, c);
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
  return c[word];
}

//===----------------------------------------------------------------------===//
// Data
//===----------------------------------------------------------------------===//

struct Matrix {
  Matrix(int64_t r, int64_t c) : rows(r), columns(c), values(r * c) {
    for (float &v : values)
      v = uniform();
  }
  float at(int64_t r, int64_t c) const { return values[r * columns + c]; }
  int64_t rows, columns;
  std::vector<float> values;
};

inline float widen(uint16_t brain) { return std::bit_cast<float>(uint32_t(brain) << 16); }

/// To bf16, the nearest of the two neighbours, ties to even; by comparison rather than by the usual trick of bits.
inline uint16_t narrow(float value) {
  uint16_t below = std::bit_cast<uint32_t>(value) >> 16;
  double down = std::fabs(double(value) - widen(below)), up = std::fabs(double(widen(below + 1)) - value);
  return down < up || (down == up && below % 2 == 0) ? below : below + 1;
}

/// Rows of activations as kernels take them; what may hold anything holds NaN.
struct Rows {
  Rows(int64_t rows, int64_t columns, Storage s = Storage::F32)
      : count(rows), width(columns), storage(s), stride(rowBytes(columns, s)), bytes(rows * stride, 0xff) {
    // The other half of an odd row's last pair is zero.
    if (storage == Storage::BF16 && width % 2)
      for (int64_t r = 0; r < rows; ++r)
        put(r, width, 0);
  }
  uint8_t *row(int64_t r) { return bytes.data() + r * stride; }
  float at(int64_t r, int64_t i) {
    if (storage == Storage::BF16)
      return widen(reinterpret_cast<uint16_t *>(row(r))[i]);
    return reinterpret_cast<float *>(row(r))[i];
  }
  void put(int64_t r, int64_t i, float value) {
    if (storage == Storage::BF16)
      reinterpret_cast<uint16_t *>(row(r))[i] = narrow(value);
    else
      reinterpret_cast<float *>(row(r))[i] = value;
  }
  void fill() {
    for (int64_t r = 0; r < count; ++r)
      for (int64_t i = 0; i < width; ++i)
        put(r, i, uniform());
  }
  int64_t count, width;
  Storage storage;
  int64_t stride;
  Aligned<uint8_t> bytes;
};

/// Packs through the writer itself and reads the file back.
inline std::vector<uint8_t> pack(const WeightPlan &plan, llvm::StringMap<const Matrix *> matrices) {
  llvm::SmallString<128> path;
  EXPECT_FALSE(llvm::sys::fs::createTemporaryFile("quoin-weights", "qw", path));
  std::string error;
  uint64_t checksum;
  EXPECT_TRUE(writeWeights(
      plan, path,
      [&](StringRef name, SourceTensor &out, std::string &) {
        const Matrix *m = matrices.lookup(name);
        out.data = reinterpret_cast<const uint8_t *>(m->values.data());
        out.shape = m->rows ? std::vector<int64_t>{m->rows, m->columns} : std::vector<int64_t>{m->columns};
        return true;
      },
      {}, checksum, error))
      << error;
  std::ifstream in(path.c_str(), std::ios::binary);
  std::vector<uint8_t> bytes((std::istreambuf_iterator<char>(in)), {});
  llvm::sys::fs::remove(path);
  EXPECT_EQ(static_cast<int64_t>(bytes.size()), plan.bytes());
  uint64_t stored64;
  std::memcpy(&stored64, bytes.data() + bytes.size() - 8, 8);
  EXPECT_EQ(stored64, checksum);
  return bytes;
}

/// Sessions with slots, pages and mask words.
struct Session {
  Session(int64_t firstRow, int64_t rows, int64_t slots, const PageLayout &page, int64_t mask) : group{} {
    int64_t padded = roundUp(slots, 64), tiles = padded / 64;
    positions.resize(padded);
    labels.resize(padded);
    open.resize(padded);
    for (int64_t i = 0; i < slots; ++i) {
      positions[i] = static_cast<int32_t>(i);
      labels[i] = static_cast<int32_t>(engine() % 5);
      open[i] = engine() % 2;
    }
    words.resize(rows * tiles);
    classes.resize(roundUp(rows, 64) / 64 * tiles);
    for (int64_t t = 0; t < tiles; ++t) {
      storage.push_back(std::make_unique<Aligned<float>>(page.layerBytes() / 4, NAN));
      pages.push_back(storage.back()->data());
    }
    group.first_row = firstRow;
    group.rows = rows;
    group.first_slot = slots - rows;
    group.slots = slots;
    group.pages = pages.data();
    group.positions = positions.data();
    group.labels = labels.data();
    group.open = open.data();
    group.mask = mask;
    group.symbols[0] = slots / 3;
    group.symbols[1] = slots / 2;
    group.words = words.data();
    group.tiles = classes.data();
  }
  MaskToken token(int64_t slot) const { return {positions[slot], slot, open[slot], labels[slot]}; }
  /// What words and classes say together: only partial tiles have words.
  bool sees(int64_t row, int64_t key) const {
    int64_t tiles = roundUp(group.slots, 64) / 64;
    uint8_t kind = classes[row / 64 * tiles + key / 64];
    return kind == 1 ? words[wordAt(row, key / 64)] >> (key % 64) & 1 : kind == 2;
  }
  /// Where a row's word of a tile is.
  size_t wordAt(int64_t row, int64_t tile) const {
    int64_t tiles = roundUp(group.slots, 64) / 64, first = row / 64 * 64;
    return static_cast<size_t>(first * tiles + tile * std::min<int64_t>(64, group.rows - first) + row - first);
  }
  std::vector<int32_t> positions, labels, open;
  std::vector<uint64_t> words;
  std::vector<uint8_t> classes;
  std::vector<std::unique_ptr<Aligned<float>>> storage;
  std::vector<void *> pages;
  quoin_group_t group;
};

/// Replaces `${W}` and the like.
inline std::string with(std::string text, std::initializer_list<std::pair<const char *, int64_t>> numbers) {
  for (auto [name, number] : numbers)
    for (std::string key = std::string("${") + name + "}"; text.find(key) != std::string::npos;)
      text.replace(text.find(key), key.size(), std::to_string(number));
  return text;
}

} // namespace quoin::cpu::test

#endif
