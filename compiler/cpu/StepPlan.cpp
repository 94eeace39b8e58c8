//===- StepPlan.cpp - stages, buffers and barriers of a step ----------------------===//

#include "compiler/cpu/StepPlan.h"
#include "dialects/quoin/RowSpaces.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace quoin;
using namespace quoin::cpu;

namespace {
int64_t widthOf(Value rows) { return cast<RankedTensorType>(rows.getType()).getDimSize(1); }

/// What stages touch besides buffers: these count as buffers of their own in the search for barriers.
enum { WordsResource = -2, PagesResource = -3 };

class Planner {
public:
  Planner(ModelOp m, const ModelOptions &o) : model(m), options(o), spaces(*RowSpaces::infer(m)) {}

  StepPlan run() {
    addStage(StageKind::Masks, Partition::Items);
    for (Operation &op : model.getBody().front())
      plan(op);
    planHead();
    findLifetimes();
    assignPlaces();
    placeBarriers();
    return std::move(result);
  }

private:
  ModelOp model;
  const ModelOptions &options;
  RowSpaces spaces;
  StepPlan result;
  DenseMap<Value, int64_t> bufferOf;
  DenseMap<Value, int64_t> narrowOf; ///< buffers of values that were narrowed

  //===--------------------------------------------------------------------===//
  // Stages
  //===--------------------------------------------------------------------===//

  Stage &addStage(StageKind kind, Partition partition, bool reads = false) {
    Stage stage;
    stage.kind = kind;
    stage.partition = partition;
    stage.reads = reads;
    if (reads && partition == Partition::Rows)
      stage.partition = Partition::ReadRows;
    result.stages.push_back(stage);
    return result.stages.back();
  }

  int64_t define(Value v, Storage storage = Storage::F32) {
    int64_t index = result.buffers.size();
    result.buffers.push_back({widthOf(v), storage});
    bufferOf[v] = index;
    return index;
  }

  Arithmetic arithmeticOf(WeightOp weight) { return cpu::arithmeticOf(storageOf(weight), options.kernels); }

  /// What the op that makes `v` should store: BF16 if only products of pairs read it.
  Storage storageFor(Value v) {
    bool narrow = llvm::all_of(v.getUsers(), [&](Operation *user) {
      if (auto gather = dyn_cast<GatherRowsOp>(user))
        return storageFor(gather.getOutput()) == Storage::BF16;
      auto product = dyn_cast<LinearOp>(user);
      return product && arithmeticOf(weightOf(product, product.getWeightAttr())) == Arithmetic::Pairs;
    });
    return narrow && !v.use_empty() ? Storage::BF16 : Storage::F32;
  }

  /// The buffer of `v` as a product reads it.
  int64_t inputOf(Value v, const LinearShape &product) {
    int64_t wide = bufferOf.lookup(v);
    if (result.buffers[wide].storage == rowsOf(product.arithmetic))
      return wide;
    auto [at, isNew] = narrowOf.try_emplace(v, int64_t(result.buffers.size()));
    if (isNew) {
      result.buffers.push_back({widthOf(v), Storage::BF16});
      Stage &s = addStage(StageKind::Narrow, Partition::Rows, spaces.isRead(v));
      s.width = widthOf(v);
      s.inputs = {wide};
      s.output = at->second;
    }
    return at->second;
  }

  WeightOp weightOf(Operation *from, FlatSymbolRefAttr symbol) {
    return SymbolTable::lookupNearestSymbolFrom<WeightOp>(from, symbol);
  }

  Storage storageOf(WeightOp weight) {
    if (options.storage)
      return *options.storage;
    Type element = cast<RankedTensorType>(weight.getType()).getElementType();
    return element.isF32() ? Storage::F32 : element.isBF16() ? Storage::BF16 : Storage::F16;
  }

  int64_t addMatrix(WeightPiece::Kind kind, SmallVector<WeightOp, 2> weights) {
    auto type = cast<RankedTensorType>(weights[0].getType());
    WeightPiece piece{kind, {}, 0, 0};
    for (WeightOp w : weights)
      piece.sources.push_back(w.getSymName().str());
    piece.n = type.getDimSize(0);
    piece.k = type.getDimSize(1);
    piece.storage = storageOf(weights[0]);
    return result.weights.add(piece);
  }

