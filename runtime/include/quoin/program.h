/* program.h: the ABI between a compiled program and whatever runs it.
 *
 * Generated code, the compiler and the runtime share this one file. It is C99, stands alone, and every struct has a
 * fixed layout (checked below). The host is the side that loads a program: it owns all memory, threads and files.
 *
 * How a program runs:
 *   1. The host asks `quoin_program_query(max_version)` for the program and maps its weight file.
 *   2. For each request the host makes a `quoin_state_t`, puts the prompt and `max_tokens` into frame slots
 *      0 and 1, and calls `decoder->advance(state)`. It runs the decoder up to the next point where a model is
 *      needed and returns what it waits for: the layers (QUOIN_FORWARD), the head (QUOIN_SCORE), a model on rows
 *      (QUOIN_APPLY), or nothing (QUOIN_DONE, QUOIN_FAILED).
 *   3. The host gathers what any number of states wait for, runs the steps of each model once over all of their
 *      rows, stores the results into the states, and calls `advance` again.
 *
 * Steps are SPMD: the host calls each from `workers` threads that run at the same time, with the same arguments and
 * worker = 0 .. workers-1; the threads meet at barriers inside the code. A row's result depends on neither the number
 * of rows, nor the workers, nor who shares the call: bit by bit.
 *
 * A program has one or several models, which share the weight file, the masks and the vocabulary; a call names the one
 * that it is of, by its place in the table. Keys and values of one model are nothing to another one, so a decoder's
 * caches are each of one model.
 *
 * Slots: a session's keys and values live in slots 0, 1, 2, ... in pages of QUOIN_PAGE_SLOTS slots. Slot i holds the
 * i-th token of the model call: first the sequence, then the `then` rows of the forward. */
#ifndef QUOIN_PROGRAM_H
#define QUOIN_PROGRAM_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define QUOIN_ABI_VERSION 10u

/* Slots in a page of the key/value cache, keys in an attention tile, and bits in a row word. */
#define QUOIN_PAGE_SLOTS 64
/* Most symbols a mask may take. */
#define QUOIN_MAX_SYMBOLS 8
/* Most columns that a model takes or gives: its ids and positions are the first two that it takes. */
#define QUOIN_MAX_COLUMNS 16
/* Most statistics a score may ask for. */
#define QUOIN_MAX_STATISTICS 12
/* Most elements of a tensor: what a program asks for beyond is its mistake, not a lack of memory. */
#define QUOIN_MAX_ELEMENTS (1 << 28)

/* What `advance` returns. */
enum { QUOIN_DONE = 0, QUOIN_FORWARD = 1, QUOIN_SCORE = 2, QUOIN_FAILED = 3, QUOIN_APPLY = 4 };

/* ---- Values of a decoder program ------------------------------------------------------------- */

/* tensor<?xT>: index is int64_t, i32 int32_t, f32 float, i1 one byte (0 or 1). The host's arena owns `data`. */
typedef struct quoin_tensor_t {
  void *data;
  int64_t size;
} quoin_tensor_t;

/* !quoin.sequence: a value, never changed once made. All arrays have `length` entries. Entry i is the token at place
 * i, which decoders call its position; a model and its mask see the token at the position that `positions` says. */
typedef struct quoin_sequence_t {
  int64_t length;
  int64_t committed; /* places below are known and final */
  int32_t *tokens;   /* an open place holds the fill token */
  int32_t *labels;
  uint8_t *open;      /* 1: still to be filled */
  int64_t reopened;   /* 1: made by `reopen`, or from such a sequence */
  int32_t *order;     /* NULL: place i is slot i of a call; else (`permute`) place order[i] is */
  int32_t *groups;    /* NULL, or `length` + 1: where the group of each slot's key begins; of the end, the end */
  int32_t *positions; /* NULL: each token's is its place; else an entry of -1 says so */
} quoin_sequence_t;

/* !quoin.logits: final hidden rows; scores of the vocabulary are computed from them when asked, by the head of the
 * model that made them. With `other`, the scores are other + (guidance + 1) * (hidden - other). Rows are packed. Then
 * `amounts[i]` is added to the score of `tokens[i]`, in every row or, with `rows_of`, in row rows_of[i] - first_of.
 * `read_at` and `text` are for listeners and hooks; nothing else depends on them. */
