/* runtime.h: loads compiled programs and runs them: the public interface for hosts, in C99.
 *
 * A context holds hooks and threads; a model is a compiled program with its weights; a session is one request that runs
 * over a model, with its keys and values. Any number of sessions of one model step together and share each pass over
 * the weights; what a session computes never depends on who shares the step, nor on the number of threads: bit by bit.
 *
 *   quoin_context_t *context = NULL;
 *   quoin_model_t *model = NULL;
 *   quoin_session_t *session = NULL;
 *   quoin_result_t result;
 *   if (quoin_context_create(NULL, &context) != QUOIN_STATUS_OK)
 *     return 1;
 *   if (quoin_model_load(context, "out", &model) != QUOIN_STATUS_OK ||
 *       quoin_session_create(model, NULL, &session) != QUOIN_STATUS_OK ||
 *       quoin_session_prompt(session, ids, count) != QUOIN_STATUS_OK ||
 *       quoin_generate(session, NULL, NULL) != QUOIN_STATUS_OK ||
 *       quoin_session_result(session, &result) != QUOIN_STATUS_OK)
 *     fprintf(stderr, "error: %s\n", quoin_context_last_error(context));
 *   quoin_session_destroy(session);
 *   quoin_model_destroy(model);
 *   quoin_context_destroy(context);
 *
 * Threads: a context and everything made from it belong to one thread at a time; the host sees to that. Different
 * contexts share nothing and may be used at the same time. Functions that only read what they are given say so.
 *
 * CPUs: a context's own threads are no more than the CPUs that the process may use, by its affinity mask and by the
 * quota of its control groups, when the context is made. No more of them share a step than the masks of the threads and
 * the caller leave CPUs at the time, which is looked up a few times a second; a step so small that sharing it would not
 * pay runs on the caller alone, and while others compete for the CPUs so much that workers mostly wait for each other,
 * all do. Who waits looks for some tens of microseconds and then sleeps. Threads are not pinned.
 *
 * Fork: a child of `fork` may use what its parent had made (contexts, models, tokenizers, sessions begun or not) as its
 * own copy, and goes on where the parent stood: threads do not live on in a child, so a context starts its own anew
 * with the first step. This holds for what no thread is using when the process forks; what another thread is inside of
 * at that moment, by any function of this header, is as the fork found it, and the child must not touch it. With a
 * `parallel_for` hook the host sees to its threads.
 *
 * Ownership: what a `create` or `load` returns is the caller's, to be given to the matching `destroy`; sessions go
 * before their model, models and tokenizers before their context. Every `destroy` takes NULL. Strings and arrays that a
 * function takes are copied unless it says otherwise; strings and arrays that it returns belong to the object asked.
 *
 * Processors: a program says which features of the CPU it needs. The environment's QUOIN_CPU (x86-64, x86-64-v2,
 * x86-64-v3, x86-64-v4), read by each `load`, makes the machine one of that level, so that a better program is refused.
 *
 * Arithmetic: while a call runs, its threads round to nearest, keep subnormal numbers and trap no floating-point
 * exception, whatever the host has set; when it returns, the caller's environment is as it was. Callbacks see that of
 * the call.
 *
 * Stacks: a call takes up to 64 KiB of its thread's stack, and a KiB more for each feature of an attention head: 192
 * KiB for heads of 128. Threads that a context makes have enough.
 *
 * Pointers: none may be NULL unless the comment says so. No function aborts, throws or exits. After a status other than
 * QUOIN_STATUS_OK the out-parameters are as they were. */
#ifndef QUOIN_RUNTIME_H
#define QUOIN_RUNTIME_H

