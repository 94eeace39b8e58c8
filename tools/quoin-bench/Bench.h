//===- Bench.h - what can be timed, and how it is asked for ----------------===//

#ifndef QUOIN_TOOLS_BENCH_BENCH_H
#define QUOIN_TOOLS_BENCH_BENCH_H

#include "tools/quoin-bench/Machine.h"
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace quoin::bench {

struct Options {
  std::string folder, config, json, keep, weights = "keep";
  std::vector<int64_t> rows = {1, 4, 16, 32};
  std::vector<int> threads;
  int64_t prefix = 512;
  std::vector<int64_t> lengths = {2048, 4096};
  std::vector<std::string> symbols; // "name=7" or "name=1/2" of the length
  int64_t documents = 8;
  double budget = 2; // seconds for each time
  bool random = false;
};

/// Prints `message` and returns the exit status of a diagnosed error.
int fail(const std::string &message);

/// Adds what was measured of the machine for this many threads; `peak` is that of the artefact's arithmetic.
void addMachine(nlohmann::ordered_json &out, const Machine &machine, double peak);

/// Writes `out` where the options say, if they do; the exit status.
int writeResults(const Options &options, const nlohmann::ordered_json &out);

/// The metadata of an artefact; a discarded value if there is none.
nlohmann::ordered_json readMetadata(const std::string &folder);

/// The peak of the arithmetic that the artefact's metadata names: "arithmetic", f32 where it says nothing.
double peakOf(const nlohmann::ordered_json &metadata, const Machine &machine);

/// A step of a model, for each number of rows and threads.
int benchModel(const Options &options);

/// An attention function, for each length and number of threads, beside the same function under the mask that lets all
/// see all.
int benchFunction(const Options &options);

} // namespace quoin::bench

#endif
