/* FakeProgram.c: a program written by hand against program.h, to test the runtime without the compiler.
 *
 * The model: a slot's key is a vector made from its token and position; a row's hidden vector is the sum of the keys it
 * sees, weighted by distance, in slot order; scores are dot products with pseudo-random vectors. Small, but it is
 * sensitive to every token, position, mask, slot and page. Masks: 0 causal, 1 full, 2 causal over blocks of 4. Beside
 * it there is a model without a head: 2 x + 1 on rows of 3. */
#include "FakeProgram.h"

#include <math.h>
#include <string.h>

#define HIDDEN 8
#define VOCABULARY 48
#define FILL 47

static uint32_t mix(uint32_t x) {
  x = (x ^ (x >> 16)) * 0x7feb352du;
  x = (x ^ (x >> 15)) * 0x846ca68bu;
  return x ^ (x >> 16);
}

/* In [-1, 1). */
static float noise(uint32_t a, uint32_t b, uint32_t c) {
  return (float)(mix(a * 977u + b * 131u + c + 1u) >> 8) / 8388608.0f - 1.0f;
}

static void meet(quoin_barrier_t *barrier, int64_t workers) {
  int32_t phase = __atomic_load_n(&barrier->phase, __ATOMIC_ACQUIRE);
  int spins = 0;
  if (__atomic_add_fetch(&barrier->arrived, 1, __ATOMIC_ACQ_REL) == (int32_t)workers) {
    __atomic_store_n(&barrier->arrived, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&barrier->phase, phase + 1, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&barrier->sleeping, __ATOMIC_SEQ_CST))
      barrier->wake(barrier);
    return;
  }
  while (__atomic_load_n(&barrier->phase, __ATOMIC_ACQUIRE) == phase && spins < barrier->spins)
    ++spins;
  if (__atomic_load_n(&barrier->phase, __ATOMIC_ACQUIRE) == phase)
    barrier->wait(barrier, phase);
}

static int sees(const quoin_group_t *group, int64_t q, int64_t k) {
  switch (group->mask) {
  case 0:
    return k <= q;
  case 1:
    return 1;
  default:
    return group->positions[k] / 4 <= group->positions[q] / 4;
  }
}

static float *key(const quoin_group_t *group, int64_t slot) {
  return (float *)group->pages[slot / QUOIN_PAGE_SLOTS] + (slot % QUOIN_PAGE_SLOTS) * HIDDEN;
}

static void layers_step(const void *arguments, int64_t worker, int64_t workers) {
  const quoin_layers_t *args = arguments;
  const int32_t *ids = args->operands[0].data, *positions = args->operands[1].data;
  int64_t g, r, k, j;
  for (g = 0; g < args->groups; ++g) {
    const quoin_group_t *group = &args->group[g];
    for (r = worker; r < group->rows; r += workers) {
      int64_t row = group->first_row + r;
      for (j = 0; j < HIDDEN; ++j)
        key(group, group->first_slot + r)[j] = noise((uint32_t)ids[row], (uint32_t)positions[row], (uint32_t)j);
      /* Touch all that is promised. */
      memset(args->scratch + row * 16, 1, 16);
      memset(group->words + r * ((group->slots + 63) / 64), 1, (size_t)((group->slots + 63) / 64) * 8);
      memset(group->tiles, 1, (size_t)(((group->rows + 63) / 64) * ((group->slots + 63) / 64)) * (worker == 0));
    }
  }
  memset(args->scratch + args->rows * 16 + worker * 32, 2, 32);
  meet(args->barrier, workers);
  for (r = worker; r < args->reads; r += workers) {
    const quoin_group_t *group = &args->group[args->read_group[r]];
    int64_t q = args->read[r] - group->first_row + group->first_slot;
    float *hidden = args->results[0].row[r];
    for (j = 0; j < HIDDEN; ++j)
      hidden[j] = 0;
    for (k = 0; k < (group->slots + 63) / 64 * 64; ++k) {
      float distance = (float)(group->positions[q] - group->positions[k]);
      float weight = k < group->slots && sees(group, q, k) ? 1.0f / (1.0f + distance * distance) : 0.0f;
      for (j = 0; j < HIDDEN; ++j)
        hidden[j] += weight * key(group, k)[j];
    }
  }
}