typedef struct quoin_logits_t {
  int64_t rows;
  const float *hidden;
  const float *other; /* of the same model; NULL without guidance */
  double guidance;
  int64_t width;          /* floats of a row */
  int64_t model;          /* whose head scores them; QUOIN_NO_HEAD: rows are the scores themselves */
  quoin_tensor_t tokens;  /* i32 */
  quoin_tensor_t amounts; /* f32, one a token */
  quoin_tensor_t rows_of; /* index, one a token; no data: all rows */
  int64_t first_of;
  quoin_tensor_t read_at; /* index, one a row: place of the slot that it was read at, of a `then` row its position; no
                             data: not known */
  const quoin_sequence_t *text; /* of the call that made them; NULL: nobody asks, or none did */
} quoin_logits_t;

enum { QUOIN_NO_HEAD = -1 };

/* A value that lives across a suspension. Its kind tells the host how to move it (see quoin_state_t.frame). */
typedef struct quoin_value_t {
  union {
    int64_t integer; /* index, i32, i1 (sign-extended; i1 is 0 or 1) */
    double real;     /* f32, widened */
    void *pointer;   /* tensor data, quoin_sequence_t *, quoin_logits_t * */
  } u;
  int64_t size; /* elements of a tensor */
} quoin_value_t;

enum {
  QUOIN_KIND_SCALAR = 0,
  QUOIN_KIND_TENSOR8 = 1, /* elements of 1 byte */
  QUOIN_KIND_TENSOR32 = 2,
  QUOIN_KIND_TENSOR64 = 3,
  QUOIN_KIND_SEQUENCE = 4,
  QUOIN_KIND_LOGITS = 5
};

/* ---- What a decoder waits for ---------------------------------------------------------------- */

/* As what a call counts: as nothing, since it only fills the cache; as an evaluation of the source program, whose
 * draws name it; as one of a draft, whose guesses such an evaluation checks. */
enum { QUOIN_EVALUATION_NONE = 0, QUOIN_EVALUATION_OWN = 1, QUOIN_EVALUATION_DRAFT = 2 };

/* One model call. Slots 0 .. length-1 are the sequence's first `length` tokens at their own positions, in the
 * sequence's `order` if it has one; slots from `length` on are the `then` rows. Rows [from, slots) run; a model with
 * recurrences may run earlier ones, too. The host keeps the first `keep` slots for later calls. */
typedef struct quoin_forward_t {
  int64_t model; /* index into the program's models */
  const quoin_sequence_t *sequence;
  int64_t length;
  quoin_tensor_t then_ids;       /* i32; size 0 without */
  quoin_tensor_t then_positions; /* index */
  quoin_tensor_t then_labels;    /* index; size 0: all labels are 0 */
  quoin_tensor_t read;           /* index: slots whose final hidden rows are wanted; may be empty */
  int64_t from;
  int64_t keep;
  int64_t cache;      /* which of the decoder's caches; -1: none, every row runs (from is 0) and nothing is kept */
  int64_t mask;       /* index into the program's masks */
  int64_t evaluation; /* QUOIN_EVALUATION_* */
  int64_t symbols[QUOIN_MAX_SYMBOLS];
  /* The model's columns, ids and positions left out: a row a slot of the call, or one for all of them, packed. Results
   * besides hidden rows are made by the host: a row a slot read. */
  quoin_tensor_t operand[QUOIN_MAX_COLUMNS];
  quoin_tensor_t result[QUOIN_MAX_COLUMNS];
} quoin_forward_t;

enum {
  QUOIN_STAT_TOKEN = 0,
  QUOIN_STAT_CONFIDENCE = 1,
  QUOIN_STAT_ENTROPY = 2,
  QUOIN_STAT_NORMALIZED_ENTROPY = 3,
  QUOIN_STAT_MARGIN = 4,
  QUOIN_STAT_PROBABILITY = 5,
  QUOIN_STAT_LOG_CONFIDENCE = 6,
  QUOIN_STAT_MASS = 7, /* log-sum-exp of the raw scores */
  /* Of what the transforms leave; with a sampler only. */
  QUOIN_STAT_FILTERED_BEST = 8,
  QUOIN_STAT_FILTERED_ENTROPY = 9,
  QUOIN_STAT_FILTERED_MARGIN = 10,
  QUOIN_STAT_FILTERED_MASS = 11
};

