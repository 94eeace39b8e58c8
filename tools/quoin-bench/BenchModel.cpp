//===- BenchModel.cpp - a step's time beside its roofline ------------------===//
//
// Times one denoise step (layers and head) of a compiled program for several row counts and thread counts, and prints
// next to each time the least time this machine could need: the larger of bytes over measured bandwidth and operations
// over measured peak. Of experts, the bytes of those that rows are expected to choose count. Both ceilings are measured
// here, before each thread count.
//
//===----------------------------------------------------------------------===//

#include "tools/quoin-bench/Bench.h"
#include "tools/quoin-bench/StepTimer.h"
#include <algorithm>
#include <cmath>
#include <cstdio>

using namespace quoin::bench;
using nlohmann::ordered_json;

namespace {
/// Bytes and operations of a step, from the program's metadata.
struct Cost {
  double bytes = 0, flops = 0;
};
} // namespace

/// How many of `experts` some of the rows choose, each row `chosen` of them, if all are as likely.
static double touched(double experts, double chosen, int64_t rows) {
  return experts * (1 - std::pow(1 - chosen / experts, double(rows)));
}

/// Of the model of this name: a program that has several says what each costs.
static ordered_json modelOf(const ordered_json &meta, const std::string &name) {
  for (const ordered_json &m : meta.value("models", ordered_json::array()))
    if (m.value("name", "") == name)
      return m;
  return meta["model"];
}

static Cost stepCost(const ordered_json &meta, const std::string &name, int64_t rows, int64_t prefix) {
  Cost c;
  double keys = double(prefix + rows);
  const ordered_json model = modelOf(meta, name);
  for (const ordered_json &e : meta.value("experts", ordered_json::array()))
    if (e.value("model", name) == name)
      c.bytes += e.value("bytes_per_expert", 0.0) * touched(e.value("experts", 1.0), e.value("chosen", 1.0), rows);
  c.bytes += model.value("weight_bytes_per_step", 0.0) + model.value("cache_bytes_per_token", 0.0) * keys;
  c.flops = model.value("flops_per_sequence", 0.0) +
            double(rows) * (model.value("flops_per_row", 0.0) + model.value("flops_per_row_and_key", 0.0) * keys);
  return c;
}

int quoin::bench::benchModel(const Options &options) {
  std::string message;
  std::unique_ptr<LoadedProgram> program = LoadedProgram::open(options.folder, message);
  if (!program)
    return fail(message);
  ordered_json meta = readMetadata(options.folder);
  if (meta.is_discarded() || !meta.contains("model"))
    return fail("expects metadata with the model's costs in '" + options.folder + "/model.json'");
  ordered_json out = {{"machine", ordered_json::object()},
                      {"weights", meta.value("weights", "")},
                      {"arithmetic", meta.value("arithmetic", "f32")},
                      {"results", ordered_json::array()}};
  std::printf("%7s %6s %7s %11s %11s %6s  %s\n", "threads", "rows", "prefix", "ms", "roofline ms", "ratio", "bound by");
  for (int threads : options.threads) {
    Machine machine = measureMachine(threads);
    double peak = peakOf(meta, machine);
    addMachine(out, machine, peak);
    for (int64_t rows : options.rows) {
      Cost cost = stepCost(meta, program->model()->name, rows, options.prefix);
      double memory = cost.bytes / machine.bandwidth, arithmetic = cost.flops / peak,
             roofline = std::max(memory, arithmetic);
      StepTime time = timeStep(*program, rows, options.prefix, threads, options.budget);
      std::printf("%7d %6lld %7lld %11.3f %11.3f %6.2f  %s\n", threads, static_cast<long long>(rows),
                  static_cast<long long>(options.prefix), time.seconds * 1e3, roofline * 1e3, time.seconds / roofline,
                  memory > arithmetic ? "memory" : "arithmetic");
      std::fflush(stdout);
      out["results"].push_back({{"rows", rows},
                                {"prefix", options.prefix},
                                {"threads", threads},
                                {"seconds", time.seconds},
                                {"best_seconds", time.best},
                                {"roofline_seconds", roofline},
                                {"bytes", cost.bytes},
                                {"flops", cost.flops}});
    }
  }
  return writeResults(options, out);
}
