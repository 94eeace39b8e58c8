// step.cpp - times one forward of llama.cpp as quoin-bench times a step.
//
// llama-step MODEL.gguf reads lines of "rows prefix threads seconds" and answers each with one JSON object: the median
// and the best time of a forward of that many tokens behind a prefix that is in the cache, once with the scores of
// every token (what a denoise step needs) and once with those of the last token only (what llama-bench times). After
// each forward its tokens are taken out of the cache again. Staying alive between questions lets a script ask two
// engines in turn without loading either twice.

#include "llama.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <vector>

namespace {

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

/// Tokens at positions `from` on; scores of all of them, or of the last.
struct Batch {
  Batch(int count, int from, int vocabulary, bool all) : batch(llama_batch_init(count, 0, 1)) {
    batch.n_tokens = count;
    for (int i = 0; i < count; ++i) {
      batch.token[i] = (i * 7919 + 1) % vocabulary;
      batch.pos[i] = from + i;
      batch.n_seq_id[i] = 1;
      batch.seq_id[i][0] = 0;
      batch.logits[i] = all || i == count - 1;
    }
  }
  ~Batch() { llama_batch_free(batch); }
  llama_batch batch;
};

struct Time {
  double median, best;
};

Time timeForwards(llama_context *context, int rows, int prefix, double budget, int vocabulary, bool all) {
  Batch step(rows, prefix, vocabulary, all);
  std::vector<double> times;
  double end = now() + budget;
  for (int i = 0; i < 3 || (now() < end && i < 2000); ++i) {
    double start = now();
    if (llama_decode(context, step.batch) != 0)
      std::exit(1);
    llama_synchronize(context);
    if (i > 0)
      times.push_back(now() - start);
    llama_memory_seq_rm(llama_get_memory(context), 0, prefix, -1);
  }
  std::sort(times.begin(), times.end());
  return {times[times.size() / 2], times.front()};
}

void quiet(ggml_log_level level, const char *text, void *) {
  if (level == GGML_LOG_LEVEL_ERROR)
    std::fputs(text, stderr);
}

} // namespace

int main(int argc, char **argv) {
  if (argc != 2) {
    std::fprintf(stderr, "error: expects MODEL.gguf\n");
    return 2;
  }
  llama_log_set(quiet, nullptr);
  llama_backend_init();
  llama_model *model = llama_model_load_from_file(argv[1], llama_model_default_params());
  if (!model)
    return 1;
  int vocabulary = llama_vocab_n_tokens(llama_model_get_vocab(model));
  int rows, prefix, threads;
  double budget;
  while (std::scanf("%d %d %d %lf", &rows, &prefix, &threads, &budget) == 4) {
    llama_context_params params = llama_context_default_params();
    params.n_ctx = static_cast<uint32_t>(prefix + rows);
    params.n_batch = params.n_ubatch = static_cast<uint32_t>(std::max(512, rows));
    params.n_threads = params.n_threads_batch = threads;
    llama_context *context = llama_init_from_model(model, params);
    if (!context)
      return 1;
    for (int done = 0; done < prefix; done += 512) {
      Batch part(std::min(512, prefix - done), done, vocabulary, false);
      if (llama_decode(context, part.batch) != 0)
        return 1;
    }
    Time all = timeForwards(context, rows, prefix, budget, vocabulary, true);
    Time last = timeForwards(context, rows, prefix, budget, vocabulary, false);
    std::printf("{\"rows\": %d, \"prefix\": %d, \"threads\": %d, \"seconds\": %.9f, \"best_seconds\": %.9f, "
                "\"last_row_seconds\": %.9f, \"last_row_best_seconds\": %.9f}\n",
                rows, prefix, threads, all.median, all.best, last.median, last.best);
    std::fflush(stdout);
    llama_free(context);
  }
  llama_model_free(model);
  return 0;
}
