//===- main.cpp - quoin-bench: times beside what the machine could do ------===//
//
// An artefact of a model is timed step by step (BenchModel.cpp), one of a function call by call (BenchFunction.cpp).
//
//===----------------------------------------------------------------------===//

#include "support/WholeFile.h"
#include "tools/quoin-bench/Bench.h"
#include "tools/quoin-bench/RandomModel.h"
#include <CLI/CLI.hpp>
#include <cstdio>
#include <fstream>
#include <thread>

using namespace quoin::bench;
using nlohmann::ordered_json;

/// One thread, and all cores if there are more.
static std::vector<int> defaultThreads() {
  int cores = static_cast<int>(std::thread::hardware_concurrency());
  return cores > 1 ? std::vector<int>{1, cores} : std::vector<int>{1};
}

int quoin::bench::fail(const std::string &message) {
  std::fprintf(stderr, "error: %s\n", message.c_str());
  return 1;
}

ordered_json quoin::bench::readMetadata(const std::string &folder) {
  std::ifstream file(folder + "/model.json");
  return ordered_json::parse(file, nullptr, false);
}

double quoin::bench::peakOf(const ordered_json &metadata, const Machine &machine) {
  bool dot = metadata.value("arithmetic", "f32") == "bf16";
  return dot && machine.peakBf16 > 0 ? machine.peakBf16 : machine.peakF32;
}

void quoin::bench::addMachine(ordered_json &out, const Machine &machine, double peak) {
  ordered_json &to = out["machine"];
  to["cpu"] = machine.cpu;
  to["threads_" + std::to_string(machine.threads)] = {
      {"bandwidth", machine.bandwidth}, {"peak_f32", machine.peakF32}, {"peak_bf16", machine.peakBf16}};
  to["bandwidth"] = machine.bandwidth;
  to["peak"] = peak;
}

int quoin::bench::writeResults(const Options &options, const ordered_json &out) {
  if (options.json.empty())
    return 0;
  std::string error;
  return writeWholeFile(options.json, out.dump(1) + "\n", error) ? 0 : fail(error);
}

static int bench(const Options &options) {
  ordered_json meta = readMetadata(options.folder);
  return meta.is_object() && meta.contains("function") ? benchFunction(options) : benchModel(options);
}

int main(int argc, char **argv) {
  quoin::prepareTool();
  Options o;
  CLI::App app("Times a compiled program beside the roofline of this machine");
  app.add_option("OUT", o.folder, "folder of a compiled model or attention function");
  app.add_option("--rows", o.rows, "rows of a step")->delimiter(',')->check(CLI::Range(1, 100000));
  app.add_option("--prefix", o.prefix, "cached slots before them")->check(CLI::Range(0, 1 << 20));
  app.add_option("--lengths", o.lengths, "queries and keys of a function")
      ->delimiter(',')
      ->check(CLI::Range(1, 1 << 20));
  app.add_option("--symbol", o.symbols, "name=number or name=a/b of the length: a symbol of a function's mask");
  app.add_option("--documents", o.documents, "how many documents a function's labels tell apart")
      ->check(CLI::Range(1, 1 << 20));
  app.add_option("--threads", o.threads, "worker threads; default 1 and all cores")
      ->delimiter(',')
      ->check(CLI::Range(1, 1024));
  app.add_option("--json", o.json, "write the results there, too");
  app.add_option("--budget", o.budget, "seconds to spend on each time")->check(CLI::Range(0.01, 1000.0));
  app.add_option("--config", o.config, "config.json of a model to make up; with --random");
  app.add_option("--weights", o.weights, "weights of the made-up program, as for quoin-compile");
  app.add_option("--keep", o.keep, "folder to leave the made-up program in");
  app.add_flag("--random", o.random, "random weights");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &e) {
    if (e.get_exit_code() == 0)
      return app.exit(e);
    std::fprintf(stderr, "error: %s\n", e.what());
    return 2;
  }
  if (o.threads.empty())
    o.threads = defaultThreads();
  if (o.folder.empty() == o.config.empty() || o.config.empty() == o.random || (!o.keep.empty() && !o.random)) {
    std::fprintf(stderr, "error: expects a folder, or --config FILE with --random\n");
    return 2;
  }
  if (!o.random)
    return bench(o);
  std::string message;
  std::unique_ptr<RandomModel> model = RandomModel::compile(o.config, o.weights, o.keep, message);
  if (!model)
    return fail(message);
  o.folder = model->folder();
  return bench(o);
}
