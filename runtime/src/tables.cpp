// tables.cpp: what the tables of a program must be for this runtime to trust them.
//
// A program that was made by the compiler passes; one that was damaged, or made for another runtime, is refused here
// rather than believed later.

#include "internal.h"

#include <algorithm>

using namespace quoin::rt;

/// More than any size in a table: products of two of them and a number of rows are told from memory that is there.
static constexpr int64_t kMostBytes = int64_t(1) << 40;

namespace {

class Tables {
public:
  Tables(quoin_context_t &context, const quoin_program_t &program, const char *where)
      : context(context), program(program), where(where) {}

  quoin_status_t check();

private:
  bool checkModel(const quoin_program_model_t &model);
  bool checkColumns(const quoin_program_model_t &model, const quoin_column_t *columns, int32_t count);
  bool checkStep(const quoin_program_model_t &model, int32_t number);
  bool checkTensor(const quoin_tensor_type_t &type, int32_t mostRank);
  bool checkWords(const quoin_setting_t &setting);
  bool checkDecoder(const quoin_decoder_t &decoder);
  /// A table of at least `least` entries is there, or there are none.
  bool checkTable(const char *what, const void *table, int64_t count, int64_t least = 0);
  bool checkRange(const char *what, int64_t value, int64_t least, int64_t most);
  bool refuse(const char *expected) { return refuse(expected, nullptr, 0); }
  bool refuse(const char *expected, const char *found, int64_t value);

  quoin_context_t &context;
  const quoin_program_t &program;
  const char *where;
};

} // namespace

bool Tables::refuse(const char *expected, const char *found, int64_t value) {
  if (found)
    context.fail(QUOIN_STATUS_CORRUPT, "%s does not describe a model: expects %s, but found %s %lld", where, expected,
                 found, static_cast<long long>(value));
  else
    context.fail(QUOIN_STATUS_CORRUPT, "%s does not describe a model: expects %s", where, expected);
  return false;
}

bool Tables::checkRange(const char *what, int64_t value, int64_t least, int64_t most) {
  if (value >= least && value <= most)
    return true;
  context.fail(QUOIN_STATUS_CORRUPT, "%s does not describe a model: expects %s from %lld to %lld, but found %lld",
               where, what, static_cast<long long>(least), static_cast<long long>(most), static_cast<long long>(value));
  return false;
}

bool Tables::checkTable(const char *what, const void *table, int64_t count, int64_t least) {
  return checkRange(what, count, least, INT32_MAX) && (table || count == 0 || refuse("a table of them", what, count));
}

bool Tables::checkColumns(const quoin_program_model_t &model, const quoin_column_t *columns, int32_t count) {
  if (!checkRange("columns of a model", count, 0, QUOIN_MAX_COLUMNS) || !checkTable("columns", columns, count))
    return false;
  for (int32_t i = 0; i < count; ++i)
    if (!checkRange("the type of a column", columns[i].type, QUOIN_DTYPE_F32, QUOIN_DTYPE_BF16) ||
        !checkRange("the space of a column", columns[i].space, 0, int64_t(model.spaces_count) - 1) ||
        !checkRange("the width of a column", columns[i].width, 1, INT32_MAX) ||
        !checkRange("bytes of a row of a column", columns[i].row_bytes,
                    columns[i].width * (columns[i].type == QUOIN_DTYPE_I64    ? 8
                                        : columns[i].type == QUOIN_DTYPE_BF16 ? 2
                                                                              : 4),
                    kMostBytes) ||
        (columns[i].row_bytes % 8 && columns[i].width > 1 && !refuse("rows at multiples of 8 bytes")) ||
        (!columns[i].name && !refuse("columns with a name")))
      return false;
  return true;
}

bool Tables::checkStep(const quoin_program_model_t &model, int32_t number) {
  const quoin_step_t &step = model.steps[number];
  if (!checkRange("what a step computes", step.job, QUOIN_STEP_LAYERS, QUOIN_STEP_HEAD) ||
      !checkRange("how a step is run", step.how, QUOIN_RUN_SPMD, QUOIN_RUN_SPMD) ||
      !checkRange("scratch of a row", step.row_bytes, 0, kMostBytes) ||
      !checkRange("scratch of a worker", step.worker_bytes, 0, kMostBytes) ||
      !checkRange("the work of a step", step.work, 0, INT64_MAX) || (!step.run && !refuse("steps with code")))
    return false;
  for (int32_t i = 0; i < number; ++i)
    if (model.steps[i].job == step.job)
      return refuse("one step of each kind", "another one of kind", step.job);
  if (step.job != QUOIN_STEP_HEAD)
    return true;
  return (model.results_count > 0 && model.results[0].type == QUOIN_DTYPE_F32 &&
          model.spaces[model.results[0].space].kind == QUOIN_SPACE_READ) ||
         refuse("a head that scores rows of f32 that are read");
}

