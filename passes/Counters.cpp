//===- Counters.cpp - the registry of counters -----------------------------===//

#include "passes/Counters.h"
#include "llvm/Support/raw_ostream.h"
#include <map>
#include <mutex>

using namespace quoin;

namespace {
struct Registry {
  std::mutex mutex;
  /// Nodes of a map stay where they are.
  std::map<std::pair<std::string, std::string>, std::atomic<int64_t>> values;
};
} // namespace

static Registry &registry() {
  static Registry r;
  return r;
}

Counter::Counter(llvm::StringRef pass, llvm::StringRef name) {
  std::lock_guard<std::mutex> lock(registry().mutex);
  value = &registry().values[{pass.str(), name.str()}];
}

std::vector<CounterValue> quoin::counterValues() {
  std::lock_guard<std::mutex> lock(registry().mutex);
  std::vector<CounterValue> r;
  for (const auto &[key, value] : registry().values)
    r.push_back({key.first, key.second, value});
  return r;
}

void quoin::resetCounters() {
  std::lock_guard<std::mutex> lock(registry().mutex);
  for (auto &[key, value] : registry().values)
    value = 0;
}

void quoin::printCounters(llvm::raw_ostream &os) {
  for (const CounterValue &c : counterValues())
    os << c.pass << ' ' << c.name << ' ' << c.value << '\n';
}
