//===- main.cpp - quoin-compile: models to native programs -----------------===//

#include "compiler/driver/Compile.h"
#include "compiler/driver/QueryHeader.h"
#include "passes/Pipeline.h"
#include "support/JsonText.h"
#include "support/Unfinished.h"
#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <unistd.h>

using namespace quoin;

/// One line that fills up on a terminal; a line per stage elsewhere.
class ProgressBar {
public:
  void show(const std::string &what, double done) {
    int percent = static_cast<int>(done * 100);
    if (what == last && percent == shown)
      return;
    if (!terminal) {
      if (what != last)
        std::fprintf(stderr, "%s\n", what.c_str());
    } else {
      std::string bar(static_cast<size_t>(done * 30), '#');
      std::fprintf(stderr, "\r\033[K%-28s [%-30s] %3d%%", what.c_str(), bar.c_str(), percent);
    }
    last = what;
    shown = percent;
  }
  void finish() {
    if (terminal && !last.empty())
      std::fprintf(stderr, "\r\033[K");
  }

private:
  bool terminal = isatty(STDERR_FILENO);
  std::string last;
  int shown = -1;
};

static std::vector<std::string> namesOf(llvm::ArrayRef<Phase> list) {
  std::vector<std::string> names;
  for (const Phase &p : list)
    names.push_back(p.name.str());
  return names;
}

static std::string phaseHelp() {
  std::string text = "Phases:\n";
  for (const Phase &p : phases())
    text += "  " + p.name.str() + std::string(12 - std::min<size_t>(11, p.name.size()), ' ') + p.promise.str() + "\n";
  return text;
}

