// Api.h: what the server answers to which path.
#ifndef QUOIN_SERVE_API_H
#define QUOIN_SERVE_API_H

#include "Answers.h"
#include "Connections.h"
#include "Prompter.h"
#include "ReadRequest.h"
#include "Scheduler.h"

#include <random>

namespace quoin {

/// A completion that is being answered: the answers of one request, and whom they belong to. Whatever is left of them
/// when it goes is cancelled.
class Exchange;

class Api {
public:
  Api(const ServeOptions &options, Scheduler &scheduler, Connections &server, Metrics &metrics);

  /// New completions are refused from now on; those that were taken are finished.
  void drain() { draining = true; }

private:
  using Handled = httplib::Server::HandlerResponse;
  Handled before(const httplib::Request &request, httplib::Response &response);
  void complete(bool chat, const httplib::Request &request, httplib::Response &response,
                const httplib::ContentReader &reader);
  std::shared_ptr<Exchange> begin(const std::string &body, bool chat);
  std::string readBody(const httplib::Request &request, const httplib::ContentReader &reader);
  bool knows(const std::string &key) const;
  std::string freshId(bool chat);

  const ServeOptions &options;
  Scheduler &scheduler;
  Metrics &metrics;
  Prompter prompter;
  std::vector<std::string> keys;
  int64_t created;
  std::mutex mutex;
  std::mt19937_64 random;
  std::atomic<bool> draining{false};
};

/// The keys of a file, one a line; empty lines and those that begin with # are none. Throws Failure.
std::vector<std::string> readKeys(const std::string &file);
/// The description of the API, in OpenAPI 3.1.
std::string openApi(const std::string &model, const ModelFacts &facts, bool keys);
/// The page at `/`.
extern const char *const kPage;

} // namespace quoin

#endif
