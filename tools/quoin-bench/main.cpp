//===- main.cpp - quoin-bench: a step's time beside its roofline -----------===//
//
// Times one denoise step (layers and head) of a compiled program for several row counts and thread counts, and prints
// next to each time the least time this machine could need: the larger of bytes over measured bandwidth and operations
// over measured peak. Both ceilings are measured here, before each thread count.
//
//===----------------------------------------------------------------------===//

#include "tools/quoin-bench/Machine.h"
#include "tools/quoin-bench/RandomModel.h"
#include "tools/quoin-bench/StepTimer.h"
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

using namespace quoin::bench;
using nlohmann::ordered_json;

namespace {

struct Options {
  std::string folder, config, json, weights = "keep";
  std::vector<int64_t> rows = {1, 4, 16, 32};
  std::vector<int> threads;
  int64_t prefix = 512;
  double budget = 2;
  bool random = false;
};

/// Bytes and operations of a step, from the program's metadata.
struct Cost {
  double bytes = 0, flops = 0;
};

Cost stepCost(const ordered_json &model, int64_t rows, int64_t prefix) {
  Cost c;
  double keys = double(prefix + rows);
  c.bytes = model.value("weight_bytes_per_step", 0.0) + model.value("cache_bytes_per_token", 0.0) * keys;
  c.flops = rows * (model.value("flops_per_row", 0.0) + model.value("flops_per_row_and_key", 0.0) * keys);
  return c;
}

/// One thread, and all cores if there are more.
std::vector<int> defaultThreads() {
  int cores = static_cast<int>(std::thread::hardware_concurrency());
  return cores > 1 ? std::vector<int>{1, cores} : std::vector<int>{1};
}

int error(const std::string &message) {
  std::fprintf(stderr, "error: %s\n", message.c_str());
  return 1;
}

int bench(const Options &options) {
  std::string message;
  std::unique_ptr<LoadedProgram> program = LoadedProgram::open(options.folder, message);
  if (!program)
    return error(message);
  ordered_json meta = ordered_json::parse(program->metadata(), nullptr, false);
  if (meta.is_discarded() || !meta.contains("model"))
    return error("expects metadata with the model's costs in '" + options.folder + "/model.json'");
  bool dot = meta.value("arithmetic", "f32") == "bf16";
  ordered_json out = {{"machine", ordered_json::object()}, {"results", ordered_json::array()}};
  std::printf("%7s %6s %7s %11s %11s %6s  %s\n", "threads", "rows", "prefix", "ms", "roofline ms", "ratio", "bound by");
  for (int threads : options.threads) {
    Machine machine = measureMachine(threads);
    double peak = dot && machine.peakBf16 > 0 ? machine.peakBf16 : machine.peakF32;
    out["machine"]["cpu"] = machine.cpu;
    out["machine"]["threads_" + std::to_string(threads)] = {
        {"bandwidth", machine.bandwidth}, {"peak_f32", machine.peakF32}, {"peak_bf16", machine.peakBf16}};
    out["machine"]["bandwidth"] = machine.bandwidth;
    out["machine"]["peak"] = peak;
    for (int64_t rows : options.rows) {
      Cost cost = stepCost(meta["model"], rows, options.prefix);
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
  if (!options.json.empty()) {
    std::ofstream file(options.json);
    file << out.dump(1) << "\n";
    if (!file.flush())
      return error("cannot write '" + options.json + "'");
  }
  return 0;
}

} // namespace

int main(int argc, char **argv) {
  Options o;
  CLI::App app("Times a step of a compiled program beside its roofline");
  app.add_option("OUT", o.folder, "folder of a compiled program");
  app.add_option("--rows", o.rows, "rows of a step")->delimiter(',')->check(CLI::Range(1, 100000));
  app.add_option("--prefix", o.prefix, "cached slots before them")->check(CLI::Range(0, 1 << 20));
  app.add_option("--threads", o.threads, "worker threads; default 1 and all cores")
      ->delimiter(',')
      ->check(CLI::Range(1, 1024));
  app.add_option("--json", o.json, "write the results there, too");
  app.add_option("--budget", o.budget, "seconds to spend on each time")->check(CLI::Range(0.01, 1000.0));
  app.add_option("--config", o.config, "config.json of a model to make up; with --random");
  app.add_option("--weights", o.weights, "weights of the made-up program, as for quoin-compile");
  app.add_flag("--random", o.random, "random weights");
  CLI11_PARSE(app, argc, argv);
  if (o.threads.empty())
    o.threads = defaultThreads();
  if (o.folder.empty() == o.config.empty() || o.config.empty() == o.random) {
    std::fprintf(stderr, "error: expects a folder, or --config FILE with --random\n");
    return 2;
  }
  if (!o.random)
    return bench(o);
  std::string message;
  std::unique_ptr<RandomModel> model = RandomModel::compile(o.config, o.weights, message);
  if (!model)
    return error(message);
  o.folder = model->folder();
  return bench(o);
}
