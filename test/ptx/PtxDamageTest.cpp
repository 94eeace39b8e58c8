//===- PtxDamageTest.cpp - kernels that were right but for a word ------------===//
//
// A test program of its own, since it runs under the sanitizers, too: whatever a text says, the machine neither crashes
// nor runs for ever.
//
//===----------------------------------------------------------------------===//

#include "test/ptx/PtxKernels.h"
#include <algorithm>

namespace quoin::ptx::test::kernels {

/// Kernels in which words have changed places: refused, faulty or right, but they end.
TEST(PtxDamage, DamagedOnesEnd) {
  std::mt19937 random(4);
  unsigned ran = 0;
  for (const char *kernel : {"norm", "mma", "wgmma"}) {
    std::string whole = textOf(kernel, {});
    std::vector<std::pair<size_t, size_t>> words;
    for (size_t at = whole.find('{'); at < whole.size();) {
      size_t end = whole.find_first_of(" \t\n,;[]{}", at);
      end = std::min(end, whole.size());
      if (end > at)
        words.push_back({at, end - at});
      at = end + 1;
    }
    for (int i = 0; i < 40; ++i) {
      std::string text = whole;
      auto [at, length] = words[random() % words.size()];
      auto [from, count] = words[random() % words.size()];
      std::string other = whole.substr(from, count);
      if (random() % 3 == 0)
        other = std::to_string(random() % 3 ? random() % 70 : random());
      text.replace(at, length, other);
      Diagnostic diagnostic;
      std::optional<Module> module = parse(text, diagnostic);
      if (!module || !module->kernel(kernel))
        continue;
      ++ran;
      runKernel(*module, kernel, false, kTimings[i % 3], uint64_t(i), 3000);
    }
  }
  EXPECT_GT(ran, 10u);
}

} // namespace quoin::ptx::test::kernels
