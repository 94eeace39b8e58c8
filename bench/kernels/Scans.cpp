//===- Scans.cpp - recurrences beside the bytes that they touch ------------===//
//
// One thread, one sequence. A row of a recurrence reads its states and its head's weights, and writes the states: no
// kernel is faster than these bytes alone. They are touched in turn with it: the states copied from one place to
// another and back, as the kernel does, and the weights read.
//
//===----------------------------------------------------------------------===//

#include "bench/kernels/Race.h"
#include "compiler/cpu/EmitObject.h"
#include "compiler/cpu/ScanKernel.h"
#include "dialects/quoin/QuoinDialect.h"
#include "dialects/quoin/ScanOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "runtime/include/quoin/program.h"
#include "tools/quoin-bench/TemporaryFolder.h"
#include <cstdio>
#include <cstring>
#include <dlfcn.h>

using namespace quoin;
using namespace quoin::bench;
using namespace quoin::cpu;

namespace {
constexpr int64_t maxRows = 64;

struct ScanCase {
  const char *name;
  int64_t heads, width;
  /// The op and what is before it. `$H` heads, `$D` features of one, `$A` of all, `$4A` four times as many.
  const char *text;
};

const ScanCase cases[] = {
    // A gate for each feature, no matrix: bound by the operands.
    {"diagonal", 16, 64, R"(quoin.model @m {
^bb0(%x: tensor<?x$Axf32>, %a: tensor<?x$Axf32>):
  %y = quoin.scan %x, %a heads $H : (tensor<?x$Axf32>, tensor<?x$Axf32>) -> tensor<?x$Axf32> {
  ^bb0(%s: tensor<$Dxf32>, %r: tensor<$Dxf32>, %g: tensor<$Dxf32>):
    %old = arith.mulf %s, %g : tensor<$Dxf32>
    %new = arith.addf %old, %r : tensor<$Dxf32>
    quoin.row %new, %new : tensor<$Dxf32>, tensor<$Dxf32>
  }
  quoin.results %y : tensor<?x$Axf32>
})"},
    // Mamba-2's: a decay for each head, an outer product into the state, a product out of it.
    {"state space", 8, 64, R"(quoin.model @m {
^bb0(%x: tensor<?x$Axf32>, %b: tensor<?x$Axf32>, %c: tensor<?x$Axf32>, %a: tensor<?x$Hxf32>):
  %y = quoin.scan %x, %b, %c, %a heads $H : (tensor<?x$Axf32>, tensor<?x$Axf32>, tensor<?x$Axf32>, tensor<?x$Hxf32>) -> tensor<?x$Axf32> {
  ^bb0(%s: tensor<$Dx$Dxf32>, %r: tensor<$Dxf32>, %in: tensor<$Dxf32>, %out: tensor<$Dxf32>, %ar: tensor<1xf32>):
    %c0 = arith.constant 0 : index
    %decay = tensor.extract %ar[%c0] : tensor<1xf32>
    %all = tensor.splat %decay : tensor<$Dx$Dxf32>
    %old = arith.mulf %s, %all : tensor<$Dx$Dxf32>
    %room = tensor.empty() : tensor<$Dx$Dxf32>
    %xs = linalg.broadcast ins(%r : tensor<$Dxf32>) outs(%room : tensor<$Dx$Dxf32>) dimensions = [1]
    %bs = linalg.broadcast ins(%in : tensor<$Dxf32>) outs(%room : tensor<$Dx$Dxf32>) dimensions = [0]
    %cs = linalg.broadcast ins(%out : tensor<$Dxf32>) outs(%room : tensor<$Dx$Dxf32>) dimensions = [0]
    %xb = arith.mulf %xs, %bs : tensor<$Dx$Dxf32>
    %new = arith.addf %old, %xb : tensor<$Dx$Dxf32>
    %terms = arith.mulf %new, %cs : tensor<$Dx$Dxf32>
    %none = arith.constant dense<0.0> : tensor<$Dxf32>
    %y = linalg.reduce { arith.addf } ins(%terms : tensor<$Dx$Dxf32>) outs(%none : tensor<$Dxf32>) dimensions = [1]
    quoin.row %new, %y : tensor<$Dx$Dxf32>, tensor<$Dxf32>
  }
  quoin.results %y : tensor<?x$Axf32>
})"},
    // A cell with four recurrent matrices, which do not fit beside each other in the first cache.
    {"cell", 8, 64, R"(quoin.weight @r : tensor<4x$Hx$Dx$Dxf32> from "w" tensor "r"
quoin.model @m {
^bb0(%x: tensor<?x$4Axf32>):
  %y = quoin.scan %x with [@r] heads $H along [1, 1, 0] : (tensor<?x$4Axf32>) -> tensor<?x$Axf32> {
  ^bb0(%s: tensor<$Dxf32>, %in: tensor<4x$Dxf32>, %r: tensor<4x$Dx$Dxf32>):
    %to = tensor.empty() : tensor<4x$Dx$Dxf32>
    %ss = linalg.broadcast ins(%s : tensor<$Dxf32>) outs(%to : tensor<4x$Dx$Dxf32>) dimensions = [0, 1]
    %terms = arith.mulf %r, %ss : tensor<4x$Dx$Dxf32>
    %sums = linalg.reduce { arith.addf } ins(%terms : tensor<4x$Dx$Dxf32>) outs(%in : tensor<4x$Dxf32>) dimensions = [2]
    %bent = math.tanh %sums : tensor<4x$Dxf32>
    %none = arith.constant dense<0.0> : tensor<$Dxf32>
    %new = linalg.reduce { arith.addf } ins(%bent : tensor<4x$Dxf32>) outs(%none : tensor<$Dxf32>) dimensions = [0]
    quoin.row %new, %new : tensor<$Dxf32>, tensor<$Dxf32>
  }
  quoin.results %y : tensor<?x$Axf32>
})"}};

