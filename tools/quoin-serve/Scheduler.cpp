// Scheduler.cpp: see Scheduler.h.
//
// A long prompt is computed in pieces by the runtime's own sharing of pages: a session is given the beginning of the
// prompt, stepped once beside the others, and left; the next one is given a longer beginning, and finds the pages of
// the one before. When what is left is a piece, the answer gets its place. No result changes by a bit, and nobody waits
// for more than a piece.

#include "Scheduler.h"
#include "Running.h"

#include <algorithm>
#include <cstdio>

using namespace quoin;
using Clock = std::chrono::steady_clock;

namespace {

/// A prompt on its way into the cache.
struct LongPrompt {
  JobPtr job;
  RequestSession sessions[2]; // in turn, so that one holds the pages that the other begins with
  size_t turn = 0, done = 0;
  bool stepping = false; // in this step

  quoin_session_t *current() const { return sessions[turn].session.get(); }
};

} // namespace

struct Scheduler::Engine {
  Loaded loaded;
  std::vector<bool> shares; // of each decoder: what it computes of a prompt, another session may use
  std::vector<std::unique_ptr<Running>> places;
  std::unique_ptr<LongPrompt> prompt;
  std::vector<quoin_session_t *> sessions;
  uint64_t jobs = 0;
};

static bool sharesPrompts(const quoin_decoder_t &decoder) {
  for (int32_t i = 0; i < decoder.caches_count; ++i)
    if (!decoder.caches[i].shared)
      return false;
  return decoder.caches_count > 0;
}

static ModelFacts factsOf(const quoin_model_info_t &info) {
  ModelFacts facts;
  facts.vocabulary = info.vocabulary;
  facts.capacity = info.capacity;
  facts.fill = info.fill;
  facts.stops.assign(info.stops, info.stops + info.stops_count);
  for (int32_t d = 0; d < info.decoders_count; ++d) {
    const quoin_decoder_t &decoder = info.decoders[d];
    ModelFacts::Decoder known = {decoder.name, {}};
    for (int32_t i = 0; i < decoder.settings_count; ++i)
      if (const quoin_setting_t &setting = decoder.settings[i]; setting.run_time)
        known.settings.push_back({setting.name, setting.words_count > 0});
    facts.decoders.push_back(std::move(known));
  }
  return facts;
}

Scheduler::Scheduler(const ServeOptions &options, Metrics &metrics)
    : options(options), metrics(metrics), engine(std::make_unique<Engine>()) {
  Loaded &loaded = engine->loaded;
  loaded.context = makeContext(options.threads);
  loaded.model = loadModel(loaded.context.get(), options.out);
  loaded.tokenizer = quoin_model_tokenizer(loaded.model.get());
  if (!loaded.tokenizer)
    throw Failure{"expects a tokenizer in '" + options.out + "', but there is none"};
  quoin_model_info(loaded.model.get(), &loaded.info);
  known = factsOf(loaded.info);
  for (int32_t d = 0; d < loaded.info.decoders_count; ++d)
    engine->shares.push_back(sharesPrompts(loaded.info.decoders[d]));
  for (int64_t i = 0; i < options.batch; ++i)
    engine->places.push_back(std::make_unique<Running>(loaded, metrics));
  thread = std::thread([this] { run(); });
}

Scheduler::~Scheduler() {
  {
    std::lock_guard lock(mutex);
    ending = true;
  }
  changed.notify_all();
  thread.join();
}

bool Scheduler::submit(const std::vector<JobPtr> &jobs) {
  {
    std::lock_guard lock(mutex);
    if (queue.size() + jobs.size() > static_cast<size_t>(options.queue))
      return false;
    queue.insert(queue.end(), jobs.begin(), jobs.end());
    metrics.queued = static_cast<int64_t>(queue.size());
  }
  changed.notify_all();
  return true;
}

void Scheduler::lookAgain() { changed.notify_all(); }

bool Scheduler::idle() const {
  std::lock_guard lock(mutex);
  return queue.empty() && busy == 0;
}

/// Why a job must not go on; nothing if it may.
static bool isDead(const Job &job, std::optional<ApiError> &error) {
  if (job.cancelled)
    return true;
  if (Clock::now() < job.deadline)
    return false;
  error = ApiError{504, "the answer took longer than the server allows", "", "timeout"};
  return true;
}

void Scheduler::dropDead() {
  auto end = [&](Job &job, const std::optional<ApiError> &error) {
    ++(error ? metrics.failed : metrics.cancelled);
    job.tell([&](Progress &progress) { progress.error = error.value_or(ApiError{499, "cancelled", "", "cancelled"}); });
  };
  std::optional<ApiError> error;
  {
    std::lock_guard lock(mutex);
    queue.remove_if([&](const JobPtr &job) {
      error.reset();
      bool dead = isDead(*job, error);
      if (dead)
        end(*job, error);
      return dead;
    });
    metrics.queued = static_cast<int64_t>(queue.size());
  }
  for (auto &place : engine->places) {
    error.reset();
    if (place->busy() && isDead(*place->current(), error))
      error ? place->fail(*error) : place->drop();
  }
  error.reset();
  if (engine->prompt && engine->prompt->job && isDead(*engine->prompt->job, error)) {
    end(*engine->prompt->job, error);
    engine->prompt.reset();
  }
}