/* Transforms of a sampler, in the order in which they are applied. */
enum {
  QUOIN_TRANSFORM_TEMPERATURE = 0,
  QUOIN_TRANSFORM_TOP_K = 1,
  QUOIN_TRANSFORM_TOP_P = 2,
  QUOIN_TRANSFORM_TOP_P_BELOW = 3,
  QUOIN_TRANSFORM_WITHOUT_FILL = 4,
  QUOIN_TRANSFORM_RAW_CONFIDENCE = 5,
  QUOIN_TRANSFORM_GREEDY = 6,
  QUOIN_TRANSFORM_FILTERED_CONFIDENCE = 7
};

/* By what `permute` sorts: known tokens first, ascending labels, or keys that the decoder gives. */
enum { QUOIN_ORDER_OPEN = 0, QUOIN_ORDER_LABEL = 1, QUOIN_ORDER_KEYS = 2 };

/* What is wanted of the head. */
enum { QUOIN_HEAD_SCORE = 0, QUOIN_HEAD_RESIDUAL = 1, QUOIN_HEAD_MATERIALIZE = 2, QUOIN_HEAD_LIKELIEST = 3 };

typedef struct quoin_score_t {
  int64_t kind;
  const quoin_logits_t *logits;
  const quoin_logits_t *minus; /* QUOIN_HEAD_RESIDUAL: the draw is from max(softmax(logits) - softmax(minus), 0) */
  quoin_tensor_t of;           /* i32: tokens of QUOIN_STAT_PROBABILITY; size 0 without */
  quoin_tensor_t positions;    /* index: positions of the draws; size 0: no sampler, so no draw */
  int64_t evaluation;          /* of the draws */
  uint32_t statistics;         /* how many */
  uint8_t statistic[16];       /* QUOIN_STAT_*, in the order of the results */
  uint32_t transforms;         /* how many */
  uint8_t transform[8];        /* QUOIN_TRANSFORM_* */
  quoin_tensor_t counts;       /* index, QUOIN_HEAD_LIKELIEST: how many tokens of each row */
  int64_t width;               /* QUOIN_HEAD_MATERIALIZE: scores of a row; the host sees to it that the head has them */
  /* Made by the host: i32 for tokens, else f32, one element a row. Without statistics the first one: all scores of a
   * row after those of the row before, or the tokens that `counts` says, the likeliest first; of these the second one
   * is what they have in the raw softmax. */
  quoin_tensor_t result[QUOIN_MAX_STATISTICS];
} quoin_score_t;

/* A model without a head on rows: operands in the order of the model's columns, ids and positions left out; as many
 * rows in each, packed. Results, one a result of the model, are made by the host. */
typedef struct quoin_apply_t {
  int64_t model;
  quoin_tensor_t operand[QUOIN_MAX_COLUMNS];
  quoin_tensor_t result[QUOIN_MAX_COLUMNS];
} quoin_apply_t;

/* ---- A decoder's state, one per session ------------------------------------------------------ */

struct quoin_host_t;

typedef struct quoin_state_t {
  const struct quoin_host_t *host;
  void *self;                   /* the host's own */
  quoin_value_t *frame;         /* `frame_slots` values that live across the suspension */
  uint8_t *kinds;               /* their kinds, written by `advance` together with the frame */
  int64_t frame_used;           /* how many are live */
  int64_t resume;               /* where `advance` goes on; 0 at the start, set by `advance` */
  const double *settings;       /* one per setting of the decoder, in its order; then of each the number of a word */
  const quoin_tensor_t *inputs; /* one per input of the decoder; a number is one element */
  int64_t evaluations;          /* executed forwards of the source program so far; kept by the host */
  /* How many more times the decoder may go round its loops before the layers run. The host sets it at the start and
   * after each run, `advance` counts it down; where it falls below 0, `advance` returns QUOIN_FAILED without a word. */
  int64_t rounds;
  int32_t fill;   /* fill token, -1 if the model has none */
  int32_t status; /* set by host functions that fail; `advance` then returns QUOIN_FAILED */
  quoin_forward_t forward;
  quoin_score_t score;
  quoin_apply_t apply;
  quoin_logits_t *logits;         /* result of the last forward, made by the host before it resumes */
  const quoin_sequence_t *result; /* QUOIN_DONE: positions [result_from, result_to) of this sequence */
  int64_t result_from;
  int64_t result_to;
} quoin_state_t;

/* Functions the decoder calls. A function that fails sets state->status and returns zero (an empty tensor, NULL);
 * `advance` looks at the status after each call. Ranges [from, to) outside the sequence fail. All results live in the
 * session's arena until the next suspension, and longer if the frame holds them. */