int main(int argc, char **argv) {
  prepareTool();
  // Whoever read the progress may stop; the work goes on.
  std::signal(SIGPIPE, SIG_IGN);
  CompileOptions o;
  std::string decoder, target, emit = "folder";
  std::vector<std::string> settings;
  bool none = false, quick = false, all = false, quiet = false;
  CLI::App app("Compiles a model and its decoder ahead of time");
  app.add_option("MODEL", o.input, "Hugging Face folder, GGUF file or .mlir file")->required();
  app.add_option("-o,--output", o.output, "folder for the artefact")->required();
  app.add_flag("--O0", none, "the program as written: as many calls as published; code made in haste");
  app.add_flag(
      "--O1", quick,
      "every exact pass, code made in haste: the same answers and calls as -O2, sooner there and slower to run");
  app.add_flag("--O2", all, "every exact pass, fast code (default)");
  app.add_option("--weights", o.weights,
                 "type of the weights; keep: the checkpoint's own; int8, int4: of the layers' matrices alone")
      ->check(CLI::IsMember({"keep", "f32", "bf16", "int8", "int4"}));
  app.add_option("--head-weights", o.headWeights,
                 "type of the matrix that scores tokens; keep: no whole numbers, else as --weights says")
      ->check(CLI::IsMember({"keep", "int8", "int4"}));
  app.add_option("--group", o.group,
                 "numbers of int8 or int4 that share a scale (default: int8 a column, int4 128, or what divides)")
      ->check(CLI::IsMember({32, 64, 128}));
  app.add_option("--decoder", decoder, "decoders, by name, with commas between");
  app.add_option("--architecture", o.architecture,
                 "family of the checkpoint, if it is not recognised, or a template of it, FILE.mlir.in");
  app.add_option("--fill", o.fill, "token that stands at open positions, if the checkpoint does not say");
  app.add_option("--guide", o.guide,
                 "checkpoint of the second model, of decoders that have one (default: the first layers)");
  app.add_option("--adapter", o.adapter, "folder of a LoRA adapter, which is merged into the weights");
  app.add_option("--tokenizer", o.tokenizer, "folder or GGUF file of the tokenizer, if it is not the checkpoint's");
  app.add_flag("--without-tokenizer", o.withoutTokenizer, "leave the tokenizer out: requests give ids");
  app.add_option("--set", settings, "key=value: a setting of the decoder")->take_all()->allow_extra_args(false);
  app.add_option(
      "--approximate", o.approximate,
      "what may be stale, for other tokens: dual, sub-block, block-external or attention-output, then ,refresh=N");
  app.add_option("--target-cpu", o.targetCpu,
                 "native, or a CPU of the target that LLVM knows; QUOIN_CPU=x86-64-v3 (or another level) in the "
                 "environment lowers native");
  app.add_option(
      "--target", target,
      "x86_64-linux-gnu or aarch64-linux-gnu: another processor than this one, whose --target-cpu is 'generic' "
      "by default; cuda: code for GPUs of compute capability 8.0 and later beside this CPU's");
  app.add_option("--compile-from", o.from, "phase the input is in")->check(CLI::IsMember(namesOf(phasesOfIR())));
  app.add_option("--compile-to", o.to, "phase to stop after")->check(CLI::IsMember(namesOf(phases())));
  app.footer(phaseHelp());
  app.add_option("--emit", emit, "folder: model.so; object: model.o for static linking")
      ->check(CLI::IsMember({"folder", "object"}));
  CLI::Option *symbol =
      app.add_option("--symbol", o.symbol, "what model.o calls its one symbol, the query of the program");
  app.add_flag("--quiet", quiet, "no progress");

  // -O0 and others as compilers spell them.
  std::vector<std::string> arguments;
  for (int i = argc - 1; i > 0; --i) {
    std::string a = argv[i];
    arguments.push_back(a == "-O0" || a == "-O1" || a == "-O2" ? "-" + a : a);
  }
  try {
    app.parse(arguments);
  } catch (const CLI::ParseError &e) {
    if (e.get_exit_code() == 0)
      return app.exit(e);
    std::fprintf(stderr, "error: %s\n", e.what());
    return 2;
  }
  if (none + quick + all > 1) {
    std::fprintf(stderr, "error: expects one of -O0, -O1 and -O2, but found %d of them\n", none + quick + all);
    return 2;
  }
  o.level = none ? 0 : quick ? 1 : 2;
  o.object = emit == "object";
  if (!target.empty() && !findPhase(o.to)->isCode() && (o.to != "stages" || target == "cuda")) {
    std::fprintf(stderr, "error: expects --target with machine code%s, but found --compile-to=%s\n",
                 target == "cuda" ? "" : " or stages", o.to.c_str());
    return 2;
  }
  o.cuda = target == "cuda";
  if (!o.cuda)
    o.target = target;
  if (symbol->count() && (!o.object || !findPhase(o.to)->isCode())) {
    std::fprintf(stderr,
                 "error: expects --symbol with --emit object only: the runtime finds model.so by its own name\n");
    return 2;
  }
  if (symbol->count() && !isCallableName(o.symbol)) {
    std::fprintf(stderr,
                 "error: expects --symbol to be a C identifier that is no keyword of C or C++, but found '%s'\n",
                 shortened(o.symbol, 80).c_str());
    return 2;
  }
  for (size_t from = 0; from < decoder.size();) {
    size_t comma = std::min(decoder.find(',', from), decoder.size());
    o.decoders.push_back(decoder.substr(from, comma - from));
    from = comma + 1;
  }
  for (const std::string &s : settings) {
    size_t equals = s.find('=');
    if (equals == std::string::npos || equals == 0) {
      std::fprintf(stderr, "error: expects --set key=value, but found '%s'\n", s.c_str());
      return 2;
    }
    o.settings.emplace_back(s.substr(0, equals), s.substr(equals + 1));
  }
  ProgressBar bar;
  if (!quiet)
    o.progress = [&](const std::string &what, double done) { bar.show(what, done); };
  o.warn = [&](const std::string &what) {
    bar.finish();
    std::fprintf(stderr, "warning: %s\n", shortened(what, what.size()).c_str());
  };
  if (!quiet)
    o.tell = [&](const std::string &what) {
      bar.finish();
      std::fprintf(stderr, "%s\n", what.c_str());
    };
  o.note = [&](const std::string &text) {
    bar.finish();
    std::fprintf(stderr, "note: %s\n", text.c_str());
  };
  std::string error;
  bool good = compile(o, error);
  bar.finish();
  if (!good)
    std::fprintf(stderr, "error: %s\n", shortened(error, error.size()).c_str());
  return good ? 0 : 1;
}
