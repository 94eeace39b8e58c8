// Exchange.cpp: see Exchange.h.

#include "Exchange.h"
#include "Limits.h"

#include <algorithm>

using namespace quoin;

Exchange::~Exchange() {
  for (const JobPtr &job : jobs)
    job->cancelled = true; // those that have ended do not mind
  scheduler.lookAgain();
}

bool Exchange::ended() const {
  return std::all_of(choices.begin(), choices.end(), [](const ChoiceText &choice) { return choice.answered; });
}

/// Takes what there is.
void Exchange::look() {
  choices.resize(jobs.size());
  started.resize(jobs.size());
  greeted.resize(jobs.size());
  fresh.resize(jobs.size());
  for (size_t i = 0; i < jobs.size(); ++i) {
    Progress taken = jobs[i]->take();
    started[i] = started[i] || taken.started || taken.ended();
    if (taken.error && !error)
      error = taken.error;
    for (Frame &frame : taken.frames)
      fresh[i].add(std::move(frame));
    if (taken.answered)
      fresh[i].answered = taken.answered;
  }
}

bool Exchange::wait(Wire::Clock::time_point until) { return wire.wait(*jobs[0]->waker, until); }

static constexpr auto kForever = std::chrono::hours(24);

bool Exchange::awaitStart() {
  for (;;) {
    look();
    if (error)
      throw *error;
    if (std::find(started.begin(), started.end(), false) == started.end())
      return true;
    if (!wait(Wire::Clock::now() + kForever))
      return false;
  }
}

bool Exchange::awaitEnd() {
  for (;;) {
    look();
    if (error)
      throw *error;
    for (size_t i = 0; i < jobs.size(); ++i) {
      for (Frame &frame : fresh[i].frames) {
        choices[i].text += frame.text;
        std::move(frame.chances.begin(), frame.chances.end(), std::back_inserter(choices[i].chances));
      }
      if (fresh[i].answered)
        choices[i].answered = fresh[i].answered;
      fresh[i] = {};
    }
    if (ended())
      return true;
    if (!wait(Wire::Clock::now() + kForever))
      return false;
  }
}

static std::string dataOf(const nlohmann::ordered_json &value) { return "data: " + dumpJson(value) + "\n\n"; }

/// The events of one answer.
std::string Exchange::news(size_t index, Progress &progress) {
  std::string events;
  ChoiceText &choice = choices[index];
  if (!greeted[index]) {
    greeted[index] = true;
    if (head.chat)
      events += dataOf(chunkOf(head, index, {}, true, false, tokenText));
  }
  for (Frame &frame : progress.frames) {
    ChoiceText now;
    now.text = std::move(frame.text);
    now.chances = std::move(frame.chances);
    now.characters = choice.characters;
    now.bytes = choice.bytes;
    choice.bytes += now.text.size();
    for (unsigned char byte : now.text)
      choice.characters += (byte & 0xc0) != 0x80;
    if (!now.text.empty() || !now.chances.empty())
      events += dataOf(chunkOf(head, index, now, false, chances, tokenText));
    if (frame.provisional)
      events += "event: provisional\n" + dataOf(provisionalChunk(head, index, *frame.provisional));
  }
  if (progress.answered) {
    choice.answered = progress.answered;
    ChoiceText last;
    last.answered = progress.answered;
    events += dataOf(chunkOf(head, index, last, false, false, tokenText));
  }
  progress = {};
  return events;
}

bool Exchange::stream(httplib::DataSink &sink) {
  std::string events;
  const Wire::Clock::time_point quiet = Wire::Clock::now() + std::chrono::seconds(kQuietSeconds);
  for (;;) {
    look();
    for (size_t i = 0; i < jobs.size(); ++i)
      events += news(i, fresh[i]);
    if (!events.empty() || error || ended())
      break;
    if (!wait(quiet))
      return false;
    if (Wire::Clock::now() >= quiet)
      events = ": still here\n\n"; // a comment, which clients skip and whatever is in between takes for life
  }
  if (error)
    events += dataOf(errorObject(*error)) + "data: [DONE]\n\n";
  else if (ended()) {
    if (usage) {
      nlohmann::ordered_json chunk = chunkHead(head);
      chunk["usage"] = usageOf(head, choices);
      events += dataOf(chunk);
    }
    events += "data: [DONE]\n\n";
  }
  if (!sink.write(events.data(), events.size()))
    return false;
  if (error || ended())
    sink.done();
  return true;
}
