//===- Rows.cpp - row programs beside kernels written for one formula ------===//
//
// One thread, rows that lie in the caches. Each formula is compiled as models have it, from its spelling, and as it was
// written by hand; the two are called in turn, and write to the same place: where a result lies from what is read,
// within a page, changes the time of a copy by more than the code does.
//
//===----------------------------------------------------------------------===//

#include "bench/kernels/HandWritten.h"
#include "bench/kernels/Race.h"
#include "compiler/cpu/EmitObject.h"
#include "dialects/quoin/QuoinDialect.h"
#include "dialects/stage/StageDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "passes/Passes.h"
#include "passes/Spellings.h"
#include "tools/quoin-bench/TemporaryFolder.h"
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <random>

using namespace quoin;
using namespace quoin::bench;
using namespace quoin::cpu;

namespace {
constexpr int64_t maxRows = 32;

struct RowCase {
  const char *name;
  int64_t width, group; ///< of a norm; 0 for an activation of two rows
};
const RowCase cases[] = {{"rms_norm", 1000, 1000},  {"rms_norm", 1024, 1024},    {"rms_norm", 3072, 3072},
                         {"heads of 64", 1024, 64}, {"heads of 128", 2048, 128}, {"swiglu", 1000, 0},
                         {"swiglu", 1024, 0},       {"swiglu", 3072, 0}};

mlir::MLIRContext &context() {
  static mlir::MLIRContext *made = [] {
    auto *c = new mlir::MLIRContext;
    c->loadDialect<QuoinDialect, stage::StageDialect, mlir::arith::ArithDialect, mlir::linalg::LinalgDialect,
                   mlir::math::MathDialect, mlir::tensor::TensorDialect>();
    return c;
  }();
  return *made;
}

/// A model that is this formula.
mlir::OwningOpRef<mlir::ModuleOp> modelOf(const RowCase &c) {
  std::string type = "tensor<?x" + std::to_string(c.width) + "xf32>", line = std::to_string(c.width);
  std::string op = c.group ? "quoin.rms_norm %0 by @n epsilon 1.0e-6 : " : "quoin.swiglu %0, %1 : ";
  std::string text = "quoin.weight @e : tensor<8x" + line + "xf32> from \"w\" tensor \"e\"\nquoin.weight @n : tensor<" +
                     std::to_string(std::max<int64_t>(c.group, 1)) +
                     "xf32> from \"w\" tensor \"n\"\nquoin.model @m head @e {\n^bb0(%ids: tensor<?xi32>, %positions: "
                     "tensor<?xindex>):\n  %0 = quoin.embed %ids by @e : " +
                     type + "\n  %1 = quoin.embed %ids by @e : " + type + "\n  %2 = " + op + type +
                     "\n  quoin.hidden %2 : " + type + "\n}\n";
  return mlir::parseSourceString<mlir::ModuleOp>(text, &context());
}

using Kernel = void (*)(const void *, const void *, void *, const void *, int64_t, int64_t);
using HandKernel = void (*)(const void *, const void *, void *, int64_t, int64_t);

/// Small numbers, aligned.
struct Floats {
  explicit Floats(int64_t bytes) : at(static_cast<float *>(std::aligned_alloc(64, size_t((bytes + 127) / 64 * 64)))) {
    std::mt19937 generator(5);
    std::uniform_real_distribution<float> uniform(-2, 2);
    for (int64_t i = 0; i < bytes / 4; ++i)
      at[i] = uniform(generator);
  }
  ~Floats() { std::free(at); }
  Floats(const Floats &) = delete;
  float *at;
};

void print(const char *name, int64_t width, Storage result, int64_t rows, const std::vector<double> &times,
           double each) {
  std::printf("%-14s %6lld %-5s %5lld %10.1f %10.1f %7.2f\n", name, static_cast<long long>(width),
              result == Storage::BF16 ? "bf16" : "f32", static_cast<long long>(rows), times[0] * each, times[1] * each,
              times[0] / times[1]);
  std::fflush(stdout);
}

/// Addresses of what `make` makes, compiled and loaded; none after an error, which is said of `what`.
template <typename Make> std::vector<void *> compiled(const char *what, const std::string &path, Make make) {
  std::string error;
  mlir::OwningOpRef<mlir::ModuleOp> module = mlir::ModuleOp::create(mlir::UnknownLoc::get(&context()));
  std::optional<Target> target = makeTarget("native", error);
  std::optional<std::string> object;
  std::vector<std::string> names;
  if (target) {
    KernelBuilder kernels(*module, target->kernels);
    for (mlir::LLVM::LLVMFuncOp f : make(kernels)) {
      f.setLinkage(mlir::LLVM::Linkage::External);
      names.push_back(f.getName().str());
    }
    if (!names.empty() && mlir::succeeded(lowerToLLVM(*module)))
      object = emitObject(*module, *target, std::vector<llvm::StringRef>(names.begin(), names.end()), error);
  }
  if (!object || !linkShared(*object, path, error)) {
    std::fprintf(stderr, "error: '%s' does not compile: %s\n", what, error.c_str());
    return {};
  }
  void *library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  std::vector<void *> found;
  for (const std::string &name : names)
    found.push_back(dlsym(library, name.c_str()));
  return found;
}

using Functions = std::vector<mlir::LLVM::LLVMFuncOp>;

/// Times both of some numbers of rows, as many calls of each as make some microseconds.
template <typename Ours, typename ByHand>
void raceRowsOf(const char *name, int64_t width, Storage type, double seconds, Ours ours, ByHand byHand) {
  for (int64_t rows : {1, 4, 8, 16, 32}) {
    int64_t calls = std::max<int64_t>(1, 100000 / (rows * width));
    auto often = [calls, rows](auto &call) {
      return [calls, rows, &call] {
        for (int64_t i = 0; i < calls; ++i)
          call(rows);
      };
    };
    std::vector<double> times = race({often(ours), often(byHand)}, seconds);
    print(name, width, type, rows, times, 1e9 / double(calls * rows));
  }
}

/// Norms of heads and the rotation behind them: one row program as stages have it, beside two kernels.
void raceHeads(int64_t width, int64_t head, double seconds, const TemporaryFolder &folder) {
  constexpr int64_t reached = 64;
  std::string type = "tensor<?x" + std::to_string(width) + "xf32>", path = folder.path("heads" + std::to_string(head));
  std::string text =
      "module attributes {quoin.capacity = " + std::to_string(reached) + " : index} {\nquoin.weight @e : tensor<8x" +
      std::to_string(width) + "xf32> from \"w\" tensor \"e\"\nquoin.weight @n : tensor<" + std::to_string(head) +
      "xf32> from \"w\" tensor \"n\"\nquoin.weight @p : tensor<" + std::to_string(width) + "x" + std::to_string(width) +
      "xf32> from \"w\" tensor \"p\"\nquoin.model @m head @e {\n^bb0(%ids: tensor<?xi32>, %positions: "
      "tensor<?xindex>):\n  %e = quoin.embed %ids by @e : " +
      type + "\n  %0 = quoin.linear %e by @p : " + type + " -> " + type +
      "\n  %1 = quoin.rms_norm %0 by @n epsilon 1.0e-6 : " + type +
      "\n  %2 = quoin.rotary %1 at %positions theta 1.0e4 head_dim " + std::to_string(head) + " : " + type +
      "\n  quoin.hidden %2 : " + type + "\n}\n}\n";
  auto model = mlir::parseSourceString<mlir::ModuleOp>(text, &context());
  mlir::PassManager passes(&context());
  passes.addPass(createLowerToStagesPass());
  passes.addNestedPass<stage::StepOp>(createFuseRowsPass());
  std::vector<void *> found = compiled("norms and rotations of heads", path, [&](KernelBuilder &kernels) {
    if (!model || mlir::failed(passes.run(*model)))
      return Functions();
    RowProgram program;
    model->walk([&](stage::EachRowOp op) {
      // Neither the embedding nor what hands rows to the host.
      if (op.getLookups().empty() || op.getWeights().empty())
        return;
      program.body = &op.getBody().front();
      program.inputs.resize(op.getInputs().size());
      program.results.resize(1);
      for (auto [table, column] : op.getLookups())
        program.tables.push_back({column, Storage::F32, head * 4});
    });
    return Functions{rowProgramKernel(kernels, program), handNorm(kernels, width, head, 1e-6, Storage::F32),
                     handRotary(kernels, width, head)};
  });
  if (found.empty())
    return;
  auto fused = reinterpret_cast<void (*)(const void *, const void *, const void *, const void *, void *, const void *,
                                         int64_t, int64_t)>(found[0]);
  auto norm = reinterpret_cast<HandKernel>(found[1]);
  auto rotary =
      reinterpret_cast<void (*)(const void *, const void *, const void *, void *, int64_t, int64_t)>(found[2]);
  Floats x(rowBytes(width) * maxRows), weight(head * 4), angles(reached * head * 4), y(rowBytes(width) * maxRows);
  std::vector<int32_t> positions(maxRows);
  for (int64_t r = 0; r < maxRows; ++r)
    positions[static_cast<size_t>(r)] = static_cast<int32_t>(r * 7 % reached);
  raceRowsOf(
      "norm, rotary", width, Storage::F32, seconds,
      [&](int64_t rows) { fused(x.at, positions.data(), weight.at, angles.at, y.at, nullptr, 0, rows); },
      [&](int64_t rows) {
        norm(x.at, weight.at, y.at, 0, rows);
        rotary(y.at, angles.at, positions.data(), y.at, 0, rows);
      });
}

void raceOne(const RowCase &c, Storage result, double seconds, const TemporaryFolder &folder) {
  std::string path = folder.path(std::string("rows") + std::to_string(&c - cases) + storageName(result).str());
  mlir::OwningOpRef<mlir::ModuleOp> model = modelOf(c);
  std::vector<void *> found = compiled(c.name, path, [&](KernelBuilder &kernels) {
    if (!model)
      return Functions();
    RowProgram program;
    model->walk([&](ModelOp m) { expandSpellings(m); });
    model->walk([&](EachRowOp op) {
      program.body = &op.getBody().front();
      program.inputs.resize(op.getInputs().size());
      program.results = {{result}};
    });
    return Functions{rowProgramKernel(kernels, program), c.group ? handNorm(kernels, c.width, c.group, 1e-6, result)
                                                                 : handSwiglu(kernels, c.width, result)};
  });
  if (found.empty())
    return;
  auto generic = reinterpret_cast<Kernel>(found[0]);
  auto written = reinterpret_cast<HandKernel>(found[1]);
  int64_t bytes = rowBytes(c.width) * maxRows;
  Floats x(bytes), other(bytes), y(bytes);
  raceRowsOf(
      c.name, c.width, result, seconds, [&](int64_t rows) { generic(x.at, other.at, y.at, nullptr, 0, rows); },
      [&](int64_t rows) { written(x.at, other.at, y.at, 0, rows); });
}

/// Rows of a table by their numbers.
void raceEmbed(int64_t width, Storage stored, double seconds, const TemporaryFolder &folder) {
  constexpr int64_t entries = 64;
  std::string row = std::to_string(width) + "xf32",
              path = folder.path("embed" + std::to_string(width) + storageName(stored).str());
  auto model = mlir::parseSourceString<mlir::ModuleOp>(
      "quoin.weight @e : tensor<64x" + row +
          "> from \"w\" tensor \"e\"\nstage.step @m {\n^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: "
          "!stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):\n  %0 = stage.each_row %ids at %read tables "
          "[#stage.weight<@e>] of [0] : (!stage.buffer<row, 1xi32>) -> !stage.buffer<host, " +
          row + "> {\n  ^bb0(%id: index, %row: tensor<" + row + ">):\n    quoin.row %row : tensor<" + row +
          ">\n  }\n  stage.head %0 by <@e> : !stage.buffer<host, " + row + ">\n}\n",
      &context());
  std::vector<void *> found = compiled("embed", path, [&](KernelBuilder &kernels) {
    if (!model)
      return Functions();
    RowProgram program;
    model->walk([&](stage::EachRowOp op) { program.body = &op.getBody().front(); });
    program.inputs.resize(1);
    program.tables = {{0, stored, roundUp(width, 16) * storageBytes(stored)}};
    program.results.resize(1);
    return Functions{rowProgramKernel(kernels, program), handEmbed(kernels, width, stored)};
  });
  if (found.empty())
    return;
  auto generic = reinterpret_cast<Kernel>(found[0]);
  auto written = reinterpret_cast<HandKernel>(found[1]);
  Floats table(roundUp(width, 16) * 4 * entries), y(rowBytes(width) * maxRows);
  std::vector<int32_t> ids(maxRows);
  for (int64_t r = 0; r < maxRows; ++r)
    ids[static_cast<size_t>(r)] = static_cast<int32_t>(r * 7 % entries);
  raceRowsOf(
      "embed", width, stored, seconds, [&](int64_t rows) { generic(ids.data(), table.at, y.at, nullptr, 0, rows); },
      [&](int64_t rows) { written(ids.data(), table.at, y.at, 0, rows); });
}
} // namespace

void quoin::bench::raceRows(double seconds) {
  std::string error;
  std::unique_ptr<TemporaryFolder> folder = TemporaryFolder::create(error);
  if (!folder)
    return;
  std::printf("%-14s %6s %-5s %5s %10s %10s %7s\n", "formula", "width", "type", "rows", "ns a row", "by hand", "ratio");
  for (const RowCase &c : cases)
    for (Storage result : {Storage::F32, Storage::BF16})
      raceOne(c, result, seconds, *folder);
  for (Storage stored : {Storage::F32, Storage::BF16})
    raceEmbed(1024, stored, seconds, *folder);
  raceHeads(1024, 64, seconds, *folder);
  raceHeads(2048, 128, seconds, *folder);
}