static void philox(uint32_t *c, uint32_t k0, uint32_t k1) {
  int round;
  for (round = 0; round < 10; ++round, k0 += 0x9E3779B9u, k1 += 0xBB67AE85u) {
    uint64_t a = (uint64_t)0xD2511F53u * c[0], b = (uint64_t)0xCD9E8D57u * c[2];
    c[0] = (uint32_t)(b >> 32) ^ c[1] ^ k0;
    c[2] = (uint32_t)(a >> 32) ^ c[3] ^ k1;
    c[1] = (uint32_t)b;
    c[3] = (uint32_t)a;
  }
}

static void head_row(quoin_head_row_t *row) {
  float scores[VOCABULARY], best = -HUGE_VALF, second = -HUGE_VALF, sum = 0, hot = 0, entropy = 0;
  int32_t v, j, top = -1;
  double drawn = -HUGE_VAL;
  for (v = 0; v < VOCABULARY; ++v) {
    float c = 0, u = 0;
    for (j = 0; j < HIDDEN; ++j) {
      c += row->hidden[j] * noise((uint32_t)v, 7u, (uint32_t)j);
      if (row->other)
        u += row->other[j] * noise((uint32_t)v, 7u, (uint32_t)j);
    }
    scores[v] = row->other ? u + (row->guidance + 1) * (c - u) : c;
    if (row->logits)
      row->logits[v] = scores[v];
  }
  row->maximum = scores[0];
  for (v = 1; v < VOCABULARY; ++v)
    row->maximum = fmaxf(row->maximum, scores[v]);
  for (v = 0; v < VOCABULARY; ++v) {
    sum += expf(scores[v] - row->maximum);
    if (row->temperature > 0)
      hot += expf((scores[v] - row->maximum) / row->temperature);
    if (v == row->forbid)
      continue;
    if (scores[v] > best) {
      second = best;
      best = scores[v];
      top = v;
    } else if (scores[v] > second) {
      second = scores[v];
    }
  }
  for (v = 0; v < VOCABULARY; ++v)
    entropy -= expf(scores[v] - row->maximum) / sum * (scores[v] - row->maximum - logf(sum));
  row->token = top;
  for (v = 0; v < VOCABULARY && row->temperature > 0; ++v) {
    uint32_t c[4];
    double noisy;
    c[0] = (uint32_t)v / 4;
    c[1] = row->evaluation;
    c[2] = row->position;
    c[3] = row->stream;
    philox(c, row->key[0], row->key[1]);
    noisy = scores[v] / row->temperature - log(-log(((c[v % 4] >> 8) + 0.5) / 16777216.0));
    if (v != row->forbid && noisy > drawn) {
      drawn = noisy;
      row->token = v;
    }
  }
  row->confidence = row->temperature > 0 && !row->raw_confidence
                        ? expf((scores[row->token] - row->maximum) / row->temperature) / hot
                        : expf(scores[row->token] - row->maximum) / sum;
  row->probability = row->of < 0 ? 0 : expf(scores[row->of] - row->maximum) / sum;
  row->entropy = entropy;
  row->margin = (expf(best - row->maximum) - expf(second - row->maximum)) / sum;
  row->log_sum_exp = row->maximum + logf(sum);
}

static void head_step(const void *arguments, int64_t worker, int64_t workers) {
  const quoin_head_t *args = arguments;
  int64_t i;
  for (i = worker; i < args->rows; i += workers) {
    memset(args->scratch + i * 16, 1, 16);
    head_row(&args->row[i]);
  }
  memset(args->scratch + args->rows * 16 + worker * 32, 2, 32);
  meet(args->barrier, workers);
}

/* ---- Decoders ---------------------------------------------------------------------------------------------------- */

