// internal.h: what the runtime's files share: the objects behind the opaque types of runtime.h.
#ifndef QUOIN_RUNTIME_INTERNAL_H
#define QUOIN_RUNTIME_INTERNAL_H

#include "memory.h"

#include <atomic>
#include <new>
#include <pthread.h>
#include <sys/types.h>
#include <utility>

namespace quoin::rt {

inline constexpr size_t kErrorBytes = 1024;

/// Worker 0 is the caller. The others look for the next call for a moment, since it is usually near, then sleep.
///
/// Threads do not live on in a child after `fork`, so the child begins anew: `run` and `stop` compare the process with
/// the one that started them. There is no lock that the fork could find taken.
class Pool {
public:
  explicit Pool(const Memory *memory) : threads(memory) {}
  Pool(const Pool &) = delete;
  Pool &operator=(const Pool &) = delete;
  ~Pool() { stop(); }

  /// Runs fn(arg, w, workers) on all workers; threads are started when first needed. False: they could not be. Who
  /// waits looks `spins` times before it sleeps.
  [[nodiscard]] bool run(int32_t workers, int32_t spins, quoin_worker_fn fn, void *arg);
  /// How many CPUs the affinity masks of the caller and of the threads leave to them together; 0: not known.
  int32_t allowedCpus() const;
  void stop();

private:
  struct Thread {
    Pool *pool;
    int64_t worker;
    pthread_t handle;
  };
  static void *enter(void *thread);
  void work(int64_t worker);
  bool start(int32_t workers);
  void forgetThreadsOfParent();

  Buffer<Thread> threads;        // of workers 1 and up
  pid_t process = 0;             // that started them
  std::atomic<int32_t> epoch{0}; // counts the calls
  std::atomic<int32_t> left{0};  // workers that have not finished this call
  std::atomic<int32_t> asleep{0};
  std::atomic<int32_t> callerAsleep{0};
  std::atomic<int32_t> spins{0};
  std::atomic<bool> stopping{false};
  quoin_worker_fn fn = nullptr;
  void *arg = nullptr;
  int32_t workers = 1;
};

/// wait.cpp: sleeps while *at is `value`, and may return earlier.
void sleepWhile(const int32_t *at, int32_t value);
/// Wakes all that sleep at this place.
void wakeSleepers(const int32_t *at);
/// Nanoseconds of a clock that only rises.
int64_t nanoseconds();

/// Where the workers of a call meet, and how long they slept for each other.
struct Meeting {
  quoin_barrier_t barrier = {};  // first: the barrier's `wait` finds the rest
  std::atomic<int64_t> slept{0}; // nanoseconds, of all workers
};
/// Before each call that generated code's workers meet in.
void prepareMeeting(Meeting &meeting, int32_t spins);

/// Tells from how long workers sleep whether others compete for the CPUs: then one worker is sooner done than several
/// that wait for each other in turn. Looks again after a while.
class Competition {
public:
  /// May a call that begins now be shared?
  bool allows(int64_t now) const { return now >= alone; }
  /// A call shared by some workers on some CPUs took `took` nanoseconds, in which the workers slept `slept` in all.
  void observe(int64_t now, int64_t took, int64_t slept, int32_t workers, int32_t cpus);

private:
  double idle = 0, whole = 0; // of the last calls: for how long a worker slept, and for how long it could have worked
  double lasted = 0;          // and how long they were
  int64_t alone = 0;          // until then calls are not shared
};

/// A hint to the CPU that this thread spins.
inline void pauseCpu() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ __volatile__("yield");
#endif
}

/// One model of a program: what the tables say of it, found once.
struct Part {
  const quoin_program_model_t *table = nullptr;
  const quoin_step_t *layers = nullptr;
  const quoin_step_t *head = nullptr; // null: it scores no tokens
  int64_t pageBytes = 0;              // of keys and values; 0: it keeps none
  int64_t stateBytes = 0;             // of what recurrences leave; 0: it has none
  int64_t hidden = 0;                 // floats of a row that the head scores
};

/// What the slots of a page hold, and those before it.
struct Page;
struct PageKey {
  const quoin_decoder_t *decoder = nullptr;
  int64_t cache = 0;
  Page *before = nullptr; // null: it is the first
  int32_t tokens[QUOIN_PAGE_SLOTS] = {}, positions[QUOIN_PAGE_SLOTS] = {}, labels[QUOIN_PAGE_SLOTS] = {};
};

