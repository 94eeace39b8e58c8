// names.cpp: the headers of all programs in one C++ translation unit.
#include "parts.h"

#include <set>

extern "C" int count_queries();

int count_queries() {
  std::set<void (*)()> all;
#define ADD(folder, query) all.insert(reinterpret_cast<void (*)()>(query));
  MODELS(ADD)
  FUNCTIONS(ADD)
  return static_cast<int>(all.size());
}
