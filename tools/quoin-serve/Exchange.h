// Exchange.h: the answers of one request, on the side of the connection.
#ifndef QUOIN_SERVE_EXCHANGE_H
#define QUOIN_SERVE_EXCHANGE_H

#include "Answers.h"
#include "Scheduler.h"
#include "Wire.h"

namespace quoin {

class Exchange {
public:
  AnswerHead head;
  std::vector<JobPtr> jobs;
  bool usage = false, chances = false, streams = false;
  TokenText tokenText;

  Exchange(Scheduler &scheduler, Wire &wire) : scheduler(scheduler), wire(wire) {}
  ~Exchange();

  /// Waits until all answers have a place. Throws ApiError if one was refused; false if the client has gone.
  bool awaitStart();
  /// Waits for all answers. Throws ApiError if one failed; false if the client has gone.
  bool awaitEnd();
  std::string whole() { return dumpJson(wholeAnswer(head, choices, chances, tokenText)); }

  /// Waits for news, and writes them; false if the client has gone or all is written.
  bool stream(httplib::DataSink &sink);

private:
  void look();
  bool wait(Wire::Clock::time_point until);
  std::string news(size_t index, Progress &progress);
  bool ended() const;

  Scheduler &scheduler;
  Wire &wire;
  std::vector<ChoiceText> choices;
  std::vector<bool> started, greeted;
  std::vector<Progress> fresh; // taken, not written
  std::optional<ApiError> error;
};

} // namespace quoin

#endif