static void keep_value(quoin_state_t *s, int slot, int kind, void *pointer, int64_t size) {
  s->frame[slot].u.pointer = pointer;
  s->frame[slot].size = size;
  s->kinds[slot] = (uint8_t)kind;
}

static void keep_integer(quoin_state_t *s, int slot, int64_t value) {
  s->frame[slot].u.integer = value;
  s->kinds[slot] = QUOIN_KIND_SCALAR;
}

static void call_of(quoin_forward_t *call, const quoin_sequence_t *x, int64_t length, quoin_tensor_t read,
                    int64_t cache, int64_t mask) {
  memset(call, 0, sizeof(*call));
  call->sequence = x;
  call->length = length;
  call->read = read;
  call->keep = length;
  call->cache = cache;
  call->mask = mask;
  call->evaluation = 1;
}

static int64_t lower(int64_t a, int64_t b) { return a < b ? a : b; }

/* Frame: 0 sequence, 1 prompt length, 2 end, 3 start of the block, 4 open rows (tensor), 5 the same rows again.
 * Settings: block (4, fixed), threshold, cached. Blocks of 4 from position 0; fills what is surer than the threshold,
 * or the surest; commits a full block by a pass of its own and ends after a block with a stop id. */
static int32_t blocks(quoin_state_t *s) {
  const quoin_host_t *host = s->host;
  quoin_sequence_t *x = (quoin_sequence_t *)s->frame[0].u.pointer;
  int64_t prompt = s->frame[1].u.integer, end, lo, hi, cache = s->settings[2] != 0 ? 0 : -1;
  quoin_tensor_t rows;
  if (s->resume == 0) {
    int64_t max = s->frame[1].u.integer;
    prompt = x->length;
    if (s->settings[1] > 1) {
      host->fail(s, "expects a threshold of at most {1}, but found {0}", (int64_t)s->settings[1], 1);
      return QUOIN_FAILED;
    }
    end = (prompt + max + 3) / 4 * 4;
    x = host->extend(s, x, end - prompt, 0);
    if (s->status)
      return QUOIN_FAILED;
    lo = prompt / 4 * 4;
  } else {
    end = s->frame[2].u.integer;
    lo = s->frame[3].u.integer;
    rows.data = s->frame[4].u.pointer;
    rows.size = s->frame[4].size;
    if (s->resume == 1) { /* the logits are there */
      memset(&s->score, 0, sizeof(s->score));
      s->score.logits = s->logits;
      s->score.positions = rows;
      s->score.evaluation = s->evaluations - 1;
      s->score.statistics = 2;
      s->score.statistic[0] = QUOIN_STAT_TOKEN;
      s->score.statistic[1] = QUOIN_STAT_CONFIDENCE;
      s->score.transforms = 3;
      s->score.transform[0] = QUOIN_TRANSFORM_TEMPERATURE;
      s->score.transform[1] = QUOIN_TRANSFORM_TOP_K;
      s->score.transform[2] = QUOIN_TRANSFORM_TOP_P;
      s->frame_used = 6;
      s->resume = 2;
      return QUOIN_SCORE;
    }
    if (s->resume == 2) { /* the scores are there */
      quoin_tensor_t pick, *confidence = &s->score.result[1];
      int64_t i;
      quoin_tensor_t again;
      again.data = s->frame[5].u.pointer;
      again.size = s->frame[5].size;
      host->top(s, confidence, 1, NULL, &pick);
      if (s->status)
        return QUOIN_FAILED;
      for (i = 0; i < pick.size; ++i)
        ((uint8_t *)pick.data)[i] |= ((float *)confidence->data)[i] > (float)s->settings[1];
      x = host->fill(s, x, &again, &s->score.result[0], &pick);
      if (s->status)
        return QUOIN_FAILED;
    } else { /* the block is committed */
      hi = lo + 4;
      x = host->commit(s, x, hi);
      if (s->status)
        return QUOIN_FAILED;
      lo = hi;
      if (lo >= end || host->find_stop(s, x, prompt, hi) != hi) {
        s->result = x;
        s->result_from = prompt;
        s->result_to = lo;
        return QUOIN_DONE;
      }
    }
  }
  hi = lo + 4;
  host->open(s, x, lo, hi, &rows);
  if (s->status)
    return QUOIN_FAILED;
  call_of(&s->forward, x, hi, rows, cache, 2);
  s->forward.evaluation = rows.size != 0;
  if (rows.size == 0 && cache < 0) /* nothing to commit to: a call without rows */
    s->forward.length = 0;
  s->forward.from = cache < 0 ? 0 : host->reuse(s, &s->forward, hi) / 4 * 4;
  if (s->status)
    return QUOIN_FAILED;
  keep_value(s, 0, QUOIN_KIND_SEQUENCE, x, 0);
  keep_integer(s, 1, prompt);
  keep_integer(s, 2, end);
  keep_integer(s, 3, lo);
  keep_value(s, 4, QUOIN_KIND_TENSOR64, rows.data, rows.size);
  keep_value(s, 5, QUOIN_KIND_TENSOR64, rows.data, rows.size);
  s->frame_used = 6;
  s->resume = rows.size ? 1 : 3;
  return QUOIN_FORWARD;
}

