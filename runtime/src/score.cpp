// score.cpp: one pass of the head over all rows that sessions want scored.
//
// The head kernel computes every statistic of an unfiltered row, the draw included, without ever storing a row of
// scores. Rows whose sampler filters, and residual draws, ask it for their scores; the rest is done here, some rows at
// a time.

#include "edit.h"
#include "sample.h"

#include <algorithm>
#include <cfloat>
#include <cmath>

using namespace quoin::rt;

namespace {

/// Most rows of one pass of the head, and most scores stored at a time (256 MiB).
constexpr size_t kMostScoredRows = 4096;
constexpr size_t kMostScores = size_t(64) << 20;
/// Multiplications that take as long as what is done for a score that was given.
constexpr double kWorkOfScore = 32;

Sampler samplerOf(const quoin_session_t &session) {
  const quoin_score_t &score = session.state.score;
  return {score.transform, score.transforms, session.temperature, session.topK, session.topP, session.state.fill};
}

Random randomOf(const quoin_session_t &session, int64_t row, Stream stream) {
  const quoin_score_t &score = session.state.score;
  int64_t position = score.positions.size ? static_cast<const int64_t *>(score.positions.data)[row] : 0;
  return {session.seed, uint32_t(score.evaluation), uint32_t(position), stream};
}

bool asksFor(const quoin_score_t &score, uint8_t first, uint8_t last) {
  return std::any_of(score.statistic, score.statistic + score.statistics,
                     [&](uint8_t s) { return s >= first && s <= last; });
}

/// Whether statistics of what the transforms leave are asked for that are not those of the raw softmax.
bool needsFiltered(const quoin_session_t &session) {
  const quoin_score_t &score = session.state.score;
  if (!asksFor(score, QUOIN_STAT_FILTERED_BEST, QUOIN_STAT_FILTERED_MASS))
    return false;
  Sampler sampler = samplerOf(session);
  return sampler.filters(scoredTokens(*session.model->program)) || sampler.scale() != 1 ||
         // The confidence of a draw is not that of the best.
         (sampler.drawTemperature() > 0 && asksFor(score, QUOIN_STAT_FILTERED_BEST, QUOIN_STAT_FILTERED_BEST));
}

/// Whether this host asks the head for scores and does the rest itself.
bool drawsHere(const quoin_session_t &session) {
  const quoin_score_t &score = session.state.score;
  if (score.kind != QUOIN_HEAD_SCORE)
    return score.kind != QUOIN_HEAD_MATERIALIZE;
  return isEdited(session) || isAdjusted(*score.logits) || needsFiltered(session) ||
         (score.positions.size && samplerOf(session).needsRow(scoredTokens(*session.model->program)));
}

int64_t countOf(const quoin_score_t &score, int64_t row) {
  return static_cast<const int64_t *>(score.counts.data)[row];
}

int64_t sumOfCounts(const quoin_score_t &score) {
  int64_t sum = 0;
  for (int64_t row = 0; row < score.counts.size; ++row)
    sum += countOf(score, row);
  return sum;
}

/// Makes the results of a score in the arena of the next `advance`.
bool prepareScore(quoin_session_t &session) {
  quoin_score_t &score = session.state.score;
  Arena &arena = session.otherArena();
  arena.reset();
  session.state.logits = nullptr; // lay in the arena that was just reset
  int64_t size = score.kind == QUOIN_HEAD_MATERIALIZE ? score.logits->rows * scoredTokens(*session.model->program)
                 : score.kind == QUOIN_HEAD_LIKELIEST ? sumOfCounts(score)
                                                      : score.logits->rows;
  uint32_t results = score.kind == QUOIN_HEAD_SCORE       ? score.statistics
                     : score.kind == QUOIN_HEAD_LIKELIEST ? 2
                                                          : std::max(score.statistics, 1u);
  for (uint32_t i = 0; i < results; ++i) {
    score.result[i] = {arena.make<float>(size), size}; // a token is as large
    if (!score.result[i].data)
      return false;
  }
  return true;
}

quoin_head_row_t headRow(const quoin_session_t &session, const quoin_logits_t &logits, int64_t row) {
  const quoin_score_t &score = session.state.score;
  quoin_head_row_t head = {};
  head.hidden = logits.hidden + row * logits.width;
  head.other = logits.other ? logits.other + row * logits.width : nullptr;
  head.guidance = static_cast<float>(logits.guidance);
  head.forbid = session.state.fill;
  head.of = score.of.size ? static_cast<const int32_t *>(score.of.data)[row] : -1;
  if (score.kind == QUOIN_HEAD_SCORE && score.positions.size && !drawsHere(session)) {
    Sampler sampler = samplerOf(session);
    Random random = randomOf(session, row, kTokenDraw);
    // Not 0 for being small: that would be no draw at all.
    double temperature = sampler.drawTemperature();
    head.temperature = temperature > 0 ? std::max(static_cast<float>(temperature), FLT_MIN) : 0;
    head.raw_confidence = sampler.lists(QUOIN_TRANSFORM_RAW_CONFIDENCE);
    head.key[0] = uint32_t(random.seed);
    head.key[1] = uint32_t(random.seed >> 32);
    head.evaluation = random.evaluation;
    head.position = random.position;
    head.stream = random.stream;
  }
  return head;
}

/// Replaces token and confidence of a row of the head by the draw from its scores.
void drawJob(Scratch &s, Scratch::Job &job, Scratch::Candidate *sorted) {
  quoin_session_t &session = *job.session;
  const quoin_score_t &score = session.state.score;
  int64_t vocabulary = scoredTokens(*session.model->program);
  quoin_head_row_t &head = s.rows[job.head];
  bool edited = isEdited(session); // and adjusted before that
  if (!edited)
    adjustRow(*score.logits, job.row, head.logits);
  if (edited || isAdjusted(*score.logits)) {
    head.hidden = head.logits;
    head.other = nullptr;
    scoreGiven(head, vocabulary);
  }
  if (score.kind == QUOIN_HEAD_LIKELIEST)
    return chooseLikeliest(head.logits, vocabulary, session.state.fill, countOf(score, job.row),
                           double(head.log_sum_exp), sorted, static_cast<int32_t *>(score.result[0].data) + job.at,
                           static_cast<float *>(score.result[1].data) + job.at);
  Draw draw;
  if (score.kind == QUOIN_HEAD_RESIDUAL) {
    if (!edited)
      adjustRow(*score.minus, job.row, s.rows[job.head + 1].logits);
    draw = drawResidual(head.logits, s.rows[job.head + 1].logits, vocabulary, session.state.fill,
                        randomOf(session, job.row, kResidualDraw));
  } else {
    Sampler sampler = samplerOf(session);
    if (!score.positions.size) // no sampler
      return;
    draw =
        drawFiltered(head.logits, vocabulary, sampler, randomOf(session, job.row, kTokenDraw), sorted, &job.filtered);
    // An arg max has the raw confidence unless the sampler says otherwise; the head has both.
    if (!(sampler.drawTemperature() > 0) && !sampler.lists(QUOIN_TRANSFORM_FILTERED_CONFIDENCE))
      return;
    if (sampler.lists(QUOIN_TRANSFORM_RAW_CONFIDENCE)) {
      draw.logConfidence = double(head.logits[draw.token]) - double(head.log_sum_exp);
      draw.confidence = std::exp(draw.logConfidence);
    }
  }
  head.token = draw.token;
  head.confidence = static_cast<float>(draw.confidence);
  head.log_confidence = static_cast<float>(draw.logConfidence);
}

void storeJob(const Scratch &s, Scratch::Job &job) {
  quoin_session_t &session = *job.session;
  if (session.phase != Phase::Score)
    return;
  quoin_score_t &score = session.state.score;
  const quoin_head_row_t &head = s.rows[job.head];
  if (!drawsHere(session)) // nothing is left out
    job.filtered = {head.confidence, head.entropy, head.margin, head.log_sum_exp};
  if (score.kind == QUOIN_HEAD_MATERIALIZE) {
    int64_t scored = scoredTokens(*session.model->program);
    adjustRow(*score.logits, job.row, static_cast<float *>(score.result[0].data) + job.row * scored);
  }
  if (score.kind == QUOIN_HEAD_MATERIALIZE || score.kind == QUOIN_HEAD_LIKELIEST)
    return;
  bool chooses = score.kind == QUOIN_HEAD_RESIDUAL;
  uint32_t results = chooses ? std::max(score.statistics, 1u) : score.statistics;
  for (uint32_t i = 0; i < results; ++i) {
    auto *real = static_cast<float *>(score.result[i].data);
    switch (i < score.statistics ? score.statistic[i] : uint8_t(QUOIN_STAT_TOKEN)) {
    case QUOIN_STAT_TOKEN:
      static_cast<int32_t *>(score.result[i].data)[job.row] = head.token;
      chooses = true;
      break;
    case QUOIN_STAT_CONFIDENCE:
      real[job.row] = head.confidence;
      chooses = true;
      break;
    case QUOIN_STAT_LOG_CONFIDENCE:
      real[job.row] = head.log_confidence;
      chooses = true;
      break;
    case QUOIN_STAT_ENTROPY:
      real[job.row] = head.entropy;
      break;
    case QUOIN_STAT_NORMALIZED_ENTROPY:
      real[job.row] =
          static_cast<float>(double(head.entropy) / std::log(double(scoredTokens(*session.model->program))));
      break;
    case QUOIN_STAT_MARGIN:
      real[job.row] = head.margin;
      break;
    case QUOIN_STAT_MASS:
      real[job.row] = head.log_sum_exp;
      break;
    case QUOIN_STAT_FILTERED_BEST:
      real[job.row] = static_cast<float>(job.filtered.best);
      break;
    case QUOIN_STAT_FILTERED_ENTROPY:
      real[job.row] = static_cast<float>(job.filtered.entropy);
      break;
    case QUOIN_STAT_FILTERED_MARGIN:
      real[job.row] = static_cast<float>(job.filtered.margin);
      break;
    case QUOIN_STAT_FILTERED_MASS:
      real[job.row] = static_cast<float>(job.filtered.mass);
      break;
    default:
      real[job.row] = head.probability;
      break;
    }
  }
  if (!chooses || !session.trace.fn)
    return;
  traceConfidence(session, positionOfRow(session, *score.logits, job.row), head.confidence);
}

/// One pass of a model's head over `rows`.
quoin_status_t runHead(quoin_model_t &model, const Part &part, Buffer<quoin_head_row_t> &rows) {
  Scratch &s = model.scratch;
  auto count = static_cast<int64_t>(rows.size());
  int64_t scratch = part.head->row_bytes * count + part.head->worker_bytes * model.context->workers;
  if (!s.head.resize(static_cast<size_t>(scratch)))
    return model.context->outOfMemory();
  struct Call {
    const Part *part;
    quoin_head_t head;
  };
  Call call = {&part, {model.weights, s.head.data(), count, rows.data(), &s.meeting.barrier}};
  model.context->parallel(
      rowsOfWork(count) * double(part.head->work), s.meeting,
      [](void *arg, int64_t worker, int64_t of) {
        auto *made = static_cast<Call *>(arg);
        made->part->head->run(&made->head, worker, of);
      },
      &call);
  return QUOIN_STATUS_OK;
}

/// The rows gathered that are of one model; they stay where they are.
quoin_status_t scoreRowsOf(quoin_model_t &model, int32_t which) {
  Scratch &s = model.scratch;
  const Part &part = model.parts[static_cast<size_t>(which)];
  auto mine = static_cast<size_t>(std::count(s.part.begin(), s.part.end(), which));
  if (mine == 0)
    return QUOIN_STATUS_OK;
  if (mine == s.rows.size())
    return runHead(model, part, s.rows);
  if (!s.chosen.resize(mine))
    return model.context->outOfMemory();
  for (size_t i = 0, next = 0; i < s.rows.size(); ++i)
    if (s.part[i] == which)
      s.chosen[next++] = s.rows[i];
  if (quoin_status_t status = runHead(model, part, s.chosen))
    return status;
  for (size_t i = 0, next = 0; i < s.rows.size(); ++i)
    if (s.part[i] == which)
      s.rows[i] = s.chosen[next++];
  return QUOIN_STATUS_OK;
}

/// Runs the heads over the rows gathered and finishes their jobs.
quoin_status_t flush(quoin_model_t &model, bool draws) {
  Scratch &s = model.scratch;
  const quoin_program_t &program = *model.program;
  int32_t workers = model.context->workers;
  auto rows = static_cast<int64_t>(s.rows.size());
  if (rows == 0)
    return QUOIN_STATUS_OK;
  if (draws && !s.sorted.resize(static_cast<size_t>(scoredTokens(program)) * static_cast<size_t>(workers)))
    return model.context->outOfMemory();
  int64_t widest = 0;
  for (size_t i = 0; i < model.parts.size(); ++i) {
    if (quoin_status_t status = scoreRowsOf(model, static_cast<int32_t>(i)))
      return status;
    widest = std::max(widest, model.parts[i].hidden);
  }
  if (std::count(s.part.begin(), s.part.end(), QUOIN_NO_HEAD) > 0)
    model.context->parallel(
        rowsOfWork(rows) * double(scoredTokens(program)) * kWorkOfScore, s.meeting,
        [](void *arg, int64_t worker, int64_t of) {
          quoin_model_t &shared = *static_cast<quoin_model_t *>(arg);
          Scratch &all = shared.scratch;
          for (size_t i = static_cast<size_t>(worker); i < all.rows.size(); i += static_cast<size_t>(of))
            if (all.part[i] == QUOIN_NO_HEAD)
              scoreGiven(all.rows[i], scoredTokens(*shared.program));
        },
        &model);
  // By sessions, whose jobs stand together.
  for (size_t i = 0, end = 0; i < s.jobs.size(); i = end) {
    quoin_session_t &session = *s.jobs[i].session;
    while (end < s.jobs.size() && s.jobs[end].session == &session)
      ++end;
    if (isEdited(session))
      editScores(s, i, end - i);
  }
  if (draws)
    model.context->parallel(
        rowsOfWork(rows) * double(widest) * double(scoredTokens(program)), s.meeting,
        [](void *arg, int64_t worker, int64_t of) {
          quoin_model_t &shared = *static_cast<quoin_model_t *>(arg);
          Scratch &all = shared.scratch;
          for (size_t i = static_cast<size_t>(worker); i < all.jobs.size(); i += static_cast<size_t>(of))
            if (all.jobs[i].session->phase == Phase::Score && drawsHere(*all.jobs[i].session))
              drawJob(all, all.jobs[i], all.sorted.data() + worker * scoredTokens(*shared.program));
        },
        &model);
  for (Scratch::Job &job : s.jobs)
    storeJob(s, job);
  s.rows.clear();
  s.part.clear();
  s.jobs.clear();
  return QUOIN_STATUS_OK;
}

} // namespace

