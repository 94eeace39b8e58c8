//===- BenchFunction.cpp - masked attention beside dense attention ---------===//
//
// Work should be proportional to the tiles that a mask leaves. So the same function is compiled once more with the mask
// under which all see all, both are called in turn, and what is compared is operations per second over the tiles that
// each has to visit. The peak is that of the artefact's arithmetic on this machine, measured right before.
//
//===----------------------------------------------------------------------===//

#include "compiler/driver/Compile.h"
#include "tools/quoin-bench/Bench.h"
#include "tools/quoin-bench/FunctionTimer.h"
#include "tools/quoin-bench/TemporaryFolder.h"
#include "tools/quoin-bench/TileMap.h"
#include <algorithm>
#include <cstdio>
#include <fstream>

using namespace quoin;
using namespace quoin::bench;
using nlohmann::ordered_json;

/// The function of these types under the full mask, as a program.
static std::string denseProgram(const AttentionTypes &t) {
  auto tensor = [&](int64_t heads, const std::string &element) {
    return "tensor<?x" + std::to_string(heads) + "x" + std::to_string(t.headDim) + "x" + element + ">";
  };
  std::string q = tensor(t.heads, t.element), k = tensor(t.keyHeads, t.element), out = tensor(t.heads, t.result);
  return "func.func @attention(%q: " + q + ", %k: " + k + ", %v: " + k + ") -> " + out +
         " {\n  %out = quoin.block_attention %q, %k, %v mask #quoin.mask<(q, k) : k ge 0> scale 0.125\n      : " + q +
         ", " + k + ", " + k + "\n  return %out : " + out + "\n}\n";
}

/// Compiles the dense function into the folder; "" if it fails.
static std::string compileDense(const TemporaryFolder &folder, const AttentionTypes &types, std::string &error) {
  CompileOptions options;
  options.input = folder.path("dense.mlir");
  options.output = folder.path("dense");
  std::ofstream(options.input) << denseProgram(types);
  return quoin::compile(options, error) ? options.output : "";
}

/// Values of the symbols at one length.
static bool symbolValues(const Options &options, int64_t length, std::map<std::string, int64_t> &values,
                         std::string &error) {
  for (const std::string &text : options.symbols) {
    char name[64] = {};
    long long number = 0, divisor = 1;
    char end = 0;
    int read = std::sscanf(text.c_str(), "%63[^=]=%lld/%lld%c", name, &number, &divisor, &end);
    if (read != 2 && (read != 3 || divisor <= 0)) {
      error = "expects --symbol name=number or name=a/b (of the length), but found '" + text + "'";
      return false;
    }
    values[name] = read == 2 ? number : length * number / divisor;
  }
  return true;
}

namespace {
struct Times {
  double masked = 0, dense = 0; // medians
  double bestMasked = 0, bestDense = 0;
};
} // namespace

static double median(std::vector<double> &times) {
  std::sort(times.begin(), times.end());
  return times[times.size() / 2];
}

/// Calls both in turn until the budget is spent, at least twice; the first of three or more calls only warms up.
static bool timeBoth(CompiledFunction &masked, CompiledFunction &dense, double budget, Times &times,
                     std::string &error) {
  std::vector<double> m, d;
  double end = now() + budget;
  for (int i = 0; i < 2 || (now() < end && i < 1000); ++i) {
    m.push_back(masked.call(error));
    d.push_back(dense.call(error));
    if (m.back() < 0 || d.back() < 0)
      return false;
  }
  if (m.size() > 2) {
    m.erase(m.begin());
    d.erase(d.begin());
  }
  times.masked = median(m);
  times.dense = median(d);
  times.bestMasked = m.front();
  times.bestDense = d.front();
  return true;
}

int quoin::bench::benchFunction(const Options &options) {
  std::string error;
  ordered_json meta = readMetadata(options.folder);
  std::optional<BlockMask> mask = BlockMask::parse(meta.value("mask", ""), error);
  if (!mask)
    return fail("expects a mask in '" + options.folder + "/model.json', but found " + error);
  std::unique_ptr<TemporaryFolder> folder = TemporaryFolder::create(error);
  if (!folder)
    return fail(error);
  ordered_json out = {{"machine", ordered_json::object()},
                      {"function", meta.value("function", "")},
                      {"mask", meta.value("mask", "")},
                      {"arithmetic", meta.value("arithmetic", "f32")},
                      {"results", ordered_json::array()}};
  std::string denseFolder;
  std::printf("%7s %7s %11s %8s %8s %8s %9s %6s %10s\n", "threads", "length", "ms", "empty", "partial", "full",
              "GFLOP/s", "peak %", "dense rate");
  for (int threads : options.threads) {
    Machine machine = measureMachine(threads);
    double peak = peakOf(meta, machine);
    addMachine(out, machine, peak);
    std::unique_ptr<CompiledFunction> masked = CompiledFunction::open(options.folder, threads, error);
    if (!masked)
      return fail(error);
    if (denseFolder.empty() && (denseFolder = compileDense(*folder, masked->types(), error)).empty())
      return fail(error);
    std::unique_ptr<CompiledFunction> dense = CompiledFunction::open(denseFolder, threads, error);
    if (!dense)
      return fail(error);
    if ((mask->uses(BlockMask::Op::QueryLabel) || mask->uses(BlockMask::Op::KeyLabel)) && !masked->labelled())
      return fail("expects labels as arguments of '" + meta.value("function", "") + "', but they are constants");
    for (int64_t length : options.lengths) {
      std::map<std::string, int64_t> named;
      if (!symbolValues(options, length, named, error))
        return fail(error);
      std::vector<int32_t> labels = documentLabels(length, options.documents);
      if (!masked->prepare(length, labels, named, error) || !dense->prepare(length, labels, named, error))
        return fail(error);
      std::vector<int64_t> symbols;
      for (const std::string &name : mask->symbols())
        symbols.push_back(named[name]);
      TileCounts tiles = countTiles(*mask, length, symbols, labels);
      Times times;
      if (!timeBoth(*masked, *dense, options.budget, times, error))
        return fail(error);
      double perPair = masked->types().flopsPerPair(), flops = perPair * double(tiles.visitedPairs);
      double rate = flops / times.masked, denseRate = perPair * double(length) * double(length) / times.dense;
      std::printf("%7d %7lld %11.3f %8lld %8lld %8lld %9.1f %6.1f %10.2f\n", threads, static_cast<long long>(length),
                  times.masked * 1e3, static_cast<long long>(tiles.empty), static_cast<long long>(tiles.partial),
                  static_cast<long long>(tiles.full), rate * 1e-9, 100 * rate / peak, rate / denseRate);
      std::fflush(stdout);
      out["results"].push_back({{"length", length},
                                {"threads", threads},
                                {"seconds", times.masked},
                                {"best_seconds", times.bestMasked},
                                {"roofline_seconds", std::max(masked->bytes() / machine.bandwidth, flops / peak)},
                                {"bytes", masked->bytes()},
                                {"flops", flops},
                                {"tiles", {{"empty", tiles.empty}, {"partial", tiles.partial}, {"full", tiles.full}}},
                                {"visited_pairs", tiles.visitedPairs},
                                {"flops_per_second", rate},
                                {"peak_fraction", rate / peak},
                                {"dense_seconds", times.dense},
                                {"dense_best_seconds", times.bestDense},
                                {"dense_flops_per_second", denseRate},
                                {"rate_to_dense", rate / denseRate}});
      if (masked->labelled())
        out["results"].back()["labels"] = labels;
    }
  }
  return writeResults(options, out);
}
