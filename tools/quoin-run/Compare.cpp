// Compare.cpp: what another artefact gives for the same requests: how many tokens an approximation costs, and what it
// saves.

#include "QuoinRun.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdio>

using namespace quoin;
using json = nlohmann::ordered_json;

namespace {

/// Two answers to one request, or sums over all.
struct Comparison {
  size_t tokens = 0, differ = 0;
  int64_t first = -1; // generated tokens before the first that differs; -1: none does
  int64_t evaluations[2] = {}, forwards[2] = {}, rows[2] = {};
  double seconds[2] = {};
};

Comparison compare(const Outcome &ours, const Outcome &theirs) {
  Comparison c;
  size_t both = std::min(ours.ids.size(), theirs.ids.size());
  c.tokens = std::max(ours.ids.size(), theirs.ids.size());
  for (size_t i = 0; i < c.tokens; ++i) {
    bool same = i < both && ours.ids[i] == theirs.ids[i];
    c.differ += !same;
    if (!same && c.first < 0)
      c.first = static_cast<int64_t>(i);
  }
  for (int side : {0, 1}) {
    const Outcome &o = side ? theirs : ours;
    c.evaluations[side] = o.evaluations;
    c.forwards[side] = o.forwards;
    c.rows[side] = o.rows;
    c.seconds[side] = o.seconds;
  }
  return c;
}

json pair(const auto (&values)[2]) { return {values[0], values[1]}; }

json object(const Comparison &c) {
  return {{"tokens", c.tokens},
          {"differ", c.differ},
          {"first", c.first < 0 ? json() : json(c.first)},
          {"evaluations", pair(c.evaluations)},
          {"forwards", pair(c.forwards)},
          {"rows", pair(c.rows)},
          {"seconds", pair(c.seconds)}};
}

void print(size_t request, const Comparison &c) {
  std::printf("%7zu %8zu %8zu %8s %8lld %8lld %9lld %9lld\n", request, c.tokens, c.differ,
              c.first < 0 ? "-" : std::to_string(c.first).c_str(), static_cast<long long>(c.forwards[0]),
              static_cast<long long>(c.forwards[1]), static_cast<long long>(c.rows[0]),
              static_cast<long long>(c.rows[1]));
}

} // namespace

void quoin::compareArtefacts(quoin_context_t *context, const Options &options, std::vector<Request> requests) {
  Options other = options;
  other.out = options.against;
  std::vector<Outcome> ours = collect(context, options, requests), theirs = collect(context, other, requests);
  Comparison all;
  size_t changed = 0;
  if (!options.json)
    std::printf("%7s %8s %8s %8s %17s %19s\n", "request", "tokens", "differ", "first", "forwards: against",
                "rows: against");
  for (size_t i = 0; i < ours.size(); ++i) {
    Comparison c = compare(ours[i], theirs[i]);
    if (options.json)
      std::printf("%s\n", object(c).dump().c_str());
    else
      print(i, c);
    all.tokens += c.tokens;
    all.differ += c.differ;
    changed += c.first >= 0;
    if (c.first >= 0)
      all.first = all.first < 0 ? c.first : std::min(all.first, c.first);
    for (int side : {0, 1}) {
      all.evaluations[side] += c.evaluations[side];
      all.forwards[side] += c.forwards[side];
      all.rows[side] += c.rows[side];
      all.seconds[side] += c.seconds[side];
    }
  }
  if (options.json) {
    json summary = object(all);
    summary["requests"] = ours.size();
    summary["changed"] = changed;
    std::printf("%s\n", summary.dump().c_str());
    return;
  }
  auto share = [](double part, double whole) { return whole > 0 ? 100 * part / whole : 0.0; };
  std::printf(
      "%zu of %zu tokens differ (%.2f %%), in %zu of %zu requests; %lld forwards against %lld, rows of the model "
      "%lld against %lld (%.1f %%)\n",
      all.differ, all.tokens, share(double(all.differ), double(all.tokens)), changed, ours.size(),
      static_cast<long long>(all.forwards[0]), static_cast<long long>(all.forwards[1]),
      static_cast<long long>(all.rows[0]), static_cast<long long>(all.rows[1]),
      share(double(all.rows[0]), double(all.rows[1])));
}