  int64_t addVector(WeightOp weight) {
    WeightPiece piece{WeightPiece::Kind::Vector, {weight.getSymName().str()}};
    piece.n = cast<RankedTensorType>(weight.getType()).getDimSize(0);
    return result.weights.add(piece);
  }

  /// The product whose only use is `user`, so that it can become part of it.
  LinearOp productFor(Value v, Operation *user) {
    auto linear = v.getDefiningOp<LinearOp>();
    return linear && v.hasOneUse() && *v.getUsers().begin() == user ? linear : LinearOp();
  }

  bool isTakenAlong(LinearOp op) {
    if (!op.getOutput().hasOneUse())
      return false;
    Operation *user = *op.getOutput().getUsers().begin();
    if (auto add = dyn_cast<arith::AddFOp>(user))
      return residualProduct(add) == op;
    if (auto gated = dyn_cast<SwigluOp>(user))
      return isFusable(gated);
    return false;
  }

  LinearOp residualProduct(arith::AddFOp add) {
    if (LinearOp rhs = productFor(add.getRhs(), add))
      return rhs;
    return productFor(add.getLhs(), add);
  }

  bool isFusable(SwigluOp op) {
    LinearOp gate = productFor(op.getGate(), op), up = productFor(op.getUp(), op);
    return gate && up && gate != up && gate.getInput() == up.getInput() && !gate.getBias() && !up.getBias() &&
           storageOf(weightOf(gate, gate.getWeightAttr())) == storageOf(weightOf(up, up.getWeightAttr()));
  }

  Stage &addProduct(LinearOp op, Value out) {
    bool reads = spaces.isRead(op.getInput());
    WeightOp weight = weightOf(op, op.getWeightAttr());
    LinearShape shape = {widthOf(op.getInput()), widthOf(out), arithmeticOf(weight), Epilogue::None,
                         op.getBias().has_value()};
    int64_t input = inputOf(op.getInput(), shape);
    Stage &s = addStage(StageKind::Linear, Partition::Columns, reads);
    s.linear = shape;
    s.inputs = {input};
    s.weight = addMatrix(WeightPiece::Kind::Packed, {weight});
    if (op.getBias())
      s.bias = addVector(weightOf(op, op.getBiasAttr()));
    s.output = define(out);
    return s;
  }