#include "quoin/program.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a call came to. A text that names the thing and its numbers is in `quoin_context_last_error`. */
typedef enum quoin_status_t {
  QUOIN_STATUS_OK = 0,
  QUOIN_STATUS_INVALID_ARGUMENT = 1, /* the request cannot be: a token's range, a setting's value, the order of calls */
  QUOIN_STATUS_NOT_FOUND = 2,        /* a file, decoder or setting of that name is not there */
  QUOIN_STATUS_OUT_OF_MEMORY = 3,    /* the allocate hook, the system's memory or a thread was refused */
  QUOIN_STATUS_INCOMPATIBLE = 4,     /* the program needs another version of the runtime or another CPU */
  QUOIN_STATUS_CORRUPT = 5,          /* a file is damaged, or files of different programs were mixed */
  QUOIN_STATUS_CAPACITY = 6,         /* more positions than the program was compiled for */
  QUOIN_STATUS_FAILED = 7,           /* the program refused: a setting its loop cannot take, or a defect in it */
  QUOIN_STATUS_CANCELLED = 8         /* the host asked for it */
} quoin_status_t;

typedef struct quoin_context_t quoin_context_t;
typedef struct quoin_tokenizer_t quoin_tokenizer_t;
typedef struct quoin_model_t quoin_model_t;
typedef struct quoin_session_t quoin_session_t;

/* ---- Context --------------------------------------------------------------------------------- */

/* One worker of a parallel call. */
typedef void (*quoin_worker_fn)(void *arg, int64_t worker, int64_t workers);

/* What the host lends to a context. Any function may be NULL for the default (`allocate` and `free` only both). `self`
 * is handed back in every call and may be NULL. All but `parallel_for`'s workers are called from the thread that called
 * the runtime. */
typedef struct quoin_hooks_t {
  void *self;
  /* `bytes` (at least 1) of memory aligned to `alignment` (a power of two, at least 8, at most 64), or NULL when there
   * is none: the runtime then returns QUOIN_STATUS_OUT_OF_MEMORY and leaks nothing. Holds caches, arenas, batches,
   * sessions, models and the context itself; the tokenizer and the metadata use C++'s own memory. */
  void *(*allocate)(void *self, size_t bytes, size_t alignment);
  /* Gives back what `allocate` returned, with the same `bytes`. Never called with NULL. */
  void (*free)(void *self, void *memory, size_t bytes);
  /* A message for a person, without a line break. `level` is 0 for information and 1 for a warning. Default: it is
   * dropped. */
  void (*log)(void *self, int32_t level, const char *message);
  /* Runs fn(arg, worker, workers) for worker = 0 .. workers-1, ALL AT THE SAME TIME on different threads (workers wait
   * for each other inside), and returns when all are done. Default: threads of the context's own, the caller being
   * one of them. */
  void (*parallel_for)(void *self, int32_t workers, quoin_worker_fn fn, void *arg);
  /* How many workers a call has at most; 0: one for each CPU core the process may use. Without a `parallel_for` no more
   * than CPUs that it may use. */
  int32_t workers;
} quoin_hooks_t;

/* Makes a context. `hooks` is copied; NULL: all defaults. On failure there is no context to ask for a text: the status
 * is QUOIN_STATUS_OUT_OF_MEMORY, or QUOIN_STATUS_INVALID_ARGUMENT for a negative `workers` or half a pair of hooks. */
quoin_status_t quoin_context_create(const quoin_hooks_t *hooks, quoin_context_t **out_context);

/* Ends the context's threads and frees it. `context` may be NULL. Its models and tokenizers must be gone. */
void quoin_context_destroy(quoin_context_t *context);

/* The text of the last call on this context, or on anything made from it, that failed: lower case, one line, "" if none
 * did. The context's, until the next call that fails. */
const char *quoin_context_last_error(const quoin_context_t *context);

/* Most workers of a parallel call: what the hooks said, or the number of cores; see quoin_hooks_t. Reads only. */
int32_t quoin_context_workers(const quoin_context_t *context);

/* ---- Tokenizer ------------------------------------------------------------------------------- */

/* Reads the tokenizer of a folder: one that the compiler wrote, or one in Hugging Face layout. The tokenizer is the
 * caller's to destroy. */
quoin_status_t quoin_tokenizer_load(quoin_context_t *context, const char *folder, quoin_tokenizer_t **out_tokenizer);

/* `tokenizer` may be NULL. Only for one that `quoin_tokenizer_load` returned. */
void quoin_tokenizer_destroy(quoin_tokenizer_t *tokenizer);

