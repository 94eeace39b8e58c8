//===- main.cpp - quoin-interpret: the reference interpreter ---------------===//

#include "QuoinInterpret.h"
#include "support/Unfinished.h"
#include "support/WholeNumber.h"
#include "tools/quoin-run/ChoiceOptions.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <limits>

using namespace quoin;

namespace {

struct Arguments {
  Options options;
  std::string prompt, chat, system, promptIds, stop, inputs, logits, ids, mask = "causal";
  std::vector<std::string> set;
  ChoiceOptions choice;
};

} // namespace

static void declare(CLI::App &app, Arguments &a) {
  Options &o = a.options;
  app.add_option("FILE", o.out, "module: models and decoders, at any phase")->required();
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
  app.add_option("--stop", a.stop, "stop ids: 5,6; empty: none (default: the module's)");
  app.add_option("--set", a.set, "a setting of the decoder: key=value")->allow_extra_args(false);
  app.add_option("--decoder", o.defaults.decoder, "which of the module's decoders (the only one)");
  app.add_option("--seed", o.defaults.seed, "seed of the random numbers (0)")->check(wholeNumberOf<uint64_t>);
  a.choice.declare(app);
  app.add_option("--threads", o.threads, "requests that run side by side, at most 2 (2)")->check(CLI::Range(1, 4096));
  app.add_option("--batch", o.batch, "accepted for quoin-run's sake; it changes nothing")
      ->check(CLI::Range(1, 1 << 20));
  app.add_flag("--json", o.json, "print a JSON object a line");
  app.add_option("--trace", o.trace,
                 "write what each evaluation filled, edited and committed: a JSON object a line, or the picture of a "
                 "file that ends in .html or .svg");
  app.add_option("--inputs", a.inputs, "what the program takes by name, its 'prompt' included (.safetensors)");
  app.add_option("--outputs", o.outputs, "where the ids and what the program gives by name go (.safetensors)");
  app.add_option("--logits", a.logits, "instead: write the model's scores of --ids under --mask (.safetensors)");
  app.add_option("--ids", a.ids, "token ids for --logits: 1,2,3");
  app.add_option("--mask", a.mask, "mask for --logits: what stands in #quoin.mask<...> (causal)");
}

/// The arguments, last first as the parser wants them; it would refuse "--name=" with nothing behind it.
static std::vector<std::string> split(int argc, char **argv) {
  std::vector<std::string> arguments;
  for (int i = argc - 1; i > 0; --i) {
    std::string text = argv[i];
    if (text.size() > 3 && text.starts_with("--") && text.find('=') == text.size() - 1) {
      arguments.emplace_back();
      text.pop_back();
    }
    arguments.push_back(text);
  }
  return arguments;
}

static std::vector<Request> gather(const CLI::App &app, Arguments &a) {
  Request &request = a.options.defaults;
  for (const std::string &text : a.set)
    addSetting(text, request);
  a.choice.gather(app, request);
  if (app.count("--stop"))
    request.stops = parseIds(a.stop, "--stop");
  if (app.count("--system"))
    request.system = a.system;
  if (app.count("--input"))
    return readRequests(a.options.input, request);
  if (app.count("--prompt-ids")) {
    request.ids = parseIds(a.promptIds, "--prompt-ids");
  } else if (app.count("--chat")) {
    request.conversation = conversationOf(a.chat, request.system);
  } else if (app.count("--prompt")) {
    request.text = a.prompt;
  }
  if (app.count("--inputs"))
    readInputs(a.inputs, request);
  if (app.count("--inputs") || app.count("--outputs"))
    takeMaxTokens(request);
  return {request};
}

static int run(const CLI::App &app, Arguments &a) {
  bool wantsLogits = app.count("--logits") > 0;
  // Requests first: a mistake in them should not wait for weights.
  std::vector<Request> requests;
  if (!wantsLogits)
    requests = gather(app, a);
  std::unique_ptr<LoadedProgram> loaded = LoadedProgram::load(a.options.out);
  if (!loaded)
    return 1;
  if (wantsLogits)
    return writeLogits(*loaded, a.ids, a.mask, a.logits) ? 0 : 1;
  return runRequests(*loaded, a.options, std::move(requests)) ? 0 : 1;
}

int main(int argc, char **argv) {
  prepareTool();
  CLI::App app("Runs a module by the reference interpreter, in float64.", "quoin-interpret");
  Arguments arguments;
  declare(app, arguments);
  try {
    app.parse(split(argc, argv));
    size_t sources = 0;
    for (const char *option : {"--prompt", "--chat", "--prompt-ids", "--input", "--logits"})
      sources += app.count(option) > 0;
    bool named = app.count("--inputs") > 0 || app.count("--outputs") > 0;
    if (named && (app.count("--input") || app.count("--logits")))
      throw CLI::ValidationError("expects --inputs and --outputs without --input and --logits");
    if (named ? sources > 1 : sources != 1)
      throw CLI::ValidationError("expects one of --prompt, --chat, --prompt-ids, --input and --logits, but " +
                                 std::to_string(sources) + " are given");
    if (app.count("--system") && (app.count("--prompt") || app.count("--prompt-ids")))
      throw CLI::ValidationError("expects --system with --chat or --input, but it is given with a plain prompt");
    return run(app, arguments);
  } catch (const CLI::ParseError &error) {
    if (error.get_exit_code() == 0)
      return app.exit(error);
    std::fprintf(stderr, "error: %s\nrun 'quoin-interpret --help' for the options\n", error.what());
    return 2;
  } catch (const Failure &failure) {
    std::fprintf(stderr, "error: %s\n", failure.text.c_str());
    return failure.status;
  } catch (const std::exception &error) {
    std::fprintf(stderr, "error: %s\n", error.what());
    return 1;
  }
}
