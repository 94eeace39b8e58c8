//===- CudaStepTest.cpp - steps on the PTX machine against those of the CPU ---===//
//
// A small model is compiled for both. Its layers and its head run on the machine as a host would launch them, in all
// timings, and must give the CPU's bits without a fault: both have one order for every sum.
//
//===----------------------------------------------------------------------===//

#include "compiler/cuda/EmitStep.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "passes/Pipeline.h"
#include "runtime/include/quoin/cuda.h"
#include "test/ptx/PtxFixture.h"
#include "test/unit/CpuFixture.h"

using namespace mlir;
using namespace quoin;
using namespace quoin::cpu;
using namespace quoin::cpu::test;

namespace {
constexpr int64_t hidden = 40, kvHeads = 2, headDim = 10, vocabulary = 133, capacity = 128;

/// Two layers of one shape, so that kernels serve twice; the last one computes rows that are read.
std::string modelText() {
  std::string weights, body = "%h0 = quoin.embed %ids by @embed : tensor<?x40xf32>\n";
  auto weight = [&](const std::string &name, const std::string &type) {
    weights += "quoin.weight @" + name + " : tensor<" + type + "xf32> from \"m\" tensor \"" + name + "\"\n";
  };
  weight("embed", "133x40");
  weight("norm", "40");
  for (int64_t l = 0; l < 2; ++l) {
    const char *layer = R"(
      %aL = quoin.rms_norm %hL by @nL epsilon 1.0e-6 : tensor<?x40xf32>
      %qL = quoin.linear XA by @qL bias @bL : tensor<?x40xf32> -> tensor<?x40xf32>
      %rL = quoin.rotary %qL at XP theta 1.0e4 head_dim 10 : tensor<?x40xf32>
      %kL = quoin.linear %aL by @kL : tensor<?x40xf32> -> tensor<?x20xf32>
      %sL = quoin.rotary %kL at %positions theta 1.0e4 head_dim 10 : tensor<?x20xf32>
      %vL = quoin.linear %aL by @vL : tensor<?x40xf32> -> tensor<?x20xf32>
      %cL = quoin.attention %rL, %sL, %vL XR heads 4 kv_heads 2 head_dim 10 scale 0.3 : tensor<?x40xf32>, tensor<?x20xf32>, tensor<?x20xf32>
      %oL = quoin.linear %cL by @oL : tensor<?x40xf32> -> tensor<?x40xf32>
      %mL = arith.addf XH, %oL : tensor<?x40xf32>
      %gL = quoin.linear %mL by @gL : tensor<?x40xf32> -> tensor<?x50xf32>
      %uL = quoin.linear %mL by @uL : tensor<?x40xf32> -> tensor<?x50xf32>
      %wL = quoin.swiglu %gL, %uL : tensor<?x50xf32>
      %dL = quoin.linear %wL by @dL : tensor<?x50xf32> -> tensor<?x40xf32>
      %hN = arith.addf %mL, %dL : tensor<?x40xf32>
)";
    bool last = l == 1;
    std::string number = std::to_string(l), text = layer;
    if (last)
      text.insert(text.find("%qL"), "%xa = quoin.gather_rows %aL at %read : tensor<?x40xf32>\n"
                                    "%xh = quoin.gather_rows %hL at %read : tensor<?x40xf32>\n"
                                    "%xp = quoin.gather_rows %positions at %read : tensor<?xindex>\n");
    for (auto [key, value] :
         std::initializer_list<std::pair<std::string, std::string>>{{"XA", last ? "%xa" : "%aL"},
                                                                    {"XP", last ? "%xp" : "%positions"},
                                                                    {"XR", last ? "rows %read" : ""},
                                                                    {"XH", last ? "%xh" : "%hL"},
                                                                    {"hN", "h" + std::to_string(l + 1)}})
      for (size_t at; (at = text.find(key)) != std::string::npos;)
        text.replace(at, key.size(), value);
    // Names of values and symbols end in the layer's number.
    for (size_t at = 0; (at = text.find('L', at)) != std::string::npos;)
      text.replace(at, 1, number);
    body += text;
    for (auto [name, type] : std::initializer_list<std::pair<const char *, const char *>>{{"n", "40"},
                                                                                          {"q", "40x40"},
                                                                                          {"b", "40"},
                                                                                          {"k", "20x40"},
                                                                                          {"v", "20x40"},
                                                                                          {"o", "40x40"},
                                                                                          {"g", "50x40"},
                                                                                          {"u", "50x40"},
                                                                                          {"d", "40x50"}})
      weight(name + number, type);
  }
  return weights +
         "quoin.model @m head @embed {\n^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>, %read: "
         "tensor<?xindex>):\n" +
         body +
         "%f = quoin.rms_norm %h2 by @norm epsilon 1.0e-6 : tensor<?x40xf32>\nquoin.hidden %f : tensor<?x40xf32>\n}\n";
}