/* Ids of `text`, `size` bytes of UTF-8 that may hold NULs. Special tokens written in the text become their ids
 * (unless the tokenizer's `split_special_tokens` says that they are text); none are added. At most `capacity` ids are
 * stored in `ids`, which may be NULL with capacity 0; `out_count` is how many there are. */
quoin_status_t quoin_tokenizer_encode(quoin_tokenizer_t *tokenizer, const char *text, size_t size, int32_t *ids,
                                      size_t capacity, size_t *out_count);

/* The same for a prompt to go on from: with the tokens around it that the tokenizer puts around every text. */
quoin_status_t quoin_tokenizer_encode_prompt(quoin_tokenizer_t *tokenizer, const char *text, size_t size, int32_t *ids,
                                             size_t capacity, size_t *out_count);

/* The text of a conversation by the checkpoint's own chat template, to be given to `quoin_tokenizer_encode`. `request`
 * is a JSON object of `size` bytes: `messages`, a list of objects with `role` and `content`; `add_generation_prompt`,
 * true unless given; `tools` and whatever else the template looks at. A checkpoint that states no template gets ChatML
 * if its vocabulary has the tokens; that is logged as a warning, once, as are variables the template does not look at.
 * At most `capacity` bytes are stored in `text`, without a closing NUL; `text` may be NULL with capacity 0. `out_size`
 * is how many bytes there are. Fails with QUOIN_STATUS_NOT_FOUND (there is no template), QUOIN_STATUS_FAILED (it
 * refuses, cannot be followed or takes too long; the text names its line) or QUOIN_STATUS_INVALID_ARGUMENT (`request`
 * is no such object). */
quoin_status_t quoin_tokenizer_render(quoin_tokenizer_t *tokenizer, const char *request, size_t size, char *text,
                                      size_t capacity, size_t *out_size);

/* Text of `count` ids, without special tokens if `skip_special`. At most `capacity` bytes are stored in `text`, without
 * a closing NUL; `text` may be NULL with capacity 0. `out_size` is how many bytes there are. `ids` may be NULL for
 * count 0. */
quoin_status_t quoin_tokenizer_decode(quoin_tokenizer_t *tokenizer, const int32_t *ids, size_t count,
                                      int32_t skip_special, char *text, size_t capacity, size_t *out_size);

/* ---- Model ----------------------------------------------------------------------------------- */

/* What a model is. The arrays and names are the model's. A program may have several models inside, a draft beside the
 * one that it drafts for: `hidden`, `layers` and `page_bytes` are the first one's. */
typedef struct quoin_model_info_t {
  int64_t hidden;
  int64_t vocabulary;
  int64_t layers;
  int64_t capacity;   /* most positions of a request: its prompt and max_tokens */
  int64_t page_bytes; /* of 64 positions in one cache */
  int64_t models;     /* how many */
  int64_t weights_bytes;
  int32_t fill;                    /* id that stands for an open position; -1: none */
  int32_t decoders_count;          /* the first is the default */
  const quoin_decoder_t *decoders; /* names and settings; `advance` is not for hosts */
  const int32_t *stops;            /* stop ids that hold where a request names none */
  size_t stops_count;
} quoin_model_info_t;

/* Opens what quoin-compile wrote: the program, its weights (mapped, never copied), its tokenizer and metadata. Fails
 * with QUOIN_STATUS_NOT_FOUND (a file is missing), _INCOMPATIBLE (the text names the version or the CPU feature that is
 * missing) or _CORRUPT (weights that are not the program's). A folder without a tokenizer loads;
 * `quoin_model_tokenizer` is then NULL. */
quoin_status_t quoin_model_load(quoin_context_t *context, const char *folder, quoin_model_t **out_model);

/* The same for a program that is linked into the host: `query` is what the model.h beside its object file declares,
 * `quoin_program_query` or the name that quoin-compile was given by --symbol. Any number of programs may be linked in,
 * under names that differ. The weights are at `weights` (`weights_size` bytes, 64-byte aligned, not copied: they must
 * outlive the model), or, if that is NULL, in `folder`/model.qw. `folder` may be NULL when `weights` is not; then there
 * is neither tokenizer nor metadata. */