/* One token after the other. Setting: below (1: nucleus of the stricter kind without the fill token, as BD3-LM). */
static int32_t causal(quoin_state_t *s) {
  const quoin_host_t *host = s->host;
  quoin_sequence_t *x = (quoin_sequence_t *)s->frame[0].u.pointer;
  int64_t prompt, end;
  quoin_tensor_t row;
  if (s->resume == 0) {
    prompt = x->length;
    end = prompt + s->frame[1].u.integer;
  } else {
    prompt = s->frame[1].u.integer;
    end = s->frame[2].u.integer;
  }
  if (s->resume == 1) {
    quoin_tensor_t at;
    at.data = host->allocate(s, 8);
    at.size = 1;
    if (s->status)
      return QUOIN_FAILED;
    *(int64_t *)at.data = x->length;
    memset(&s->score, 0, sizeof(s->score));
    s->score.logits = s->logits;
    s->score.positions = at;
    s->score.evaluation = s->evaluations - 1;
    s->score.statistics = 1;
    s->score.statistic[0] = QUOIN_STAT_TOKEN;
    s->score.transforms = 2;
    s->score.transform[0] = s->settings[0] != 0 ? QUOIN_TRANSFORM_WITHOUT_FILL : QUOIN_TRANSFORM_TEMPERATURE;
    s->score.transform[1] = s->settings[0] != 0 ? QUOIN_TRANSFORM_TOP_P_BELOW : QUOIN_TRANSFORM_TOP_P;
    s->resume = 2;
    return QUOIN_SCORE;
  }
  if (s->resume == 2) {
    x = host->append(s, x, &s->score.result[0], NULL, 0);
    if (!s->status)
      x = host->commit(s, x, x->length);
    if (s->status)
      return QUOIN_FAILED;
    if (x->length >= end || host->find_stop(s, x, x->length - 1, x->length) != x->length) {
      s->result = x;
      s->result_from = prompt;
      s->result_to = x->length;
      return QUOIN_DONE;
    }
  }
  row.data = host->allocate(s, 8);
  row.size = 1;
  if (s->status)
    return QUOIN_FAILED;
  *(int64_t *)row.data = x->length - 1;
  call_of(&s->forward, x, x->length, row, 0, 0);
  s->forward.from = host->reuse(s, &s->forward, x->length);
  keep_value(s, 0, QUOIN_KIND_SEQUENCE, x, 0);
  keep_integer(s, 1, prompt);
  keep_integer(s, 2, end);
  s->frame_used = 3;
  s->resume = 1;
  return QUOIN_FORWARD;
}

/* Two calls for one token: guidance, `then` rows, residual draws, probabilities and stored scores; it returns the
 * prompt and one token. Setting: what (0 guided, 1 residual, 2 materialised arg max, 3 likeliest token). Frame: 0
 * sequence, 1 logits, 2 the call's row. */