/// Keys and values of 64 slots.
struct Page {
  void *data = nullptr;
  int64_t users = 1; // caches that hold it
  bool indexed = false;
  PageKey key = {}; // in the index:
  size_t hash = 0;
  Page *next = nullptr; // of the same bucket
};

/// The pages of a model's sessions that others may use; see cache.cpp.
class PageIndex {
public:
  explicit PageIndex(const Memory *memory) : buckets(memory) {}

  Page *find(const PageKey &key) const;
  /// Without memory the page is not entered.
  void add(Page *page);
  void remove(Page *page);
  /// How many leading pages of a text are there, at most `most`, up to one with an open slot. Without labels and open
  /// bits these are 0. `chain` may be null.
  size_t follow(const quoin_decoder_t &of, int64_t cache, const quoin_sequence_t &x, size_t most, Page **chain) const;

private:
  void insert(Page *page);

  Buffer<Page *> buckets; // a power of two
  size_t count = 0;
};

/// Most pages that are taken from others at once.
inline constexpr size_t kMostAttached = 1024;

/// Keys and values of one cache of one session, and what its slots hold.
///
/// The first `valid` slots may be used by the next call. Slots of a call are written in [from, slots) only: those
/// before are the ones the cache already had, with the labels and open bits under which they were computed.
struct Cache {
  Cache(const Memory *memory, int64_t model, int64_t pageBytes, int64_t stateBytes)
      : memory(memory), model(model), pageBytes(pageBytes > 0 ? pageBytes : 1), stateBytes(stateBytes), pages(memory),
        tokens(memory), positions(memory), labels(memory), open(memory), columns(memory), once(memory), held(memory) {}
  Cache(const Cache &) = delete;
  Cache &operator=(const Cache &) = delete;
  ~Cache();

  [[nodiscard]] bool reserve(int64_t slots);
  /// Pages of slots [from, slots), which are reserved, become this cache's alone. False: no memory.
  [[nodiscard]] bool makeWritable(int64_t from, int64_t slots);
  /// Checkpoints, states of recurrences behind some of the slots that it holds. The last one at or below `slot`: its
  /// slot, 0 and null if there is none. Those behind it are forgotten: their slots are about to be written.
  int64_t goBackTo(int64_t slot, const void *&out_state);
  /// Room for one more; null: no memory. It is the next checkpoint once `keepState` says of which slot.
  void *makeState();
  void keepState(int64_t slot);
  /// Enters whole pages of the first `slots` slots, as far as they are valid.
  void publish(int64_t slots);
  /// Takes leading pages of the call's sequence from others, if there are more than `had` slots of them; gives how many
  /// slots are valid then, `had` otherwise. Without memory nothing is taken.
  int64_t attach(const quoin_forward_t &call, int64_t limit, int64_t had);

  const Memory *memory;
  const int64_t model; // whose keys and values
  const int64_t pageBytes, stateBytes;
  PageIndex *index = nullptr; // null: its slots mean something in this run only
  const quoin_decoder_t *decoder = nullptr;
  int64_t number = 0;
  Buffer<void *> pages; // data of those held
  Buffer<int32_t> tokens, positions, labels, open;
  // Of a model that takes columns: those of each slot, packed, and those of all slots.
  bool tokenless = false; // tokens and open bits do not count
  int64_t slotBytes = 0;
  Buffer<uint8_t> columns, once;
  int64_t valid = 0;

private:
  [[nodiscard]] bool reserveSlots(size_t count);
  Page *makePage() const;
  void drop(Page *page);
  void release(size_t first);
  PageKey keyOf(size_t page) const;

  Buffer<Page *> held;

  /// Where the last calls began and ended: a decoder goes back to one of these. The room behind them is for the next.
  static constexpr size_t kMostStates = 2;
  struct State {
    int64_t slot;
    void *data;
  };
  State states[kMostStates + 1] = {};
  size_t stateCount = 0;
};

/// Numbers and tensors that a session holds by number; named.cpp.
class NamedTensors {
public:
  struct Entry {
    quoin_tensor_t tensor = {};
    size_t room = 0;
    bool given = false;
  };
  explicit NamedTensors(const Memory *memory) : entries(memory), memory(memory) {}
  NamedTensors(const NamedTensors &) = delete;
  NamedTensors &operator=(const NamedTensors &) = delete;
  ~NamedTensors();

