//===- PlaceEnds.cpp - formulas on elements end the products that they read -----===//
//
// Front to back, a `stage.each_row` of which each element is made of the same element of its operands
//
//   1. looks for products that it alone reads: two with the same rows and weights that may lie in one matrix, else the
//      last one;
//   2. becomes a formula on numbers, behind the formula that ends such a product already;
//   3. and the product stands where it stood, so that a formula behind it may ride along, too.
//
// A product of which another formula takes the sum of rounds it first, as one that stands alone would have: what rides
// on what changes no bit.
//
//===----------------------------------------------------------------------===//

#include "dialects/quoin/RowProgram.h"
#include "dialects/stage/RowSchedule.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "passes/Counters.h"
#include "passes/Passes.h"
#include "passes/Remarks.h"
#include "passes/stage/Storage.h"

using namespace mlir;
using namespace quoin;
using namespace quoin::stage;

namespace quoin {
#define GEN_PASS_DEF_PLACEENDSPASS
#include "passes/Passes.h.inc"
} // namespace quoin

/// Why elements of its result are not made of the same element of each operand alone; null if they are.
static const char *whyNoFormula(stage::EachRowOp op) {
  Block &body = op.getBody().front();
  if (op.getNumResults() != 1)
    return "it has more than one result";
  if (!op.getWeights().empty() || op.getTables())
    return "it reads a vector";
  Type whole = cast<RowOp>(body.getTerminator()).getRows()[0].getType();
  ArrayRef<int64_t> shape = rowShapeOf(whole);
  if (!getElementTypeOrSelf(whole).isF32())
    return "its result is not of f32";
  for (BlockArgument argument : body.getArguments())
    if (rowShapeOf(argument.getType()) != shape || !getElementTypeOrSelf(argument.getType()).isF32())
      return "its operands are not rows of its result's size";
  for (Operation &o : body.without_terminator()) {
    auto constant = dyn_cast<arith::ConstantOp>(o);
    auto dense = constant ? dyn_cast<DenseElementsAttr>(constant.getValue()) : DenseElementsAttr();
    if (dense ? !dense.isSplat() : !constant && !isRowFunction(&o) && !isa<tensor::SplatOp>(o))
      return "it is no formula on elements";
    Type made = o.getResult(0).getType();
    if ((isa<RankedTensorType>(made) && rowShapeOf(made) != shape) || getElementTypeOrSelf(made).isIndex())
      return "it is no formula on elements";
  }
  return nullptr;
}

namespace {
/// A stage that multiplies.
struct Product {
  Operation *op = nullptr;

  static Product of(Value v) {
    Operation *op = v.getDefiningOp();
    return {isa_and_nonnull<ProductOp, ExpertsOp>(op) ? op : nullptr};
  }
  explicit operator bool() const { return op; }
  ProductOp plain() const { return dyn_cast<ProductOp>(op); }
  ExpertsOp experts() const { return dyn_cast<ExpertsOp>(op); }
  WeightAttr weight() const { return plain() ? plain().getWeightAttr() : experts().getWeightAttr(); }
  Region &end() const { return plain() ? plain().getEnd() : experts().getEnd(); }
  size_t sources() const { return weight().getSources().size(); }
  ValueRange others() const { return plain() ? ValueRange(plain().getOthers()) : ValueRange(); }
};

/// Writes formulas on numbers one behind the other.
class FormulaWriter {
public:
  explicit FormulaWriter(MLIRContext *context) : b(context), block(new Block) { b.setInsertionPointToEnd(block.get()); }

  Value argument(Location loc) { return block->addArgument(b.getF32Type(), loc); }

  /// What the body makes of these numbers: one on numbers, or a row program on elements.
  Value inlined(Block &body, ValueRange arguments) {
    IRMapping map;
    map.map(body.getArguments(), arguments);
    for (Operation &o : body.without_terminator()) {
      if (auto splat = dyn_cast<tensor::SplatOp>(o)) {
        map.map(splat.getResult(), map.lookup(splat.getInput()));
        continue;
      }
      OperationState state(o.getLoc(), o.getName());
      for (Value operand : o.getOperands())
        state.addOperands(map.lookup(operand));
      state.addTypes(getElementTypeOrSelf(o.getResult(0)));
      state.addAttributes(o.getAttrs());
      if (auto constant = dyn_cast<arith::ConstantOp>(o))
        if (auto dense = dyn_cast<DenseElementsAttr>(constant.getValue()))
          state.attributes.set("value", dense.getSplatValue<Attribute>());
      map.map(o.getResult(0), b.create(state)->getResult(0));
    }
    return map.lookup(body.getTerminator()->getOperand(0));
  }

  /// Ends with this number; the block belongs to the region then.
  void finish(Region &region, Value made) {
    NumberOp::create(b, made.getLoc(), made);
    region.push_back(block.release());
  }

private:
  OpBuilder b;
  std::unique_ptr<Block> block;
};

struct PlaceEnds : quoin::impl::PlaceEndsPassBase<PlaceEnds> {
  using PlaceEndsPassBase::PlaceEndsPassBase;

  Counter numEnds{"place-ends", "num-formulas-on-products"};
  Counter numPairs{"place-ends", "num-products-joined"};