quoin_status_t quoin_model_from_program(quoin_context_t *context, quoin_program_query_fn query, const void *weights,
                                        size_t weights_size, const char *folder, quoin_model_t **out_model);

/* Unmaps the weights and closes the program. `model` may be NULL. Its sessions must be gone. */
void quoin_model_destroy(quoin_model_t *model);

/* Reads only. */
void quoin_model_info(const quoin_model_t *model, quoin_model_info_t *out_info);

/* The text of model.json, or NULL if there was none. Reads only. */
const char *quoin_model_metadata(const quoin_model_t *model);

/* The model's tokenizer, which stays the model's; NULL if its folder has none. */
quoin_tokenizer_t *quoin_model_tokenizer(quoin_model_t *model);

/* ---- Session --------------------------------------------------------------------------------- */

/* A session is prepared (`prompt`, `set_...`), stepped until it is finished, and may then be given its next prompt: all
 * it was told but the prompt holds on, and its memory is used again. Preparing calls on a session that has begun and is
 * not finished fail with QUOIN_STATUS_INVALID_ARGUMENT. */

/* Equal beginnings of prompts are computed once. Sessions of one model and decoder share keys and values in pages of 64
 * positions, as long as one of them holds the page: a session holds those of its last run until it is given to another
 * prompt or destroyed. A session that would start in the same step as another with the same beginning starts a step
 * later. No result changes by a bit; where memory for sharing is refused, the session computes by itself. */

/* A session over `model` by its decoder of that name; NULL: the first. */
quoin_status_t quoin_session_create(quoin_model_t *model, const char *decoder, quoin_session_t **out_session);

/* Frees the session, finished or not. `session` may be NULL. */
void quoin_session_destroy(quoin_session_t *session);

/* Gives the prompt: `count` ids (at least 1, at most the capacity), each at least 0 and below the vocabulary's size.
 * For a decoder that takes inputs or gives outputs there may be none; `ids` may then be NULL. */
quoin_status_t quoin_session_prompt(quoin_session_t *session, const int32_t *ids, size_t count);

/* How many tokens to generate; decoders round up to whole blocks, for which there is room beyond the capacity. At least
 * 1; the default is 64. Prompt and tokens are at most the capacity, or the session fails as it begins. */
quoin_status_t quoin_session_set_max_tokens(quoin_session_t *session, int64_t max_tokens);

/* Stop ids. `ids` may be NULL with count 0: nothing stops. Without this call the model's own hold. */
quoin_status_t quoin_session_set_stops(quoin_session_t *session, const int32_t *ids, size_t count);

/* How often a decoder may go round its loops without the model being run for it; after that the session fails with
 * QUOIN_STATUS_FAILED, so that a program which never ends does not keep the thread. At least 1. */
#define QUOIN_DEFAULT_ROUNDS (INT64_C(1) << 20)
quoin_status_t quoin_session_set_max_rounds(quoin_session_t *session, int64_t max_rounds);

/* Seed of the random numbers; the default is 0. */
quoin_status_t quoin_session_set_seed(quoin_session_t *session, uint64_t seed);

/* One setting by name: temperature, top_k (0: all), top_p, or one the decoder declares. A setting that was fixed when
 * the program was compiled takes only the value it has; any other fails with QUOIN_STATUS_INVALID_ARGUMENT and is
 * named. A name nobody knows fails with QUOIN_STATUS_NOT_FOUND. */
quoin_status_t quoin_session_set(quoin_session_t *session, const char *name, double value);

/* One setting that is a word, by name. Fails as `quoin_session_set` does; an unknown word is answered with those there
 * are. */
quoin_status_t quoin_session_set_word(quoin_session_t *session, const char *name, const char *word);

/* A number (rank 0) or tensor with a name: `sizes` of `rank`, packed, the last size running fastest. */
typedef struct quoin_named_tensor_t {
  const char *name;
  int32_t dtype; /* QUOIN_DTYPE_F32, _I32 or _I64 */
  int32_t rank;
  int64_t sizes[QUOIN_MAX_RANK];
  const void *data; /* aligned to its elements */
} quoin_named_tensor_t;

