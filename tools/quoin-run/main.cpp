// main.cpp: quoin-run: generates with a compiled program.

#include "ChoiceOptions.h"
#include "Sessions.h"
#include "support/ArtefactFolder.h"
#include "support/Unfinished.h"
#include "support/WholeNumber.h"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <limits>

using namespace quoin;

namespace {

struct Arguments {
  Options options;
  std::string prompt, chat, system, promptIds, stop, inputs, outputs;
  std::vector<std::string> set;
  ChoiceOptions choice;
  bool describe = false, tokenize = false, render = false;
};

/// What was given by the option itself and not by its default.
bool given(const CLI::App &app, const char *option) { return app.count(option) > 0; }

void declare(CLI::App &app, Arguments &a) {
  Options &o = a.options;
  app.add_option("OUT", o.out,
                 "folder that quoin-compile wrote; with --tokenize or --render any folder with a tokenizer.json")
      ->required();
  app.add_option("--prompt", a.prompt, "text to go on from");
  app.add_option("--chat", a.chat, "question, put into the checkpoint's chat template");
  app.add_option("--system", a.system,
                 "instruction before the question of --chat, and before conversations of --input");
  app.add_option("--prompt-ids", a.promptIds, "token ids to go on from: 1,2,3");
  app.add_option("--input", o.input, "requests, a JSON object a line");
  app.add_option("--max-tokens", o.defaults.maxTokens, "tokens to generate (64)")->check(wholeNumberOf<int64_t>);
  app.add_option("--max-rounds", o.maxRounds,
                 "how often the decoder may go round its loops without a run of the model (1048576)")
      ->check(wholeNumberOf<int64_t>)
      ->check(CLI::Range(int64_t(1), std::numeric_limits<int64_t>::max()));
  app.add_option("--stop", a.stop, "stop ids: 5,6; empty: none (default: the model's)");
  app.add_option("--set", a.set, "a setting of the decoder, a number or a word: key=value")->allow_extra_args(false);
  app.add_option("--decoder", o.defaults.decoder, "which of the program's decoders (its first)");
  app.add_option("--seed", o.defaults.seed, "seed of the random numbers (0)")->check(wholeNumberOf<uint64_t>);
  a.choice.declare(app);
  app.add_option("--threads", o.threads, "worker threads (one for each core)")->check(CLI::Range(1, 4096));
  app.add_option("--batch", o.batch, "requests that run together (1)")->check(CLI::Range(1, 1 << 20));
  app.add_flag("--json", o.json, "print a JSON object a line");
  app.add_flag("--show-steps", o.showSteps, "print the fill after each evaluation");
  app.add_option("--trace", o.trace,
                 "write what each evaluation filled, edited and committed: a JSON object a line, or the picture of a "
                 "file that ends in .html or .svg");
  app.add_option("--against", o.against, "another artefact: print how its answers differ, and what either had to run");
  app.add_flag("--describe", a.describe, "print what the program is and stop");
  app.add_flag("--tokenize", a.tokenize, "print the ids of the inputs and stop");
  app.add_flag("--render", a.render, "print the text and the ids that the model would be given, and stop");
  app.add_option("--inputs", a.inputs,
                 "what a program takes by name, its 'prompt' included, or the arguments of a function (.safetensors)");
  app.add_option("--outputs", a.outputs,
                 "where the ids and what a program gives by name go, or the results of a function (.safetensors)");
}

std::vector<Request> gather(const CLI::App &app, Arguments &a) {
  Request &request = a.options.defaults;
  for (const std::string &text : a.set)
    addSetting(text, request);
  a.choice.gather(app, request);
  if (given(app, "--stop"))
    request.stops = parseIds(a.stop, "--stop");
  if (given(app, "--system"))
    request.system = a.system;
  if (given(app, "--input"))
    return readRequests(a.options.input, request);
  a.options.single = true;
  if (given(app, "--prompt-ids")) {
    request.ids = parseIds(a.promptIds, "--prompt-ids");
  } else if (given(app, "--chat")) {
    request.conversation = conversationOf(a.chat, request.system);
  } else if (given(app, "--prompt")) {
    request.text = a.prompt;
  }
  if (given(app, "--inputs"))
    readInputs(a.inputs, request);
  if (given(app, "--inputs") || given(app, "--outputs"))
    takeMaxTokens(request);
  a.options.outputs = a.outputs;
  return {request};
}

/// Functions have no weights.
bool isFunction(const std::string &folder) {
  return !std::filesystem::exists(std::filesystem::path(folder) / "model.qw");
}

void expectArtefact(const std::string &folder, const char *needed) {
  if (std::string why = whyNoArtefact(folder, needed); !why.empty())
    throw Failure{why};
}

int run(const CLI::App &app, Arguments &a) {
  if (!a.tokenize && !a.render)
    expectArtefact(a.options.out, a.describe ? "model.json" : "model.so");
  if (given(app, "--against"))
    expectArtefact(a.options.against, "model.so");
  if (a.describe) {
    describe(a.options.out);
    return 0;
  }
  bool function = (given(app, "--inputs") || given(app, "--outputs")) && isFunction(a.options.out);
  if (function && given(app, "--inputs") != given(app, "--outputs"))
    throw Failure{"expects --inputs and --outputs for a function, but only one is given", 2};
  std::vector<Request> requests;
  if (!function)
    requests = gather(app, a);
  ContextPtr context = makeContext(a.options.threads);
  quoin_context_t *made = context.get();
  if (function)
    runFunction(made, a.options.out, a.inputs, a.outputs);
  else if (a.tokenize)
    return tokenize(made, a.options.out, requests) ? 0 : 1;
  else if (a.render)
    return render(made, a.options.out, requests) ? 0 : 1;
  else if (given(app, "--against"))
    compareArtefacts(made, a.options, std::move(requests));
  else
    return runBatch(made, a.options, std::move(requests)) ? 0 : 1;
  return 0;
}

/// The arguments, last first as the parser wants them, with "--name=" as "--name" and an empty value, which it would
/// refuse.
std::vector<std::string> split(int argc, char **argv) {
  std::vector<std::string> arguments;
  for (int i = 1; i < argc; ++i) {
    std::string argument = argv[i];
    bool empty = argument.starts_with("--") && argument.size() > 3 && argument.find('=') == argument.size() - 1;
    arguments.push_back(empty ? argument.substr(0, argument.size() - 1) : argument);
    if (empty)
      arguments.emplace_back();
  }
  std::reverse(arguments.begin(), arguments.end());
  return arguments;
}

} // namespace