  void runOnOperation() override {
    copies.clear();
    for (auto op : llvm::make_early_inc_range(getOperation().getBody().getOps<stage::EachRowOp>()))
      place(op);
  }

private:
  /// Why two products cannot be one; null if they can.
  const char *whyNotTogether(Product a, Product c) {
    auto find = [&](Product p) {
      return SymbolTable::lookupNearestSymbolFrom<WeightOp>(p.op, p.weight().getSources()[0]);
    };
    if (a.op->getName() != c.op->getName() || a.sources() + c.sources() != 2)
      return "the products of its operands are of different kinds";
    if (a.op->getOperand(0) != c.op->getOperand(0))
      return "the products of its operands read different rows";
    if (a.experts() && a.experts().getChoice() != c.experts().getChoice())
      return "the products of its operands are with different experts";
    if (a.plain() && (a.plain().getBias() || c.plain().getBias()))
      return "a product of its operands has a bias";
    auto typeOf = [&](Product p) { return cast<RankedTensorType>(find(p).getType()); };
    if (typeOf(a).getShape() != typeOf(c).getShape())
      return "the weights of its operands have different shapes";
    if (storedAs(find(a), weights) != storedAs(find(c), weights))
      return "the weights of its operands are stored as different types";
    return nullptr;
  }

  void place(stage::EachRowOp op) {
    SmallVector<Product, 2> products;
    for (Value input : op.getInputs())
      if (Product product = Product::of(input);
          product && input.hasOneUse() && bufferOf(input).getSpace() == bufferOf(op.getOutputs()[0]).getSpace())
        products.push_back(product);
    if (products.empty())
      return;
    auto miss = [&](const char *why) { remark::missed(op.getLoc(), remarkOn<PlaceEnds>("End")) << why; };
    if (const char *why = whyNoFormula(op))
      return miss(why);
    // The right one, so that a residual stays the left operand.
    Product last = products.back(), first;
    if (products.size() > 1) {
      first = products[products.size() - 2];
      if (const char *why = whyNotTogether(first, last)) {
        miss(why);
        first = {};
      }
    }
    // Experts end with numbers of their own only.
    if (last.experts() && op.getInputs().size() != (first ? 2 : 1))
      return miss("it reads other rows than those that experts make");
    ride(op, first, last);
    numPairs += bool(first);
    ++numEnds;
    remark::passed(op.getLoc(), remarkOn<PlaceEnds>("End"))
        << (first ? "the formula ends two products" : "the formula ends a product");
    op.erase();
    for (Product product : {first, last})
      if (product)
        product.op->erase();
  }

  DenseMap<std::pair<Value, Space>, Value> copies; ///< of rows of another space, for products to end with

  /// What a product reads instead of rows that a row program finds in another space: a copy, made once.
  Value rowsBeside(stage::EachRowOp op, Value rows) {
    BufferType type = bufferOf(rows);
    if (type.getSpace() == op.getSpace())
      return rows;
    Value &copy = copies[{rows, op.getSpace()}];
    if (!copy) {
      OpBuilder b(op);
      copy = copyRows(b, op.getLoc(), rows,
                      BufferType::get(&getContext(), op.getSpace(), type.getWidth(), type.getElement()));
    }
    return copy;
  }

  /// The product, or the two, with the formula at their end, where that stands.
  void ride(stage::EachRowOp op, Product first, Product last) {
    FormulaWriter writer(&getContext());
    SmallVector<Product, 2> products;
    if (first)
      products.push_back(first);
    products.push_back(last);
    SmallVector<FlatSymbolRefAttr, 2> symbols;
    SmallVector<SmallVector<Value, 4>, 2> numbers;
    for (Product p : products) {
      numbers.emplace_back();
      for (FlatSymbolRefAttr symbol : p.weight().getSources()) {
        symbols.push_back(symbol);
        numbers.back().push_back(writer.argument(op.getLoc()));
      }
    }
    SmallVector<Value> others, seams;
    DenseMap<Value, Value> known; ///< of other rows, and of what products make
    auto numberOf = [&](Value rows) {
      Value &number = known[rows];
      if (!number) {
        number = writer.argument(op.getLoc());
        others.push_back(rowsBeside(op, rows));
      }
      return number;
    };
    for (auto [p, own] : llvm::zip_equal(products, numbers)) {
      for (Value other : p.others())
        own.push_back(numberOf(other));
      known[p.op->getResult(0)] = p.end().empty() ? own[0] : writer.inlined(p.end().front(), own);
      seams.push_back(known[p.op->getResult(0)]);
    }
    SmallVector<Value> arguments;
    for (Value input : op.getInputs())
      arguments.push_back(numberOf(input));
    Value made = writer.inlined(op.getBody().front(), arguments);
    for (Value seam : seams)
      keepRounded(seam);

    OpBuilder b(op);
    Type type = op.getOutputs()[0].getType();
    auto weight = WeightAttr::get(&getContext(), symbols, Type(), LayoutAttrInterface(), -1);
    Operation *created;
    if (ExpertsOp experts = last.experts())
      created = ExpertsOp::create(b, op.getLoc(), type, false, experts.getInput(), experts.getChoice(), weight,
                                  IntegerAttr());
    else
      created = ProductOp::create(b, op.getLoc(), type, false, false, last.plain().getInput(), others, weight,
                                  last.plain().getBiasAttr(), IntegerAttr());
    writer.finish(created->getRegion(0), made);
    op.getOutputs()[0].replaceAllUsesWith(created->getResult(0));
  }
};
} // namespace