  /// Room for so many, none given.
  [[nodiscard]] bool prepare(size_t count);
  /// None is given; the memory stays.
  void clear();
  /// Where the elements of one go, which is then given; null: no memory.
  void *make(size_t number, int64_t elements, int64_t bytes);

  Buffer<Entry> entries;

private:
  void release();
  const Memory *memory;
};

/// Follows a session's sequence from call to call and tells its listener what changed.
struct Trace {
  explicit Trace(const Memory *memory)
      : tokens(memory), open(memory), confidence(memory), read(memory), filled(memory), edited(memory) {}

  quoin_event_fn fn = nullptr;
  void *self = nullptr;
  Buffer<int32_t> tokens;
  Buffer<uint8_t> open;
  Buffer<float> confidence; // by position; NaN: never scored
  Buffer<int64_t> read;     // positions that the last call's logits are of
  Buffer<quoin_change_t> filled, edited;
  int64_t committed = 0;                // of the last sequence seen
  int64_t committedFrom = 0;            // of the event to come
  int64_t evaluation = -1, forward = 0; // of the event to come; -1: no evaluation yet
};

/// Arrays of the batch that runs, used again by every step.
/// Statistics of what a sampler's transforms leave (QUOIN_STAT_FILTERED_*).
struct FilteredFacts {
  double best, entropy, margin, mass;
};

struct Scratch {
  explicit Scratch(const Memory *memory)
      : waiting(memory), columns(memory), read(memory), readGroup(memory), resultRows(memory), groups(memory),
        words(memory), tiles(memory), layers(memory), rows(memory), jobs(memory), part(memory), chosen(memory),
        head(memory), logits(memory), sorted(memory), places(memory), sound(memory) {}

  struct Job {
    quoin_session_t *session;
    int64_t row; // of the score
    size_t head; // its row of the head; a residual has the next one, too
    int64_t at;  // of the likeliest tokens: where those of the row begin
    FilteredFacts filtered;
  };
  struct Candidate {
    float logit;
    int32_t token;
  };

  Buffer<quoin_session_t *> waiting;
  Buffer<uint8_t> columns; // operands of the step, one after the other
  Buffer<int64_t> read, readGroup;
  Buffer<void *> resultRows; // where rows of results go, one result after the other
  Buffer<quoin_group_t> groups;
  Buffer<uint64_t> words;
  Buffer<uint8_t> tiles, layers;
  Buffer<quoin_head_row_t> rows;
  Buffer<Job> jobs;
  Buffer<int32_t> part;            // of each row of the head: its model
  Buffer<quoin_head_row_t> chosen; // rows of one model, where there are several
  Buffer<uint8_t> head;
  Buffer<float> logits;
  Buffer<Candidate> sorted;
  Buffer<int64_t> places; // of rows that are edited: their positions
  Buffer<uint8_t> sound;  // and whether they had a softmax before
  Meeting meeting;
};

enum class Phase { Preparing, Ready, Forward, Score, Apply, Finished };

/// The first column of a model that is neither ids nor positions.
inline constexpr int32_t kFirstColumn = 2;

} // namespace quoin::rt

struct quoin_context_t {
  explicit quoin_context_t(const quoin::rt::Memory &memory) : memory(memory), pool(&this->memory) {}

  quoin::rt::Memory memory;
  quoin_hooks_t hooks = {};
  int32_t workers = 1; ///< most that a call has
  int32_t cpus = 1;    ///< that the process might use when the context was made
  int32_t allowed = 1; ///< of these, those that the masks of its threads leave now
  int64_t looked = 0;  ///< when that was found
  int32_t spins = 0;   ///< how often a worker looks before it sleeps
  quoin::rt::Pool pool;
  quoin::rt::Competition competition;
  char error[quoin::rt::kErrorBytes] = "";

  /// Keeps the text and returns `status`.
  quoin_status_t fail(quoin_status_t status, const char *format, ...) __attribute__((format(printf, 3, 4)));
  quoin_status_t outOfMemory() { return fail(QUOIN_STATUS_OUT_OF_MEMORY, "out of memory"); }
  void log(int32_t level, const char *format, ...) __attribute__((format(printf, 3, 4)));
  /// Runs fn on all workers at the same time; on the caller alone where no threads are to be had, and where there is so
  /// little work between two meetings (multiplications a layer), or so much competition, that sharing it would take
  /// longer. Which it is never changes a result. What the workers meet at is made ready.
  void parallel(double work, quoin::rt::Meeting &meeting, quoin_worker_fn fn, void *arg);
  /// Looks again, once in a while, which CPUs the threads may run on.
  void lookAtMasks(int64_t now);

