//===- EmitPtx.cpp - from MLIR to PTX, in this process ----------------------===//

#include "compiler/cuda/EmitPtx.h"
#include "compiler/cpu/EmitObject.h"
#include "compiler/cuda/DistributeLanes.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/IR/Verifier.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Target/TargetMachine.h"

using namespace mlir;

/// Kernels are written as they are meant to be, so what is left is to bring all into one function and to clean up.
static constexpr llvm::StringLiteral pipeline =
    "always-inline,globaldce,"
    "function(infer-address-spaces,sroa,early-cse<memssa>,simplifycfg,instcombine<no-verify-fixpoint>,"
    "loop-mssa(loop-rotate,licm),gvn,instcombine<no-verify-fixpoint>,dse,adce,simplifycfg)";

std::optional<std::string> quoin::cuda::emitPtx(ModuleOp module, ArrayRef<StringRef> kernels, std::string &error) {
  if (failed(cpu::lowerToLLVM(module))) {
    error = "the kernels cannot be lowered to LLVM";
    return std::nullopt;
  }
  registerBuiltinDialectTranslation(*module.getContext());
  registerLLVMDialectTranslation(*module.getContext());
  llvm::LLVMContext context;
  std::unique_ptr<llvm::Module> m = translateModuleToLLVMIR(module, context);
  if (!m) {
    error = "expects kernels in the LLVM dialect, but they did not translate";
    return std::nullopt;
  }
  cpu::initialiseTargets();
  llvm::Triple triple("nvptx64-nvidia-cuda");
  const llvm::Target *backend = llvm::TargetRegistry::lookupTarget(triple, error);
  if (!backend)
    return std::nullopt;
  std::unique_ptr<llvm::TargetMachine> machine(backend->createTargetMachine(
      triple, "sm_80", "+ptx80", {}, std::nullopt, std::nullopt, llvm::CodeGenOptLevel::Aggressive));
  m->setTargetTriple(triple);
  m->setDataLayout(machine->createDataLayout());
  for (llvm::Function &f : *m) {
    if (f.isDeclaration())
      continue;
    f.addFnAttr(llvm::Attribute::NoUnwind);
    if (llvm::is_contained(kernels, f.getName())) {
      f.setCallingConv(llvm::CallingConv::PTX_Kernel);
      f.addFnAttr("nvvm.reqntid", std::to_string(teamThreads));
      continue;
    }
    f.setLinkage(llvm::GlobalValue::InternalLinkage);
    f.removeFnAttr(llvm::Attribute::NoInline);
    f.addFnAttr(llvm::Attribute::AlwaysInline);
  }
  llvm::raw_string_ostream errors(error);
  if (llvm::verifyModule(*m, &errors) || !cpu::optimise(*m, *machine, pipeline, error))
    return std::nullopt;
  llvm::SmallString<0> text;
  llvm::raw_svector_ostream os(text);
  llvm::legacy::PassManager codegen;
  if (machine->addPassesToEmitFile(codegen, os, nullptr, llvm::CodeGenFileType::AssemblyFile)) {
    error = "expects an LLVM that writes PTX, but this one does not";
    return std::nullopt;
  }
  codegen.run(*m);
  return std::string(text);
}