static int32_t pair(quoin_state_t *s) {
  const quoin_host_t *host = s->host;
  quoin_sequence_t *x = (quoin_sequence_t *)s->frame[0].u.pointer, *y;
  quoin_tensor_t row, then;
  int64_t n = x->length, what = (int64_t)s->settings[0];
  switch (s->resume) {
  case 0:
  case 1:
    row.data = host->allocate(s, 8);
    row.size = 1;
    then.data = host->allocate(s, 4);
    then.size = 1;
    y = s->resume ? host->reopen(s, x, 0, lower(n, 2)) : x;
    if (s->status)
      return QUOIN_FAILED;
    *(int64_t *)row.data = n;
    *(int32_t *)then.data = FILL;
    call_of(&s->forward, y, n, row, s->resume, 1);
    s->forward.then_ids = then;
    s->forward.then_positions = row;
    if (s->resume)
      keep_value(s, 1, QUOIN_KIND_LOGITS, s->logits, 0);
    keep_value(s, 0, QUOIN_KIND_SEQUENCE, x, 0);
    keep_value(s, 2, QUOIN_KIND_TENSOR64, row.data, 1);
    if (!s->resume)
      keep_integer(s, 1, 0);
    s->frame_used = 3;
    s->resume++;
    return QUOIN_FORWARD;
  case 2: {
    quoin_logits_t *first = (quoin_logits_t *)s->frame[1].u.pointer;
    memset(&s->score, 0, sizeof(s->score));
    s->score.kind = what == 0   ? QUOIN_HEAD_SCORE
                    : what == 1 ? QUOIN_HEAD_RESIDUAL
                    : what == 2 ? QUOIN_HEAD_MATERIALIZE
                                : QUOIN_HEAD_LIKELIEST;
    s->score.width = VOCABULARY;
    s->score.logits = first;
    if (what == 0) {
      first->other = s->logits->hidden;
      first->guidance = 0.5;
      s->score.transforms = 1;
      s->score.transform[0] = QUOIN_TRANSFORM_GREEDY;
    }
    if (what == 1)
      s->score.minus = s->logits;
    s->score.positions.data = s->frame[2].u.pointer;
    s->score.positions.size = what >= 2 ? 0 : 1;
    s->score.statistics = what < 3;
    if (what == 3) {
      s->score.counts.data = host->allocate(s, 8);
      s->score.counts.size = 1;
      if (s->status)
        return QUOIN_FAILED;
      *(int64_t *)s->score.counts.data = 1;
    }
    s->score.statistic[0] = QUOIN_STAT_TOKEN;
    s->score.evaluation = s->evaluations - 1;
    s->frame_used = 1;
    s->resume = 3;
    return QUOIN_SCORE;
  }
  default:
    if (what == 2) {
      const float *scores = (const float *)s->score.result[0].data;
      int32_t v, best = 0, *id = (int32_t *)host->allocate(s, 4);
      if (s->status)
        return QUOIN_FAILED;
      for (v = 1; v < FILL; ++v)
        if (scores[v] > scores[best])
          best = v;
      *id = best;
      s->score.result[0].data = id;
      s->score.result[0].size = 1;
    }
    y = host->append(s, x, &s->score.result[0], NULL, 0);
    if (s->status)
      return QUOIN_FAILED;
    s->result = y;
    s->result_from = 0;
    s->result_to = n + 1;
    return QUOIN_DONE;
  }
}