/// Of places that are free the one that was used longest ago: the others hold what following prompts may begin with.
bool Scheduler::place(JobPtr job) {
  Running *best = nullptr;
  for (auto &place : engine->places)
    if (!place->busy() && (!best || place->lastUsed < best->lastUsed))
      best = place.get();
  best->lastUsed = ++engine->jobs;
  return best->begin(std::move(job));
}

/// The first in the queue that may start. A long prompt that shall be computed in pieces waits while another is.
JobPtr Scheduler::nextJob() {
  auto inPieces = [&](const Job &job) {
    if (job.request.ids.size() <= static_cast<size_t>(options.piece))
      return false;
    for (size_t d = 0; d < known.decoders.size(); ++d)
      if (job.request.decoder.empty() || job.request.decoder == known.decoders[d].name)
        return bool(engine->shares[d]);
    return false;
  };
  std::lock_guard lock(mutex);
  for (auto at = queue.begin(); at != queue.end(); ++at) {
    bool pieces = inPieces(**at);
    if (pieces && engine->prompt)
      continue;
    JobPtr job = std::move(*at);
    queue.erase(at);
    metrics.queued = static_cast<int64_t>(queue.size());
    if (pieces) {
      engine->prompt = std::make_unique<LongPrompt>();
      engine->prompt->job = std::move(job);
      return nullptr;
    }
    return job;
  }
  return nullptr;
}

void Scheduler::admit() {
  auto isFree = [](const auto &place) { return !place->busy(); };
  int64_t rows = 0; // of prompts that start with the next step
  while (rows < options.piece && std::any_of(engine->places.begin(), engine->places.end(), isFree)) {
    LongPrompt *prompt = engine->prompt.get();
    if (prompt && prompt->job && prompt->job->request.ids.size() - prompt->done <= static_cast<size_t>(options.piece)) {
      rows += options.piece;
      place(std::move(prompt->job)); // the pages stay until the step is over
      continue;
    }
    size_t before = engine->prompt != nullptr;
    JobPtr job = nextJob();
    if (job) {
      rows += static_cast<int64_t>(job->request.ids.size());
      place(std::move(job));
    } else if (before == (engine->prompt != nullptr)) {
      break;
    }
  }
}

void Scheduler::step() {
  std::vector<quoin_session_t *> &sessions = engine->sessions;
  sessions.clear();
  for (auto &place : engine->places)
    if (place->busy())
      sessions.push_back(place->session());
  LongPrompt *prompt = engine->prompt.get();
  // What is left of it at last, its own place computes, when there is one.
  const bool piece =
      prompt && prompt->job && prompt->job->request.ids.size() - prompt->done > static_cast<size_t>(options.piece);
  if (piece) {
    Request beginning = prompt->job->request;
    beginning.edits = {};
    prompt->done += static_cast<size_t>(options.piece);
    beginning.ids.resize(prompt->done);
    prompt->turn ^= 1;
    Loaded &loaded = engine->loaded;
    try {
      prompt->sessions[prompt->turn].prepare(loaded.context.get(), loaded.model.get(), beginning);
      sessions.push_back(prompt->current());
    } catch (const Failure &) {
      prompt->done = prompt->job->request.ids.size(); // whatever is wrong with it, its own place will say
    }
  }
  if (sessions.empty()) {
    // Its place refused it.
    if (prompt && !prompt->job)
      engine->prompt.reset();
    return;
  }
  const Clock::time_point begun = Clock::now();
  quoin_status_t status = quoin_sessions_step(sessions.data(), sessions.size());
  metrics.stepSeconds.add(std::chrono::duration<double>(Clock::now() - begun).count());
  ++metrics.steps;
  metrics.sessionSteps += sessions.size();
  if (prompt) {
    if (piece && prompt->current())
      quoin_session_cancel(prompt->current());
    if (!prompt->job)
      engine->prompt.reset();
  }
  for (auto &place : engine->places)
    if (place->busy()) {
      if (status != QUOIN_STATUS_OK)
        place->fail(errorOf(status, quoin_context_last_error(engine->loaded.context.get())));
      else
        place->afterStep();
    }
}

/// What should not happen ends the answers that it happened to, not the server.
void Scheduler::failAll(const std::string &why) {
  std::fprintf(stderr, "error: %s\n", why.c_str());
  for (auto &place : engine->places)
    if (place->busy())
      place->fail({500, why, "", "internal_error"});
}

void Scheduler::run() {
  for (;;) {
    {
      std::unique_lock lock(mutex);
      changed.wait(lock, [&] { return ending || !queue.empty() || busy > 0; });
      if (ending)
        break;
    }
    try {
      dropDead();
      admit();
      step();
    } catch (const Failure &failure) {
      failAll(failure.text);
    } catch (const std::exception &error) {
      failAll(error.what());
    }
    size_t taken = engine->prompt != nullptr;
    for (auto &place : engine->places)
      taken += place->busy();
    metrics.running = static_cast<int64_t>(taken);
    std::lock_guard lock(mutex);
    busy = taken;
  }
  // Whoever still waits is told.
  const ApiError gone = {503, "the server has stopped", "", "stopped"};
  for (auto &place : engine->places)
    if (place->busy())
      place->fail(gone);
  std::lock_guard lock(mutex);
  if (engine->prompt && engine->prompt->job)
    queue.push_back(engine->prompt->job);
  engine->prompt.reset();
  for (const JobPtr &job : queue)
    job->tell([&](Progress &progress) { progress.error = gone; });
  queue.clear();
  engine.reset();
}
