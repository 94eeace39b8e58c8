//===- ScanTest.cpp - compiled recurrences against the interpreter --------------===//
//
// Several sequences beside each other, at sizes that fill vectors and that do not. Results are those of the float64
// evaluator; a row's bits depend neither on the workers nor on what else is computed.
//
//===----------------------------------------------------------------------===//

#include "compiler/cpu/ScanKernel.h"
#include "dialects/quoin/RowProgram.h"
#include "dialects/reference/ScanEvaluator.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Parser/Parser.h"
#include "test/unit/CpuFixture.h"

using namespace mlir;
using namespace quoin;
using namespace quoin::cpu;
using namespace quoin::cpu::test;

namespace {
struct ScanCase {
  const char *name;
  std::string text; ///< a module of weights and a model without a head whose only op is the scan
  float low = -1, high = 1;
};

void PrintTo(const ScanCase &c, std::ostream *os) { *os << c.name; }

/// S' = diag(a) S + k v^T, y = S'^T q.
std::string gatedLinear(int64_t heads, int64_t keys, int64_t values) {
  return with(R"(
quoin.model @m {
^bb0(%q: tensor<?x${HK}xf32>, %k: tensor<?x${HK}xf32>, %v: tensor<?x${HV}xf32>, %a: tensor<?x${HK}xf32>):
  %y = quoin.scan %q, %k, %v, %a heads ${H} : (tensor<?x${HK}xf32>, tensor<?x${HK}xf32>, tensor<?x${HV}xf32>, tensor<?x${HK}xf32>) -> tensor<?x${HV}xf32> {
  ^bb0(%s: tensor<${K}x${V}xf32>, %qr: tensor<${K}xf32>, %kr: tensor<${K}xf32>, %vr: tensor<${V}xf32>, %ar: tensor<${K}xf32>):
    %to = tensor.empty() : tensor<${K}x${V}xf32>
    %as = linalg.broadcast ins(%ar : tensor<${K}xf32>) outs(%to : tensor<${K}x${V}xf32>) dimensions = [1]
    %ks = linalg.broadcast ins(%kr : tensor<${K}xf32>) outs(%to : tensor<${K}x${V}xf32>) dimensions = [1]
    %vs = linalg.broadcast ins(%vr : tensor<${V}xf32>) outs(%to : tensor<${K}x${V}xf32>) dimensions = [0]
    %qs = linalg.broadcast ins(%qr : tensor<${K}xf32>) outs(%to : tensor<${K}x${V}xf32>) dimensions = [1]
    %old = arith.mulf %as, %s : tensor<${K}x${V}xf32>
    %new = arith.mulf %ks, %vs : tensor<${K}x${V}xf32>
    %s1 = arith.addf %old, %new : tensor<${K}x${V}xf32>
    %p = arith.mulf %s1, %qs : tensor<${K}x${V}xf32>
    %none = arith.constant dense<0.0> : tensor<${V}xf32>
    %y = linalg.reduce { arith.addf } ins(%p : tensor<${K}x${V}xf32>) outs(%none : tensor<${V}xf32>) dimensions = [0]
    quoin.row %s1, %y : tensor<${K}x${V}xf32>, tensor<${V}xf32>
  }
  quoin.results %y : tensor<?x${HV}xf32>
})",
              {{"HK", heads * keys}, {"HV", heads * values}, {"H", heads}, {"K", keys}, {"V", values}});
}

/// y' = tanh(x + R y + b) of gates that lie outside the heads, and the sum of all before as a second state that begins
/// somewhere.
std::string cell(int64_t gates, int64_t heads, int64_t width) {
  return with(R"(
quoin.weight @r : tensor<${G}x${H}x${D}x${D}xf32> from "w" tensor "r"
quoin.weight @b : tensor<${D}xf32> from "w" tensor "b"
quoin.model @m {
^bb0(%xs: tensor<?x${GHD}xf32>, %y0: tensor<?x${HD}xf32>, %s0: tensor<?x${HD}xf32>):
  %y, %s = quoin.scan %xs with [@r, @b] from %y0, %s0 heads ${H} along [1, 0, 0, 1, -1, 1, 0] : (tensor<?x${GHD}xf32>, tensor<?x${HD}xf32>, tensor<?x${HD}xf32>) -> (tensor<?x${GHD}xf32>, tensor<?x${HD}xf32>) {
  ^bb0(%y: tensor<${D}xf32>, %s: tensor<${D}xf32>, %x: tensor<${G}x${D}xf32>, %r: tensor<${G}x${D}x${D}xf32>, %b: tensor<${D}xf32>):
    %to = tensor.empty() : tensor<${G}x${D}x${D}xf32>
    %ys = linalg.broadcast ins(%y : tensor<${D}xf32>) outs(%to : tensor<${G}x${D}x${D}xf32>) dimensions = [0, 1]
    %p = arith.mulf %r, %ys : tensor<${G}x${D}x${D}xf32>
    %ry = linalg.reduce { arith.addf } ins(%p : tensor<${G}x${D}x${D}xf32>) outs(%x : tensor<${G}x${D}xf32>) dimensions = [2]
    %flat = tensor.empty() : tensor<${G}x${D}xf32>
    %bs = linalg.broadcast ins(%b : tensor<${D}xf32>) outs(%flat : tensor<${G}x${D}xf32>) dimensions = [0]
    %sum = arith.addf %ry, %bs : tensor<${G}x${D}xf32>
    %bent = math.tanh %sum : tensor<${G}x${D}xf32>
    %none = arith.constant dense<0.0> : tensor<${D}xf32>
    %next = linalg.reduce { arith.addf } ins(%bent : tensor<${G}x${D}xf32>) outs(%none : tensor<${D}xf32>) dimensions = [0]
    %count = arith.constant dense<0.25> : tensor<${D}xf32>
    %mean = arith.mulf %next, %count : tensor<${D}xf32>
    %all = arith.addf %s, %mean : tensor<${D}xf32>
    quoin.row %mean, %all, %bent, %all : tensor<${D}xf32>, tensor<${D}xf32>, tensor<${G}x${D}xf32>, tensor<${D}xf32>
  }
  quoin.results %s : tensor<?x${HD}xf32>
})",
              {{"GHD", gates * heads * width}, {"HD", heads * width}, {"G", gates}, {"H", heads}, {"D", width}});
}

