//===- Attention.cpp - our compiled attention beside Halide's --------------===//

#include "bench/kernels/Race.h"
#include <cstdio>

#ifndef QUOIN_HALIDE_KERNELS

void quoin::bench::raceAttention(double) {
  std::printf("Halide is not installed (scripts/deps.sh installs it where it can be had): no attention to race with\n");
}

#else

#include "compiler/driver/Compile.h"
#include "halide_attention_blocks.h"
#include "halide_attention_causal.h"
#include "halide_attention_full.h"
#include "halide_attention_window.h"
#include "tools/quoin-bench/FunctionTimer.h"
#include "tools/quoin-bench/TemporaryFolder.h"
#include <HalideBuffer.h>
#include <HalideRuntime.h>
#include <fstream>

using namespace quoin;
using namespace quoin::bench;

namespace {
constexpr int heads = 8, keyHeads = 2, headDim = 64;

struct Racer {
  const char *name, *mask;
  int (*halide)(halide_buffer_t *, halide_buffer_t *, halide_buffer_t *, halide_buffer_t *);
};
const Racer racers[] = {{"full", "(q, k) : k ge 0", halide_attention_full},
                        {"causal", "(q, k) : k le q", halide_attention_causal},
                        {"block-causal 32", "(q, k) : k floordiv 32 le q floordiv 32", halide_attention_blocks},
                        {"window 100", "(q, k) : k le q and q - k lt 100", halide_attention_window}};

std::string program(const char *mask) {
  std::string q = "tensor<?x8x64xf32>", k = "tensor<?x2x64xf32>";
  return "func.func @attention(%q: " + q + ", %k: " + k + ", %v: " + k + ") -> " + q +
         " {\n  %out = quoin.block_attention %q, %k, %v mask #quoin.mask<" + mask + "> scale 0.125 : " + q + ", " + k +
         ", " + k + "\n  return %out : " + q + "\n}\n";
}
} // namespace

void quoin::bench::raceAttention(double seconds) {
  std::string error;
  std::unique_ptr<TemporaryFolder> folder = TemporaryFolder::create(error);
  if (!folder)
    return;
  std::printf("%-16s %7s %7s %10s %10s %8s\n", "mask", "threads", "length", "ms", "Halide ms", "faster");
  for (const Racer &racer : racers) {
    CompileOptions options;
    options.input = folder->path("a.mlir");
    options.output = folder->path(racer.name);
    std::ofstream(options.input) << program(racer.mask);
    if (!quoin::compile(options, error)) {
      std::fprintf(stderr, "error: %s\n", error.c_str());
      return;
    }
    for (int threads : {1, 2})
      for (int length : {512, 2048, 4096}) {
        std::unique_ptr<CompiledFunction> ours = CompiledFunction::open(options.output, threads, error);
        if (!ours || !ours->prepare(length, {}, {}, error)) {
          std::fprintf(stderr, "error: %s\n", error.c_str());
          return;
        }
        std::vector<float> q(size_t(length) * heads * headDim, 0.1f), k(size_t(length) * keyHeads * headDim, 0.2f),
            v(k), out(q.size());
        Halide::Runtime::Buffer<float> hq(q.data(), headDim, heads, length), hk(k.data(), headDim, keyHeads, length),
            hv(v.data(), headDim, keyHeads, length), ho(out.data(), headDim, heads, length);
        halide_set_num_threads(threads);
        std::vector<double> times = race({[&] { ours->call(error); }, [&] { racer.halide(hq, hk, hv, ho); }}, seconds);
        std::printf("%-16s %7d %7d %10.2f %10.2f %8.2f\n", racer.name, threads, length, times[0] * 1e3, times[1] * 1e3,
                    times[1] / times[0]);
        std::fflush(stdout);
      }
  }
}

#endif
