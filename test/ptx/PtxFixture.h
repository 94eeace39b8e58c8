//===- PtxFixture.h - kernels in tests of the machine ------------------------===//

#ifndef QUOIN_TEST_PTX_PTXFIXTURE_H
#define QUOIN_TEST_PTX_PTXFIXTURE_H

#include "test/ptx/Machine.h"
#include <gtest/gtest.h>

namespace quoin::ptx::test {

inline constexpr Timing kTimings[] = {Timing::Late, Timing::Early, Timing::Random};

/// A module that must be one.
inline Module read(const std::string &text) {
  Diagnostic diagnostic;
  std::optional<Module> module = parse(text, diagnostic);
  EXPECT_TRUE(module) << diagnostic.line << ": " << diagnostic.text << "\n" << text;
  return module ? std::move(*module) : Module();
}

/// The whole of a kernel `k` with two pointers, `%in` and `%out`, and registers %h0.., %r0.., %d0.., %p0.. of 16, 32,
/// 64 bits and predicates. `%t` is the thread, `%at` its place in `out`, 16 bytes for each. The body begins at line 10.
inline std::string kernelOf(const std::string &body, unsigned threads = 32, const std::string &declarations = "") {
  return ".version 8.0\n.target sm_90a\n.address_size 64\n" + declarations +
         ".visible .entry k(.param .u64 in, .param .u64 out)\n.reqntid " + std::to_string(threads) +
         "\n{ .reg .pred %p<10>; .reg .b16 %h<10>; .reg .b32 %r<40>; .reg .b64 %d<10>;\n"
         ".reg .b32 %t; .reg .b64 %in; .reg .b64 %out; .reg .b64 %at;\n"
         "ld.param.b64 %in, [in]; ld.param.b64 %out, [out]; mov.b32 %t, %tid.x; mad.wide.u32 %at, %t, 16, %out;\n" +
         (declarations.empty() ? "\n" : "") + body + "\nret;\n}\n";
}

/// Runs such a kernel over `in`; what it leaves in `out`, 0xa5 where it wrote nothing.
template <typename T>
std::vector<T> run(const std::string &text, const std::vector<T> &in, size_t count, std::vector<Fault> &faults,
                   Launch launch = {}) {
  Module module = read(text);
  Machine machine(module);
  uint64_t from = machine.upload(in), to = machine.allocate(count * sizeof(T));
  launch.kernel = "k";
  launch.arguments = {argument(from), argument(to)};
  machine.launch(launch);
  faults = machine.faults();
  std::vector<T> out(count);
  machine.read(to, out.data(), count * sizeof(T));
  return out;
}

/// The same of a kernel without faults.
template <typename T>
std::vector<T> runRight(const std::string &text, const std::vector<T> &in, size_t count, Launch launch = {}) {
  std::vector<Fault> faults;
  std::vector<T> out = run(text, in, count, faults, launch);
  for (const Fault &each : faults)
    ADD_FAILURE() << each.text;
  return out;
}

} // namespace quoin::ptx::test

#endif
