//===- EmitObject.cpp - lowering, optimisation and code generation ---------===//

#include "compiler/cpu/EmitObject.h"
#include "compiler/cpu/ModuleParts.h"
#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/FuncToLLVM/ConvertFuncToLLVMPass.h"
#include "mlir/Conversion/IndexToLLVM/IndexToLLVM.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Conversion/ReconcileUnrealizedCasts/ReconcileUnrealizedCasts.h"
#include "mlir/Conversion/SCFToControlFlow/SCFToControlFlow.h"
#include "mlir/Conversion/VectorToLLVM/ConvertVectorToLLVMPass.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "mlir/Transforms/Passes.h"
#include "support/PeakLoops.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/IR/Verifier.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/TargetParser/Host.h"
#include <cstdlib>

using namespace mlir;
using namespace quoin::cpu;

void quoin::cpu::initialiseTargets() {
  static bool done = [] {
    llvm::InitializeAllTargets();
    llvm::InitializeAllTargetMCs();
    llvm::InitializeAllAsmPrinters();
    return true;
  }();
  (void)done;
}

/// The levels of x86-64's ABI document, best first, and what each adds that a loader should test.
static const struct {
  const char *cpu;
  int64_t registers, registerLanes; ///< of f32
  std::initializer_list<const char *> features;
} x86Levels[] = {
    {"x86-64-v4",
     32,
     16,
     {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl", "avx2", "fma", "f16c", "bmi", "bmi2", "lzcnt", "movbe",
      "popcnt"}},
    {"x86-64-v3", 16, 8, {"avx2", "fma", "f16c", "bmi", "bmi2", "lzcnt", "movbe", "popcnt"}},
    {"x86-64-v2", 16, 4, {"sse4.2", "popcnt"}},
    {"x86-64", 16, 4, {}},
};

/// Whether this machine multiplies pairs of bf16 faster than it would in f32. No feature says so, and LLVM's models of
/// the CPUs are wrong about it; the two rates are a factor of two apart, one way or the other, so a millisecond
/// decides.
static bool pairsAreFast() {
  static const bool fast = [] {
    double pairs = 0, wide = 0;
    for (int repeat = 0; repeat < 8; ++repeat) {
      pairs = std::max(pairs, quoin::peakOfBf16Pairs(5000));
      wide = std::max(wide, quoin::peakOfF32(5000));
    }
    return pairs > wide;
  }();
  return fast;
}

using Subtarget = std::unique_ptr<llvm::MCSubtargetInfo>;

/// What this machine has, or the level of it that QUOIN_CPU names; null after an error.
static Subtarget thisMachine(const llvm::Target &backend, const llvm::Triple &triple, std::string &error) {
  // A hypervisor may hide features that the CPU's name promises: believe the machine.
  std::string spelled;
  for (const auto &[feature, present] : llvm::sys::getHostCPUFeatures())
    spelled += (spelled.empty() ? "" : ",") + std::string(present ? "+" : "-") + feature.str();
  Subtarget machine(backend.createMCSubtargetInfo(triple, llvm::sys::getHostCPUName(), spelled));
  const char *wanted = std::getenv("QUOIN_CPU");
  if (!wanted || !*wanted)
    return machine;
  if (!triple.isX86()) {
    error = "expects no QUOIN_CPU, since levels are those of x86-64, but found '" + std::string(wanted) + "'";
    return nullptr;
  }
  for (const auto &level : x86Levels) {
    if (StringRef(level.cpu) != wanted)
      continue;
    for (const char *f : level.features)
      if (!machine->checkFeatures(std::string("+") + f)) {
        error = "expects QUOIN_CPU to be a level of this machine, but '" + std::string(wanted) + "' needs '" + f +
                "', which it lacks";
        return nullptr;
      }
    return Subtarget(backend.createMCSubtargetInfo(triple, level.cpu, ""));
  }
  error = "expects QUOIN_CPU to be x86-64, x86-64-v2, x86-64-v3 or x86-64-v4, but found '" + std::string(wanted) + "'";
  return nullptr;
}

