// LoadTest.cpp: opening programs from folders, what is refused and how it is said; threads.

#include "RuntimeFixture.h"
#include "runtime/src/internal.h"

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

using namespace quoin::test;
namespace fs = std::filesystem;

namespace {

/// A folder as the compiler writes it, over the hand-written program.
struct Folder {
  Folder() {
    char name[] = "/tmp/quoin-load-XXXXXX";
    path = mkdtemp(name);
    fs::copy_file(QUOIN_FAKE_PROGRAM, path / "model.so");
    write("model.qw", std::string(static_cast<const char *>(fakeWeights()), QUOIN_FAKE_WEIGHTS));
    write("model.json", "{\"abi\": 1}");
  }
  ~Folder() { fs::remove_all(path); }
  void write(const char *name, const std::string &text) { std::ofstream(path / name, std::ios::binary) << text; }

  fs::path path;
};

struct Loader {
  Loader() { EXPECT_EQ(quoin_context_create(nullptr, &context), QUOIN_STATUS_OK); }
  ~Loader() { quoin_context_destroy(context); }
  quoin_status_t load(const Folder &folder) {
    quoin_model_t *model = nullptr;
    quoin_status_t status = quoin_model_load(context, folder.path.c_str(), &model);
    metadata = status == QUOIN_STATUS_OK && quoin_model_metadata(model) ? quoin_model_metadata(model) : "";
    quoin_model_destroy(model);
    return status;
  }
  bool says(const char *text) const { return std::strstr(quoin_context_last_error(context), text); }

  quoin_context_t *context = nullptr;
  std::string metadata;
};

quoin_program_t changed;
const quoin_program_t *queryChanged(uint32_t) { return &changed; }
const quoin_program_t *queryNewer(uint32_t) { return nullptr; }

} // namespace

TEST(Load, ReadsAFolder) {
  Folder folder;
  Loader loader;
  EXPECT_EQ(loader.load(folder), QUOIN_STATUS_OK) << quoin_context_last_error(loader.context);
  EXPECT_EQ(loader.metadata, "{\"abi\": 1}");
  fs::remove(folder.path / "model.json");
  EXPECT_EQ(loader.load(folder), QUOIN_STATUS_OK);
}

TEST(Load, NamesWhatIsMissingOrMixed) {
  Folder folder;
  Loader loader;
  folder.write("tokenizer.json", "{");
  EXPECT_EQ(loader.load(folder), QUOIN_STATUS_CORRUPT);
  EXPECT_TRUE(loader.says("tokenizer.json"));
  folder.write("model.qw", std::string(QUOIN_FAKE_WEIGHTS, 'x'));
  EXPECT_EQ(loader.load(folder), QUOIN_STATUS_CORRUPT);
  EXPECT_TRUE(loader.says("model.qw has checksum 7878787878787878, but the program expects 1122334455667788"));
  folder.write("model.qw", "short");
  EXPECT_EQ(loader.load(folder), QUOIN_STATUS_CORRUPT);
  EXPECT_TRUE(loader.says("model.qw has 5 bytes, but the program expects 64"));
  folder.write("model.qw", "");
  EXPECT_EQ(loader.load(folder), QUOIN_STATUS_CORRUPT);
  fs::remove(folder.path / "model.qw");
  EXPECT_EQ(loader.load(folder), QUOIN_STATUS_NOT_FOUND);
  EXPECT_TRUE(loader.says("model.qw': No such file"));
  folder.write("model.so", "no object");
  EXPECT_EQ(loader.load(folder), QUOIN_STATUS_CORRUPT);
  fs::remove(folder.path / "model.so");
  EXPECT_EQ(loader.load(folder), QUOIN_STATUS_NOT_FOUND);
}

/// Opens a folder with a tokenizer, and a text there and back; the first status that is not OK, after all was freed.
static quoin_status_t loadAndTranslate(const Folder &folder, CountingMemory &memory) {
  quoin_hooks_t hooks = memory.hooks(1);
  quoin_context_t *context = nullptr;
  quoin_model_t *model = nullptr;
  quoin_status_t status = quoin_context_create(&hooks, &context);
  if (!status)
    status = quoin_model_load(context, folder.path.c_str(), &model);
  int32_t ids[64];
  char text[64];
  size_t count = 0, size = 0;
  if (!status)
    status = quoin_tokenizer_encode(quoin_model_tokenizer(model), "sort 321 =>", 11, ids, 64, &count);
  if (!status)
    status = quoin_tokenizer_decode(quoin_model_tokenizer(model), ids, count, 0, text, 64, &size);
  if (!status)
    EXPECT_EQ(std::string(text, size), "sort 321 =>");
  quoin_model_destroy(model);
  quoin_context_destroy(context);
  return status;
}

