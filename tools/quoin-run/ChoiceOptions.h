//===- ChoiceOptions.h - how tokens are chosen, as options -----------------===//

#ifndef QUOIN_TOOLS_QUOIN_RUN_CHOICEOPTIONS_H
#define QUOIN_TOOLS_QUOIN_RUN_CHOICEOPTIONS_H

#include "support/WholeNumber.h"
#include "tools/quoin-run/QuoinRun.h"
#include <CLI/CLI.hpp>

namespace quoin {

/// The options of quoin-run and quoin-interpret about scores and draws. What is not given leaves requests as they are.
struct ChoiceOptions {
  double temperature = 0, topP = 1, presence = 0, frequency = 0, repetition = 1;
  int64_t topK = 0;
  std::string bias;

  void declare(CLI::App &app) {
    app.add_option("--temperature", temperature, "0: the likeliest token (0)");
    app.add_option("--top-k", topK, "draw among the k likeliest tokens; 0: all (0)")->check(wholeNumberOf<int64_t>);
    app.add_option("--top-p", topP, "draw among the likeliest tokens with this mass (1)");
    app.add_option("--logit-bias", bias, "amounts added to scores of tokens: 5=-100,7=1.5");
    app.add_option("--presence-penalty", presence, "taken from scores of tokens that are in the answer (0)");
    app.add_option("--frequency-penalty", frequency, "the same for each time (0)");
    app.add_option("--repetition-penalty", repetition,
                   "scores of tokens in the prompt or the answer are divided by it, negative ones multiplied (1)");
  }

  void gather(const CLI::App &app, Request &request) const {
    if (app.count("--temperature"))
      request.settings.emplace_back("temperature", temperature);
    if (app.count("--top-k"))
      request.settings.emplace_back("top_k", static_cast<double>(topK));
    if (app.count("--top-p"))
      request.settings.emplace_back("top_p", topP);
    if (app.count("--logit-bias"))
      addBias(bias, request);
    if (app.count("--presence-penalty"))
      setPenalty("presence_penalty", presence, request);
    if (app.count("--frequency-penalty"))
      setPenalty("frequency_penalty", frequency, request);
    if (app.count("--repetition-penalty"))
      setPenalty("repetition_penalty", repetition, request);
  }
};

} // namespace quoin

#endif