/* Gives the session's decoder an input by name; the elements are copied and hold until they are given again. Integers
 * of either width are taken for integers. One element fits a number, whatever its rank; sizes behind the first fit a
 * width that they make up. Fails with QUOIN_STATUS_NOT_FOUND (there is no such input) or _INVALID_ARGUMENT (the text
 * names what was expected). One element that has the name of a setting gives that. A session whose decoder wants an
 * input that it was not given fails as it begins. Numbers may be given by `quoin_session_set`, too. */
quoin_status_t quoin_session_input(quoin_session_t *session, const quoin_named_tensor_t *input);

/* Forgets the inputs, and what `set`, `set_stops`, `set_seed`, `set_max_tokens` and `set_max_rounds` said. Who listens
 * and who edits stay. */
quoin_status_t quoin_session_set_defaults(quoin_session_t *session);

/* A position that took a token. `confidence` is that of the last score there; NaN if there was none. */
typedef struct quoin_change_t {
  int64_t position;
  int32_t token;
  float confidence;
} quoin_change_t;

/* What one evaluation of the model changed. All pointers hold during the call only. */
typedef struct quoin_event_t {
  int64_t evaluation;           /* 0 for the first */
  int64_t forward;              /* which model call it was, 0 for the first */
  const quoin_change_t *filled; /* open positions that took a token: provisional until committed */
  size_t filled_count;
  const quoin_change_t *edited; /* known tokens that changed */
  size_t edited_count;
  int64_t committed_from; /* positions [committed_from, committed_to) became final */
  int64_t committed_to;
  int64_t prompt_length;
  int64_t length; /* of the sequence as it stands now, prompt included: */
  const int32_t *tokens;
  const uint8_t *open; /* 1: still to be filled */
} quoin_event_t;

/* Called inside a step, on the thread that steps. Anything but 0 cancels the session. It may not call the runtime. */
typedef int32_t (*quoin_event_fn)(void *self, const quoin_event_t *event);

/* Who is told about the session's evaluations. `fn` may be NULL: nobody; `self` is handed back and may be NULL. */
quoin_status_t quoin_session_listen(quoin_session_t *session, quoin_event_fn fn, void *self);

/* Rows of scores that a session is about to choose tokens from or to measure: what its model gave, guided and adjusted
 * where the decoder does that, before temperature, filters and the softmax. All pointers hold during the call only. */
typedef struct quoin_scores_t {
  float *scores;            /* row i at scores + i * stride, one score a token, to be changed in place */
  int64_t stride;           /* at least `count` */
  int64_t count;            /* of tokens that are scored: ids below */
  int64_t rows;             /* at least 1 */
  const int64_t *positions; /* of each row: see quoin_edit_fn */
  int64_t evaluation;       /* whose scores and draws they are, 0 for the first; -1: the decoder does not say */
  int64_t model;            /* which of the program's models gave them; -1: the decoder made them itself */
  int64_t prompt_length;
  int64_t length;        /* of the sequence that the model was called with, prompt included; 0 if none has run: */
  const int32_t *tokens; /* then NULL, like the next */
  const uint8_t *open;   /* 1: still to be filled */
} quoin_scores_t;

/* Changes scores: bans tokens (minus infinity), adds to scores of some, lowers those that are in the text, lets through
 * what a grammar or a classifier allows. What stands in the rows when it returns counts: the token, every statistic
 * that the decoder asks for (confidence, entropy, `probability`, those of what filters leave), the likeliest tokens,
 * and both sides of a residual draw. What a decoder takes as plain numbers (`quoin.materialize`) stays the model's own.
 *
 * A row's position is that of the token it chooses where the decoder names it, as it must for a draw and mostly does
 * otherwise (`evaluation` is then not -1); else that of the token it was read at, behind which models that predict the
 * next token put theirs; -1 if there is none. Positions count from the start of the prompt and may lie beyond `length`.
 * Rows that a call adds behind its sequence, guesses that are to be checked, are not among its tokens.
 *
 * Called inside a step, on the thread that steps, for one session at a time: once or several times for each score that
 * its decoder asks for, with rows in their order. Anything but 0 cancels the session. It may not call the runtime on
 * this context. Every row must keep a token besides the fill token above minus infinity, and hold neither NaN nor plus
 * infinity if it did not before: else the session fails with QUOIN_STATUS_INVALID_ARGUMENT, and others go on. */