/// Sequences of so many rows, one after the other; one of them has none.
constexpr int64_t lengths[] = {3, 1, 0, 7};
constexpr int64_t allRows = 11;

struct Scene {
  explicit Scene(const ScanCase &c, StringRef cpuName = "native") : p(cpuName) {
    MLIRContext *context = Program::context();
    context->loadDialect<arith::ArithDialect, linalg::LinalgDialect, math::MathDialect, tensor::TensorDialect>();
    module = parseSourceString<ModuleOp>(c.text, context);
    if (!module)
      return;
    module->walk([&](ScanOp o) { op = o; });
    program = {&op.getBody().front(),
               ScanShape::of(op.getBody().front(), static_cast<int64_t>(op.getHeads()), op.getAxes(),
                             op.getInputs().size(), op.getInitial().size(), op.getWeights().size())};
    kernel = scanKernel(p.kernels, program).getName().str();
    p.link();
    std::uniform_real_distribution<float> any(c.low, c.high);
    for (Value v : op->getOperands())
      operands.push_back(filled(widthOf(v), any));
    for (Value v : op.getOutputs())
      outputs.push_back(std::make_unique<Rows>(allRows, widthOf(v)));
    for (const HeadPart &part : program.shape.weights) {
      std::vector<double> numbers(static_cast<size_t>(part.allNumbers()));
      auto packed = std::make_unique<Aligned<float>>(part.heads * headBytes(part) / 4 + 16, 0.f);
      for (double &number : numbers)
        number = any(engine);
      for (int64_t head = 0; head < part.heads; ++head)
        for (int64_t o = 0; o < part.outer; ++o)
          for (int64_t i = 0; i < part.inner; ++i)
            (*packed)[static_cast<size_t>(head * headBytes(part) / 4 + o * part.inner + i)] =
                static_cast<float>(numbers[static_cast<size_t>((o * part.heads + head) * part.inner + i)]);
      weights.push_back(std::move(numbers));
      packedWeights.push_back(std::move(packed));
    }
  }

  static int64_t widthOf(Value v) {
    int64_t width = 1;
    for (int64_t size : cast<RankedTensorType>(v.getType()).getShape().drop_front())
      width *= size;
    return width;
  }

  static std::unique_ptr<Rows> filled(int64_t width, std::uniform_real_distribution<float> &any) {
    auto made = std::make_unique<Rows>(allRows, width);
    for (int64_t r = 0; r < allRows; ++r)
      for (int64_t i = 0; i < width; ++i)
        made->put(r, i, any(engine));
    return made;
  }

  /// Runs all sequences with that many workers.
  void run(int64_t workers) {
    std::vector<quoin_group_t> groups;
    int64_t first = 0;
    for (int64_t length : lengths) {
      quoin_group_t group = {};
      group.first_row = first;
      group.rows = group.slots = length;
      groups.push_back(group);
      first += length;
    }
    runGroups(groups, workers);
  }

  void runGroups(const std::vector<quoin_group_t> &groups, int64_t workers) {
    quoin_layers_t layers = {};
    layers.rows = allRows;
    layers.groups = static_cast<int64_t>(groups.size());
    layers.group = groups.data();
    std::vector<void *> a = {&layers};
    for (auto &list : {&operands, &outputs}) {
      if (list == &outputs)
        for (auto &w : packedWeights)
          a.push_back(w->data());
      for (auto &rows : *list)
        a.push_back(rows->row(0));
    }
    onWorkers(workers, [&, this](int64_t worker) { callWith(a, worker, workers); });
  }