typedef struct quoin_host_t {
  /* `bytes` of memory, 64-byte aligned; never NULL unless it fails. */
  void *(*allocate)(quoin_state_t *state, int64_t bytes);
  /* Fails with a text, a constant of the program, in which {0} and {1} stand for the two numbers, {0f} for the double
   * whose bits the first one is, and {} for nothing; a text without any of them is followed by both:
   * "<what> (<a>, <b>)". */
  void (*fail)(quoin_state_t *state, const char *what, int64_t a, int64_t b);
  /* The leading slots of this call (its sequence, `then` rows, operands and cache; other fields are not read, but
   * `read`) whose keys and values in the cache are still those of the same token, position, label and columns, none
   * where a column of all slots is another; cut at `limit`, at the first open slot and at the lowest slot read. Tokens
   * and open bits do not count for a cache that is `tokenless`. A `limit` beyond the sequence asks for `then` rows,
   * too; it counts as the sequence's length if the cache holds slots at or beyond it. */
  int64_t (*reuse)(quoin_state_t *state, const quoin_forward_t *call, int64_t limit);
  int64_t (*first_open)(quoin_state_t *state, const quoin_sequence_t *x, int64_t from, int64_t to); /* or `to` */
  int64_t (*find_stop)(quoin_state_t *state, const quoin_sequence_t *x, int64_t from, int64_t to);  /* or `to` */
  void (*open)(quoin_state_t *state, const quoin_sequence_t *x, int64_t from, int64_t to, quoin_tensor_t *out);
  void (*tokens)(quoin_state_t *state, const quoin_sequence_t *x, const quoin_tensor_t *at, quoin_tensor_t *out);
  quoin_sequence_t *(*extend)(quoin_state_t *state, const quoin_sequence_t *x, int64_t by, int64_t label);
  /* `at`: positions of the tokens, as many, each from 0 on and below the program's `positions`; NULL: their places. */
  quoin_sequence_t *(*append)(quoin_state_t *state, const quoin_sequence_t *x, const quoin_tensor_t *ids,
                              const quoin_tensor_t *at, int64_t label);
  /* Known tokens before position `at`, which is not below what is committed. */
  quoin_sequence_t *(*insert)(quoin_state_t *state, const quoin_sequence_t *x, int64_t at, const quoin_tensor_t *ids,
                              int64_t label);
  /* The first `to` positions, at least those that are committed. */
  quoin_sequence_t *(*truncate)(quoin_state_t *state, const quoin_sequence_t *x, int64_t to);
  void (*labels)(quoin_state_t *state, const quoin_sequence_t *x, const quoin_tensor_t *at, quoin_tensor_t *out);
  /* `where` NULL: all. A committed position fails. */
  quoin_sequence_t *(*relabel)(quoin_state_t *state, const quoin_sequence_t *x, const quoin_tensor_t *at,
                               const quoin_tensor_t *labels, const quoin_tensor_t *where);
  /* Another sequence: nothing of it is committed. */
  quoin_sequence_t *(*reopen)(quoin_state_t *state, const quoin_sequence_t *x, int64_t from, int64_t to);
  /* `where` NULL: all. fill takes open positions only, edit known ones only; others stay as they are. A committed
   * position that would change fails. */
  quoin_sequence_t *(*fill)(quoin_state_t *state, const quoin_sequence_t *x, const quoin_tensor_t *at,
                            const quoin_tensor_t *ids, const quoin_tensor_t *where);
  quoin_sequence_t *(*edit)(quoin_state_t *state, const quoin_sequence_t *x, const quoin_tensor_t *at,
                            const quoin_tensor_t *ids, const quoin_tensor_t *where);
  /* Fails if a position below `to` is open. */
  quoin_sequence_t *(*commit)(quoin_state_t *state, const quoin_sequence_t *x, int64_t to);
  /* Flags of the n highest values (ties: lowest index) among those where `where` is set (NULL: all); all of them where
   * there are fewer. A negative n fails. */
  void (*top)(quoin_state_t *state, const quoin_tensor_t *values, int64_t n, const quoin_tensor_t *where,
              quoin_tensor_t *out);
  /* The sequence with an order for a call of its first `length` tokens: sorted stably by QUOIN_ORDER_*; `keys` (i64):
   * those of the tokens, with QUOIN_ORDER_KEYS. With `groups` tokens of one key belong together, and `reuse` ends where
   * a group does. `out_slots`: where the tokens of some positions stand; `out_known`: how many leading slots are not
   * open, with `groups` those before the group of the first open one. */
  quoin_sequence_t *(*permute)(quoin_state_t *state, const quoin_sequence_t *x, int64_t length, int64_t key,
                               const quoin_tensor_t *keys, int64_t groups, const quoin_tensor_t *positions,
                               quoin_tensor_t *out_slots, int64_t *out_known);
  /* Uniform numbers in (0, 1), lane 0 of `stream`, one per position. */
  void (*uniform)(quoin_state_t *state, int64_t stream, const quoin_tensor_t *at, int64_t evaluation,
                  quoin_tensor_t *out);
  /* Gives output `number` of the decoder, which is copied; the last one counts. */
  void (*output)(quoin_state_t *state, int64_t number, const quoin_tensor_t *value);
} quoin_host_t;

