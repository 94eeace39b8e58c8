//===- RowSourcesTest.cpp - where row programs find rows, and where they put them -===//
//
// A program of one row of its own, a row that is gathered, one of the row's sequence and one of a table, which gives
// two rows: one stored as it may be, one where a list says. Numbers are small integers, so all of it is exact.
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Parser/Parser.h"
#include "test/unit/CpuFixture.h"

using namespace mlir;
using namespace quoin;
using namespace quoin::cpu;
using namespace quoin::cpu::test;

namespace {
constexpr int64_t steps = 9, reads = 4, sequences = 3, entries = 5;

std::string replaced(std::string text, int64_t width) {
  for (size_t at = text.find("${W}"); at != std::string::npos; at = text.find("${W}"))
    text.replace(at, 4, std::to_string(width));
  return text;
}

/// `own` of the rows read, `all` of the step, `once` of sequences, the number of a row of the table, and that row.
const char *text = R"(
quoin.weight @e : tensor<8x${W}xf32> from "w" tensor "e"
quoin.weight @t : tensor<${W}xf32> from "w" tensor "t"
quoin.model @m head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %h = quoin.embed %ids by @e : tensor<?x${W}xf32>
  %y, %z = quoin.each_row %h, %h, %h, %positions by [@t] : (tensor<?x${W}xf32>, tensor<?x${W}xf32>, tensor<?x${W}xf32>, tensor<?xindex>) -> (tensor<?x${W}xf32>, tensor<?x${W}xf32>) {
  ^bb0(%own: tensor<${W}xf32>, %all: tensor<${W}xf32>, %once: tensor<${W}xf32>, %number: index, %entry: tensor<${W}xf32>):
    %a = arith.addf %own, %all : tensor<${W}xf32>
    %b = arith.addf %a, %once : tensor<${W}xf32>
    %c = arith.addf %b, %entry : tensor<${W}xf32>
    quoin.row %c, %entry : tensor<${W}xf32>, tensor<${W}xf32>
  }
  quoin.hidden %y : tensor<?x${W}xf32>
}
)";

struct SourceCase {
  Storage all, table, result;
  int64_t width;
};

class RowSources : public testing::TestWithParam<SourceCase> {};
} // namespace

/// A number that f16 and bf16 hold, another one for each place.
static float entryAt(int64_t row, int64_t i) { return static_cast<float>(row * 16 + i % 13 - 40); }

static void putStored(uint8_t *at, Storage storage, float value) {
  uint16_t half = narrow(value);
  if (storage == Storage::F16) {
    APFloat number(value);
    bool ignored;
    number.convert(APFloat::IEEEhalf(), APFloat::rmNearestTiesToEven, &ignored);
    half = static_cast<uint16_t>(number.bitcastToAPInt().getZExtValue());
  }
  if (storage == Storage::F32)
    std::memcpy(at, &value, 4);
  else
    std::memcpy(at, &half, 2);
}

TEST_P(RowSources, AreFoundByNumbers) {
  const SourceCase &c = GetParam();
  MLIRContext *context = Program::context();
  context->loadDialect<arith::ArithDialect, linalg::LinalgDialect, tensor::TensorDialect>();
  OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(replaced(text, c.width), context);
  ASSERT_TRUE(module);
  quoin::EachRowOp op;
  module->walk([&](quoin::EachRowOp found) { op = found; });
  int64_t entryBytes = roundUp(c.width, 16) * storageBytes(c.table);
  RowProgram program{&op.getBody().front()};
  program.inputs = {{}, {RowFrom::Read, c.all}, {RowFrom::Sequence}, {RowFrom::Read}};
  program.tables = {{3, c.table, entryBytes, entries}};
  program.results = {{c.result}, {Storage::F32, true}};
  program.readsSlots = true;
  Program p;
  std::string kernel = rowProgramKernel(p.kernels, program).getName().str();
  p.link();
  QUOIN_SKIP_UNLESS_IT_RUNS(p);

  Rows own(reads, c.width), all(steps, c.width, c.all), once(sequences, c.width), result(reads, c.width, c.result);
  auto fill = [&](Rows &rows, int64_t by) {
    for (int64_t r = 0; r < rows.count; ++r)
      for (int64_t i = 0; i < c.width; ++i)
        rows.put(r, i, static_cast<float>(by * (r + 1) + i % 3));
  };
  fill(own, 1);
  fill(all, 2);
  fill(once, 4);
  Aligned<uint8_t> table(static_cast<size_t>(entries * entryBytes));
  for (int64_t r = 0; r < entries; ++r)
    for (int64_t i = 0; i < c.width; ++i)
      putStored(table.data() + r * entryBytes + i * storageBytes(c.table), c.table, entryAt(r, i));
  // Two numbers that are none of the table's.
  int32_t numbers[steps] = {4, -1, 0, 3, 1, entries, 2, 2, 0};
  int64_t read[reads] = {8, 1, 5, 3};
  quoin_group_t groups[sequences] = {};
  const int64_t firsts[] = {0, 4, 5};
  for (int64_t g = 0; g < sequences; ++g) {
    groups[g].first_row = firsts[g];
    groups[g].rows = (g + 1 < sequences ? firsts[g + 1] : steps) - firsts[g];
  }
  // Where the host wants them: anywhere, with something behind the last number.
  std::vector<std::vector<float>> wanted(reads, std::vector<float>(static_cast<size_t>(c.width) + 1, 7));
  std::vector<float *> list;
  for (int64_t r : {2, 0, 3, 1})
    list.push_back(wanted[static_cast<size_t>(r)].data());
  auto run = [&](int64_t begin, int64_t end) {
    p.call(kernel, own.row(0), all.row(0), once.row(0), &numbers[0], table.data(), result.row(0), list.data(), &read[0],
           &groups[0], sequences, begin, end);
  };
  run(0, 2);
  run(2, reads);
  for (int64_t r = 0; r < reads; ++r) {
    int64_t slot = read[r], sequence = slot < 4 ? 0 : slot < 5 ? 1 : 2, number = numbers[slot];
    const float *given = list[static_cast<size_t>(r)];
    for (int64_t i = 0; i < c.width; ++i) {
      float entry = number >= 0 && number < entries ? entryAt(number, i) : 0;
      EXPECT_EQ(given[i], entry) << r << " " << i;
      EXPECT_EQ(result.at(r, i), own.at(r, i) + all.at(slot, i) + once.at(sequence, i) + entry) << r << " " << i;
    }
    EXPECT_EQ(given[c.width], 7) << "behind the row";
  }
}

INSTANTIATE_TEST_SUITE_P(Stored, RowSources,
                         testing::Values(SourceCase{Storage::F32, Storage::F32, Storage::F32, 48},
                                         SourceCase{Storage::F32, Storage::F16, Storage::BF16, 21},
                                         SourceCase{Storage::BF16, Storage::BF16, Storage::F32, 16},
                                         SourceCase{Storage::BF16, Storage::F16, Storage::BF16, 5},
                                         SourceCase{Storage::F32, Storage::BF16, Storage::F32, 1}));
