//===- Import.h - from a checkpoint's folder to a module -------------------===//
//
// A folder in Hugging Face layout (config.json, generation_config.json, safetensors) becomes a module of the quoin
// dialect: the decoders asked for, the model, and references to its weights. The module is written as text, with the
// names and comments a person needs to edit it, and parsed from that text.
//
// Errors are one line: `<file>: 'key' expects ..., but found ...`.
//
//===----------------------------------------------------------------------===//

#ifndef QUOIN_COMPILER_IMPORT_IMPORT_H
#define QUOIN_COMPILER_IMPORT_IMPORT_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace quoin {

struct ImportOptions {
  /// The checkpoint's folder.
  std::string directory;
  /// Published names of decoders; empty takes the one that belongs to the architecture.
  std::vector<std::string> decoders;
  /// A family's name, or the path of a template that ends in `.mlir.in` (`ModelTemplate.h`); empty believes
  /// config.json.
  std::string architecture;
  /// The token that stands at open positions; without, the checkpoint says.
  std::optional<int64_t> fill;
  /// A folder with a tokenizer, which may name that token; empty takes the checkpoint's.
  std::string tokenizer;
  /// The checkpoint of the second model of decoders that have one; empty takes the first layers of this one.
  std::string guide;
  /// A folder with a LoRA adapter, which is merged into the weights (`Adapter.h`); empty: none.
  std::string adapter;
  /// Settings as key and JSON value. One is given to every decoder that has it; none having it is an error.
  std::vector<std::pair<std::string, std::string>> settings;
  /// What `quoin.source` says; empty takes the absolute path of the folder.
  std::string source;
  /// Told, a line each, of what a person should know about the checkpoint although it imports.
  std::function<void(const std::string &)> warn;
};

/// The module's text, or nothing and a message.
std::optional<std::string> importText(const ImportOptions &options, std::string &error);

/// Parses and verifies such a text in a context, into which it loads the dialects it needs.
mlir::OwningOpRef<mlir::ModuleOp> parseImported(mlir::MLIRContext &context, std::string_view text, std::string &error);

/// Both at once.
mlir::OwningOpRef<mlir::ModuleOp> importCheckpoint(mlir::MLIRContext &context, const ImportOptions &options,
                                                   std::string &error);

/// Splits `key=value` or fails with a message.
bool parseSetting(std::string_view text, std::pair<std::string, std::string> &setting, std::string &error);

/// The names of all decoders, in the order of the documentation.
std::vector<std::string> decoderNames();

} // namespace quoin

#endif
