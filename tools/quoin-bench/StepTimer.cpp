//===- StepTimer.cpp - one denoise step of a compiled program, timed -------===//

#include "tools/quoin-bench/StepTimer.h"
#include "tools/quoin-bench/Machine.h"
#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <fcntl.h>
#include <fstream>
#include <functional>
#include <iterator>
#include <sched.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>
#include <vector>

using namespace quoin::bench;

std::unique_ptr<LoadedProgram> LoadedProgram::open(const std::string &folder, std::string &error) {
  std::unique_ptr<LoadedProgram> p(new LoadedProgram);
  std::string library = folder + "/model.so";
  if (library.find('/') == std::string::npos)
    library = "./" + library;
  p->library = dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
  auto query =
      p->library ? reinterpret_cast<quoin_program_query_fn>(dlsym(p->library, "quoin_program_query")) : nullptr;
  p->table = query ? query(QUOIN_ABI_VERSION) : nullptr;
  if (!p->table || p->table->abi_version != QUOIN_ABI_VERSION) {
    error = "expects a compiled program of ABI version " + std::to_string(QUOIN_ABI_VERSION) + " in '" + folder + "'";
    return nullptr;
  }
  int file = ::open((folder + "/model.qw").c_str(), O_RDONLY | O_CLOEXEC);
  struct stat info = {};
  if (file >= 0 && fstat(file, &info) == 0 && info.st_size == p->table->weights_bytes) {
    p->mappedBytes = static_cast<size_t>(info.st_size);
    void *address = mmap(nullptr, p->mappedBytes, PROT_READ, MAP_PRIVATE | MAP_POPULATE, file, 0);
    p->mapped = address == MAP_FAILED ? nullptr : static_cast<uint8_t *>(address);
  }
  if (file >= 0)
    close(file);
  if (!p->mapped) {
    error = "expects '" + folder + "/model.qw' of " + std::to_string(p->table->weights_bytes) + " bytes, but found " +
            std::to_string(info.st_size);
    return nullptr;
  }
  if (!p->model()) {
    error = "expects a model of tokens in '" + folder + "', but found none";
    return nullptr;
  }
  std::ifstream json(folder + "/model.json");
  p->json.assign(std::istreambuf_iterator<char>(json), {});
  return p;
}

const quoin_program_model_t *LoadedProgram::model() const {
  for (int32_t i = 0; i < table->models_count; ++i)
    for (int32_t j = 0; j < table->models[i].steps_count; ++j)
      if (table->models[i].steps[j].job == QUOIN_STEP_HEAD)
        return &table->models[i];
  return nullptr;
}

LoadedProgram::~LoadedProgram() {
  if (mapped)
    munmap(mapped, mappedBytes);
  if (library)
    dlclose(library);
}

namespace {

/// Memory aligned as the ABI wants it.
class Aligned {
public:
  explicit Aligned(size_t bytes) : data(static_cast<uint8_t *>(std::aligned_alloc(64, (bytes + 127) / 64 * 64))) {
    std::memset(data, 0, (bytes + 127) / 64 * 64);
  }
  ~Aligned() { std::free(data); }
  Aligned(const Aligned &) = delete;
  Aligned &operator=(const Aligned &) = delete;
  uint8_t *data;
};

/// Threads that wait, spinning, for the next piece of work; timing must not pay for waking them.
class Team {
public:
  explicit Team(int size) : size(size) {
    for (int w = 1; w < size; ++w)
      threads.emplace_back([this, w] { work(w); });
  }
  ~Team() {
    body = nullptr;
    epoch.fetch_add(1);
    for (std::thread &t : threads)
      t.join();
  }
  void run(const std::function<void(int)> &f) {
    body = &f;
    left.store(size - 1);
    epoch.fetch_add(1);
    f(0);
    while (left.load() != 0)
      sched_yield();
  }

private:
  void work(int w) {
    for (int seen = 0;;) {
      while (epoch.load() == seen)
        sched_yield();
      ++seen;
      const std::function<void(int)> *f = body;
      if (!f)
        return;
      (*f)(w);
      left.fetch_sub(1);
    }
  }
  int size;
  std::vector<std::thread> threads;
  const std::function<void(int)> *body = nullptr;
  std::atomic<int> epoch{0}, left{0};
};

/// A step that is timed has its CPUs to itself, so nobody sleeps.
void yieldUntil(quoin_barrier_t *barrier, int32_t seen) {
  while (std::atomic_ref<int32_t>(barrier->phase).load() == seen)
    sched_yield();
}

void wakeNobody(quoin_barrier_t *) {}

} // namespace

