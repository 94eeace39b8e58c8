// main.cpp: quoin-serve: answers OpenAI's requests with a compiled program.

#include "Api.h"
#include "Connections.h"

#include "support/ArtefactFolder.h"
#include "support/WholeNumber.h"

#include <CLI/CLI.hpp>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <sys/resource.h>

using namespace quoin;

static void declareOptions(CLI::App &app, ServeOptions &o) {
  auto number = [&](const char *name, int64_t &value, const char *text, int64_t low, int64_t high) {
    app.add_option(name, value, text)
        ->capture_default_str()
        ->check(wholeNumberOf<int64_t>)
        ->check(CLI::Range(low, high));
  };
  app.add_option("OUT", o.out, "folder that quoin-compile wrote, with its tokenizer")->required();
  app.add_option("--host", o.host, "address to listen on")->capture_default_str();
  app.add_option("--port", o.port, "port to listen on; 0: one that is free")
      ->capture_default_str()
      ->check(CLI::Range(0, 65535));
  app.add_option("--api-key-file", o.keyFile, "keys of clients, one a line (default: everybody may ask)");
  app.add_option("--model-name", o.name, "what clients call the model (default: the folder's name)");
  app.add_option("--threads", o.threads, "worker threads (one for each core)")->check(CLI::Range(1, 4096));
  number("--batch", o.batch, "answers that are made together", 1, 4096);
  number("--queue", o.queue, "answers that may wait for a place", 1, 1 << 20);
  number("--connections", o.connections, "open connections", 1, 16384);
  number("--max-tokens", o.maxTokens, "tokens of an answer whose request does not say", 1, INT32_MAX);
  number("--max-body", o.maxBody, "bytes of a request's body", 1024, int64_t(1) << 30);
  number("--timeout", o.timeout, "seconds that a request may wait and run", 1, 1000000);
  number("--piece", o.piece, "tokens of a long prompt that are computed in one step", 64, 1 << 20);
}

static std::string nameOf(const std::string &folder) {
  std::error_code ignored;
  std::filesystem::path path = std::filesystem::canonical(folder, ignored);
  return path.filename().empty() ? "quoin" : path.filename().string();
}

/// A descriptor for each connection and each of its wakers.
static void raiseDescriptors() {
  rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
  }
}

static int serve(ServeOptions &options) {
  if (std::string why = whyNoArtefact(options.out, "model.so"); !why.empty())
    throw Failure{why};
  if (options.name.empty())
    options.name = nameOf(options.out);
  raiseDescriptors();
  // Before there are threads: all of them leave these to this one.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  Metrics metrics;
  Scheduler scheduler(options, metrics);
  Connections server(options, metrics);
  Api api(options, scheduler, server, metrics);
  const int port = server.open(options.host, options.port);
  const bool v6 = options.host.find(':') != std::string::npos;
  std::printf("listening on http://%s%s%s:%d\n", v6 ? "[" : "", options.host.c_str(), v6 ? "]" : "", port);
  std::fflush(stdout);
  if (options.keyFile.empty() && options.host != "127.0.0.1" && options.host != "localhost" && options.host != "::1")
    std::fprintf(stderr, "warning: there are no keys, so whoever reaches %s may ask\n", options.host.c_str());
  std::atomic<bool> ended = false;
  std::thread listener([&] {
    server.serve();
    ended = true;
  });
  const timespec pause = {0, 20'000'000};
  // Until it runs, the library would not hear that it shall stop.
  while (!(server.is_running() && sigtimedwait(&signals, nullptr, &pause) > 0))
    if (ended) {
      listener.join();
      throw Failure{"cannot take connections any more on port " + std::to_string(port)};
    }
  // What was taken is finished; a second signal ends it.
  std::fprintf(stderr, "stopping: finishing what was asked; a second signal ends it at once\n");
  api.drain();
  server.drain();
  while (!(scheduler.idle() && server.idle()))
    if (sigtimedwait(&signals, nullptr, &pause) > 0)
      std::_Exit(1);
  server.stop();
  // Who connected last waits for nothing.
  while (!ended) {
    server.drain();
    if (sigtimedwait(&signals, nullptr, &pause) > 0)
      std::_Exit(1);
  }
  listener.join();
  return 0;
}

int main(int argc, char **argv) {
  CLI::App app("Answers requests of OpenAI's kind over HTTP with a program that quoin-compile wrote.", "quoin-serve");
  ServeOptions options;
  declareOptions(app, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &error) {
    if (error.get_exit_code() == 0)
      return app.exit(error);
    std::fprintf(stderr, "error: %s\nrun 'quoin-serve --help' for the options\n", error.what());
    return 2;
  }
  try {
    return serve(options);
  } catch (const Failure &failure) {
    std::fprintf(stderr, "error: %s\n", failure.text.c_str());
  } catch (const std::exception &error) {
    std::fprintf(stderr, "error: %s\n", error.what());
  }
  return 1;
}
