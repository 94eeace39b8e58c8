// Sessions.cpp: contexts, models and sessions as requests ask for them.

#include "Sessions.h"

#include <algorithm>
#include <cstdio>

using namespace quoin;

static void warn(void *, int32_t level, const char *message) {
  if (level > 0)
    std::fprintf(stderr, "warning: %s\n", message);
}

ContextPtr quoin::makeContext(int32_t threads) {
  quoin_hooks_t hooks = {};
  hooks.log = warn;
  hooks.workers = threads;
  quoin_context_t *made = nullptr;
  if (quoin_context_create(&hooks, &made) != QUOIN_STATUS_OK)
    throw Failure{"out of memory"};
  return ContextPtr(made);
}

static void expectOk(quoin_context_t *context, quoin_status_t status) {
  if (status != QUOIN_STATUS_OK)
    throw Failure{quoin_context_last_error(context)};
}

ModelPtr quoin::loadModel(quoin_context_t *context, const std::string &folder) {
  quoin_model_t *model = nullptr;
  expectOk(context, quoin_model_load(context, folder.c_str(), &model));
  return ModelPtr(model);
}

TokenizerPtr quoin::loadTokenizer(quoin_context_t *context, const std::string &folder) {
  quoin_tokenizer_t *tokenizer = nullptr;
  expectOk(context, quoin_tokenizer_load(context, folder.c_str(), &tokenizer));
  return TokenizerPtr(tokenizer);
}

int32_t quoin::editScores(void *self, const quoin_scores_t *rows) {
  const auto &edits = *static_cast<const ScoreEdits *>(self);
  const EditedText text = {rows->tokens, rows->length, rows->prompt_length};
  auto isOpen = [&](int64_t place) { return rows->open[place] != 0; };
  const ScoreEdits::Counts known = edits.count(text, isOpen);
  for (int64_t i = 0; i < rows->rows; ++i)
    edits.apply(rows->scores + i * rows->stride, rows->count, rows->positions[i], text, known, isOpen);
  return 0;
}

static quoin_status_t giveInput(quoin_session_t *session, const RequestTensor &input) {
  bool real = input.kind == RequestTensor::Kind::F32;
  quoin_named_tensor_t tensor = {input.name.c_str(),
                                 real ? QUOIN_DTYPE_F32 : QUOIN_DTYPE_I64,
                                 static_cast<int32_t>(input.shape.size()),
                                 {},
                                 real ? static_cast<const void *>(input.reals.data()) : input.integers.data()};
  for (size_t i = 0; i < std::min<size_t>(input.shape.size(), QUOIN_MAX_RANK); ++i)
    tensor.sizes[i] = input.shape[i];
  return quoin_session_input(session, &tensor);
}

void RequestSession::prepare(quoin_context_t *context, quoin_model_t *model, const Request &request,
                             int64_t maxRounds) {
  auto expect = [&](quoin_status_t status) { expectOk(context, status); };
  if (!session || decoder != request.decoder) {
    quoin_session_t *made = nullptr;
    expect(quoin_session_create(model, request.decoder.empty() ? nullptr : request.decoder.c_str(), &made));
    session.reset(made);
    decoder = request.decoder;
  }
  quoin_session_t *own = session.get();
  expect(quoin_session_set_defaults(own));
  expect(quoin_session_set_max_tokens(own, request.maxTokens));
  if (maxRounds)
    expect(quoin_session_set_max_rounds(own, maxRounds));
  expect(quoin_session_set_seed(own, request.seed));
  if (request.stops)
    expect(quoin_session_set_stops(own, request.stops->data(), request.stops->size()));
  for (const auto &[name, value] : request.settings)
    expect(quoin_session_set(own, name.c_str(), value));
  for (const auto &[name, word] : request.words)
    expect(quoin_session_set_word(own, name.c_str(), word.c_str()));
  for (const RequestTensor &input : request.inputs)
    expect(giveInput(own, input));
  quoin_model_info_t info;
  quoin_model_info(model, &info);
  checkBias(request, info.vocabulary);
  edits = request.edits;
  expect(quoin_session_edit(own, edits.any() ? editScores : nullptr, &edits));
  expect(quoin_session_prompt(own, request.ids.data(), request.ids.size()));
}
