//===- Tolerances.h - the table of tolerances for C++ tests ----------------===//

#ifndef QUOIN_TEST_LIB_TOLERANCES_H
#define QUOIN_TEST_LIB_TOLERANCES_H

namespace quoin::tolerance {
#define QUOIN_TOLERANCE(name, value, meaning) inline constexpr double name = value;
#include "test/lib/Tolerances.def"
#undef QUOIN_TOLERANCE
} // namespace quoin::tolerance

#endif