TEST(Load, EachAllocationMayFail) {
  Folder folder;
  fs::copy_file(QUOIN_SOURCE_DIR "/examples/demo/model/tokenizer.json", folder.path / "tokenizer.json");
  CountingMemory memory;
  ASSERT_EQ(loadAndTranslate(folder, memory), QUOIN_STATUS_OK);
  ASSERT_GT(memory.calls, 2);
  for (int64_t at = 1; at <= memory.calls; ++at) {
    CountingMemory failing;
    failing.failAt = at;
    EXPECT_EQ(loadAndTranslate(folder, failing), QUOIN_STATUS_OUT_OF_MEMORY) << at;
    EXPECT_EQ(failing.live, 0) << at;
  }
}

TEST(Load, RefusesAFillTokenPastTheVocabulary) {
  Loader loader;
  quoin_model_t *model = nullptr;
  changed = *quoin_fake_query(QUOIN_ABI_VERSION);
  changed.fill = static_cast<int32_t>(changed.vocabulary);
  EXPECT_EQ(quoin_model_from_program(loader.context, queryChanged, fakeWeights(), QUOIN_FAKE_WEIGHTS, nullptr, &model),
            QUOIN_STATUS_CORRUPT);
  EXPECT_TRUE(loader.says("does not describe a model"));
}

namespace {
/// The hand-written program, with tables that a test may damage.
struct OwnTables {
  OwnTables() {
    const quoin_program_t &p = *quoin_fake_query(QUOIN_ABI_VERSION);
    models.assign(p.models, p.models + p.models_count);
    decoders.assign(p.decoders, p.decoders + p.decoders_count);
    quoin_program_model_t &m = models[0];
    operands.assign(m.operands, m.operands + m.operands_count);
    results.assign(m.results, m.results + m.results_count);
    spaces.assign(m.spaces, m.spaces + m.spaces_count);
    states.assign(m.states, m.states + m.states_count);
    steps.assign(m.steps, m.steps + m.steps_count);
    settings.assign(decoders[0].settings, decoders[0].settings + decoders[0].settings_count);
    caches.assign(decoders[0].caches, decoders[0].caches + decoders[0].caches_count);
    m.operands = operands.data();
    m.results = results.data();
    m.spaces = spaces.data();
    m.states = states.data();
    m.steps = steps.data();
    decoders[0].settings = settings.data();
    decoders[0].caches = caches.data();
    program = p;
    program.models = models.data();
    program.decoders = decoders.data();
  }
  /// A matrix of any number of rows.
  quoin_input_t &addInput() {
    inputs.push_back({{"x", QUOIN_DTYPE_F32, 2, {-1, 8, 0, 0}, QUOIN_NO_OFFSETS}, 0, 0});
    decoders[0].inputs = inputs.data();
    decoders[0].inputs_count = 1;
    return inputs[0];
  }
  quoin_program_t program;
  std::vector<quoin_input_t> inputs;
  std::vector<quoin_program_model_t> models;
  std::vector<quoin_decoder_t> decoders;
  std::vector<quoin_column_t> operands, results;
  std::vector<quoin_space_t> spaces;
  std::vector<quoin_kept_t> states;
  std::vector<quoin_step_t> steps;
  std::vector<quoin_setting_t> settings;
  std::vector<quoin_cache_t> caches;
};

struct Damage {
  const char *says;
  void (*make)(OwnTables &);
};
} // namespace

