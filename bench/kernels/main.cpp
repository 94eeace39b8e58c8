//===- main.cpp - bench-kernels: kernels of ours beside those of others ----===//
//
// bench-kernels [products|whole|attention|rows|scans] [SECONDS]: the packed product beside one written by hand
// (reference.h) and, where Halide is installed, product and attention beside Halide's; products of int8 and int4 beside
// bf16; row programs beside kernels written for one formula (HandWritten.h); recurrences beside the bytes that they
// touch. Each pair is called in turn in this process.
//
//===----------------------------------------------------------------------===//

#include "bench/kernels/Race.h"
#include <cstdio>
#include <cstdlib>
#include <cstring>

int main(int argc, char **argv) {
  const char *what = argc > 1 ? argv[1] : "all";
  double seconds = argc > 2 ? std::atof(argv[2]) : 0.3;
  bool all = !std::strcmp(what, "all"), products = all || !std::strcmp(what, "products"),
       attention = all || !std::strcmp(what, "attention"), rows = all || !std::strcmp(what, "rows"),
       scans = all || !std::strcmp(what, "scans"), whole = all || !std::strcmp(what, "whole");
  if (argc > 3 || seconds <= 0 || (!products && !whole && !attention && !rows && !scans)) {
    std::fprintf(stderr, "error: expects [all|products|whole|attention|rows|scans] [SECONDS]\n");
    return 2;
  }
  if (products)
    quoin::bench::raceProducts(seconds);
  if (whole)
    quoin::bench::raceWholeNumbers(seconds);
  if (attention)
    quoin::bench::raceAttention(seconds);
  if (rows)
    quoin::bench::raceRows(seconds);
  if (scans)
    quoin::bench::raceScans(seconds);
  return 0;
}
