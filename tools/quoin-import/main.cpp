//===- main.cpp - quoin-import: a checkpoint's folder as text --------------===//

#include "compiler/import/Import.h"
#include "mlir/IR/MLIRContext.h"
#include "support/WholeFile.h"
#include <CLI/CLI.hpp>
#include <cstdio>
#include <iostream>

/// A file as a whole, or the standard output.
static bool writeText(const std::string &path, const std::string &text, std::string &error) {
  if (path != "-")
    return quoin::writeWholeFile(path, text, error);
  if (std::cout << text << std::flush)
    return true;
  error = "cannot write the standard output";
  return false;
}

static int fail(const std::string &error, int status) {
  std::cerr << "error: " << error << "\n";
  return status;
}

int main(int argc, char **argv) {
  quoin::prepareTool();
  quoin::ImportOptions options;
  std::string output;
  std::vector<std::string> settings;
  std::string names;
  for (const std::string &name : quoin::decoderNames())
    names += (names.empty() ? "" : ", ") + name;

  CLI::App app("Writes a checkpoint in Hugging Face layout as a module of the quoin dialect.", "quoin-import");
  app.add_option("folder", options.directory, "folder with config.json and safetensors, or a GGUF file")->required();
  app.add_option("-o,--output", output, "file to write, - for standard output")->required();
  app.add_option("--decoder", options.decoders, "decoders, separated by commas (default: the architecture's): " + names)
      ->delimiter(',')
      ->allow_extra_args(false);
  app.add_option("--architecture", options.architecture,
                 "the model's family, or a template of it, FILE.mlir.in (default: as config.json says)");
  app.add_option("--fill", options.fill, "the token that stands at open positions (default: as the checkpoint says)");
  app.add_option("--guide", options.guide,
                 "checkpoint of the second model, of decoders that have one (default: the first layers)");
  app.add_option("--adapter", options.adapter, "folder of a LoRA adapter, which is merged into the weights");
  app.add_option("--tokenizer", options.tokenizer, "folder or GGUF file of the tokenizer (default: the checkpoint's)");
  app.add_option("--set", settings, "key=value: a setting's default, as JSON")->allow_extra_args(false);
  app.add_option("--source", options.source, "folder that the module names (default: the folder's absolute path)");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &e) {
    if (e.get_exit_code() == 0)
      return app.exit(e);
    return fail(e.what(), 2);
  }

  std::string error;
  for (const std::string &text : settings) {
    options.settings.emplace_back();
    if (!quoin::parseSetting(text, options.settings.back(), error))
      return fail(error, 2);
  }
  options.warn = [](const std::string &what) { std::cerr << "warning: " << what << "\n"; };
  std::optional<std::string> text = quoin::importText(options, error);
  if (!text)
    return fail(error, 1);
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  if (!quoin::parseImported(context, *text, error))
    return fail(error, 1);
  return writeText(output, *text, error) ? 0 : fail(error, 1);
}