int main(int argc, char **argv) {
  prepareTool();
  CLI::App app("Generates with a program that quoin-compile wrote.", "quoin-run");
  Arguments arguments;
  declare(app, arguments);
  try {
    app.parse(split(argc, argv));
    size_t sources = 0;
    for (const char *option : {"--prompt", "--chat", "--prompt-ids", "--input"})
      sources += given(app, option);
    if (given(app, "--system") && (given(app, "--prompt") || given(app, "--prompt-ids")))
      throw CLI::ValidationError("expects --system with --chat or --input, but it is given with a plain prompt");
    bool named = given(app, "--inputs") || given(app, "--outputs");
    if (named && given(app, "--input"))
      throw CLI::ValidationError("expects --input or --inputs and --outputs, but both are given");
    if (!arguments.describe && (named ? sources > 1 : sources != 1))
      throw CLI::ValidationError("expects one of --prompt, --chat, --prompt-ids and --input, but " +
                                 std::to_string(sources) + " are given");
  } catch (const CLI::ParseError &error) {
    if (error.get_exit_code() == 0)
      return app.exit(error);
    std::fprintf(stderr, "error: %s\nrun 'quoin-run --help' for the options\n", error.what());
    return 2;
  }
  try {
    int status = run(app, arguments);
    expectWritten();
    return status;
  } catch (const Failure &failure) {
    std::fflush(stdout);
    std::fprintf(stderr, "error: %s\n", failure.text.c_str());
    return failure.status;
  } catch (const std::bad_alloc &) {
    std::fprintf(stderr, "error: out of memory\n");
  } catch (const std::exception &error) {
    std::fprintf(stderr, "error: %s\n", error.what());
  }
  return 1;
}