  template <typename T, typename... Args> T *make(Args &&...args) {
    void *at = memory.allocate(sizeof(T));
    return at ? new (at) T(std::forward<Args>(args)...) : nullptr;
  }
  template <typename T> void destroy(T *object) {
    if (!object)
      return;
    object->~T();
    memory.free(object, sizeof(T));
  }
};

struct quoin_model_t {
  explicit quoin_model_t(quoin_context_t *context)
      : context(context), parts(&context->memory), metadata(&context->memory), index(&context->memory),
        scratch(&context->memory) {}
  ~quoin_model_t();

  quoin_context_t *context;
  const quoin_program_t *program = nullptr;
  quoin::rt::Buffer<quoin::rt::Part> parts; // as the program's models
  void *library = nullptr;                  // of dlopen
  const uint8_t *weights = nullptr;
  void *mapped = nullptr;
  size_t mappedBytes = 0;
  quoin_tokenizer_t *tokenizer = nullptr;
  quoin::rt::Buffer<char> metadata;
  quoin::rt::PageIndex index;
  quoin::rt::Scratch scratch;
};

struct quoin_session_t {
  quoin_session_t(quoin_model_t *model, const quoin_decoder_t *decoder);
  ~quoin_session_t();

  quoin_context_t *context() const { return model->context; }
  quoin::rt::Arena &arena() { return arenas[active]; }
  /// The arena that holds what the host makes for the next `advance`.
  quoin::rt::Arena &otherArena() { return arenas[1 - active]; }

  /// Ends the session with a text.
  void fail(quoin_status_t code, const char *format, ...) __attribute__((format(printf, 3, 4)));
  void failOutOfMemory() { fail(QUOIN_STATUS_OUT_OF_MEMORY, "out of memory"); }
  /// The op `what` needs `length` positions, and `more` if there are any, which is more than the program has.
  void failRoom(const char *what, uint64_t length, int64_t more = 0);

  quoin_model_t *model;
  const quoin_decoder_t *decoder;
  quoin_state_t state = {};
  quoin::rt::Arena arenas[2];
  int active = 0;
  quoin::rt::Phase phase = quoin::rt::Phase::Preparing;
  quoin_status_t status = QUOIN_STATUS_OK;
  char error[quoin::rt::kErrorBytes / 2] = "";

  // The request.
  quoin::rt::Buffer<int32_t> prompt, stops;
  quoin::rt::Buffer<double> settings; // one per setting of the decoder
  quoin::rt::NamedTensors inputs;
  quoin::rt::Buffer<quoin_tensor_t> inputValues; // as the decoder sees them
  bool prompted = false;
  int64_t maxTokens = 64;
  uint64_t seed = 0;
  double temperature = 0, topK = 0, topP = 1;
  quoin_edit_fn edit = nullptr; // null: nobody changes scores
  void *editor = nullptr;

  // The run.
  quoin::rt::Buffer<quoin_value_t> frame, moved; // as large; `moved` is for the arenas' exchange
  quoin::rt::Buffer<uint8_t> kinds;
  quoin::rt::NamedTensors outputs;
  quoin::rt::Buffer<quoin::rt::Cache *> caches; // the decoder's, then one of each model that keeps nothing
  int64_t forwards = 0;
  int64_t draftEvaluations = 0;
  int64_t prefillTokens = 0;
  int64_t sharedTokens = 0;
  int64_t rows = 0;
  int64_t maxRounds = QUOIN_DEFAULT_ROUNDS;
  bool starting = false; // in the step that runs
  quoin::rt::Trace trace;
  quoin::rt::Buffer<int32_t> textTokens; // of the last call, for who edits scores
  quoin::rt::Buffer<uint8_t> textOpen;
};