TEST(Load, RefusesTablesThatContradictThemselves) {
  const Damage all[] = {
      {"a vocabulary from 1", [](OwnTables &t) { t.program.vocabulary = 0; }},
      {"a vocabulary from 1", [](OwnTables &t) { t.program.vocabulary = int64_t(1) << 40; }},
      {"a capacity from 1", [](OwnTables &t) { t.program.capacity = -1; }},
      {"positions from 256", [](OwnTables &t) { t.program.positions = 255; }},
      {"bytes of the weight file", [](OwnTables &t) { t.program.weights_bytes = 7; }},
      {"models from 1", [](OwnTables &t) { t.program.models_count = 0; }},
      {"a table of them, but found models 2", [](OwnTables &t) { t.program.models = nullptr; }},
      {"decoders from 1", [](OwnTables &t) { t.program.decoders_count = -2; }},
      {"stops from 0", [](OwnTables &t) { t.program.stops_count = -1; }},
      {"masks from 0", [](OwnTables &t) { t.program.masks_count = -1; }},
      {"models with a name", [](OwnTables &t) { t.models[0].name = nullptr; }},
      {"columns of a model", [](OwnTables &t) { t.models[0].operands_count = QUOIN_MAX_COLUMNS + 1; }},
      {"columns of a model", [](OwnTables &t) { t.models[0].results_count = -1; }},
      {"operands of a model", [](OwnTables &t) { t.models[0].operands_count = 1; }},
      {"a table of them", [](OwnTables &t) { t.models[0].operands = nullptr; }},
      {"the type of a column", [](OwnTables &t) { t.operands[0].type = 9; }},
      {"the space of a column from 0 to 1, but found 2", [](OwnTables &t) { t.operands[1].space = 2; }},
      {"the space of a column", [](OwnTables &t) { t.results[0].space = -1; }},
      {"the width of a column", [](OwnTables &t) { t.results[0].width = 0; }},
      {"columns with a name", [](OwnTables &t) { t.results[0].name = nullptr; }},
      {"ids and positions", [](OwnTables &t) { t.operands[0].width = 2, t.operands[0].row_bytes = 8; }},
      {"ids and positions", [](OwnTables &t) { t.operands[1].space = 1; }},
      {"a space of rows", [](OwnTables &t) { t.spaces[1].kind = 7; }},
      {"what a model keeps", [](OwnTables &t) { t.states[0].kind = 2; }},
      {"bytes of what a model keeps", [](OwnTables &t) { t.states[0].bytes = -64; }},
      {"states of different kinds",
       [](OwnTables &t) {
         t.states.push_back(t.states[0]);
         t.models[0].states = t.states.data();
         t.models[0].states_count = 2;
       }},
      {"models with a step", [](OwnTables &t) { t.models[0].steps_count = 0; }},
      {"what a step computes", [](OwnTables &t) { t.steps[0].job = 5; }},
      {"how a step is run", [](OwnTables &t) { t.steps[0].how = 1; }},
      {"one step of each kind", [](OwnTables &t) { t.steps[1].job = QUOIN_STEP_LAYERS; }},
      {"scratch of a row", [](OwnTables &t) { t.steps[0].row_bytes = -1; }},
      {"scratch of a worker", [](OwnTables &t) { t.steps[1].worker_bytes = INT64_MAX; }},
      {"steps with code", [](OwnTables &t) { t.steps[1].run = nullptr; }},
      {"results of f32", [](OwnTables &t) { t.results[0].type = QUOIN_DTYPE_I32; }},
      {"results of f32", [](OwnTables &t) { t.results[0].space = 0; }},
      {"bytes of a row of a column", [](OwnTables &t) { t.results[0].row_bytes = 28; }},
      {"rows at multiples of 8 bytes", [](OwnTables &t) { t.results[0].row_bytes = 36; }},
      {"a head that scores", [](OwnTables &t) { t.models[0].results_count = 0; }},
      {"layers from 0", [](OwnTables &t) { t.models[0].layers = -1; }},
      {"decoders with a name and code", [](OwnTables &t) { t.decoders[1].advance = nullptr; }},
      {"slots of a frame", [](OwnTables &t) { t.decoders[0].frame_slots = 1; }},
      {"the model of a cache from 0 to 1, but found 2", [](OwnTables &t) { t.caches[0].model = 2; }},
      {"words of a setting",
       [](OwnTables &t) { t.settings[0].type = QUOIN_SETTING_WORD, t.settings[0].words_count = 1; }},
      {"the type of a setting", [](OwnTables &t) { t.settings[0].type = 3; }},
      {"inputs from 0", [](OwnTables &t) { t.decoders[0].inputs_count = -1; }},
      {"a table of them, but found outputs 3", [](OwnTables &t) { t.decoders[0].outputs_count = 3; }},
      {"the rank of an input or output from 0 to 2, but found 3", [](OwnTables &t) { t.addInput().type.rank = 3; }},
      {"the type of an input or output", [](OwnTables &t) { t.addInput().type.dtype = QUOIN_DTYPE_BF16; }},
      {"a size of an input or output from 1", [](OwnTables &t) { t.addInput().type.sizes[1] = -1; }},
      {"a size of an input or output", [](OwnTables &t) { t.addInput().type.sizes[1] = int64_t(1) << 40; }},
      {"inputs and outputs with a name", [](OwnTables &t) { t.addInput().type.name = nullptr; }},
      {"settings from 0", [](OwnTables &t) { t.decoders[0].settings_count = -1; }},
  };
  Loader loader;
  for (const Damage &damage : all) {
    OwnTables tables;
    quoin_model_t *model = nullptr;
    auto load = [&] {
      changed = tables.program;
      return quoin_model_from_program(loader.context, queryChanged, fakeWeights(), QUOIN_FAKE_WEIGHTS, nullptr, &model);
    };
    ASSERT_EQ(load(), QUOIN_STATUS_OK) << quoin_context_last_error(loader.context);
    quoin_model_destroy(model);
    damage.make(tables);
    EXPECT_EQ(load(), QUOIN_STATUS_CORRUPT) << damage.says;
    EXPECT_TRUE(loader.says("does not describe a model: expects ")) << quoin_context_last_error(loader.context);
    EXPECT_TRUE(loader.says(damage.says)) << quoin_context_last_error(loader.context);
  }
}