/// Fails with what a score of the decoder's has; false.
static bool refuse(quoin_session_t &session, const char *what) {
  session.fail(QUOIN_STATUS_FAILED, "the decoder's score has %s", what);
  return false;
}

/// Fails with what an op expects that would give more numbers than a tensor has; false.
static bool refuseSize(quoin_session_t &session, const char *op, int64_t size) {
  session.fail(QUOIN_STATUS_FAILED, "%s expects a size of at least 0 and at most %d, but found %lld", op,
               QUOIN_MAX_ELEMENTS, static_cast<long long>(size));
  return false;
}

/// Fails at the first of `tokens` that is none of those scored.
static bool checkTokens(quoin_session_t &session, const char *op, const quoin_tensor_t &tokens) {
  int64_t vocabulary = scoredTokens(*session.model->program);
  auto *first = static_cast<const int32_t *>(tokens.data), *end = first + tokens.size;
  auto *bad = std::find_if(first, end, [&](int32_t token) { return token < 0 || token >= vocabulary; });
  if (bad == end)
    return true;
  session.fail(QUOIN_STATUS_FAILED, "%s expects tokens below %lld, but found %d", op,
               static_cast<long long>(vocabulary), *bad);
  return false;
}

/// Logits are scores, or rows that a head scores; what is added to them has its tokens.
static bool checkLogits(quoin_session_t &session, const quoin_logits_t &logits) {
  const quoin_model_t &model = *session.model;
  if (logits.model == QUOIN_NO_HEAD) {
    if (logits.width != scoredTokens(*model.program))
      return refuse(session, "scores that are not one a token");
  } else if (logits.model < 0 || logits.model >= model.program->models_count) {
    return refuse(session, "logits that no head scores");
  } else if (const Part &part = model.parts[static_cast<size_t>(logits.model)];
             !part.head || logits.width != part.hidden) {
    return refuse(session, "logits that no head scores");
  }
  int64_t count = logits.tokens.size;
  if (logits.amounts.size != count || (logits.rows_of.data && logits.rows_of.size != count))
    return refuse(session, "amounts that are not one a token");
  return checkTokens(session, "quoin.adjust", logits.tokens);
}