  void plan(Operation &op) {
    TypeSwitch<Operation *>(&op)
        .Case([&](EmbedOp o) {
          Stage &s = addStage(StageKind::Embed, Partition::Rows);
          WeightOp table = weightOf(o, o.getWeightAttr());
          s.weight = addMatrix(WeightPiece::Kind::Table, {table});
          s.storage = storageOf(table);
          s.width = widthOf(o.getRows());
          s.output = define(o.getRows());
        })
        .Case([&](RmsNormOp o) {
          bool reads = spaces.isRead(o.getInput());
          Stage &s = addStage(StageKind::Norm, Partition::Rows, reads);
          WeightOp weight = weightOf(o, o.getWeightAttr());
          s.width = widthOf(o.getInput());
          s.group = cast<RankedTensorType>(weight.getType()).getDimSize(0);
          s.epsilon = o.getEpsilon().convertToDouble();
          s.weight = addVector(weight);
          s.inputs = {bufferOf.lookup(o.getInput())};
          // Groups with a tail store more than is theirs, which in the last group may be the next row's.
          bool whole = s.group % 16 == 0 || s.group == s.width;
          s.output = define(o.getOutput(), whole ? storageFor(o.getOutput()) : Storage::F32);
        })
        .Case([&](LinearOp o) {
          if (!isTakenAlong(o))
            addProduct(o, o.getOutput());
        })
        .Case([&](arith::AddFOp o) {
          if (LinearOp product = residualProduct(o)) {
            Value other = product.getOutput() == o.getRhs() ? o.getLhs() : o.getRhs();
            Stage &s = addProduct(product, o.getResult());
            s.linear.epilogue = Epilogue::Residual;
            s.inputs.push_back(bufferOf.lookup(other));
            ++result.fusedEpilogues;
            return;
          }
          planPair(StageKind::Add, o.getLhs(), o.getRhs(), o.getResult());
        })
        .Case([&](SwigluOp o) {
          if (!isFusable(o))
            return planPair(StageKind::Swiglu, o.getGate(), o.getUp(), o.getOutput());
          auto gate = o.getGate().getDefiningOp<LinearOp>(), up = o.getUp().getDefiningOp<LinearOp>();
          bool reads = spaces.isRead(gate.getInput());
          WeightOp first = weightOf(gate, gate.getWeightAttr()), second = weightOf(up, up.getWeightAttr());
          LinearShape shape = {
              widthOf(gate.getInput()), widthOf(o.getOutput()), arithmeticOf(first), Epilogue::Swiglu, false,
              storageFor(o.getOutput())};
          int64_t input = inputOf(gate.getInput(), shape);
          Stage &s = addStage(StageKind::Linear, Partition::Columns, reads);
          s.linear = shape;
          s.weight = addMatrix(WeightPiece::Kind::GateUp, {first, second});
          s.inputs = {input};
          s.output = define(o.getOutput(), shape.result);
          ++result.fusedEpilogues;
        })
        .Case([&](RotaryOp o) {
          bool reads = spaces.isRead(o.getInput());
          Stage &s = addStage(StageKind::Rotary, Partition::Rows, reads);
          s.width = widthOf(o.getInput());
          s.headDim = o.getHeadDim();
          WeightPiece piece{WeightPiece::Kind::Rotary, {}};
          piece.n = options.capacity;
          piece.k = s.headDim / 2;
          piece.theta = o.getTheta().convertToDouble();
          s.weight = result.weights.add(piece);
          s.inputs = {bufferOf.lookup(o.getInput())};
          s.output = define(o.getOutput());
        })
        .Case([&](AttentionOp o) { planAttention(o); })
        .Case([&](GatherRowsOp o) {
          // Positions need no code: who works on rows read looks them up through `read`.
          if (!isRows(o.getInput()))
            return;
          Stage &s = addStage(StageKind::Gather, Partition::Rows, true);
          s.width = widthOf(o.getInput());
          s.inputs = {bufferOf.lookup(o.getInput())};
          s.output = define(o.getOutput(), result.buffers[s.inputs[0]].storage);
        })
        .Case([&](HiddenOp o) {
          // Rows are the reads' in either case; before `prune-rows` they are found among all rows.
          Stage &s = addStage(StageKind::Scatter, Partition::Rows, true);
          s.reads = !spaces.isRead(o.getRows());
          s.width = result.hidden = widthOf(o.getRows());
          s.inputs = {bufferOf.lookup(o.getRows())};
        })
        .DefaultUnreachable("an op that the verifier lets into a body");
  }

  void planPair(StageKind kind, Value a, Value b, Value out) {
    Stage &s = addStage(kind, Partition::Rows, spaces.isRead(a));
    s.width = widthOf(out);
    s.inputs = {bufferOf.lookup(a), bufferOf.lookup(b)};
    s.output = define(out);
  }

  void planAttention(AttentionOp o) {
    // Keys and values are kept as narrow as the weights are.
    WeightOp head = weightOf(model, model.getHeadAttr());
    Storage storage = storageOf(head) == Storage::BF16 ? Storage::BF16 : Storage::F32;
    PageLayout page{int64_t(o.getKvHeads()), int64_t(o.getHeadDim()), storage};
    Stage &cache = addStage(StageKind::Cache, Partition::Rows);
    cache.attention.page = page;
    cache.layerOffset = result.pageBytes;
    cache.inputs = {bufferOf.lookup(o.getKey()), bufferOf.lookup(o.getValue())};
    bool reads = spaces.isRead(o.getQuery());
    Stage &s = addStage(StageKind::Attention, Partition::Items, reads);
    s.attention = {int64_t(o.getHeads()), page, o.getScale().convertToDouble(), reads};
    s.layerOffset = result.pageBytes;
    s.inputs = {bufferOf.lookup(o.getQuery())};
    s.attention.result = storageFor(o.getOutput());
    s.output = define(o.getOutput(), s.attention.result);
    result.pageBytes += page.layerBytes();
    ++result.layers;
  }