/// Memory of a GPU that mirrors the host's.
struct Device {
  explicit Device(const ptx::Module &module) : machine(module) {}

  template <typename T> T *copy(const T *from, size_t count) {
    uint64_t address = machine.allocate(std::max<size_t>(count * sizeof(T), 8));
    machine.write(address, from, count * sizeof(T));
    return reinterpret_cast<T *>(address);
  }
  template <typename T> T *zeros(size_t count) { return copy(std::vector<T>(count).data(), count); }

  /// The launches of a step, as runtime/include/quoin/cuda.h says; `counts` by QUOIN_GRID_*.
  void run(const decoder::CudaStep &step, const void *arguments, std::array<int64_t, 4> counts, uint64_t seed,
           ptx::Timing timing) {
    for (const decoder::CudaLaunch &each : step.launches) {
      ptx::Launch launch;
      launch.kernel = each.kernel;
      int64_t blocks = each.blocks * ((counts[static_cast<size_t>(each.grid)] + each.each - 1) / each.each);
      launch.grid[0] = static_cast<unsigned>(std::clamp<int64_t>(blocks, 1, most ? most : each.most));
      launch.threads = {static_cast<unsigned>(each.threads), 1, 1};
      launch.dynamicShared = static_cast<unsigned>(each.sharedBytes);
      launch.arguments.push_back(ptx::argument(reinterpret_cast<uint64_t>(arguments)));
      for (int64_t constant : each.constants)
        launch.arguments.push_back(ptx::argument(constant));
      launch.seed = seed++;
      launch.timing = timing;
      bool right = machine.launch(launch);
      for (const ptx::Fault &fault : machine.faults())
        ASSERT_TRUE(right) << each.kernel << ", line " << fault.line << ": " << fault.text;
    }
  }

  ptx::Machine machine;
  int64_t most = 0; ///< blocks of a launch, where it is not left to the table
};

/// By how weights are stored.
class CudaStep : public testing::TestWithParam<const char *> {
protected:
  void SetUp() override {
    source = parseSourceString<ModuleOp>(modelText(), Program::context());
    ASSERT_TRUE(source);
    llvm::StringMap<const Matrix *> known;
    source->walk([&](WeightOp w) {
      auto type = cast<RankedTensorType>(w.getType());
      bool vector = type.getRank() == 1;
      auto m = std::make_unique<Matrix>(vector ? 1 : type.getDimSize(0), type.getDimSize(vector ? 0 : 1));
      for (float &v : m->values)
        v = vector ? 1 + 0.3f * v : v * 0.4f;
      if (vector)
        m->rows = 0;
      known[w.getSymName()] = m.get();
      matrices.push_back(std::move(m));
    });
    source->getOperation()->setAttr(module_attr::capacity, Builder(program.context()).getIndexAttr(capacity));
    PassManager stages(program.context());
    std::string error;
    PhaseOptions phase;
    phase.weights = *parseWeightStorage(GetParam(), error);
    ASSERT_TRUE(succeeded(buildPipeline(stages, "scheduled", "stages", phase, error))) << error;
    ASSERT_TRUE(succeeded(stages.run(*source)));
    stage::StepOp step = *source->getOps<stage::StepOp>().begin();
    std::vector<BlockMask> masks = {BlockMask::blockCausal(8), BlockMask::causal()};
    FailureOr<StepFacts> made = emitModel(*program.module, step, masks, program.target->kernels, capacity);
    ASSERT_TRUE(succeeded(made));
    facts = *made;
    cuda::CudaProgram gpu(program.context(), false, masks);
    ASSERT_TRUE(succeeded(gpu.addModel(step, facts)));
    steps = gpu.models[0];
    std::optional<std::string> text = gpu.makePtx(error);
    ASSERT_TRUE(text) << error;
    ptx::Diagnostic diagnostic;
    code = ptx::parse(*text, diagnostic);
    ASSERT_TRUE(code) << diagnostic.line << ": " << diagnostic.text;
    program.link();
    std::vector<uint8_t> file = pack(facts.weights, known);
    weights = std::make_unique<Aligned<uint8_t>>(file.size());
    std::copy(file.begin(), file.end(), weights->data());
  }