static bool checkMaterialize(quoin_session_t &session) {
  const quoin_score_t &score = session.state.score;
  int64_t rows = score.logits->rows, scored = scoredTokens(*session.model->program);
  if (score.width != scored) {
    session.fail(QUOIN_STATUS_FAILED, "quoin.materialize expects rows of %lld scores, but found %lld",
                 static_cast<long long>(scored), static_cast<long long>(score.width));
    return false;
  }
  return rows <= QUOIN_MAX_ELEMENTS / scored || refuseSize(session, "quoin.materialize", rows * scored);
}

static bool checkLikeliest(quoin_session_t &session) {
  const quoin_score_t &score = session.state.score;
  if (score.counts.size != score.logits->rows)
    return refuse(session, "numbers of tokens that are not one a row");
  int64_t scored = scoredTokens(*session.model->program), fill = session.state.fill;
  int64_t tokens = scored - (fill >= 0 && fill < scored);
  for (int64_t row = 0, sum = 0; row < score.logits->rows; ++row) {
    int64_t count = countOf(score, row);
    if (count < 0 || count > tokens) {
      session.fail(QUOIN_STATUS_FAILED, "quoin.likeliest expects numbers of tokens in [0, %lld], but found %lld",
                   static_cast<long long>(tokens), static_cast<long long>(count));
      return false;
    }
    sum += count;
    if (sum > QUOIN_MAX_ELEMENTS)
      return refuseSize(session, "quoin.likeliest", sum);
  }
  return true;
}