typedef int32_t (*quoin_edit_fn)(void *self, const quoin_scores_t *rows);

/* Who may change the session's scores. `fn` may be NULL: nobody; `self` is handed back and may be NULL. It is said
 * before a run or after it, in between is QUOIN_STATUS_INVALID_ARGUMENT. Rows of a session with such a hook are stored,
 * which a decoder that filters nothing does without, and measured from what is stored: a hook that changes nothing
 * changes no arg max, a statistic by no more than its rounding, and a draw only where that decides it. Sessions without
 * one are what they would be alone, bit by bit. Which pages of the prompt are shared does not change, since a hook sees
 * no keys and values. */
quoin_status_t quoin_session_edit(quoin_session_t *session, quoin_edit_fn fn, void *self);

/* Runs the decoder up to its first model call and no further, so that a request which its decoder refuses fails before
 * any work. Optional: the first step does it otherwise. */
quoin_status_t quoin_session_begin(quoin_session_t *session);

/* Advances `count` sessions of one model together: each runs up to the next call of the model, which runs once for all
 * of them. Finished ones are skipped; no session may be there twice. A session that fails is finished with its own
 * status and does not disturb the others: QUOIN_STATUS_OK is returned. Another status says that none could go on; with
 * QUOIN_STATUS_OUT_OF_MEMORY the call may be repeated. Allocates nothing once sizes have settled. */
quoin_status_t quoin_sessions_step(quoin_session_t *const *sessions, size_t count);

/* 1 if the session has ended, well or not. Reads only. */
int32_t quoin_session_finished(const quoin_session_t *session);

/* How it ended; QUOIN_STATUS_OK while it has not. Reads only. */
quoin_status_t quoin_session_status(const quoin_session_t *session);

/* The text of that status, "" if OK. The session's, until its next prompt. Reads only. */
const char *quoin_session_error(const quoin_session_t *session);

/* Ends a session that runs; its status is then QUOIN_STATUS_CANCELLED. */
void quoin_session_cancel(quoin_session_t *session);

/* What a session generated. `ids` is the session's, until its next prompt. */
typedef struct quoin_result_t {
  const int32_t *ids; /* as the published loop returns them */
  size_t count;
  size_t shown;           /* leading ids that are text: cut at the first stop id and at max_tokens */
  int32_t stopped;        /* 1: a stop id stands in `ids` */
  int64_t evaluations;    /* executed evaluations of the source program */
  int64_t forwards;       /* calls of the model made for this session */
  int64_t prefill_tokens; /* prompt tokens in the first of them */
  int64_t shared_tokens;  /* how many of those did not run, since another session had */
  int64_t rows;           /* that ran in all of them; this and shared_tokens depend on who shares the model */
} quoin_result_t;

/* The result of a session that finished well; otherwise its status, or QUOIN_STATUS_INVALID_ARGUMENT if it is not
 * finished. */
quoin_status_t quoin_session_result(const quoin_session_t *session, quoin_result_t *out_result);

/* Evaluations of a draft that the program has made for a session that is finished, which are not among those of its
 * result; 0 if it failed or is not finished. Reads only. */
int64_t quoin_session_draft_evaluations(const quoin_session_t *session);

/* How many outputs a session that is finished has besides its ids; 0 if it failed or is not finished. Reads only. */
size_t quoin_session_outputs(const quoin_session_t *session);

/* Output `number`. The name and the data are the session's, until its next prompt; the data is NULL if the decoder gave
 * none. Fails with QUOIN_STATUS_NOT_FOUND if there are no so many. */
quoin_status_t quoin_session_output(const quoin_session_t *session, size_t number, quoin_named_tensor_t *out_output);

/* Steps one session until it is finished and returns its status. `fn` hears of every evaluation, as by
 * `quoin_session_listen`; NULL leaves the listener as it is. */
quoin_status_t quoin_generate(quoin_session_t *session, quoin_event_fn fn, void *self);

#ifdef __cplusplus
}
#endif

#endif
