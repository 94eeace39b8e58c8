//===- LogitsLowering.cpp - settings, and views of logits -------------------===//

#include "compiler/decoder/Emitter.h"
#include "dialects/quoin/RowSpaces.h"
#include "runtime/include/quoin/program.h"

using namespace mlir;
using namespace quoin;
using namespace quoin::decoder;

using Pred = LLVM::ICmpPredicate;

static constexpr int64_t rowsField = offsetof(quoin_logits_t, rows), hiddenField = offsetof(quoin_logits_t, hidden),
                         otherField = offsetof(quoin_logits_t, other),
                         guidanceField = offsetof(quoin_logits_t, guidance),
                         widthField = offsetof(quoin_logits_t, width), modelField = offsetof(quoin_logits_t, model),
                         tokensField = offsetof(quoin_logits_t, tokens),
                         amountsField = offsetof(quoin_logits_t, amounts),
                         rowsOfField = offsetof(quoin_logits_t, rows_of),
                         firstOfField = offsetof(quoin_logits_t, first_of),
                         readAtField = offsetof(quoin_logits_t, read_at), textField = offsetof(quoin_logits_t, text);

/// Nothing is added to scores.
static void storeAsMade(Emitter &e, Value logits) {
  for (int64_t field : {tokensField, amountsField, rowsOfField})
    e.storeTensor(e.emptyTensor(e.i32), logits, field);
  e.store(e.constant(0), logits, firstOfField);
}

/// A new quoin_logits_t with these fields, of the same model as `like`; with nothing added to its scores.
static Value makeLogits(Emitter &e, Value like, Value rows, Value hidden, Value other, Value guidance) {
  Value made = e.allocate(e.constant(sizeof(quoin_logits_t)));
  e.store(rows, made, rowsField);
  e.store(hidden, made, hiddenField);
  e.store(other, made, otherField);
  e.store(guidance, made, guidanceField);
  for (int64_t field : {widthField, modelField})
    e.store(e.load(e.i64, like, field), made, field);
  storeAsMade(e, made);
  e.storeTensor(e.loadTensor(e.i64, like, readAtField), made, readAtField);
  e.store(e.load(e.pointer, like, textField), made, textField);
  return made;
}

/// Fails if something was added to scores of these logits.
static void requireAsMade(Emitter &e, Value logits, StringRef op) {
  Value size = e.load(e.i64, logits, tokensField + static_cast<int64_t>(offsetof(quoin_tensor_t, size)));
  e.require(e.compare(Pred::eq, size, e.constant(0)), (op + " expects logits that are not adjusted{}").str(),
            e.constant(0), e.constant(0));
}

static void lowerAdjust(Emitter &e, AdjustOp op) {
  Value like = e.get(op.getLogits());
  requireAsMade(e, like, "quoin.adjust");
  TensorParts tokens = e.tensor(op.getTokens()), amounts = e.tensor(op.getAmounts());
  e.requireEqual(tokens.size, amounts.size, "quoin.adjust", "amounts");
  Value made = makeLogits(e, like, e.load(e.i64, like, rowsField), e.load(e.pointer, like, hiddenField),
                          e.load(e.pointer, like, otherField), e.load(e.f64, like, guidanceField));
  e.storeTensor(tokens, made, tokensField);
  e.storeTensor(amounts, made, amountsField);
  if (op.getRows()) {
    TensorParts rows = e.tensor(op.getRows());
    e.requireEqual(tokens.size, rows.size, "quoin.adjust", "rows");
    Value count = e.load(e.i64, like, rowsField);
    e.forEach(rows.size, [&](Value i) {
      Value row = e.loadElement(rows, i);
      e.require(e.compare(Pred::ult, row, count), "quoin.adjust expects rows in [0, {1}), but found {0}", row, count);
    });
    e.storeTensor(rows, made, rowsOfField);
  }
  e.set(op.getResult(), made);
}

static void lowerGuide(Emitter &e, GuideOp op) {
  Value with = e.get(op.getConditional()), without = e.get(op.getUnconditional());
  Value rows = e.load(e.i64, with, rowsField);
  for (Value v : {with, without})
    e.require(e.compare(Pred::eq, e.load(e.pointer, v, otherField), e.null()),
              "quoin.guide expects logits that are not guided themselves{}", e.constant(0), e.constant(0));
  for (Value v : {with, without})
    requireAsMade(e, v, "quoin.guide");
  e.requireEqual(rows, e.load(e.i64, without, rowsField), "quoin.guide", "rows");
  Value model = e.load(e.i64, with, modelField), other = e.load(e.i64, without, modelField);
  e.require(e.compare(Pred::eq, model, other),
            "quoin.guide expects logits of one model, but found those of models {0} and {1}", model, other);
  Value guidance = LLVM::FPExtOp::create(e.b, e.f64, e.get(op.getGuidance()));
  e.set(op.getResult(), makeLogits(e, with, rows, e.load(e.pointer, with, hiddenField),
                                   e.load(e.pointer, without, hiddenField), guidance));
}