bool Tables::checkModel(const quoin_program_model_t &model) {
  if ((!model.name && !refuse("models with a name")) || !checkTable("spaces", model.spaces, model.spaces_count) ||
      !checkTable("states", model.states, model.states_count) || !checkTable("steps", model.steps, model.steps_count))
    return false;
  for (int32_t i = 0; i < model.spaces_count; ++i)
    if (!checkRange("a space of rows", model.spaces[i].kind, QUOIN_SPACE_ROW, QUOIN_SPACE_SEQUENCE))
      return false;
  if (!checkColumns(model, model.operands, model.operands_count) ||
      !checkColumns(model, model.results, model.results_count) ||
      !checkRange("operands of a model", model.operands_count, 2, QUOIN_MAX_COLUMNS) ||
      !checkRange("layers", model.layers, 0, INT32_MAX))
    return false;
  for (int32_t i = kFirstColumn; i < model.operands_count; ++i)
    if ((model.operands[i].type != QUOIN_DTYPE_F32 && model.operands[i].type != QUOIN_DTYPE_I32) ||
        model.spaces[model.operands[i].space].kind == QUOIN_SPACE_READ)
      return refuse("other operands of f32 or i32 over the rows that run or over sequences");
  for (int32_t i = 0; i < model.results_count; ++i)
    if (model.results[i].type != QUOIN_DTYPE_F32 || model.spaces[model.results[i].space].kind != QUOIN_SPACE_READ)
      return refuse("results of f32 over the rows that are read");
  for (int32_t i = 0; i < 2; ++i)
    if (model.operands[i].type != QUOIN_DTYPE_I32 || model.operands[i].width != 1 ||
        model.spaces[model.operands[i].space].kind != QUOIN_SPACE_ROW)
      return refuse("ids and positions as the first operands");
  for (int32_t i = 0; i < model.states_count; ++i)
    if (!checkRange("what a model keeps", model.states[i].kind, QUOIN_KEPT_PAGES, QUOIN_KEPT_STATE) ||
        !checkRange("bytes of what a model keeps", model.states[i].bytes, 0, kMostBytes))
      return false;
  if (!checkRange("states of a model", model.states_count, 0, 2))
    return false;
  if (model.states_count == 2 && model.states[0].kind == model.states[1].kind)
    return refuse("states of different kinds");
  bool runs = false;
  for (int32_t i = 0; i < model.steps_count; ++i) {
    if (!checkStep(model, i))
      return false;
    runs |= model.steps[i].job == QUOIN_STEP_LAYERS;
  }
  return runs || refuse("models with a step");
}

/// An input or an output: its first size may be any, the others are known.
bool Tables::checkTensor(const quoin_tensor_type_t &type, int32_t mostRank) {
  if ((!type.name && !refuse("inputs and outputs with a name")) ||
      !checkRange("the type of an input or output", type.dtype, QUOIN_DTYPE_F32, QUOIN_DTYPE_I64) ||
      !checkRange("the rank of an input or output", type.rank, 0, mostRank))
    return false;
  for (int64_t i = 0, elements = 1; i < type.rank; elements *= std::max<int64_t>(type.sizes[i++], 1))
    if (!checkRange("a size of an input or output", type.sizes[i], i == 0 ? -1 : 1, QUOIN_MAX_ELEMENTS / elements))
      return false;
  return true;
}

/// A word's default is one of its words.
bool Tables::checkWords(const quoin_setting_t &setting) {
  if (setting.type != QUOIN_SETTING_WORD)
    return true;
  if (!checkTable("words of a setting", setting.words, setting.words_count) ||
      !checkRange("the default word of a setting", static_cast<int64_t>(setting.value), 0,
                  int64_t(setting.words_count) - 1))
    return false;
  for (int32_t i = 0; i < setting.words_count; ++i)
    if (!setting.words[i])
      return refuse("words of a setting");
  return true;
}