  void callWith(const std::vector<void *> &a, int64_t worker, int64_t workers) {
    switch (a.size()) {
    case 6:
      return p.call(kernel, a[0], a[1], a[2], a[3], a[4], a[5], worker, workers);
    case 8:
      return p.call(kernel, a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], worker, workers);
    default:
      FAIL() << "a scan of " << a.size() << " arguments";
    }
  }

  /// What the evaluator makes of one sequence.
  SmallVector<ref::Matrix> expected(int64_t first, int64_t length) {
    std::vector<ref::Matrix> rows;
    for (auto &operand : operands) {
      ref::Matrix &matrix = rows.emplace_back(length, operand->width);
      for (int64_t r = 0; r < length; ++r)
        for (int64_t i = 0; i < operand->width; ++i)
          matrix.row(r)[i] = operand->at(first + r, i);
    }
    SmallVector<const ref::Matrix *> inputs, initial;
    for (auto [i, matrix] : llvm::enumerate(rows))
      (i < op.getInputs().size() ? inputs : initial).push_back(&matrix);
    SmallVector<ArrayRef<double>> numbers(weights.begin(), weights.end());
    ref::Matrix states;
    return ref::evaluateScan(*program.body, program.shape, inputs, initial, numbers, length, states);
  }

  Program p;
  OwningOpRef<ModuleOp> module;
  ScanOp op;
  ScanProgram program{};
  std::string kernel;
  std::vector<std::unique_ptr<Rows>> operands, outputs;
  std::vector<std::vector<double>> weights;
  std::vector<std::unique_ptr<Aligned<float>>> packedWeights;
};

class Scans : public testing::TestWithParam<ScanCase> {};

TEST_P(Scans, GiveWhatTheInterpreterGives) {
  Scene scene(GetParam());
  ASSERT_TRUE(scene.module);
  QUOIN_SKIP_UNLESS_IT_RUNS(scene.p);
  scene.run(1);
  int64_t first = 0;
  for (int64_t length : lengths) {
    SmallVector<ref::Matrix> expected = scene.expected(first, length);
    for (auto [output, matrix] : llvm::zip_equal(scene.outputs, expected))
      for (int64_t r = 0; r < length; ++r)
        for (int64_t i = 0; i < output->width; ++i)
          expectNear(matrix.row(r)[i], output->at(first + r, i), 1, "number", (first + r) * 1000 + i);
    first += length;
  }
}

TEST_P(Scans, HaveTheSameBitsWithAnyWorkers) {
  Scene scene(GetParam());
  ASSERT_TRUE(scene.module);
  QUOIN_SKIP_UNLESS_IT_RUNS(scene.p);
  auto bits = [&](int64_t workers) {
    std::vector<uint8_t> all;
    scene.run(workers);
    for (auto &output : scene.outputs)
      for (int64_t r = 0; r < allRows; ++r)
        all.insert(all.end(), output->row(r), output->row(r) + output->width * 4);
    return all;
  };
  std::vector<uint8_t> alone = bits(1);
  for (int64_t workers : {2, 3, 16})
    EXPECT_EQ(alone, bits(workers)) << workers << " workers";
}

TEST_P(Scans, GoOnFromAStateBitByBit) {
  Scene scene(GetParam());
  ASSERT_TRUE(scene.module);
  QUOIN_SKIP_UNLESS_IT_RUNS(scene.p);
  auto bits = [&] {
    std::vector<uint8_t> all;
    for (auto &output : scene.outputs)
      for (int64_t r = 0; r < allRows; ++r)
        all.insert(all.end(), output->row(r), output->row(r) + output->width * 4);
    return all;
  };
  size_t bytes = 0;
  for (BlockArgument state : scene.program.body->getArguments().take_front(scene.program.shape.states))
    bytes += static_cast<size_t>(scene.program.shape.heads * stage::stateBytes(rowElementsOf(state.getType())));
  Aligned<uint8_t> kept(bytes + static_cast<size_t>(scene.program.kept), 0xff);
  for (int64_t cut : {1, 4, 10}) {
    for (auto &output : scene.outputs)
      for (int64_t r = 0; r < allRows; ++r)
        for (int64_t i = 0; i < output->width; ++i)
          output->put(r, i, NAN);
    // One sequence of all rows, whose first call runs more of them than it keeps.
    quoin_group_t group = {};
    group.rows = group.slots = std::min(cut + 3, allRows);
    group.state_out = kept.data();
    group.state_rows = cut;
    scene.runGroups({group}, 2);
    group = {};
    group.first_row = group.first_slot = cut;
    group.rows = allRows - cut;
    group.slots = allRows;
    group.state = kept.data();
    scene.runGroups({group}, 3);
    std::vector<uint8_t> cutBits = bits();
    group = {};
    group.rows = group.slots = allRows;
    scene.runGroups({group}, 1);
    EXPECT_EQ(bits(), cutBits) << "behind row " << cut;
  }
}

INSTANTIATE_TEST_SUITE_P(All, Scans,
                         testing::Values(ScanCase{"linear", gatedLinear(2, 16, 32)},
                                         ScanCase{"odd_linear", gatedLinear(3, 5, 19)},
                                         ScanCase{"cell", cell(4, 2, 16)}, ScanCase{"odd_cell", cell(3, 5, 7)},
                                         ScanCase{"one_head", cell(2, 1, 33)}),
                         [](const auto &info) { return std::string(info.param.name); });
} // namespace
