//===- LoadModule.cpp - parses a module and reads its weights --------------===//

#include "QuoinInterpret.h"
#include "dialects/stage/StageDialect.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/InitAllDialects.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Support/FileUtilities.h"
#include "support/FileKinds.h"
#include "support/NestedText.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace mlir;
using namespace quoin;

LoadedProgram::LoadedProgram() : handler(sources, &context) {
  // All of upstream, so that a module with ops that the interpreter does not know gets its diagnostic and not a
  // parser's.
  DialectRegistry registry;
  registerAllDialects(registry);
  registry.insert<QuoinDialect, stage::StageDialect>();
  context.appendDialectRegistry(registry);
  context.printOpOnDiagnostic(false);
}

/// A relative `quoin.source` is relative to the module's file, or else to the working directory.
static std::string resolveSource(ModuleOp module, StringRef file) {
  auto attr = module->getAttrOfType<StringAttr>(module_attr::source);
  if (!attr)
    return llvm::sys::path::parent_path(file).str();
  SmallString<128> beside(llvm::sys::path::parent_path(file));
  llvm::sys::path::append(beside, attr.getValue());
  bool useAttr = llvm::sys::path::is_absolute(attr.getValue()) || !llvm::sys::fs::exists(beside);
  return useAttr ? attr.str() : beside.str().str();
}

std::unique_ptr<LoadedProgram> LoadedProgram::load(const std::string &file) {
  std::unique_ptr<LoadedProgram> result(new LoadedProgram());
  std::string error;
  if (llvm::sys::fs::is_directory(file))
    error = "expects a .mlir file, but it is a folder (quoin-import writes a checkpoint as one)";
  else if (std::string kind = fileKindOf(file); !kind.empty())
    error = "expects a .mlir file, but it is " + kind;
  auto text = error.empty() ? openInputFile(file, &error) : nullptr;
  if (text)
    error = programTooDeep(text->getBuffer());
  if (!error.empty()) {
    llvm::errs() << "error: " << file << ": " << error << "\n";
    return nullptr;
  }
  result->sources.AddNewSourceBuffer(std::move(text), llvm::SMLoc());
  result->module = parseSourceFile<ModuleOp>(result->sources, ParserConfig(&result->context));
  if (!result->module)
    return nullptr;
  result->source = resolveSource(*result->module, file);
  result->loaded = ref::Program::load(*result->module, {result->source});
  return result->loaded ? std::move(result) : nullptr;
}
