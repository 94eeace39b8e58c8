//===- RowCut.cpp - cuts and prefixes: their values and texts --------------===//

#include "passes/MaskFacts.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/raw_ostream.h"
#include <algorithm>

using namespace quoin;

int64_t RowCut::evaluate(int64_t d, llvm::ArrayRef<int64_t> sharedValues) const {
  int64_t start = offset + (shared < 0 ? 0 : sharedValues[shared]), r = 0;
  switch (kind) {
  case Kind::Nothing:
    return 0;
  case Kind::Aligned:
    return d - floorModulo(d, block);
  case Kind::Guarded:
    r = d < start ? 0 : d - floorModulo(d - start, block);
    break;
  case Kind::Clipped:
    r = std::min(d, start);
    r -= floorModulo(r, block);
    break;
  case Kind::Steps: {
    auto above = std::upper_bound(starts.begin(), starts.end(), d);
    return above == starts.begin() ? 0 : above[-1];
  }
  }
  return std::max<int64_t>(r, 0);
}

static void printSum(llvm::raw_ostream &os, bool named, llvm::StringRef name, int64_t offset) {
  if (!named)
    os << offset;
  else if (offset < 0)
    os << name << " - " << -offset;
  else if (offset > 0)
    os << name << " + " << offset;
  else
    os << name;
}

std::string RowCut::print() const {
  std::string text, start;
  llvm::raw_string_ostream os(text), ss(start);
  printSum(ss, shared >= 0, "s" + std::to_string(shared), offset);
  std::string by = std::to_string(block);
  switch (kind) {
  case Kind::Nothing:
    os << "0";
    break;
  case Kind::Aligned:
    os << "d";
    break;
  case Kind::Guarded:
    os << "d ge " << start << " ? " << (block == 1 ? "d" : start + " + (d - (" + start + "))");
    break;
  case Kind::Clipped:
    os << "min(d, " << start << ")";
    break;
  case Kind::Steps:
    os << "the last of ";
    llvm::interleaveComma(starts, os);
    os << " up to d";
    break;
  }
  if (kind != Kind::Nothing && block != 1)
    os << " floordiv " << by << " * " << by;
  if (kind == Kind::Guarded)
    os << " : 0";
  return text;
}

int64_t StablePrefix::evaluate(llvm::ArrayRef<int64_t> symbols) const {
  switch (kind) {
  case Kind::Nothing:
    return 0;
  case Kind::All:
    return INT64_MAX;
  case Kind::Symbol:
    break;
  }
  return symbols[symbol] + offset;
}

std::string StablePrefix::print(const BlockMask &mask) const {
  std::string text;
  llvm::raw_string_ostream os(text);
  if (kind == Kind::Symbol)
    printSum(os, true, mask.symbols()[symbol], offset);
  else
    os << (kind == Kind::All ? "all" : "0");
  return text;
}