  void planHead() {
    WeightOp weight = weightOf(model, model.getHeadAttr());
    result.head.hidden = result.hidden;
    result.head.vocabulary = cast<RankedTensorType>(weight.getType()).getDimSize(0);
    result.head.arithmetic = arithmeticOf(weight);
    result.head.weightOffset = addMatrix(WeightPiece::Kind::Packed, {weight});
  }

  //===--------------------------------------------------------------------===//
  // Buffers
  //===--------------------------------------------------------------------===//

  void findLifetimes() {
    for (auto [i, s] : llvm::enumerate(result.stages)) {
      for (int64_t b : s.inputs)
        result.buffers[b].lastStage = i;
      if (s.output >= 0) {
        result.buffers[s.output].firstStage = i;
        result.buffers[s.output].lastStage = std::max<int64_t>(result.buffers[s.output].lastStage, i);
      }
    }
  }

  void assignPlaces() {
    for (auto [i, s] : llvm::enumerate(result.stages)) {
      if (s.output < 0)
        continue;
      Buffer &out = result.buffers[s.output];
      int64_t bytes = rowBytes(out.width, out.storage), chosen = -1;
      // An operand that dies here gives its place where each element is read before it is written: row-wise kernels and
      // the residual of a product.
      SmallVector<int64_t> donors;
      if (s.inPlaceSafe())
        donors.append(s.inputs.begin(), s.inputs.end());
      else if (s.kind == StageKind::Linear && s.linear.epilogue == Epilogue::Residual && s.inputs[0] != s.inputs[1])
        donors.push_back(s.inputs[1]);
      for (int64_t donor : donors) {
        const Buffer &in = result.buffers[donor];
        if (in.lastStage == int64_t(i) && in.width == out.width && in.storage == out.storage)
          chosen = in.place;
      }
      // Else the smallest place that is free and large enough.
      if (chosen < 0)
        for (auto [p, place] : llvm::enumerate(result.places))
          if (place.freeAt < int64_t(i) && place.bytes >= bytes &&
              (chosen < 0 || place.bytes < result.places[chosen].bytes))
            chosen = p;
      if (chosen < 0) {
        chosen = result.places.size();
        result.places.push_back({bytes});
      }
      out.place = chosen;
      result.places[chosen].freeAt = out.lastStage;
    }
    int64_t offset = 0;
    for (StepPlan::Place &p : result.places) {
      p.offset = offset;
      offset += p.bytes;
    }
    result.scratchRowBytes = std::max<int64_t>(offset, 64);
  }

  //===--------------------------------------------------------------------===//
  // Barriers
  //===--------------------------------------------------------------------===//

  struct Access {
    int64_t resource;
    bool write;
    Partition partition;
  };

  static bool sameWorker(Partition a, Partition b) {
    return a == b && (a == Partition::Rows || a == Partition::ReadRows);
  }

  void placeBarriers() {
    SmallVector<Access> since;
    for (Stage &s : result.stages) {
      SmallVector<Access> own;
      for (auto [i, b] : llvm::enumerate(s.inputs)) {
        // A gather reads rows of other workers; the residual of a product is read by the worker that writes there.
        bool foreign = s.kind == StageKind::Gather || (s.kind == StageKind::Scatter && s.reads);
        own.push_back({result.buffers[b].place, false, foreign ? Partition::Items : s.partition});
      }
      if (s.output >= 0)
        own.push_back({result.buffers[s.output].place, true, s.partition});
      if (s.kind == StageKind::Masks)
        own.push_back({WordsResource, true, s.partition});
      if (s.kind == StageKind::Cache)
        own.push_back({PagesResource - s.layerOffset, true, s.partition});
      if (s.kind == StageKind::Attention) {
        own.push_back({WordsResource, false, s.partition});
        own.push_back({PagesResource - s.layerOffset, false, s.partition});
      }
      for (const Access &mine : own)
        for (const Access &other : since)
          s.barrier |= mine.resource == other.resource && (mine.write || other.write) &&
                       !sameWorker(mine.partition, other.partition);
      if (s.barrier) {
        since.clear();
        ++result.barriers;
      }
      since.append(own.begin(), own.end());
    }
  }
};
} // namespace

StepPlan quoin::cpu::planStep(ModelOp model, const ModelOptions &options) { return Planner(model, options).run(); }
