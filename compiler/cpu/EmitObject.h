//===- EmitObject.h - from MLIR to an object file, in this process ----------===//
//
// The last step of the compiler: a module of scf, arith, math, vector, func and llvm becomes an object file, and that a
// shared object, without a compiler or a linker on the user's machine.
//
// The target is a triple and a *level* of features rather than one CPU: code for "x86-64-v4" runs on every machine with
// AVX-512 and is scheduled for the CPU that was named. What it needs is listed for the loader to check.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_COMPILER_CPU_EMITOBJECT_H
#define QUOIN_COMPILER_CPU_EMITOBJECT_H

#include "compiler/cpu/KernelBuilder.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Support/LLVM.h"
#include <optional>
#include <string>

namespace llvm {
class Module;
class TargetMachine;
} // namespace llvm

namespace quoin::cpu {

struct Target {
  std::string triple;
  std::string cpu;      ///< code may use what this one has
  std::string tune;     ///< code is scheduled for this one
  std::string features; ///< beyond the CPU's, as LLVM spells them ("+avx512bf16")
  std::string required; ///< what the loader must find, "avx512f,avx512bw"
  bool x86 = false;
  KernelOptions kernels; ///< what kernels may assume
};

/// `triple` is of x86-64 or AArch64 on Linux ("aarch64-linux-gnu"), empty for this machine. `name` is "native", which
/// another architecture has not, or a CPU that LLVM knows for the triple; empty is "native" or else "generic". A named
/// CPU is judged by its features, this machine also by how fast it is. The environment's QUOIN_CPU (x86-64, x86-64-v2,
/// -v3, -v4) makes "native" a machine of that level; another name there, or a level that this machine has not, is an
/// error. With `wholeNumbers` code may use what multiplies bytes besides, and needs it then.
std::optional<Target> makeTarget(llvm::StringRef name, std::string &error, bool wholeNumbers = false,
                                 llvm::StringRef triple = {});

/// What this machine (under QUOIN_CPU) lacks to run code for the target: a feature, or what is wrong; "" if it runs.
std::string missingHere(const Target &target);

/// Lowers everything that kernels and programs are made of to the LLVM dialect.
mlir::LogicalResult lowerToLLVM(mlir::ModuleOp module);

/// Makes all of LLVM's targets known, once.
void initialiseTargets();

/// Runs passes of LLVM's in the order of their spelling; false after an error.
bool optimise(llvm::Module &module, llvm::TargetMachine &machine, llvm::StringRef pipeline, std::string &error);

/// What a compilation is for: an object that runs as fast as it can, or one that is there soon. Their results are equal
/// bit for bit.
enum class Effort { speed, haste };

/// The object file's bytes, for a module in the LLVM dialect. Of what it defines, only the functions named in
/// `exported` are seen outside of the object, so that any number of objects link together. If `publicName` is not
/// empty, the one exported function is called so in the object.
std::optional<std::string> emitObject(mlir::ModuleOp module, const Target &target,
                                      llvm::ArrayRef<llvm::StringRef> exported, std::string &error,
                                      llvm::StringRef publicName = {}, Effort effort = Effort::speed);

/// The same in up to so many object files, which are made at once and are linked to each other alone: what they share
/// is hidden, not internal. They are the same on all machines.
std::optional<std::vector<std::string>> emitObjects(mlir::ModuleOp module, const Target &target,
                                                    llvm::ArrayRef<llvm::StringRef> exported, std::string &error,
                                                    llvm::StringRef publicName, Effort effort, size_t parts);

/// Links object files into a shared object; undefined symbols are errors. Safe to call from several threads.
bool linkShared(llvm::ArrayRef<std::string> objects, llvm::StringRef path, std::string &error);

} // namespace quoin::cpu

#endif
