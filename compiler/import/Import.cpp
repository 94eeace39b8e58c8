//===- Import.cpp - from a checkpoint's folder to a module -----------------===//

#include "compiler/import/Import.h"
#include "compiler/import/DecoderCatalogue.h"
#include "compiler/import/Decoders.h"
#include "compiler/import/InputKind.h"
#include "compiler/import/ModelText.h"
#include "dialects/quoin/QuoinDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Parser/Parser.h"
#include <filesystem>

using namespace mlir;
using namespace quoin;
namespace fs = std::filesystem;

/// The attributes that let the module run alone.
static std::string moduleAttributes(const Architecture &a, const ImportOptions &options) {
  std::error_code ignored;
  std::string source = options.source;
  if (source.empty())
    source = fs::weakly_canonical(fs::absolute(options.directory, ignored), ignored).string();
  std::string text =
      "quoin.architecture = " + mlirString(a.name) + ", quoin.source = " + mlirString(source) + ",\n    ";
  text += "quoin.vocabulary = " + std::to_string(a.vocabulary) + " : index, ";
  text += "quoin.capacity = " + std::to_string(a.capacity) + " : index, ";
  if (a.fill)
    text += "quoin.fill = " + std::to_string(*a.fill) + " : i32, ";
  std::string stop;
  for (int32_t id : a.stop)
    stop += (stop.empty() ? ": " : ", ") + std::to_string(id);
  return text + "quoin.stop = array<i32" + stop + ">";
}

std::optional<std::string> quoin::importText(const ImportOptions &options, std::string &error) {
  error.clear();
  error = whyNoCheckpoint(options.directory);
  if (!error.empty())
    return std::nullopt;
  std::optional<Architecture> a = readArchitecture(options.directory, options.architecture, error);
  if (!a)
    return std::nullopt;
  std::vector<std::string> names = options.decoders;
  if (names.empty())
    names.push_back(a->defaultDecoder);
  ProgramText program;
  DecoderContext context{a->capacity, a->block, a->fill.has_value()};
  if (!addDecoders(names, options.settings, context, program, error))
    return std::nullopt;
  std::optional<CheckpointFiles> files = CheckpointFiles::open(options.directory, error);
  if (!files)
    return std::nullopt;
  std::optional<std::string> model = modelText(*a, *files, options.warn, error);
  if (!model)
    return std::nullopt;
  return program.aliases() + "\nmodule attributes {\n    " + moduleAttributes(*a, options) + "} {\n\n" +
         indent(program.operations() + "\n" + *model, 2) + "\n}\n";
}

OwningOpRef<ModuleOp> quoin::parseImported(MLIRContext &context, std::string_view text, std::string &error) {
  context.loadDialect<QuoinDialect, arith::ArithDialect, cf::ControlFlowDialect, func::FuncDialect, math::MathDialect,
                      scf::SCFDialect, tensor::TensorDialect>();
  error.clear();
  ScopedDiagnosticHandler keep(&context, [&](Diagnostic &diagnostic) {
    if (error.empty() && diagnostic.getSeverity() == DiagnosticSeverity::Error) {
      llvm::raw_string_ostream os(error);
      os << diagnostic.getLocation() << ": " << diagnostic;
    }
    return success();
  });
  return parseSourceString<ModuleOp>(text, ParserConfig(&context), "model.mlir");
}

OwningOpRef<ModuleOp> quoin::importCheckpoint(MLIRContext &context, const ImportOptions &options, std::string &error) {
  std::optional<std::string> text = importText(options, error);
  return text ? parseImported(context, *text, error) : OwningOpRef<ModuleOp>();
}

bool quoin::parseSetting(std::string_view text, std::pair<std::string, std::string> &setting, std::string &error) {
  size_t at = text.find('=');
  if (at == 0 || at == std::string_view::npos) {
    error = "'--set' expects key=value, but found '" + std::string(text) + "'";
    return false;
  }
  setting = {std::string(text.substr(0, at)), std::string(text.substr(at + 1))};
  return true;
}

std::vector<std::string> quoin::decoderNames() {
  std::vector<std::string> names;
  for (const DecoderSpec &d : decoderCatalogue())
    names.emplace_back(d.name);
  return names;
}