std::string quoin::cpu::missingHere(const Target &target) {
  initialiseTargets();
  std::string error;
  llvm::Triple triple(llvm::sys::getDefaultTargetTriple());
  const llvm::Target *backend = llvm::TargetRegistry::lookupTarget(triple, error);
  Subtarget machine = backend ? thisMachine(*backend, triple, error) : nullptr;
  if (!machine)
    return error;
  if (llvm::Triple(target.triple).getArch() != triple.getArch())
    return target.triple;
  for (StringRef feature : llvm::split(target.required, ","))
    if (!feature.empty() && !machine->checkFeatures(("+" + feature).str()))
      return feature.str();
  return "";
}

/// Products of bytes as the level has them, or as a feature beyond it.
static void chooseByteProducts(Target &t, const llvm::MCSubtargetInfo &machine, bool wholeNumbers) {
  bool wide = t.cpu == "x86-64-v4";
  if (wide || t.cpu == "x86-64-v3" || t.cpu == "x86-64-v2")
    t.kernels.bytes = ByteProducts::Pairs;
  const char *feature = wide ? "avx512vnni" : "avxvnni";
  if (!wholeNumbers || (!wide && t.cpu != "x86-64-v3") || !machine.checkFeatures(std::string("+") + feature))
    return;
  t.kernels.bytes = ByteProducts::Fours;
  t.features += (t.features.empty() ? "+" : ",+") + std::string(feature);
  t.required += "," + std::string(feature);
}

/// What was asked for, or this machine; none after an error.
static std::optional<llvm::Triple> chooseTriple(StringRef wanted, std::string &error) {
  llvm::Triple here(llvm::sys::getDefaultTargetTriple());
  if (wanted.empty())
    return here;
  llvm::Triple triple(llvm::Triple::normalize(wanted));
  bool known = triple.getArch() == llvm::Triple::x86_64 || triple.getArch() == llvm::Triple::aarch64;
  if (known && triple.isOSLinux() && triple.isOSBinFormatELF() && triple.getEnvironment() == llvm::Triple::GNU)
    return triple.getArch() == here.getArch() && here.isOSLinux() ? here : triple;
  error = "expects --target to be cuda, x86_64-linux-gnu or aarch64-linux-gnu, but found '" + wanted.str() + "'";
  return std::nullopt;
}

/// All of AArch64 has NEON, 32 registers of 4 floats. Code may use what else the CPU has of what a loader can test.
static void chooseArm(Target &t, const llvm::MCSubtargetInfo &machine, bool wholeNumbers) {
  t.cpu = "generic";
  t.required = "neon";
  t.kernels.arm = true;
  t.kernels.registers = 32;
  t.kernels.registerLanes = 4;
  auto use = [&](const char *feature) {
    if (!machine.checkFeatures(std::string("+") + feature))
      return false;
    t.features += (t.features.empty() ? "+" : ",+") + std::string(feature);
    t.required += "," + std::string(feature);
    return true;
  };
  use("lse");
  if (wholeNumbers && use("i8mm"))
    t.kernels.bytes = ByteProducts::Fours;
}