/* ---- The model, over the rows of any number of sessions -------------------------------------- */

/* Where `workers` threads meet. The host zeroes the counters before the first call; it may be used again and again.
 * A worker that comes early looks at `phase` up to `spins` times, then calls `wait`. The last one to come advances
 * `phase` and, if it finds `sleeping` not 0, calls `wake`; both in one total order with what `wait` does. */
typedef struct quoin_barrier_t {
  int32_t arrived;
  int32_t phase;
  int32_t spins;    /* the host's choice; 0 where there are more workers than CPUs */
  int32_t sleeping; /* workers inside `wait`, counted by it before it looks at `phase` again */
  /* Returns when `phase` is no longer `seen`. */
  void (*wait)(struct quoin_barrier_t *barrier, int32_t seen);
  /* Lets all that wait look again. */
  void (*wake)(struct quoin_barrier_t *barrier);
} quoin_barrier_t;

/* The rows of one session: rows [first_row, first_row + rows) of the step are its slots first_slot, first_slot + 1, ...
 * They see keys [0, slots), as the mask says. */
typedef struct quoin_group_t {
  int64_t first_row;
  int64_t rows;
  int64_t first_slot;
  int64_t slots;            /* first_slot + rows */
  void *const *pages;       /* ceil(slots / QUOIN_PAGE_SLOTS) pages of `page_bytes` bytes, 64-byte aligned */
  const int32_t *positions; /* [slots rounded up to 64], of every slot; the padding is 0 */
  const int32_t *labels;    /* as positions */
  const int32_t *open;      /* as positions; 0 or 1 */
  int64_t mask;
  int64_t symbols[QUOIN_MAX_SYMBOLS];
  uint64_t *words; /* scratch, rows * ceil(slots / 64): bit k of a row's word of tile t: it sees key 64 t + k. Each 64
                    * rows, and what is left of them, have theirs together, as [tile][row] */
  uint8_t *tiles;  /* scratch [ceil(rows / 64)][ceil(slots / 64)]: 0 empty, 1 partial, 2 full */
  /* Of a model that keeps QUOIN_KEPT_STATE: what its recurrences left behind the slots below first_slot (NULL: there
   * are none), and where they put what they leave behind the first `state_rows` rows (0: nowhere). 64-byte aligned. */
  const void *state;
  void *state_out;
  int64_t state_rows;
} quoin_group_t;

/* A column that a model takes, over the rows of its space: row i lies at data + i * row_bytes. */
typedef struct quoin_operand_t {
  const void *data; /* aligned to its elements */
  int64_t row_bytes;
  int64_t space; /* index into the model's spaces */
} quoin_operand_t;

/* A column that a model gives: row i of its space goes to row[i]. */
typedef struct quoin_output_t {
  void *const *row; /* each aligned to its elements */
  int64_t row_bytes;
  int64_t space;
} quoin_output_t;

/* Arguments of a QUOIN_STEP_LAYERS. */
typedef struct quoin_layers_t {
  const uint8_t *weights; /* the mapped weight file, 64-byte aligned */
  uint8_t *scratch;       /* row_bytes * max(rows, reads) + worker_bytes * workers of the step, 64-byte aligned */
  int64_t rows;
  int64_t reads;
  const int64_t *read;       /* [reads]: rows that are read; by group, in any order inside one */
  const int64_t *read_group; /* [reads]: their groups */
  int64_t groups;
  const quoin_group_t *group;
  const quoin_operand_t *operands; /* one for each of the model's, in its order: 0 the ids, 1 the positions */
  const quoin_output_t *results;   /* as operands */
  quoin_barrier_t *barrier;
  /* Of functions; NULL for models. Rows of keys and values that are no slots of the step: its rows and groups count. */
  const struct quoin_layers_t *memory;
  int64_t *blind; /* the lowest query that sees no key comes here; the host puts INT64_MAX before the call */
} quoin_layers_t;