namespace quoin::rt {

/// Multiplications of so many rows that count: few rows wait for the weights as long as eight compute.
inline double rowsOfWork(int64_t rows) { return double(rows < 8 ? 8 : rows); }

/// The functions decoders call, in sequence.cpp.
extern const quoin_host_t kHost;

/// features.cpp: the first of `features` (names joined by commas, each with an optional '+') that this CPU lacks, or
/// that `level` ("x86-64-v3"; null: no limit) leaves out, as a length in `out_length`; null if it has all.
const char *missingFeature(const char *features, const char *level, size_t *out_length);
/// Whether this machine, or the lower one that QUOIN_CPU names, runs a program that needs `features` (may be null).
quoin_status_t checkFeatures(quoin_context_t &context, const char *features, const char *where);

/// tables.cpp: refuses a program that this runtime cannot run or whose tables contradict themselves.
quoin_status_t checkProgram(quoin_context_t &context, const quoin_program_t *program, const char *where);
/// Finds what steps need in the tables of a program that was checked. False: no memory.
[[nodiscard]] bool findParts(const quoin_program_t &program, Buffer<Part> &out);

/// cpus.cpp: what this process may use of the machine: by its affinity mask and by the quotas of its control groups.
/// The files are read below `root` ("" but in tests).
struct Cpus {
  int32_t cpus = 1;  // a quota of one and a half counts as two
  int32_t cores = 1; // the same, hyper-threads counted once
};
Cpus usableCpus(const char *root = "");
/// CPUs' worth of time that the control groups of this process grant; infinite without a quota.
double cpuQuota(const char *root);

/// text.cpp: the tokenizer of a folder; *out stays null if there is none.
/// Opens a compiled program or function; a damaged file is diagnosed before the loader maps it.
quoin_status_t openLibrary(quoin_context_t &context, const char *path, void **out_library);
quoin_status_t loadTokenizer(quoin_context_t &context, const char *folder, bool required, quoin_tokenizer_t **out);

/// cache and calls, in engine.cpp.
int64_t reusableSlots(Cache &cache, const quoin_forward_t &call, const quoin_program_model_t &table, int64_t limit);
/// False if the call has not a row a slot of each column of the model, or one for all; the session has then failed.
[[nodiscard]] bool checkColumns(quoin_session_t &session, const quoin_forward_t &call,
                                const quoin_program_model_t &table);
/// Would the session's first call compute what that of `starting` is about to, so that it had better start after it?
bool waitsForPrefix(const quoin_session_t &session, const quoin_session_t &starting);
/// Runs `advance` to its next suspension; the phase says what came of it.
void resume(quoin_session_t &session);
/// Starts a run: prompt and max_tokens into the frame, then `resume`.
void begin(quoin_session_t &session);

/// named.cpp: gives an input; fails where it is none of the decoder's, or something else.
quoin_status_t setInput(quoin_session_t &session, const quoin_named_tensor_t &given);
/// Tokens that heads score: ids below.
inline int64_t scoredTokens(const quoin_program_t &program) { return program.vocabulary - program.unscored; }
bool hasInput(const quoin_session_t &session, const char *name);
/// Has the session's decoder a setting of this name?
bool isSetting(const quoin_session_t &session, const char *name);
/// Fails while the session runs.
quoin_status_t checkIdle(quoin_session_t &session);
/// Is there an input of this name? Then `status` is what came of giving it the number.
bool isNumberInput(quoin_session_t &session, const char *name, quoin_status_t &status, double value);
/// Before a run: shows the decoder its inputs. False if one is missing; the session has then failed.
[[nodiscard]] bool bindInputs(quoin_session_t &session);
void giveOutput(quoin_state_t *state, int64_t number, const quoin_tensor_t *value);

/// forward.cpp: one pass of each model's layers for all sessions that wait for them, which may then resume.
quoin_status_t runForwards(quoin_model_t &model, quoin_session_t *const *sessions, size_t count);

/// apply.cpp: one pass of each model without a head for all sessions that wait for it, which may then resume.
quoin_status_t runApplies(quoin_model_t &model, quoin_session_t *const *sessions, size_t count);
/// False if the request is not well-formed; the session has then failed.
bool checkApply(quoin_session_t &session);

/// score.cpp: one pass of each head for all sessions that wait for a score, and their results.
quoin_status_t runScores(quoin_model_t &model, quoin_session_t *const *sessions, size_t count);
/// False if the request is not well-formed; the session has then failed.
bool checkScore(quoin_session_t &session);

/// trace.cpp.
[[nodiscard]] bool traceBegin(quoin_session_t &session);
/// A call of the model is about to be made.
void traceForward(quoin_session_t &session);
void traceConfidence(quoin_session_t &session, int64_t position, float confidence);
void traceDone(quoin_session_t &session);

} // namespace quoin::rt

#endif