std::optional<Target> quoin::cpu::makeTarget(StringRef name, std::string &error, bool wholeNumbers, StringRef wanted) {
  initialiseTargets();
  Target t;
  std::optional<llvm::Triple> chosen = chooseTriple(wanted, error);
  if (!chosen)
    return std::nullopt;
  const llvm::Triple &triple = *chosen;
  bool here = triple.getArch() == llvm::Triple(llvm::sys::getDefaultTargetTriple()).getArch();
  if (name.empty())
    name = here ? "native" : "generic";
  if (name == "native" && !here) {
    error = "expects --target-cpu to name a CPU of " + triple.str() + ", but found 'native', which is of " +
            llvm::sys::getDefaultTargetTriple();
    return std::nullopt;
  }
  t.triple = triple.str();
  t.x86 = triple.isX86();
  t.tune = name == "native" ? llvm::sys::getHostCPUName().str() : name.str();
  const llvm::Target *target = llvm::TargetRegistry::lookupTarget(triple, error);
  if (!target)
    return std::nullopt;
  Subtarget known(target->createMCSubtargetInfo(triple, "", ""));
  if (!known || !known->isCPUStringValid(t.tune)) {
    error = "expects a CPU that LLVM knows, but '" + t.tune + "' is none for " + t.triple;
    return std::nullopt;
  }
  Subtarget machine = name == "native" ? thisMachine(*target, triple, error)
                                       : Subtarget(target->createMCSubtargetInfo(triple, t.tune, ""));
  if (!machine)
    return std::nullopt;
  t.kernels.x86 = t.x86;
  t.kernels.half = !t.x86 || machine->checkFeatures("+f16c");
  if (triple.isAArch64()) {
    chooseArm(t, *machine, wholeNumbers);
    return t;
  }
  if (!t.x86) {
    t.cpu = t.tune;
    t.kernels.registerLanes = 4;
    return t;
  }
  t.cpu = "x86-64";
  for (const auto &level : x86Levels) {
    if (!llvm::all_of(level.features, [&](const char *f) { return machine->checkFeatures(std::string("+") + f); }))
      continue;
    t.cpu = level.cpu;
    for (const char *f : level.features)
      t.required += (t.required.empty() ? "" : ",") + std::string(f);
    t.kernels.narrow = StringRef(level.cpu) == "x86-64-v4" && machine->checkFeatures("+avx512bf16");
    t.kernels.registers = level.registers;
    t.kernels.registerLanes = level.registerLanes;
    break;
  }
  if (t.kernels.narrow) {
    t.kernels.brain = name != "native" || pairsAreFast();
    t.features = "+avx512bf16";
    t.required += ",avx512bf16";
  }
  chooseByteProducts(t, *machine, wholeNumbers);
  return t;
}

LogicalResult quoin::cpu::lowerToLLVM(ModuleOp module) {
  PassManager pm(module.getContext());
  // LLVM's own verifier looks at what comes out.
  pm.enableVerifier(false);
  // Functions are lowered at once.
  OpPassManager &each = pm.nestAny();
  each.addPass(createSCFToControlFlowPass());
  ConvertVectorToLLVMPassOptions vectors;
  vectors.x86Vector = true;
  each.addPass(createConvertVectorToLLVMPass(vectors));
  each.addPass(createConvertMathToLLVMPass());
  each.addPass(createConvertIndexToLLVMPass());
  each.addPass(createArithToLLVMConversionPass());
  pm.addPass(createConvertFuncToLLVMPass());
  pm.addPass(createConvertControlFlowToLLVMPass());
  pm.addPass(createReconcileUnrealizedCastsPass());
  return pm.run(module);
}

/// Kernels are written as vectors and unrolled as far as registers last: what is left to do is to clean up. O3 would
/// take three times as long, and its unroller would grow loops that run a few times (docs/Rationale.md).
static constexpr llvm::StringLiteral inlineCalls = "cgscc(inline),globaldce";
static constexpr llvm::StringLiteral cleanUp =
    "function(sroa,early-cse<memssa>,simplifycfg,instcombine<no-verify-fixpoint>,loop-mssa(loop-rotate,licm),gvn,"
    "instcombine<no-verify-fixpoint>,dse,adce,simplifycfg)";

bool quoin::cpu::optimise(llvm::Module &m, llvm::TargetMachine &machine, StringRef pipeline, std::string &error) {
  llvm::LoopAnalysisManager lam;
  llvm::FunctionAnalysisManager fam;
  llvm::CGSCCAnalysisManager cgam;
  llvm::ModuleAnalysisManager mam;
  llvm::PassBuilder builder(&machine);
  builder.registerModuleAnalyses(mam);
  builder.registerCGSCCAnalyses(cgam);
  builder.registerFunctionAnalyses(fam);
  builder.registerLoopAnalyses(lam);
  builder.crossRegisterProxies(lam, fam, cgam, mam);
  llvm::ModulePassManager passes;
  if (llvm::Error failed = builder.parsePassPipeline(passes, pipeline)) {
    error = llvm::toString(std::move(failed));
    return false;
  }
  passes.run(m, mam);
  return true;
}