/* One row of the head. Streaming statistics need no row of scores: */
typedef struct quoin_head_row_t {
  const float *hidden;
  const float *other; /* or NULL */
  float guidance;
  float temperature; /* of the draw and of `confidence`; 0: arg max, no draw, confidence of the raw softmax */
  int32_t forbid;    /* token never chosen, -1: none; its mass stays */
  int32_t of;        /* token of `probability`, -1: none */
  uint32_t key[2];   /* random numbers: Philox key, and counter words 1 to 3 */
  uint32_t evaluation, position, stream;
  uint32_t raw_confidence; /* 1: confidence at temperature 1 */
  float *logits;           /* not NULL: also store the row's scores (guided) here, one for each token that is scored */
  /* results; where a score is NaN or plus infinity, or none is above minus infinity, there is no softmax: all numbers
   * are NaN, and the token is the arg max, for which NaN counts as plus infinity */
  int32_t token;        /* arg max, or the draw; ties: lowest id */
  float confidence;     /* probability of `token` */
  float probability;    /* of `of`, raw softmax */
  float entropy;        /* of the raw softmax, nats */
  float margin;         /* highest minus second highest raw probability (`forbid` left out) */
  float log_sum_exp;    /* of the raw scores */
  float maximum;        /* highest raw score */
  float log_confidence; /* the logarithm of `confidence` */
} quoin_head_row_t;

/* Arguments of a QUOIN_STEP_HEAD. */
typedef struct quoin_head_t {
  const uint8_t *weights;
  uint8_t *scratch; /* row_bytes * rows + worker_bytes * workers of the step, 64-byte aligned */
  int64_t rows;
  quoin_head_row_t *row;
  quoin_barrier_t *barrier;
} quoin_head_t;

/* ---- A model of the program ------------------------------------------------------------------ */

/* Elements of a column or a tensor; index is QUOIN_DTYPE_I64. */
enum { QUOIN_DTYPE_F32 = 0, QUOIN_DTYPE_I32 = 1, QUOIN_DTYPE_I64 = 2, QUOIN_DTYPE_BF16 = 3 };

/* Most sizes of a tensor that has a name. */
#define QUOIN_MAX_RANK 4

/* See quoin_tensor_type_t.ends_at. */
#define QUOIN_NO_OFFSETS INT64_MIN

/* An argument or a result of a function, an input or an output of a decoder. Sizes of functions: -1 - n is length
 * number n of the call, and all sizes with the same n are equal. Sizes of decoders: the first may be -1, any. */
typedef struct quoin_tensor_type_t {
  const char *name;
  int32_t dtype;
  int32_t rank; /* 0: one number */
  int64_t sizes[QUOIN_MAX_RANK];
  /* If not QUOIN_NO_OFFSETS, these are i32 offsets of sequences that lie one after the other: they start at 0, never
   * fall and end at this size (as in `sizes`). The host checks that. */
  int64_t ends_at;
} quoin_tensor_type_t;

/* What the rows of a column are, one each: slots that run; rows that are read; sequences whose slots run. Of functions:
 * queries; keys. */
enum {
  QUOIN_SPACE_ROW = 0,
  QUOIN_SPACE_READ = 1,
  QUOIN_SPACE_SEQUENCE = 2,
  QUOIN_SPACE_HOST = 3,
  QUOIN_SPACE_MEMORY = 4
};

typedef struct quoin_space_t {
  int32_t kind; /* QUOIN_SPACE_* */
  int32_t reserved;
} quoin_space_t;

/* A column that a model takes or gives: `width` elements for each row of its space. */
typedef struct quoin_column_t {
  const char *name;
  int64_t width;
  int64_t row_bytes; /* between the starts of two rows of an operand; what lies behind the elements is 0 */
  int32_t type;      /* QUOIN_DTYPE_* */
  int32_t space;     /* index into the model's spaces */
} quoin_column_t;

/* What stays of a sequence from call to call: pages of keys and values, of all layers together; what recurrences left
 * behind some slot, of all of them together. */
enum { QUOIN_KEPT_PAGES = 0, QUOIN_KEPT_STATE = 1 };

typedef struct quoin_kept_t {
  int32_t kind; /* QUOIN_KEPT_* */
  int32_t reserved;
  int64_t bytes; /* of a page, or of a state */
} quoin_kept_t;

/* What a step computes, and so what its arguments are: results of the model (quoin_layers_t), or what is wanted of the
 * scores of its first result (quoin_head_t). */