TEST(Load, RefusesOtherVersionsAndCpus) {
  Loader loader;
  quoin_model_t *model = nullptr;
  auto from = [&](quoin_program_query_fn query, const void *weights) {
    return quoin_model_from_program(loader.context, query, weights, QUOIN_FAKE_WEIGHTS, nullptr, &model);
  };
  EXPECT_EQ(from(queryNewer, fakeWeights()), QUOIN_STATUS_INCOMPATIBLE);
  changed = *quoin_fake_query(QUOIN_ABI_VERSION);
  changed.abi_version = QUOIN_ABI_VERSION + 1;
  EXPECT_EQ(from(queryChanged, fakeWeights()), QUOIN_STATUS_INCOMPATIBLE);
  std::string older = "has ABI version " + std::to_string(QUOIN_ABI_VERSION + 1) + ", but this runtime has " +
                      std::to_string(QUOIN_ABI_VERSION);
  EXPECT_TRUE(loader.says(older.c_str()));
  changed.abi_version = QUOIN_ABI_VERSION;
  changed.struct_size -= 8;
  EXPECT_EQ(from(queryChanged, fakeWeights()), QUOIN_STATUS_INCOMPATIBLE);
  changed.struct_size += 8;
  changed.target_features = "avx9000";
  EXPECT_EQ(from(queryChanged, fakeWeights()), QUOIN_STATUS_INCOMPATIBLE);
  EXPECT_TRUE(loader.says("the CPU feature 'avx9000'"));
  changed.target_features = "-avx9000";
  EXPECT_EQ(from(queryChanged, static_cast<const char *>(fakeWeights()) + 8), QUOIN_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(from(queryChanged, nullptr), QUOIN_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(model, nullptr);
  EXPECT_EQ(from(queryChanged, fakeWeights()), QUOIN_STATUS_OK);
  quoin_model_destroy(model);
}

TEST(Load, FeaturesAgreeWithTheCompiler) {
  size_t length;
  EXPECT_EQ(quoin::rt::missingFeature("", nullptr, &length), nullptr);
#ifdef __x86_64__
  EXPECT_EQ(quoin::rt::missingFeature("+sse2,cx8,fxsr", nullptr, &length), nullptr);
  auto has = [&](const char *name) { return quoin::rt::missingFeature(name, nullptr, &length) == nullptr; };
  __builtin_cpu_init();
#define AGREE(name) EXPECT_EQ(has(name), __builtin_cpu_supports(name) != 0) << name
  AGREE("avx");
  AGREE("avx2");
  AGREE("fma");
  AGREE("bmi2");
  AGREE("avx512f");
  AGREE("avx512bw");
  AGREE("avx512vl");
  AGREE("avx512vnni");
  AGREE("avx512bf16");
  AGREE("avx512fp16");
  AGREE("vaes");
#undef AGREE
  // A level allows what it and those below it add.
  auto allows = [&](const char *level, const char *name) {
    return quoin::rt::missingFeature(name, level, &length) == nullptr;
  };
  EXPECT_TRUE(allows("x86-64", "sse2,fxsr"));
  EXPECT_FALSE(allows("x86-64", "sse2,popcnt"));
  EXPECT_EQ(allows("x86-64-v3", "sse2,popcnt,avx2"), has("popcnt,avx2"));
  EXPECT_FALSE(allows("x86-64-v3", "avx2,avx512f"));
  EXPECT_FALSE(allows("x86-64-v4", "avx512bf16"));
#endif
}

namespace {
/// The environment's QUOIN_CPU for as long as this lives.
struct ForcedCpu {
  explicit ForcedCpu(const char *level) {
    if (const char *old = std::getenv("QUOIN_CPU"))
      before = old;
    setenv("QUOIN_CPU", level, 1);
  }
  ~ForcedCpu() { before.empty() ? unsetenv("QUOIN_CPU") : setenv("QUOIN_CPU", before.c_str(), 1); }
  std::string before;
};
} // namespace

TEST(Load, TakesTheMachineForALowerOne) {
#ifndef __x86_64__
  GTEST_SKIP() << "levels are those of x86-64";
#else
  Loader loader;
  quoin_model_t *model = nullptr;
  changed = *quoin_fake_query(QUOIN_ABI_VERSION);
  changed.target_features = "sse2,popcnt";
  auto load = [&](const char *level) {
    ForcedCpu forced(level);
    return quoin_model_from_program(loader.context, queryChanged, fakeWeights(), QUOIN_FAKE_WEIGHTS, nullptr, &model);
  };
  EXPECT_EQ(load("x86-64"), QUOIN_STATUS_INCOMPATIBLE);
  EXPECT_TRUE(loader.says("the CPU feature 'popcnt', which QUOIN_CPU=x86-64 leaves out"));
  EXPECT_EQ(load("pentium"), QUOIN_STATUS_INVALID_ARGUMENT);
  EXPECT_TRUE(loader.says("expects QUOIN_CPU to be x86-64, x86-64-v2, x86-64-v3 or x86-64-v4, but found 'pentium'"));
  EXPECT_EQ(model, nullptr);
  for (const char *level : {"x86-64-v2", "x86-64-v3", "x86-64-v4", ""}) {
    size_t length;
    bool wide = std::strstr(level, "v4"), middle = wide || std::strstr(level, "v3");
    bool has = !quoin::rt::missingFeature(wide ? "avx512f,avx512bw" : middle ? "avx2,fma" : "", nullptr, &length);
    EXPECT_EQ(load(level), has ? QUOIN_STATUS_OK : QUOIN_STATUS_INVALID_ARGUMENT) << level;
    if (has)
      quoin_model_destroy(model);
    else
      EXPECT_TRUE(loader.says("expects QUOIN_CPU to be a level of this machine, but")) << level;
  }
#endif
}

TEST(Pool, WorkersRunAtTheSameTime) {
  CountingMemory counting;
  quoin_hooks_t hooks = counting.hooks(1);
  quoin::rt::Memory memory{hooks.self, hooks.allocate, hooks.free};
  quoin::rt::Pool pool(&memory);
  struct Meeting {
    std::atomic<int64_t> arrived{0}, sum{0};
  } meeting;
  for (int64_t round = 1; round <= 300; ++round) {
    ASSERT_TRUE(pool.run(
        4, round % 3 * 50, // some look before they sleep
        [](void *arg, int64_t worker, int64_t workers) {
          auto &m = *static_cast<Meeting *>(arg);
          int64_t before = m.arrived.fetch_add(1);
          while (m.arrived.load() < (before / workers + 1) * workers)
            std::this_thread::yield();
          m.sum += worker;
        },
        &meeting));
    ASSERT_EQ(meeting.arrived.load(), 4 * round);
    ASSERT_EQ(meeting.sum.load(), 6 * round);
    if (round % 100 == 0)
      std::this_thread::sleep_for(std::chrono::milliseconds(20)); // they fall asleep
  }
}

TEST(Context, HasNoMoreThreadsThanCpus) {
  quoin_hooks_t hooks = {};
  quoin::rt::Cpus machine = quoin::rt::usableCpus();
  auto workersFor = [&](int32_t wanted) {
    hooks.workers = wanted;
    quoin_context_t *context = nullptr;
    EXPECT_EQ(quoin_context_create(&hooks, &context), QUOIN_STATUS_OK);
    int32_t workers = quoin_context_workers(context);
    quoin_context_destroy(context);
    return workers;
  };
  EXPECT_EQ(workersFor(0), machine.cores);
  EXPECT_EQ(workersFor(1), 1);
  EXPECT_EQ(workersFor(1000), machine.cpus);
  // What the host's own threads can do is the host's to know.
  hooks.parallel_for = [](void *, int32_t, quoin_worker_fn, void *) {};
  EXPECT_EQ(workersFor(1000), 1000);
}

TEST(Context, HooksAreUsed) {
  // On a busy machine a context soon stops sharing its calls (Competition), which is not what is tested here: it
  // forgets at each call what it saw, and one call alone never decides.
  struct Host {
    quoin_context_t *context = nullptr;
    int calls = 0;
    static void parallel(void *self, int32_t workers, quoin_worker_fn fn, void *arg) {
      Host &host = *static_cast<Host *>(self);
      ++host.calls;
      host.context->competition = {};
      std::vector<std::thread> threads;
      for (int32_t w = 0; w < workers; ++w)
        threads.emplace_back(fn, arg, w, workers);
      for (std::thread &thread : threads)
        thread.join();
    }
  } host;
  quoin_hooks_t hooks = {&host, nullptr, nullptr, nullptr, Host::parallel, 3};
  quoin_context_t *context = nullptr;
  quoin_model_t *model = nullptr;
  quoin_session_t *session = nullptr;
  int32_t ids[] = {1, 2, 3};
  ASSERT_EQ(quoin_context_create(&hooks, &context), QUOIN_STATUS_OK);
  host.context = context;
  ASSERT_EQ(quoin_model_from_program(context, quoin_fake_query, fakeWeights(), QUOIN_FAKE_WEIGHTS, nullptr, &model),
            QUOIN_STATUS_OK);
  ASSERT_EQ(quoin_session_create(model, nullptr, &session), QUOIN_STATUS_OK);
  ASSERT_EQ(quoin_session_prompt(session, ids, 3), QUOIN_STATUS_OK);
  EXPECT_EQ(quoin_generate(session, nullptr, nullptr), QUOIN_STATUS_OK);
  EXPECT_GT(host.calls, 10);
  quoin_session_destroy(session);
  quoin_model_destroy(model);
  quoin_context_destroy(context);
  hooks.free = [](void *, void *, size_t) {};
  EXPECT_EQ(quoin_context_create(&hooks, &context), QUOIN_STATUS_INVALID_ARGUMENT);
}

TEST(Tokenizer, EncodesAndDecodesThroughTheCInterface) {
  Loader loader;
  quoin_tokenizer_t *tokenizer = nullptr;
  EXPECT_EQ(quoin_tokenizer_load(loader.context, "/nowhere", &tokenizer), QUOIN_STATUS_NOT_FOUND);
  EXPECT_EQ(tokenizer, nullptr);
  ASSERT_EQ(quoin_tokenizer_load(loader.context, QUOIN_SOURCE_DIR "/examples/demo/model", &tokenizer), QUOIN_STATUS_OK)
      << quoin_context_last_error(loader.context);
  std::string text = "one two 3";
  size_t count = 0, size = 0;
  ASSERT_EQ(quoin_tokenizer_encode(tokenizer, text.data(), text.size(), nullptr, 0, &count), QUOIN_STATUS_OK);
  ASSERT_GT(count, 1u);
  std::vector<int32_t> ids(count, -1);
  ASSERT_EQ(quoin_tokenizer_encode(tokenizer, text.data(), text.size(), ids.data(), count - 1, &size), QUOIN_STATUS_OK);
  EXPECT_EQ(size, count);
  EXPECT_EQ(ids.back(), -1); // beyond the capacity
  ASSERT_EQ(quoin_tokenizer_encode(tokenizer, text.data(), text.size(), ids.data(), count, &size), QUOIN_STATUS_OK);
  std::string again(text.size(), '?');
  ASSERT_EQ(quoin_tokenizer_decode(tokenizer, ids.data(), count, 1, again.data(), again.size(), &size),
            QUOIN_STATUS_OK);
  EXPECT_EQ(size, text.size());
  EXPECT_EQ(again, text);
  quoin_tokenizer_destroy(tokenizer);
}