/// Makes everything internal but what is exported, and gives that its public name.
static void hideSymbols(llvm::Module &m, ArrayRef<StringRef> exported, StringRef publicName) {
  for (llvm::GlobalValue &symbol : m.global_values())
    if (!symbol.isDeclaration() && !symbol.hasAppendingLinkage() && !llvm::is_contained(exported, symbol.getName()))
      symbol.setLinkage(llvm::GlobalValue::InternalLinkage);
  if (publicName.empty() || publicName == exported.front())
    return;
  // What has that name inside is called otherwise from now on.
  if (llvm::GlobalValue *inside = m.getNamedValue(publicName))
    inside->setName(publicName + ".internal");
  m.getNamedValue(exported.front())->setName(publicName);
}

/// Cleans up what functions are made of and writes their code.
static bool generate(llvm::Module &m, llvm::TargetMachine &machine, std::string &object, std::string &error) {
  if (!optimise(m, machine, cleanUp, error))
    return false;
  llvm::SmallVector<char, 0> bytes;
  llvm::raw_svector_ostream os(bytes);
  llvm::legacy::PassManager codegen;
  if (machine.addPassesToEmitFile(codegen, os, nullptr, llvm::CodeGenFileType::ObjectFile)) {
    error = "expects a target that emits objects, but " + machine.getTargetTriple().str() + " does not";
    return false;
  }
  codegen.run(m);
  object.assign(bytes.begin(), bytes.end());
  return true;
}

std::optional<std::string> quoin::cpu::emitObject(ModuleOp module, const Target &target, ArrayRef<StringRef> exported,
                                                  std::string &error, StringRef publicName, Effort effort) {
  auto objects = emitObjects(module, target, exported, error, publicName, effort, /*parts=*/1);
  if (!objects)
    return std::nullopt;
  return std::move(objects->front());
}

std::optional<std::vector<std::string>> quoin::cpu::emitObjects(ModuleOp module, const Target &target,
                                                                ArrayRef<StringRef> exported, std::string &error,
                                                                StringRef publicName, Effort effort, size_t parts) {
  initialiseTargets();
  registerBuiltinDialectTranslation(*module.getContext());
  registerLLVMDialectTranslation(*module.getContext());
  llvm::LLVMContext context;
  std::unique_ptr<llvm::Module> m = translateModuleToLLVMIR(module, context);
  if (!m) {
    error = "expects a module in the LLVM dialect, but it did not translate";
    return std::nullopt;
  }
  llvm::Triple triple(target.triple);
  const llvm::Target *backend = llvm::TargetRegistry::lookupTarget(triple, error);
  if (!backend)
    return std::nullopt;
  llvm::TargetOptions options;
  // A short loop that lies across two lines of the cache of decoded instructions takes up to twice the time.
  options.LoopAlignment = 64;
  auto newMachine = [&] {
    return std::unique_ptr<llvm::TargetMachine>(backend->createTargetMachine(
        triple, target.cpu, target.features, options, llvm::Reloc::PIC_, std::nullopt,
        effort == Effort::speed ? llvm::CodeGenOptLevel::Aggressive : llvm::CodeGenOptLevel::None));
  };
  std::unique_ptr<llvm::TargetMachine> machine = newMachine();
  m->setTargetTriple(triple);
  m->setDataLayout(machine->createDataLayout());
  m->setPICLevel(llvm::PICLevel::BigPIC);
  for (llvm::Function &f : *m) {
    if (f.isDeclaration())
      continue;
    f.addFnAttr("target-cpu", target.cpu);
    f.addFnAttr("tune-cpu", target.tune);
    if (!target.features.empty())
      f.addFnAttr("target-features", target.features);
    // Some Intel CPUs would split our vectors in two otherwise.
    f.addFnAttr("prefer-vector-width", "512");
    f.addFnAttr("min-legal-vector-width", "512");
    // A loop that looks like memset or memcpy must not become a call: the object has no library.
    f.addFnAttr("no-builtins");
    f.addFnAttr(llvm::Attribute::NoUnwind);
  }
  hideSymbols(*m, exported, publicName);
  llvm::raw_string_ostream errors(error);
  if (llvm::verifyModule(*m, &errors))
    return std::nullopt;
  if (!optimise(*m, *machine, inlineCalls, error))
    return std::nullopt;
  return objectsOf(
      *m, parts,
      [&](llvm::Module &part, std::string &object, std::string &message) {
        return generate(part, *newMachine(), object, message);
      },
      error);
}