bool quoin::rt::checkScore(quoin_session_t &session) {
  const quoin_score_t &score = session.state.score;
  if (score.kind < QUOIN_HEAD_SCORE || score.kind > QUOIN_HEAD_LIKELIEST || !score.logits || score.logits->rows < 0)
    return refuse(session, "no logits");
  int64_t rows = score.logits->rows;
  for (const quoin_logits_t *logits : {score.logits, score.minus})
    if (logits && !checkLogits(session, *logits))
      return false;
  if (score.kind == QUOIN_HEAD_MATERIALIZE && !checkMaterialize(session))
    return false;
  if (score.kind == QUOIN_HEAD_LIKELIEST && !checkLikeliest(session))
    return false;
  if (score.statistics > QUOIN_MAX_STATISTICS || score.transforms > sizeof(score.transform))
    return refuse(session, "too many statistics or transforms");
  if ((score.positions.size && score.positions.size != rows) || (score.of.size && score.of.size != rows))
    return refuse(session, "positions or tokens that are not one a row");
  if (score.kind == QUOIN_HEAD_RESIDUAL && (!score.minus || score.minus->rows != rows || score.positions.size != rows))
    return refuse(session, "a residual without its other rows or positions");
  if (score.kind == QUOIN_HEAD_SCORE && asksFor(score, QUOIN_STAT_PROBABILITY, QUOIN_STAT_PROBABILITY) &&
      score.of.size != rows)
    return refuse(session, "a probability without its tokens");
  return checkTokens(session, "quoin.score", score.of);
}

