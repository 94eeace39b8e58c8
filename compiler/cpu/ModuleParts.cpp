//===- ModuleParts.cpp - a module cut into parts, each with its own thread --===//

#include "compiler/cpu/ModuleParts.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Bitcode/BitcodeReader.h"
#include "llvm/Bitcode/BitcodeWriter.h"
#include "llvm/Support/raw_ostream.h"
#include <algorithm>
#include <thread>

using namespace quoin::cpu;
using Parts = llvm::StringMap<size_t>;

/// The part of each function: the largest first, to the part that has the least. Variables are in the first part.
static Parts deal(const llvm::Module &module, size_t parts) {
  std::vector<std::pair<int64_t, llvm::StringRef>> functions;
  for (const llvm::Function &f : module)
    if (!f.isDeclaration())
      functions.emplace_back(-static_cast<int64_t>(f.getInstructionCount()), f.getName());
  llvm::sort(functions);
  Parts part;
  std::vector<int64_t> sizes(std::min(parts, functions.size()));
  for (auto [size, name] : functions) {
    auto least = std::min_element(sizes.begin(), sizes.end());
    *least -= size;
    part[name] = static_cast<size_t>(least - sizes.begin());
  }
  return part;
}

/// Lets the parts see each other's symbols.
static void hide(llvm::Module &module) {
  for (llvm::GlobalValue &symbol : module.global_values())
    if (symbol.hasLocalLinkage()) {
      symbol.setLinkage(llvm::GlobalValue::ExternalLinkage);
      symbol.setVisibility(llvm::GlobalValue::HiddenVisibility);
      symbol.setDSOLocal(true);
    }
}

/// Leaves of a copy of the module what is in one part; the rest is declared.
static void keep(llvm::Module &copy, const Parts &parts, size_t part) {
  for (llvm::Function &f : copy)
    if (!f.isDeclaration() && parts.lookup(f.getName()) != part)
      f.deleteBody();
  if (part == 0)
    return;
  for (llvm::GlobalVariable &g : copy.globals()) {
    g.setInitializer(nullptr);
    g.setLinkage(llvm::GlobalValue::ExternalLinkage);
  }
}

std::optional<std::vector<std::string>> quoin::cpu::objectsOf(llvm::Module &module, size_t parts, MakeObject make,
                                                              std::string &error) {
  Parts of = deal(module, parts);
  parts = 1;
  for (const auto &entry : of)
    parts = std::max(parts, entry.second + 1);
  std::vector<std::string> objects(parts), errors(parts);
  if (parts == 1) {
    if (!make(module, objects[0], error))
      return std::nullopt;
    return objects;
  }
  hide(module);
  llvm::SmallVector<char, 0> bitcode;
  llvm::raw_svector_ostream os(bitcode);
  llvm::WriteBitcodeToFile(module, os);
  // A thread's module is in a context of its own.
  auto run = [&](size_t part) {
    llvm::LLVMContext context;
    llvm::StringRef bytes(bitcode.data(), bitcode.size());
    auto copy = llvm::parseBitcodeFile(llvm::MemoryBufferRef(bytes, "part"), context);
    if (!copy) {
      errors[part] = llvm::toString(copy.takeError());
      return;
    }
    keep(**copy, of, part);
    if (!make(**copy, objects[part], errors[part]) && errors[part].empty())
      errors[part] = "expects an object file, but none was made";
  };
  std::vector<std::thread> others;
  for (size_t part = 1; part < parts; ++part)
    others.emplace_back(run, part);
  run(0);
  for (std::thread &thread : others)
    thread.join();
  for (const std::string &said : errors)
    if (!said.empty()) {
      error = said;
      return std::nullopt;
    }
  return objects;
}