  OwningOpRef<ModuleOp> source;
  Program program;
  StepFacts facts;
  std::vector<decoder::CudaStep> steps;
  std::optional<ptx::Module> code;
  std::vector<std::unique_ptr<Matrix>> matrices;
  std::unique_ptr<Aligned<uint8_t>> weights;
};

TEST_P(CudaStep, LayersGiveTheBitsOfTheCpu) {
  // Two groups: 9 rows behind 61 slots, so that there are two pages, and 5 rows by themselves.
  PageLayout page{kvHeads, headDim};
  bool brain = StringRef(GetParam()) == "bf16";
  std::vector<std::unique_ptr<Session>> sessions;
  std::vector<std::pair<int64_t, int64_t>> sizes = {{9, 70}, {5, 5}};
  std::vector<quoin_group_t> groups;
  std::vector<int32_t> ids, positions;
  for (auto [i, size] : llvm::enumerate(sizes)) {
    auto s = std::make_unique<Session>(int64_t(ids.size()), size.first, size.second, page, int64_t(i));
    s->storage.clear();
    s->pages.clear();
    for (int64_t t = 0; t < roundUp(size.second, 64) / 64; ++t) {
      s->storage.push_back(std::make_unique<Aligned<float>>(facts.pageBytes / 4));
      for (int64_t n = 0; n < facts.pageBytes / 4; ++n)
        (*s->storage.back())[n] =
            brain ? std::bit_cast<float>(uint32_t(narrow(uniform())) << 16 | narrow(uniform())) : uniform();
      s->pages.push_back(s->storage.back()->data());
    }
    s->group.pages = s->pages.data();
    groups.push_back(s->group);
    for (int64_t r = 0; r < size.first; ++r) {
      ids.push_back(static_cast<int32_t>(engine() % vocabulary));
      positions.push_back(static_cast<int32_t>(s->group.first_slot + r));
    }
    sessions.push_back(std::move(s));
  }
  std::vector<int64_t> read = {8, 0, 3, 10, 13}, readGroup = {0, 0, 0, 1, 1};
  auto rows = int64_t(ids.size()), reads = int64_t(read.size());
  std::vector<quoin_group_t> deviceGroups = groups;
  std::vector<uint8_t> untouched(size_t(facts.scratchRowBytes * rows));

  auto onDevice = [&](Device &d, uint64_t seed, ptx::Timing timing) {
    for (auto [i, s] : llvm::enumerate(sessions)) {
      quoin_group_t &g = deviceGroups[i];
      std::vector<void *> pages;
      for (auto &storage : s->storage)
        pages.push_back(d.copy(storage->data(), storage->count));
      g.pages = d.copy(pages.data(), pages.size());
      g.positions = d.copy(s->positions.data(), s->positions.size());
      g.labels = d.copy(s->labels.data(), s->labels.size());
      g.open = d.copy(s->open.data(), s->open.size());
      g.words = d.zeros<uint64_t>(s->words.size());
      g.tiles = d.zeros<uint8_t>(s->classes.size());
    }
    auto *out = d.zeros<float>(size_t(reads * hidden));
    std::vector<void *> pointers;
    for (int64_t r = 0; r < reads; ++r)
      pointers.push_back(out + r * hidden);
    const quoin_operand_t operands[] = {{d.copy(ids.data(), ids.size()), 4, 0},
                                        {d.copy(positions.data(), positions.size()), 4, 0}};
    const quoin_output_t results[] = {{d.copy(pointers.data(), pointers.size()), hidden * 4, 1}};
    quoin_layers_t args{d.copy(weights->data(), weights->count),
                        d.copy(untouched.data(), untouched.size()),
                        rows,
                        reads,
                        d.copy(read.data(), read.size()),
                        d.copy(readGroup.data(), readGroup.size()),
                        int64_t(groups.size()),
                        d.copy(deviceGroups.data(), deviceGroups.size()),
                        d.copy(operands, 2),
                        d.copy(results, 1),
                        nullptr,
                        nullptr,
                        nullptr};
    d.run(steps[0], d.copy(&args, 1), {1, rows, reads, int64_t(groups.size())}, seed, timing);
    return d.machine.download<float>(reinterpret_cast<uint64_t>(out), size_t(reads * hidden));
  };
  std::vector<std::vector<float>> made;
  uint64_t seed = 1;
  for (ptx::Timing timing : ptx::test::kTimings) {
    Device d(*code);
    d.most = timing == ptx::Timing::Early ? 3 : 0; // fewer blocks do the same
    auto all = onDevice(d, seed, timing);
    ASSERT_FALSE(HasFatalFailure());
    ASSERT_TRUE(all);
    made.push_back(*all);
    seed += 1000;
  }

  std::vector<float> expected(size_t(reads * hidden));
  std::vector<void *> pointers;
  for (int64_t r = 0; r < reads; ++r)
    pointers.push_back(expected.data() + r * hidden);
  Aligned<uint8_t> scratch(untouched.size());
  quoin_barrier_t barrier = makeBarrier();
  const quoin_operand_t operands[] = {{ids.data(), 4, 0}, {positions.data(), 4, 0}};
  const quoin_output_t results[] = {{pointers.data(), hidden * 4, 1}};
  quoin_layers_t args{
      weights->data(), scratch.data(), rows,    reads,    read.data(), readGroup.data(), int64_t(groups.size()),
      groups.data(),   operands,       results, &barrier, nullptr,     nullptr};
  program.call("layers_step.m", &args, int64_t(0), int64_t(1));
  for (const std::vector<float> &each : made)
    EXPECT_EQ(expected, each);
}

