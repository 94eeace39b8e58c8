// arithmetic.h: the floating-point environment that programs are compiled for, whatever the host has set.
#ifndef QUOIN_RUNTIME_ARITHMETIC_H
#define QUOIN_RUNTIME_ARITHMETIC_H

#include <cfenv>

namespace quoin::rt {

/// While it lives, this thread rounds to nearest, keeps subnormal numbers and traps nothing; then it is as before. A
/// row's bits would depend on the host otherwise, and on which thread it falls to: threads inherit what their maker
/// had.
class DefaultArithmetic {
public:
  DefaultArithmetic() {
    std::fegetenv(&host);
    std::fesetenv(FE_DFL_ENV);
  }
  ~DefaultArithmetic() { std::fesetenv(&host); }
  DefaultArithmetic(const DefaultArithmetic &) = delete;
  DefaultArithmetic &operator=(const DefaultArithmetic &) = delete;

private:
  std::fenv_t host;
};

} // namespace quoin::rt

#endif
