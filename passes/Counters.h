//===- Counters.h - what passes did, in numbers ----------------------------===//
//
// The distribution's MLIR has pass statistics compiled out, so passes count here: one number per pass and name, added
// to from any thread, printed by `quoin-opt --quoin-statistics` and written into `model.json`.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_PASSES_COUNTERS_H
#define QUOIN_PASSES_COUNTERS_H

#include "llvm/ADT/StringRef.h"
#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

namespace llvm {
class raw_ostream;
} // namespace llvm

namespace quoin {

/// A handle on a number of the registry. Cheap to copy; all handles of the same pass and name share it.
class Counter {
public:
  Counter(llvm::StringRef pass, llvm::StringRef name);
  Counter &operator+=(int64_t n) {
    *value += n;
    return *this;
  }
  Counter &operator++() { return *this += 1; }

private:
  std::atomic<int64_t> *value;
};

struct CounterValue {
  std::string pass, name;
  int64_t value = 0;
};

/// All counters so far, sorted by pass and name; those that are still 0 too.
std::vector<CounterValue> counterValues();
/// Sets all to 0, for the next compilation of the same process.
void resetCounters();
/// One line each: `pass name value`.
void printCounters(llvm::raw_ostream &os);

} // namespace quoin

#endif