TEST_P(CudaStep, HeadGivesTheBitsOfTheCpu) {
  constexpr int64_t rows = 6;
  Matrix x(rows, hidden), y(rows, hidden), logits(rows, vocabulary);
  std::vector<quoin_head_row_t> row(rows);
  auto fill = [&](const float *hiddenRows, const float *others, float *scores) {
    for (int64_t r = 0; r < rows; ++r) {
      quoin_head_row_t &h = row[r] = {};
      h.hidden = hiddenRows + r * hidden;
      h.other = r == 4 ? others + r * hidden : nullptr;
      h.guidance = 1.5f;
      h.temperature = r % 3 ? 0.0f : 0.7f + 0.1f * float(r);
      h.forbid = r == 2 ? 17 : -1;
      h.of = int32_t(r * 21);
      h.key[0] = 99;
      h.key[1] = 7;
      h.evaluation = uint32_t(r);
      h.position = uint32_t(5 * r);
      h.logits = r == 1 ? scores + r * vocabulary : nullptr;
    }
  };
  std::vector<std::vector<quoin_head_row_t>> made;
  std::vector<float> scores;
  for (ptx::Timing timing : ptx::test::kTimings) {
    Device d(*code);
    float *stored = d.copy(logits.values.data(), logits.values.size());
    fill(d.copy(x.values.data(), x.values.size()), d.copy(y.values.data(), y.values.size()), stored);
    quoin_head_row_t *rowsAt = d.copy(row.data(), row.size());
    std::vector<uint8_t> zeros(size_t(facts.head.scratchRowBytes() * rows));
    quoin_head_t args{d.copy(weights->data(), weights->count), d.copy(zeros.data(), zeros.size()), rows, rowsAt,
                      nullptr};
    d.run(steps[1], d.copy(&args, 1), {1, rows, rows, 1}, 7, timing);
    ASSERT_FALSE(HasFatalFailure());
    auto results = d.machine.download<quoin_head_row_t>(reinterpret_cast<uint64_t>(rowsAt), rows);
    ASSERT_TRUE(results);
    made.push_back(*results);
    scores = *d.machine.download<float>(reinterpret_cast<uint64_t>(stored + vocabulary), size_t(vocabulary));
  }
  fill(x.values.data(), y.values.data(), logits.values.data());
  Aligned<uint8_t> scratch(facts.head.scratchRowBytes() * rows);
  quoin_barrier_t barrier = makeBarrier();
  quoin_head_t args{weights->data(), scratch.data(), rows, row.data(), &barrier};
  program.call("head_step.m", &args, int64_t(0), int64_t(1));
  constexpr size_t from = offsetof(quoin_head_row_t, token);
  for (const auto &each : made)
    for (size_t r = 0; r < size_t(rows); ++r)
      EXPECT_EQ(0, std::memcmp(reinterpret_cast<const char *>(&each[r]) + from,
                               reinterpret_cast<const char *>(&row[r]) + from, sizeof(quoin_head_row_t) - from))
          << r << ": " << each[r].token << " " << row[r].token << ", " << each[r].entropy << " " << row[r].entropy;
  EXPECT_EQ(scores, std::vector<float>(logits.values.begin() + vocabulary, logits.values.begin() + 2 * vocabulary));
}

INSTANTIATE_TEST_SUITE_P(Weights, CudaStep, testing::Values("f32", "bf16"));
} // namespace