enum { QUOIN_STEP_LAYERS = 0, QUOIN_STEP_HEAD = 1 };
/* How a step is run: by calling `run` from all workers. */
enum { QUOIN_RUN_SPMD = 0 };

typedef struct quoin_step_t {
  int32_t job;                     /* QUOIN_STEP_* */
  int32_t how;                     /* QUOIN_RUN_* */
  int64_t row_bytes, worker_bytes; /* of scratch */
  int64_t work;                    /* multiplications of a row in its matrices: tells the host what it costs */
  void (*run)(const void *args, int64_t worker, int64_t workers);
} quoin_step_t;

/* Operands 0 and 1 are the ids and the positions, i32, of width 1 over the rows that run; others are f32 or i32 over
 * those or over sequences. A model with a head gives its hidden rows as result 0. All results are f32 over the rows
 * that are read. A function of rows has no head and is called on rows (quoin_apply_t), all of which are read: what ids
 * and positions are then does not count.
 * At most one step of each job, at most one state of each kind. */
typedef struct quoin_program_model_t {
  const char *name;
  const quoin_column_t *operands;
  const quoin_column_t *results;
  const quoin_space_t *spaces;
  const quoin_kept_t *states;
  const quoin_step_t *steps;
  int32_t operands_count;
  int32_t results_count;
  int32_t spaces_count;
  int32_t states_count;
  int32_t steps_count;
  int32_t layers; /* between which workers meet */
} quoin_program_model_t;

/* ---- The program ----------------------------------------------------------------------------- */

enum { QUOIN_SETTING_INDEX = 0, QUOIN_SETTING_REAL = 1, QUOIN_SETTING_WORD = 2 };

typedef struct quoin_setting_t {
  const char *name;
  double value;             /* default; of a word, which of the words */
  double number;            /* behind the default word */
  const char *const *words; /* of a word: what it may be; one that ends in '*' goes on with a number */
  int32_t type;
  int32_t run_time; /* 1: may be given with a request */
  int32_t words_count;
  int32_t reserved;
} quoin_setting_t;

/* A cache of a decoder. */
typedef struct quoin_cache_t {
  int32_t model;  /* whose keys and values */
  int32_t shared; /* 1: what its slots hold is the same in every run with the same tokens, positions and labels before
                     them, so runs may share it */
  int32_t tokenless; /* 1: its model looks at no ids, so tokens and open bits of slots do not count */
  int32_t reserved;
} quoin_cache_t;

/* What requests give a decoder by name: f32, i32 or i64, of rank 0 to 2. */
typedef struct quoin_input_t {
  quoin_tensor_type_t type;
  int32_t optional; /* 1: without it a number is 0, and a tensor has no rows */
  int32_t reserved;
} quoin_input_t;

typedef struct quoin_decoder_t {
  const char *name;
  int32_t (*advance)(quoin_state_t *state);
  const quoin_setting_t *settings;
  const quoin_cache_t *caches;
  const quoin_input_t *inputs;
  const quoin_tensor_type_t *outputs; /* what it gives by name: f32, i32 or i64 */
  int32_t inputs_count;
  int32_t outputs_count;
  int32_t settings_count;
  int32_t caches_count;
  int32_t frame_slots; /* at least 2 */
  int32_t exact;       /* 0: an approximating pass made it */
} quoin_decoder_t;

typedef struct quoin_program_t {
  uint32_t abi_version;
  uint32_t struct_size;        /* sizeof(quoin_program_t) */
  const char *target_features; /* CPU features it needs, "avx512f,avx512bw"; "" if none */
  int64_t vocabulary;          /* ids are below */
  int64_t capacity;            /* most positions of a request: its prompt and max_tokens */
  int64_t positions;         /* most positions of a sequence or a row: decoders that round up or look ahead go beyond */
  int64_t weights_bytes;     /* size of the weight file */
  uint64_t weights_checksum; /* stored in the last 8 bytes of the weight file */
  const quoin_program_model_t *models;
  const quoin_decoder_t *decoders;
  const int32_t *stops; /* default stop ids */
  int32_t models_count;
  int32_t decoders_count;
  int32_t stops_count;
  int32_t masks_count;
  int32_t fill;     /* -1 if none */
  int32_t unscored; /* the last tokens of the vocabulary, which no head scores and which are never an answer */
  const struct quoin_cuda_t *cuda; /* cuda.h; NULL: it has no code for GPUs */
} quoin_program_t;