/* Does what no program may. Setting: what. */
static int32_t wrong(quoin_state_t *s) {
  const quoin_host_t *host = s->host;
  quoin_sequence_t *x = (quoin_sequence_t *)s->frame[0].u.pointer;
  quoin_tensor_t one, none = {NULL, 0};
  one.data = host->allocate(s, 64);
  one.size = 1;
  if (s->status)
    return QUOIN_FAILED;
  *(int64_t *)one.data = x->length;
  call_of(&s->forward, x, x->length, none, 0, 0);
  s->frame_used = 1;
  s->resume = 1;
  switch ((int)s->settings[0]) {
  case 0:
    host->extend(s, x, 1000, 0);
    break;
  case 1:
    *(int32_t *)one.data = VOCABULARY;
    host->append(s, x, &one, NULL, 0);
    break;
  case 2:
    host->commit(s, x, x->length + 1);
    break;
  case 3:
    host->first_open(s, x, 2, 1);
    break;
  case 4:
    host->tokens(s, x, &one, &none);
    break;
  case 5:
    s->forward.from = 1;
    return QUOIN_FORWARD;
  case 6:
    s->forward.mask = 3;
    return QUOIN_FORWARD;
  case 7:
    s->forward.read = one;
    return QUOIN_FORWARD;
  case 8:
    *(int64_t *)one.data = 256;
    s->forward.then_ids = one;
    s->forward.then_positions = one;
    *(int32_t *)((char *)one.data + 32) = 0;
    s->forward.then_ids.data = (char *)one.data + 32;
    return QUOIN_FORWARD;
  case 9:
    memset(&s->score, 0, sizeof(s->score));
    return QUOIN_SCORE;
  case 10:
    s->result = x;
    s->result_to = x->length + 1;
    return QUOIN_DONE;
  case 11:
    return QUOIN_FAILED;
  case 13: /* never ends */
    while (--s->rounds >= 0)
      if (!host->extend(s, x, 0, 0))
        break;
    return QUOIN_FAILED;
  default:
    host->fail(s, "expects better", 1, 2);
    break;
  }
  return QUOIN_FAILED;
}

/* The model without a head. */
static void rows_step(const void *arguments, int64_t worker, int64_t workers) {
  const quoin_layers_t *args = arguments;
  const quoin_operand_t *x = &args->operands[2];
  int64_t r, j;
  for (r = worker; r < args->reads; r += workers) {
    const float *in = (const float *)((const char *)x->data + args->read[r] * x->row_bytes);
    float *out = args->results[0].row[r];
    for (j = 0; j < 3; ++j)
      out[j] = 2 * in[j] + 1;
    memset(args->scratch + r * 16, 1, 16);
  }
}

/* Gives the sums of rows of what the model makes of the input `x`, plus the input `n`; then the prompt. */
static int32_t named(quoin_state_t *s) {
  const quoin_host_t *host = s->host;
  quoin_sequence_t *x = (quoin_sequence_t *)s->frame[0].u.pointer;
  quoin_tensor_t sums;
  int64_t r;
  if (s->resume == 0) {
    memset(&s->apply, 0, sizeof(s->apply));
    s->apply.model = 1;
    s->apply.operand[0] = s->inputs[0];
    keep_value(s, 0, QUOIN_KIND_SEQUENCE, x, 0);
    s->frame_used = 1;
    s->resume = 1;
    return QUOIN_APPLY;
  }
  sums.size = s->apply.result[0].size / 3;
  sums.data = host->allocate(s, 4 * sums.size);
  if (s->status)
    return QUOIN_FAILED;
  for (r = 0; r < sums.size; ++r) {
    const float *row = (const float *)s->apply.result[0].data + 3 * r;
    ((float *)sums.data)[r] = row[0] + row[1] + row[2] + (float)*(const int64_t *)s->inputs[1].data;
  }
  host->output(s, 0, &sums);
  s->result = x;
  s->result_from = 0;
  s->result_to = x->length;
  return s->status ? QUOIN_FAILED : QUOIN_DONE;
}

static const quoin_setting_t kBlocks[] = {{"block", 4, 0, NULL, QUOIN_SETTING_INDEX, 0, 0, 0},
                                          {"threshold", 0.5, 0, NULL, QUOIN_SETTING_REAL, 1, 0, 0},
                                          {"cached", 1, 0, NULL, QUOIN_SETTING_INDEX, 1, 0, 0}};
static const quoin_setting_t kCausal[] = {{"below", 0, 0, NULL, QUOIN_SETTING_INDEX, 1, 0, 0},
                                          {"top_p", 0.9, 0, NULL, QUOIN_SETTING_REAL, 1, 0, 0}};