static void lowerRows(Emitter &e, RowsOp op) {
  Value logits = e.get(op.getLogits()), from = e.get(op.getFrom()), count = e.get(op.getCount());
  Value rows = e.load(e.i64, logits, rowsField);
  e.require(e.compare(Pred::ule, from, rows), "quoin.rows expects a first row in [0, {1}], but found {0}", from, rows);
  Value left = e.sub(rows, from);
  e.require(e.compare(Pred::ule, count, left), "quoin.rows expects a number of rows in [0, {1}], but found {0}", count,
            left);
  Value floats = e.mul(from, e.load(e.i64, logits, widthField));
  auto skip = [&](Value base) -> Value {
    return LLVM::GEPOp::create(e.b, e.pointer, e.f32, base, ArrayRef<LLVM::GEPArg>{floats});
  };
  Value other = e.load(e.pointer, logits, otherField);
  Value unguided = e.compare(Pred::eq, other, e.null());
  Value otherRow = LLVM::SelectOp::create(e.b, unguided, other, skip(other));
  Value made = makeLogits(e, logits, count, skip(e.load(e.pointer, logits, hiddenField)), otherRow,
                          e.load(e.f64, logits, guidanceField));
  for (int64_t field : {tokensField, amountsField, rowsOfField})
    e.storeTensor(e.loadTensor(e.i32, logits, field), made, field);
  e.store(e.add(e.load(e.i64, logits, firstOfField), from), made, firstOfField);
  TensorParts at = e.loadTensor(e.i64, logits, readAtField);
  Value unnamed = e.compare(Pred::eq, at.data, e.null());
  Value first = LLVM::GEPOp::create(e.b, e.pointer, e.i64, at.data, ArrayRef<LLVM::GEPArg>{from});
  at.data = LLVM::SelectOp::create(e.b, unnamed, at.data, first);
  at.size = LLVM::SelectOp::create(e.b, unnamed, at.size, count);
  e.storeTensor(at, made, readAtField);
  e.set(op.getResult(), made);
}

/// Scores are rows that no head turns into others.
static void lowerAsLogits(Emitter &e, AsLogitsOp op) {
  TensorParts scores = e.tensor(op.getScores());
  Value width = e.constant(rowNumbersOf(op.getScores()));
  Value made = e.allocate(e.constant(sizeof(quoin_logits_t)));
  e.store(LLVM::UDivOp::create(e.b, scores.size, width), made, rowsField);
  e.store(scores.data, made, hiddenField);
  e.store(e.null(), made, otherField);
  e.store(LLVM::ConstantOp::create(e.b, e.f64, e.b.getF64FloatAttr(0)), made, guidanceField);
  e.store(width, made, widthField);
  e.store(e.constant(QUOIN_NO_HEAD), made, modelField);
  storeAsMade(e, made);
  e.storeTensor(e.emptyTensor(e.i64), made, readAtField);
  e.store(e.null(), made, textField);
  e.set(op.getLogits(), made);
}

/// How many settings a decoder's table has: those that it reads, and those that only its text was made with.
static int64_t settingsOf(DecoderOp decoder) {
  auto all = static_cast<int64_t>(decoder.getSettings().size());
  if (auto fixed = decoder->getAttrOfType<DictionaryAttr>("fixed"))
    all += llvm::count_if(fixed, [&](NamedAttribute s) { return !decoder.getSettings().contains(s.getName()); });
  return all;
}

/// Settings are numbered by name, as a dictionary sorts them.
static void lowerSetting(Emitter &e, SettingOp op) {
  if (op.getName() == "fill") {
    Value fill = e.load(e.i32, e.state, offsetof(quoin_state_t, fill));
    e.require(e.compare(Pred::sge, fill, e.integer(e.i32, 0)),
              "quoin.setting expects a module with 'quoin.fill', but found none{}", fill, fill);
    e.set(op.getValue(), fill);
    return;
  }
  DictionaryAttr settings = op->getParentOfType<DecoderOp>().getSettings();
  auto place = llvm::find_if(settings, [&](NamedAttribute s) { return s.getName() == op.getName(); });
  int64_t offset = static_cast<int64_t>(sizeof(double)) * (place - settings.begin());
  // Behind all settings come the numbers of words.
  if (op.getType().isF64())
    offset += static_cast<int64_t>(sizeof(double)) * settingsOf(op->getParentOfType<DecoderOp>());
  Value number = e.load(e.f64, e.load(e.pointer, e.state, offsetof(quoin_state_t, settings)), offset);
  if (std::optional<StringRef> wanted = op.getWord()) {
    ArrayRef<StringAttr> words = cast<WordAttr>(place->getValue()).getWords();
    auto which = llvm::find_if(words, [&](StringAttr word) { return word.getValue() == *wanted; }) - words.begin();
    Value here = LLVM::ConstantOp::create(e.b, e.f64, e.b.getF64FloatAttr(static_cast<double>(which)));
    e.set(op.getValue(), Value(LLVM::FCmpOp::create(e.b, LLVM::FCmpPredicate::oeq, number, here)));
    return;
  }
  if (op.getType().isF64())
    return e.set(op.getValue(), number);
  // Saturating: a number that no index holds must not be undefined behaviour.
  if (op.getType().isF32())
    e.set(op.getValue(), Value(LLVM::FPTruncOp::create(e.b, e.f32, number)));
  else
    e.set(op.getValue(),
          LLVM::CallIntrinsicOp::create(e.b, e.i64, e.b.getStringAttr("llvm.fptosi.sat"), number).getResult(0));
}

std::optional<LogicalResult> quoin::decoder::lowerLogitsOp(Emitter &e, Operation *op) {
  if (auto guide = dyn_cast<GuideOp>(op))
    return lowerGuide(e, guide), success();
  if (auto adjust = dyn_cast<AdjustOp>(op))
    return lowerAdjust(e, adjust), success();
  if (auto rows = dyn_cast<RowsOp>(op))
    return lowerRows(e, rows), success();
  if (auto scores = dyn_cast<AsLogitsOp>(op))
    return lowerAsLogits(e, scores), success();
  if (auto setting = dyn_cast<SettingOp>(op))
    return lowerSetting(e, setting), success();
  return std::nullopt;
}