StepTime quoin::bench::timeStep(const LoadedProgram &loaded, int64_t rows, int64_t prefix, int threads, double budget) {
  const quoin_program_t &p = loaded.program();
  const quoin_program_model_t &model = *loaded.model();
  const quoin_step_t *layersOf = nullptr, *headOf = nullptr;
  for (int32_t i = 0; i < model.steps_count; ++i)
    (model.steps[i].job == QUOIN_STEP_HEAD ? headOf : layersOf) = &model.steps[i];
  int64_t pageBytes = 0, stateBytes = 0;
  for (int32_t i = 0; i < model.states_count; ++i)
    (model.states[i].kind == QUOIN_KEPT_PAGES ? pageBytes : stateBytes) += model.states[i].bytes;
  int64_t slots = prefix + rows, tiles = (slots + 63) / 64;
  std::vector<std::unique_ptr<Aligned>> pageMemory;
  std::vector<void *> pages;
  for (int64_t i = 0; i < tiles; ++i) {
    pageMemory.push_back(std::make_unique<Aligned>(pageBytes));
    pages.push_back(pageMemory.back()->data);
    // Small numbers, whether the page holds f32 or pairs of bf16: both halves of a word are the same.
    auto *words = reinterpret_cast<uint32_t *>(pageMemory.back()->data);
    for (int64_t j = 0; j < pageBytes / 4; ++j) {
      float value = static_cast<float>((j * 37 + i) % 61 - 30) * 0.01f;
      uint32_t bits;
      std::memcpy(&bits, &value, 4);
      words[j] = (bits & 0xffff0000u) | bits >> 16;
    }
  }
  std::vector<int32_t> ids(rows), positions(rows), slotPositions(tiles * 64), zeros(tiles * 64);
  std::vector<int64_t> read(rows), readGroup(rows, 0);
  for (int64_t i = 0; i < rows; ++i) {
    ids[i] = static_cast<int32_t>((i * 7919 + 1) % p.vocabulary);
    positions[i] = static_cast<int32_t>(prefix + i);
    read[i] = i;
  }
  for (int64_t i = 0; i < slots; ++i)
    slotPositions[i] = static_cast<int32_t>(i);
  std::vector<uint64_t> words(rows * tiles);
  std::vector<uint8_t> tileKinds((rows + 63) / 64 * tiles);
  quoin_group_t group = {};
  group.rows = rows;
  group.first_slot = prefix;
  group.slots = slots;
  group.pages = pages.data();
  group.positions = slotPositions.data();
  group.labels = group.open = zeros.data();
  group.words = words.data();
  group.tiles = tileKinds.data();
  Aligned state(static_cast<size_t>(stateBytes));
  group.state = state.data;
  quoin_barrier_t barrier = {0, 0, 4096, 0, yieldUntil, wakeNobody};
  int64_t padded = (rows + 3) / 4 * 4;
  Aligned scratch(layersOf->row_bytes * padded + layersOf->worker_bytes * threads);
  Aligned headScratch(headOf->row_bytes * padded + headOf->worker_bytes * threads);
  std::vector<std::unique_ptr<Aligned>> columns;
  std::vector<quoin_operand_t> operands = {{ids.data(), 4, model.operands[0].space},
                                           {positions.data(), 4, model.operands[1].space}};
  for (int32_t i = 2; i < model.operands_count; ++i) {
    const quoin_column_t &column = model.operands[i];
    int64_t count = model.spaces[column.space].kind == QUOIN_SPACE_SEQUENCE ? 1 : rows;
    columns.push_back(std::make_unique<Aligned>(count * column.row_bytes));
    operands.push_back({columns.back()->data, column.row_bytes, column.space});
    if (column.type != QUOIN_DTYPE_F32)
      continue; // numbers of rows of tables: the first
    for (int64_t row = 0; row < count; ++row)
      for (int64_t j = 0; j < column.width; ++j)
        reinterpret_cast<float *>(columns.back()->data + row * column.row_bytes)[j] =
            static_cast<float>((j * 37 + row) % 61 - 30) * 0.01f;
  }
  // Hidden rows are the first.
  std::vector<std::vector<void *>> resultRows(model.results_count, std::vector<void *>(rows));
  std::vector<quoin_output_t> results;
  for (int32_t i = 0; i < model.results_count; ++i) {
    const quoin_column_t &column = model.results[i];
    columns.push_back(std::make_unique<Aligned>(rows * column.row_bytes));
    for (int64_t row = 0; row < rows; ++row)
      resultRows[i][row] = columns.back()->data + row * column.row_bytes;
    results.push_back({resultRows[i].data(), column.row_bytes, column.space});
  }
  quoin_layers_t layers = {};
  layers.weights = loaded.weights();
  layers.scratch = scratch.data;
  layers.rows = layers.reads = rows;
  layers.read = read.data();
  layers.read_group = readGroup.data();
  layers.operands = operands.data();
  layers.results = results.data();
  layers.groups = 1;
  layers.group = &group;
  layers.barrier = &barrier;
  std::vector<quoin_head_row_t> headRows(rows);
  for (int64_t i = 0; i < rows; ++i) {
    headRows[i] = {};
    headRows[i].hidden = static_cast<const float *>(resultRows[0][i]);
    headRows[i].forbid = p.fill;
    headRows[i].of = -1;
  }
  quoin_head_t head = {loaded.weights(), headScratch.data, rows, headRows.data(), &barrier};

  Team team(threads);
  std::function<void(int)> layersStep = [&](int w) { layersOf->run(&layers, w, threads); };
  std::function<void(int)> headStep = [&](int w) { headOf->run(&head, w, threads); };
  std::vector<double> times;
  double end = now() + budget;
  for (int i = 0; i < 3 || (now() < end && i < 2000); ++i) {
    double start = now();
    team.run(layersStep);
    team.run(headStep);
    if (i > 0)
      times.push_back(now() - start);
  }
  std::sort(times.begin(), times.end());
  return {times[times.size() / 2], times.front()};
}