bool Tables::checkDecoder(const quoin_decoder_t &decoder) {
  if (!decoder.name || !decoder.advance)
    return refuse("decoders with a name and code");
  if (!checkTable("settings", decoder.settings, decoder.settings_count) ||
      !checkTable("caches", decoder.caches, decoder.caches_count) ||
      !checkRange("slots of a frame", decoder.frame_slots, 2, INT32_MAX / 64))
    return false;
  for (int32_t i = 0; i < decoder.settings_count; ++i)
    if (!checkRange("the type of a setting", decoder.settings[i].type, QUOIN_SETTING_INDEX, QUOIN_SETTING_WORD) ||
        (!decoder.settings[i].name && !refuse("settings with a name")) || !checkWords(decoder.settings[i]))
      return false;
  if (!checkTable("inputs", decoder.inputs, decoder.inputs_count) ||
      !checkTable("outputs", decoder.outputs, decoder.outputs_count))
    return false;
  for (int32_t i = 0; i < decoder.inputs_count; ++i)
    if (!checkTensor(decoder.inputs[i].type, 2))
      return false;
  for (int32_t i = 0; i < decoder.outputs_count; ++i)
    if (!checkTensor(decoder.outputs[i], QUOIN_MAX_RANK))
      return false;
  for (int32_t i = 0; i < decoder.caches_count; ++i)
    if (!checkRange("the model of a cache", decoder.caches[i].model, 0, int64_t(program.models_count) - 1))
      return false;
  return true;
}

quoin_status_t Tables::check() {
  bool ok = checkRange("a vocabulary", program.vocabulary, 1, INT32_MAX) &&
            checkRange("a capacity", program.capacity, 1, INT32_MAX) &&
            checkRange("positions", program.positions, program.capacity, INT32_MAX) &&
            checkRange("bytes of the weight file", program.weights_bytes, 8, INT64_MAX) &&
            checkRange("tokens that are not scored", program.unscored, 0, program.vocabulary - 1) &&
            checkRange("a fill token", program.fill, INT32_MIN, program.vocabulary - 1) &&
            checkTable("models", program.models, program.models_count, 1) &&
            checkTable("decoders", program.decoders, program.decoders_count, 1) &&
            checkTable("stops", program.stops, program.stops_count) &&
            checkRange("masks", program.masks_count, 0, INT32_MAX);
  for (int32_t i = 0; ok && i < program.models_count; ++i)
    ok = checkModel(program.models[i]);
  for (int32_t i = 0; ok && i < program.decoders_count; ++i)
    ok = checkDecoder(program.decoders[i]);
  return ok ? QUOIN_STATUS_OK : QUOIN_STATUS_CORRUPT;
}

quoin_status_t quoin::rt::checkProgram(quoin_context_t &context, const quoin_program_t *program, const char *where) {
  if (!program)
    return context.fail(QUOIN_STATUS_INCOMPATIBLE, "%s needs a runtime newer than ABI version %u", where,
                        QUOIN_ABI_VERSION);
  if (program->abi_version != QUOIN_ABI_VERSION)
    return context.fail(QUOIN_STATUS_INCOMPATIBLE,
                        "%s has ABI version %u, but this runtime has %u; compile the model again", where,
                        program->abi_version, QUOIN_ABI_VERSION);
  if (program->struct_size != sizeof(quoin_program_t))
    return context.fail(QUOIN_STATUS_INCOMPATIBLE, "%s describes itself in %u bytes, but this runtime expects %zu",
                        where, program->struct_size, sizeof(quoin_program_t));
  if (quoin_status_t status = checkFeatures(context, program->target_features, where))
    return status;
  return Tables(context, *program, where).check();
}

bool quoin::rt::findParts(const quoin_program_t &program, Buffer<Part> &out) {
  if (!out.reserve(static_cast<size_t>(program.models_count)))
    return false;
  for (int32_t i = 0; i < program.models_count; ++i) {
    Part part;
    part.table = &program.models[i];
    for (int32_t j = 0; j < part.table->steps_count; ++j)
      (part.table->steps[j].job == QUOIN_STEP_HEAD ? part.head : part.layers) = &part.table->steps[j];
    for (int32_t j = 0; j < part.table->states_count; ++j)
      (part.table->states[j].kind == QUOIN_KEPT_PAGES ? part.pageBytes : part.stateBytes) +=
          part.table->states[j].bytes;
    if (part.head)
      part.hidden = part.table->results[0].width;
    if (!out.push(part))
      return false;
  }
  return true;
}