quoin_status_t quoin::rt::runScores(quoin_model_t &model, quoin_session_t *const *sessions, size_t count) {
  Scratch &s = model.scratch;
  auto vocabulary = static_cast<size_t>(scoredTokens(*model.program));
  size_t most = std::max<size_t>(kMostScores / vocabulary, 2), stored = 0;

  // Room for the rows that are stored at a time; their addresses are given out below.
  size_t wanted = 0;
  for (size_t i = 0; i < count; ++i) {
    quoin_session_t &session = *sessions[i];
    if (session.phase != Phase::Score)
      continue;
    if (!prepareScore(session)) {
      session.failOutOfMemory();
      continue;
    }
    if (drawsHere(session))
      wanted += static_cast<size_t>(session.state.score.logits->rows) *
                (session.state.score.kind == QUOIN_HEAD_RESIDUAL ? 2 : 1);
  }
  if (!s.logits.resize(std::min(wanted, most) * vocabulary))
    return model.context->outOfMemory();

  s.rows.clear();
  s.part.clear();
  s.jobs.clear();
  for (size_t i = 0; i < count; ++i) {
    quoin_session_t &session = *sessions[i];
    if (session.phase != Phase::Score)
      continue;
    const quoin_score_t &score = session.state.score;
    bool draws = drawsHere(session), residual = score.kind == QUOIN_HEAD_RESIDUAL;
    bool branches = score.kind == QUOIN_HEAD_LIKELIEST;
    for (int64_t row = 0, at = 0; row < score.logits->rows; ++row) {
      const int64_t tokens = branches ? countOf(score, row) : 0;
      if (branches && tokens == 0)
        continue;
      if (s.rows.size() + 2 > kMostScoredRows || (draws && stored + 1 + residual > most)) {
        if (quoin_status_t status = flush(model, stored > 0))
          return status;
        stored = 0;
        if (session.phase != Phase::Score)
          break; // the host has ended it
      }
      if (!s.jobs.push({&session, row, s.rows.size(), at, {}}))
        return model.context->outOfMemory();
      at += tokens;
      quoin_head_row_t head = headRow(session, *score.logits, row);
      if (draws)
        head.logits = s.logits.data() + stored++ * vocabulary;
      else if (score.kind == QUOIN_HEAD_MATERIALIZE)
        head.logits = static_cast<float *>(score.result[0].data) + row * scoredTokens(*model.program);
      if (!s.rows.push(head) || !s.part.push(static_cast<int32_t>(score.logits->model)))
        return model.context->outOfMemory();
      if (residual) {
        head = headRow(session, *score.minus, row);
        head.logits = s.logits.data() + stored++ * vocabulary;
        if (!s.rows.push(head) || !s.part.push(static_cast<int32_t>(score.minus->model)))
          return model.context->outOfMemory();
      }
    }
  }
  if (quoin_status_t status = flush(model, stored > 0))
    return status;
  for (size_t i = 0; i < count; ++i)
    if (sessions[i]->phase == Phase::Score)
      sessions[i]->phase = Phase::Ready;
  return QUOIN_STATUS_OK;
}