/* The one symbol a program exports: `quoin_program_query` of a shared object, any name of an object file (its model.h
 * declares it). Returns NULL if the program needs a newer host than `max_version`. */
typedef const quoin_program_t *(*quoin_program_query_fn)(uint32_t max_version);

/* ---- Functions: tensors in, tensors out ------------------------------------------------------ */

/* A program may be one function instead of models and decoders, attention over tensors of the caller's: it exports
 * `quoin_function_query` and no weights. What runs is a model's step, whose columns are queries, keys and values. */

/* Most different lengths that the arguments of a function may have. */
#define QUOIN_MAX_LENGTHS 8

/* Tensors are packed, the last size running fastest, aligned to their elements, and do not overlap. */
typedef struct quoin_function_program_t {
  uint32_t abi_version;
  uint32_t struct_size; /* sizeof(quoin_function_program_t) */
  const char *target_features;
  const char *name;
  const quoin_tensor_type_t *arguments;
  const quoin_tensor_type_t *results; /* those of the model, in its order */
  int32_t arguments_count;
  int32_t results_count;
  int32_t lengths_count;
  int32_t symbols_count;
  /* Which argument is what; -1: none. Labels are arguments, constants below, or 0. */
  int32_t query, key, value;
  int32_t query_labels, key_labels;
  int32_t query_offsets, key_offsets;
  int32_t symbol[QUOIN_MAX_SYMBOLS];
  int32_t labelled;                  /* 1: the mask looks at labels or positions, by slot */
  const int32_t *query_label_values; /* one each; NULL: they are an argument, or there are none */
  const int32_t *key_label_values;
  const int32_t *order; /* the row that each slot has, of queries and of keys; NULL: they are in order */
  /* Its step QUOIN_STEP_LAYERS takes queries, of a row each, as operand 2, keys and values of `memory` as 3 and 4, and
   * gives its results where row[0] says, all packed. It keeps pages, which a call makes; it takes no scratch. With
   * labels the slots of queries come behind whole pages of the keys'; without, nothing asks for positions or labels. */
  const quoin_program_model_t *model;
} quoin_function_program_t;

/* Returns NULL if the function needs a newer host than `max_version`. */
typedef const quoin_function_program_t *(*quoin_function_query_fn)(uint32_t max_version);

/* Layouts, as generated code assumes them. */
#define QUOIN_CHECK_SIZE(type, bytes) typedef char quoin_check_##type[sizeof(type) == (bytes) ? 1 : -1]
QUOIN_CHECK_SIZE(quoin_tensor_t, 16);
QUOIN_CHECK_SIZE(quoin_sequence_t, 72);
QUOIN_CHECK_SIZE(quoin_logits_t, 128);
QUOIN_CHECK_SIZE(quoin_value_t, 16);
QUOIN_CHECK_SIZE(quoin_forward_t, 704);
QUOIN_CHECK_SIZE(quoin_score_t, 312);
QUOIN_CHECK_SIZE(quoin_group_t, 176);
QUOIN_CHECK_SIZE(quoin_operand_t, 24);
QUOIN_CHECK_SIZE(quoin_output_t, 24);
QUOIN_CHECK_SIZE(quoin_layers_t, 104);
QUOIN_CHECK_SIZE(quoin_head_row_t, 96);
QUOIN_CHECK_SIZE(quoin_head_t, 40);
QUOIN_CHECK_SIZE(quoin_barrier_t, 32);
QUOIN_CHECK_SIZE(quoin_space_t, 8);
QUOIN_CHECK_SIZE(quoin_column_t, 32);
QUOIN_CHECK_SIZE(quoin_kept_t, 16);
QUOIN_CHECK_SIZE(quoin_step_t, 40);
QUOIN_CHECK_SIZE(quoin_program_model_t, 72);
QUOIN_CHECK_SIZE(quoin_setting_t, 48);
QUOIN_CHECK_SIZE(quoin_cache_t, 16);
QUOIN_CHECK_SIZE(quoin_input_t, 64);
QUOIN_CHECK_SIZE(quoin_decoder_t, 72);
QUOIN_CHECK_SIZE(quoin_program_t, 112);
QUOIN_CHECK_SIZE(quoin_apply_t, 520);
QUOIN_CHECK_SIZE(quoin_state_t, 1656);
QUOIN_CHECK_SIZE(quoin_tensor_type_t, 56);
QUOIN_CHECK_SIZE(quoin_function_program_t, 152);

#ifdef __cplusplus
}
#endif

#endif