static const quoin_setting_t kWhat[] = {{"what", 0, 0, NULL, QUOIN_SETTING_INDEX, 1, 0, 0}};
static const quoin_cache_t kShared[] = {{0, 1, 0, 0}};
static const quoin_cache_t kOwn[] = {{0, 0, 0, 0}, {0, 0, 0, 0}};
static const quoin_input_t kInputs[] = {{{"x", QUOIN_DTYPE_F32, 2, {-1, 3, 0, 0}, QUOIN_NO_OFFSETS}, 0, 0},
                                        {{"n", QUOIN_DTYPE_I64, 0, {0, 0, 0, 0}, QUOIN_NO_OFFSETS}, 1, 0}};
static const quoin_tensor_type_t kOutputs[] = {{"sums", QUOIN_DTYPE_F32, 1, {-1, 0, 0, 0}, QUOIN_NO_OFFSETS}};
static const quoin_decoder_t kDecoders[] = {{"blocks", blocks, kBlocks, kShared, NULL, NULL, 0, 0, 3, 1, 6, 1},
                                            {"causal", causal, kCausal, kShared, NULL, NULL, 0, 0, 2, 1, 3, 1},
                                            {"pair", pair, kWhat, kOwn, NULL, NULL, 0, 0, 1, 2, 3, 1},
                                            {"wrong", wrong, kWhat, kOwn, NULL, NULL, 0, 0, 1, 1, 2, 1},
                                            {"named", named, NULL, NULL, kInputs, kOutputs, 2, 1, 0, 0, 2, 1}};
static const int32_t kStops[] = {5, 46};
static const quoin_space_t kSpaces[] = {{QUOIN_SPACE_ROW, 0}, {QUOIN_SPACE_READ, 0}};
static const quoin_column_t kOperands[] = {{"ids", 1, 4, QUOIN_DTYPE_I32, 0}, {"positions", 1, 4, QUOIN_DTYPE_I32, 0}};
static const quoin_column_t kResults[] = {{"hidden", HIDDEN, HIDDEN * 4, QUOIN_DTYPE_F32, 1}};
static const quoin_kept_t kStates[] = {{QUOIN_KEPT_PAGES, 0, QUOIN_PAGE_SLOTS * HIDDEN * 4}};
static const quoin_step_t kSteps[] = {{QUOIN_STEP_LAYERS, QUOIN_RUN_SPMD, 16, 32, QUOIN_FAKE_WORK, layers_step},
                                      {QUOIN_STEP_HEAD, QUOIN_RUN_SPMD, 16, 32, HIDDEN * VOCABULARY, head_step}};
static const quoin_column_t kColumns[] = {
    {"ids", 1, 4, QUOIN_DTYPE_I32, 0}, {"positions", 1, 4, QUOIN_DTYPE_I32, 0}, {"x", 3, 64, QUOIN_DTYPE_F32, 0}};
static const quoin_column_t kRows[] = {{"y", 3, 16, QUOIN_DTYPE_F32, 1}};
static const quoin_step_t kRowsSteps[] = {{QUOIN_STEP_LAYERS, QUOIN_RUN_SPMD, 16, 0, 9, rows_step}};
static const quoin_program_model_t kModels[] = {
    {"model", kOperands, kResults, kSpaces, kStates, kSteps, 2, 1, 2, 1, 2, 1},
    {"rows", kColumns, kRows, kSpaces, NULL, kRowsSteps, 3, 1, 2, 0, 1, 0}};
static const quoin_program_t kProgram = {QUOIN_ABI_VERSION,
                                         sizeof(quoin_program_t),
                                         "",
                                         VOCABULARY,
                                         256,
                                         256,
                                         QUOIN_FAKE_WEIGHTS,
                                         0x1122334455667788u,
                                         kModels,
                                         kDecoders,
                                         kStops,
                                         2,
                                         5,
                                         2,
                                         3,
                                         FILL,
                                         0,
                                         NULL};

const quoin_program_t *QUOIN_FAKE_QUERY(uint32_t max_version) {
  return max_version < QUOIN_ABI_VERSION ? NULL : &kProgram;
}