std::string textOf(const ScanCase &c) {
  std::string text = c.text;
  const std::pair<const char *, int64_t> numbers[] = {
      {"$4A", 4 * c.heads * c.width}, {"$A", c.heads * c.width}, {"$H", c.heads}, {"$D", c.width}};
  for (auto [name, number] : numbers)
    for (size_t at = text.find(name); at != std::string::npos; at = text.find(name))
      text.replace(at, std::strlen(name), std::to_string(number));
  return text;
}

/// Memory of zeros, aligned as the runtime's is.
struct Place {
  explicit Place(int64_t bytes) : room(static_cast<size_t>(bytes + 128)) {}
  uint8_t *at() { return room.data() + (64 - reinterpret_cast<uintptr_t>(room.data()) % 64); }
  std::vector<uint8_t> room;
};

void raceOne(const ScanCase &c, double seconds, const TemporaryFolder &folder) {
  mlir::MLIRContext context;
  context.loadDialect<QuoinDialect, mlir::arith::ArithDialect, mlir::linalg::LinalgDialect, mlir::math::MathDialect,
                      mlir::tensor::TensorDialect>();
  auto model = mlir::parseSourceString<mlir::ModuleOp>(textOf(c), &context);
  mlir::OwningOpRef<mlir::ModuleOp> module = mlir::ModuleOp::create(mlir::UnknownLoc::get(&context));
  std::string error, name, path = folder.path(c.name);
  std::optional<Target> target = makeTarget("native", error);
  std::optional<std::string> object;
  ScanProgram program{nullptr, {}};
  if (model && target) {
    model->walk([&](ScanOp op) {
      program.body = &op.getBody().front();
      program.shape =
          ScanShape::of(*program.body, c.heads, op.getAxes(), op.getInputs().size(), 0, op.getWeights().size());
    });
    KernelBuilder kernels(*module, target->kernels);
    mlir::LLVM::LLVMFuncOp made = scanKernel(kernels, program);
    made.setLinkage(mlir::LLVM::Linkage::External);
    name = made.getName();
    if (mlir::succeeded(lowerToLLVM(*module)))
      object = emitObject(*module, *target, {name}, error);
  }
  if (!object || !linkShared(*object, path, error)) {
    std::fprintf(stderr, "error: '%s' does not compile: %s\n", c.name, error.c_str());
    return;
  }
  void *run = dlsym(dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL), name.c_str());

  std::vector<Place> places;
  auto add = [&](int64_t bytes) { places.emplace_back(bytes); };
  for (const HeadPart &part : program.shape.inputs)
    add(rowBytes(part.allNumbers()) * maxRows);
  int64_t weights = 0, states = 0;
  for (const HeadPart &part : program.shape.weights) {
    add(headBytes(part) * c.heads);
    weights += headBytes(part);
  }
  for (const HeadPart &part : program.shape.outputs)
    add(rowBytes(part.allNumbers()) * maxRows);
  for (mlir::BlockArgument state : program.body->getArguments().take_front(program.shape.states))
    states += 4 * cast<mlir::RankedTensorType>(state.getType()).getNumElements();
  Place first(states), second(states), matrices(weights * c.heads);

  for (int64_t rows : {1, 16, 64}) {
    quoin_group_t group = {};
    group.rows = group.slots = rows;
    quoin_layers_t layers = {};
    layers.rows = rows;
    layers.groups = 1;
    layers.group = &group;
    auto ours = [&] {
      void *at[5];
      for (size_t i = 0; i < places.size(); ++i)
        at[i] = places[i].at();
      if (places.size() == 3)
        reinterpret_cast<void (*)(const void *, void *, void *, void *, int64_t, int64_t)>(run)(&layers, at[0], at[1],
                                                                                                at[2], 0, 1);
      else
        reinterpret_cast<void (*)(const void *, void *, void *, void *, void *, void *, int64_t, int64_t)>(run)(
            &layers, at[0], at[1], at[2], at[3], at[4], 0, 1);
    };
    uint64_t sum = 0; // of zeros, which the compiler does not know
    auto bytes = [&] {
      uint64_t all = 0;
      for (int64_t h = 0; h < c.heads; ++h)
        for (int64_t r = 0; r < rows; ++r) {
          Place &from = r % 2 ? second : first, &to = r % 2 ? first : second;
          std::memcpy(to.at(), from.at(), static_cast<size_t>(states));
          const auto *words = reinterpret_cast<const uint64_t *>(matrices.at() + h * weights);
          for (int64_t i = 0; i < weights / 8; ++i)
            all += words[i];
        }
      sum += all;
    };
    int64_t calls = std::max<int64_t>(1, 4000000 / (rows * c.heads * (2 * states + weights)));
    auto often = [&](auto &once) {
      return [&, calls] {
        for (int64_t i = 0; i < calls; ++i)
          once();
      };
    };
    std::vector<double> times = race({often(ours), often(bytes)}, seconds);
    if (sum != 0)
      std::fprintf(stderr, "error: zeros are none\n");
    double each = 1e9 / double(calls * rows * c.heads);
    std::printf("%-14s %6lld %5lld %10.1f %10.1f %7.2f %8.1f\n", c.name, static_cast<long long>(c.width),
                static_cast<long long>(rows), times[0] * each, times[1] * each, times[0] / times[1],
                double(2 * states + weights) / (times[0] * each));
    std::fflush(stdout);
  }
}
} // namespace

void quoin::bench::raceScans(double seconds) {
  std::string error;
  std::unique_ptr<TemporaryFolder> folder = TemporaryFolder::create(error);
  if (!folder)
    return;
  std::printf("%-14s %6s %5s %10s %10s %7s %8s\n", "recurrence", "width", "rows", "ns a head", "bytes", "ratio",
              "GB/s");
  for (const ScanCase &c : cases)
    raceOne(c, seconds, *folder);
}
