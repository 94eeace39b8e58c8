//===- RowProgramTest.cpp - compiled row programs against the interpreter -------===//
//
// Formulas of published models as row programs, at widths that fill vectors and that do not. Results are those of the
// float64 evaluator; a row's bits do not depend on who is computed with it, and stay where the result takes an
// operand's place.
//
//===----------------------------------------------------------------------===//

#include "dialects/reference/RowEvaluator.h"
#include "dialects/stage/RowSchedule.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Parser/Parser.h"
#include "test/unit/CpuFixture.h"
#include "gtest/gtest-spi.h"

using namespace mlir;
using namespace quoin;
using namespace quoin::cpu;
using namespace quoin::cpu::test;

namespace {
struct RowCase {
  const char *name;
  std::string text; ///< the whole op, on operands %0, %1, .. and vectors
  int64_t rows = 5;
  double within = tolerance::kernel;
  float low = -2, high = 2; ///< of the elements
};

void PrintTo(const RowCase &c, std::ostream *os) { *os << c.name; }

/// The program of a text, in a model that gives it operands.
class Parsed {
public:
  explicit Parsed(const std::string &text) {
    MLIRContext *context = Program::context();
    context->loadDialect<arith::ArithDialect, linalg::LinalgDialect, math::MathDialect, tensor::TensorDialect>();
    // Operands are made by embeddings of their widths, vectors are weights of their lengths.
    std::string types = text.substr(text.find(": (") + 3), weights, made;
    types = types.substr(0, types.find(") ->"));
    int number = 0;
    for (StringRef rest = types; !rest.empty(); ++number) {
      auto [type, more] = rest.split(", ");
      rest = more;
      std::string n = std::to_string(number);
      if (type == "tensor<?xindex>") {
        made += "  %" + n + " = quoin.gather_rows %positions at %read : tensor<?xindex>\n";
        continue;
      }
      StringRef width = type.drop_front(StringRef("tensor<?x").size()).drop_back(StringRef("xf32>").size());
      weights += "quoin.weight @e" + n + " : tensor<8x" + width.str() + "xf32> from \"w\" tensor \"e\"\n";
      made += "  %e" + n + " = quoin.embed %ids by @e" + n + " : " + type.str() + "\n";
      made += "  %" + n + " = quoin.gather_rows %e" + n + " at %read : " + type.str() + "\n";
    }
    for (size_t at = text.find("//: "); at != std::string::npos; at = text.find("//: ", at + 1)) {
      std::string line = text.substr(at + 4, text.find('\n', at) - at - 4); // "@name length"
      auto [name, length] = StringRef(line).split(' ');
      weights += "quoin.weight " + name.str() + " : tensor<" + length.str() + "xf32> from \"w\" tensor \"v\"\n";
    }
    std::string whole =
        weights +
        "quoin.weight @head : tensor<8x4xf32> from \"w\" tensor \"h\"\nquoin.model @m head @head {\n^bb0(%ids: "
        "tensor<?xi32>, %positions: tensor<?xindex>, %read: tensor<?xindex>):\n" +
        made + text +
        "  %last = quoin.embed %ids by @head : tensor<?x4xf32>\n  %hidden = quoin.gather_rows %last at %read : "
        "tensor<?x4xf32>\n "
        " quoin.hidden %hidden : tensor<?x4xf32>\n}\n";
    module = parseSourceString<ModuleOp>(whole, context);
    EXPECT_TRUE(module) << whole;
    if (module)
      module->walk([&](EachRowOp o) { op = o; });
  }

  OwningOpRef<ModuleOp> module;
  EachRowOp op;
};

int64_t widthOf(Value v) { return cast<RankedTensorType>(v.getType()).getNumElements(); }

/// The program compiled, its operands, and what it makes of them.
struct Scene {
  explicit Scene(const RowCase &theCase, StringRef cpuName = "native", Storage result = Storage::F32)
      : c(theCase), parsed(c.text), p(cpuName) {
    if (!parsed.op)
      return;
    program.body = &parsed.op.getBody().front();
    program.inputs.resize(parsed.op.getInputs().size());
    program.results.assign(parsed.op.getOutputs().size(), {result});
    kernel = rowProgramKernel(p.kernels, program).getName().str();
    p.link();
    std::uniform_real_distribution<float> any(c.low, c.high);
    for (BlockArgument argument : program.body->getArguments()) {
      bool isVector = argument.getArgNumber() >= program.inputs.size(),
           isColumn = !isa<RankedTensorType>(argument.getType());
      if (isColumn) {
        for (int64_t r = 0; r < c.rows; ++r)
          positions.push_back(static_cast<int32_t>(engine() % 5000));
        inputs.push_back(nullptr);
        continue;
      }
      auto rows = std::make_unique<Rows>(isVector ? 1 : c.rows, widthOf(argument));
      for (int64_t r = 0; r < rows->count; ++r)
        for (int64_t i = 0; i < rows->width; ++i)
          rows->put(r, i, any(engine));
      inputs.push_back(std::move(rows));
    }
    for (Value row : cast<RowOp>(program.body->getTerminator()).getRows())
      outputs.push_back(std::make_unique<Rows>(c.rows, widthOf(row), result));
  }

  uint8_t *input(size_t i) { return inputs[i] ? inputs[i]->row(0) : reinterpret_cast<uint8_t *>(positions.data()); }

  /// Rows [begin, end); result 0 to `place`, if there is one.
  void run(int64_t begin, int64_t end, uint8_t *place = nullptr) {
    std::vector<void *> a;
    for (size_t i = 0; i < inputs.size(); ++i)
      a.push_back(input(i));
    for (auto &o : outputs)
      a.push_back(o->row(0));
    if (place)
      a[inputs.size()] = place;
    a.push_back(nullptr);
    switch (a.size()) {
    case 3:
      return p.call(kernel, a[0], a[1], a[2], begin, end);
    case 4:
      return p.call(kernel, a[0], a[1], a[2], a[3], begin, end);
    case 5:
      return p.call(kernel, a[0], a[1], a[2], a[3], a[4], begin, end);
    case 6:
      return p.call(kernel, a[0], a[1], a[2], a[3], a[4], a[5], begin, end);
    case 7:
      return p.call(kernel, a[0], a[1], a[2], a[3], a[4], a[5], a[6], begin, end);
    default:
      FAIL() << "a program of " << a.size() << " arguments";
    }
  }

  /// What the evaluator makes of row `r`.
  SmallVector<ref::Tensor> expected(int64_t r) {
    SmallVector<ref::Tensor> arguments;
    for (size_t i = 0; i < inputs.size(); ++i) {
      ref::Tensor tensor;
      if (!inputs[i])
        tensor.push_back(ref::Number::ofInteger(positions[static_cast<size_t>(r)]));
      else
        for (int64_t j = 0; j < inputs[i]->width; ++j)
          tensor.push_back(ref::Number::ofReal(inputs[i]->at(i < program.inputs.size() ? r : 0, j)));
      arguments.push_back(std::move(tensor));
    }
    return ref::evaluateRow(*program.body, arguments);
  }

  RowCase c;
  Parsed parsed;
  Program p;
  RowProgram program;
  std::string kernel;
  std::vector<std::unique_ptr<Rows>> inputs, outputs;
  std::vector<int32_t> positions;
};

//===----------------------------------------------------------------------===//
// Programs
//===----------------------------------------------------------------------===//

std::string rmsNorm(int64_t width) {
  return with(R"(//: @w ${W}
  %y = quoin.each_row %0 by [@w] : (tensor<?x${W}xf32>) -> tensor<?x${W}xf32> {
  ^bb0(%x: tensor<${W}xf32>, %w: tensor<${W}xf32>):
    %none = arith.constant dense<0.0> : tensor<f32>
    %squares = arith.mulf %x, %x : tensor<${W}xf32>
    %sum = linalg.reduce { arith.addf } ins(%squares : tensor<${W}xf32>) outs(%none : tensor<f32>) dimensions = [0]
    %s = tensor.extract %sum[] : tensor<f32>
    %count = arith.constant ${W}.0 : f32
    %mean = arith.divf %s, %count : f32
    %epsilon = arith.constant 1.0e-6 : f32
    %above = arith.addf %mean, %epsilon : f32
    %root = math.rsqrt %above : f32
    %factor = tensor.splat %root : tensor<${W}xf32>
    %even = arith.mulf %x, %factor : tensor<${W}xf32>
    %y = arith.mulf %even, %w : tensor<${W}xf32>
    quoin.row %y : tensor<${W}xf32>
  }
)",
              {{"W", width}});
}

/// layer_norm(x + o) (1 + scale) + shift, and x + o.
std::string modulated(int64_t width) {
  return with(R"(//: @scale ${W}
//: @shift ${W}
  %h, %y = quoin.each_row %0, %1 by [@scale, @shift] : (tensor<?x${W}xf32>, tensor<?x${W}xf32>) -> (tensor<?x${W}xf32>, tensor<?x${W}xf32>) {
  ^bb0(%a: tensor<${W}xf32>, %o: tensor<${W}xf32>, %scale: tensor<${W}xf32>, %shift: tensor<${W}xf32>):
    %x = arith.addf %a, %o : tensor<${W}xf32>
    %none = arith.constant dense<0.0> : tensor<f32>
    %total = linalg.reduce { arith.addf } ins(%x : tensor<${W}xf32>) outs(%none : tensor<f32>) dimensions = [0]
    %t = tensor.extract %total[] : tensor<f32>
    %count = arith.constant ${W}.0 : f32
    %mean = arith.divf %t, %count : f32
    %means = tensor.splat %mean : tensor<${W}xf32>
    %d = arith.subf %x, %means : tensor<${W}xf32>
    %squares = arith.mulf %d, %d : tensor<${W}xf32>
    %sum = linalg.reduce { arith.addf } ins(%squares : tensor<${W}xf32>) outs(%none : tensor<f32>) dimensions = [0]
    %s = tensor.extract %sum[] : tensor<f32>
    %variance = arith.divf %s, %count : f32
    %epsilon = arith.constant 1.0e-5 : f32
    %above = arith.addf %variance, %epsilon : f32
    %root = math.rsqrt %above : f32
    %factor = tensor.splat %root : tensor<${W}xf32>
    %even = arith.mulf %d, %factor : tensor<${W}xf32>
    %one = arith.constant dense<1.0> : tensor<${W}xf32>
    %more = arith.addf %scale, %one : tensor<${W}xf32>
    %scaled = arith.mulf %even, %more : tensor<${W}xf32>
    %y = arith.addf %scaled, %shift : tensor<${W}xf32>
    quoin.row %x, %y : tensor<${W}xf32>, tensor<${W}xf32>
  }
)",
              {{"W", width}});
}

/// One function of each element.
std::string elementwise(int64_t width, const std::string &body) {
  return with(
      "  %y = quoin.each_row %0 : (tensor<?x${W}xf32>) -> tensor<?x${W}xf32> {\n  ^bb0(%x: tensor<${W}xf32>):\n" +
          body + "    quoin.row %y : tensor<${W}xf32>\n  }\n",
      {{"W", width}});
}

/// Of heads of 2 H features each: a unit norm, then halves turn by the position.
std::string turnedHeads(int64_t heads, int64_t half) {
  return with(R"(  %y = quoin.each_row %0, %1 : (tensor<?x${W}xf32>, tensor<?xindex>) -> tensor<?x${W}xf32> {
  ^bb0(%row: tensor<${W}xf32>, %position: index):
    %x = tensor.expand_shape %row [[0, 1]] output_shape [${N}, ${D}] : tensor<${W}xf32> into tensor<${N}x${D}xf32>
    %none = arith.constant dense<1.0e-6> : tensor<${N}xf32>
    %squares = arith.mulf %x, %x : tensor<${N}x${D}xf32>
    %sums = linalg.reduce { arith.addf } ins(%squares : tensor<${N}x${D}xf32>) outs(%none : tensor<${N}xf32>) dimensions = [1]
    %roots = math.rsqrt %sums : tensor<${N}xf32>
    %to = tensor.empty() : tensor<${N}x${D}xf32>
    %factors = linalg.broadcast ins(%roots : tensor<${N}xf32>) outs(%to : tensor<${N}x${D}xf32>) dimensions = [1]
    %unit = arith.mulf %x, %factors : tensor<${N}x${D}xf32>
    %a = tensor.extract_slice %unit[0, 0] [${N}, ${H}] [1, 1] : tensor<${N}x${D}xf32> to tensor<${N}x${H}xf32>
    %b = tensor.extract_slice %unit[0, ${H}] [${N}, ${H}] [1, 1] : tensor<${N}x${D}xf32> to tensor<${N}x${H}xf32>
    %i = arith.index_cast %position : index to i32
    %p = arith.sitofp %i : i32 to f32
    %per = arith.constant 0.01 : f32
    %angle = arith.mulf %p, %per : f32
    %c = math.cos %angle : f32
    %s = math.sin %angle : f32
    %cs = tensor.splat %c : tensor<${N}x${H}xf32>
    %ss = tensor.splat %s : tensor<${N}x${H}xf32>
    %ac = arith.mulf %a, %cs : tensor<${N}x${H}xf32>
    %bs = arith.mulf %b, %ss : tensor<${N}x${H}xf32>
    %bc = arith.mulf %b, %cs : tensor<${N}x${H}xf32>
    %as = arith.mulf %a, %ss : tensor<${N}x${H}xf32>
    %low = arith.subf %ac, %bs : tensor<${N}x${H}xf32>
    %high = arith.addf %bc, %as : tensor<${N}x${H}xf32>
    %both = tensor.concat dim(1) %low, %high : (tensor<${N}x${H}xf32>, tensor<${N}x${H}xf32>) -> tensor<${N}x${D}xf32>
    %y = tensor.collapse_shape %both [[0, 1]] : tensor<${N}x${D}xf32> into tensor<${W}xf32>
    quoin.row %y : tensor<${W}xf32>
  }
)",
              {{"W", 2 * heads * half}, {"N", heads}, {"D", 2 * half}, {"H", half}});
}

/// Neighbours turn: pairs are read and written with a stride.
std::string turnedNeighbours(int64_t pairs) {
  return with(R"(//: @c ${P}
  %y = quoin.each_row %0 by [@c] : (tensor<?x${W}xf32>) -> tensor<?x${W}xf32> {
  ^bb0(%x: tensor<${W}xf32>, %c: tensor<${P}xf32>):
    %a = tensor.extract_slice %x[0] [${P}] [2] : tensor<${W}xf32> to tensor<${P}xf32>
    %b = tensor.extract_slice %x[1] [${P}] [2] : tensor<${W}xf32> to tensor<${P}xf32>
    %ac = arith.mulf %a, %c : tensor<${P}xf32>
    %low = arith.subf %ac, %b : tensor<${P}xf32>
    %bc = arith.mulf %b, %c : tensor<${P}xf32>
    %high = arith.addf %bc, %a : tensor<${P}xf32>
    %low1 = tensor.expand_shape %low [[0, 1]] output_shape [${P}, 1] : tensor<${P}xf32> into tensor<${P}x1xf32>
    %high1 = tensor.expand_shape %high [[0, 1]] output_shape [${P}, 1] : tensor<${P}xf32> into tensor<${P}x1xf32>
    %both = tensor.concat dim(1) %low1, %high1 : (tensor<${P}x1xf32>, tensor<${P}x1xf32>) -> tensor<${P}x2xf32>
    %y = tensor.collapse_shape %both [[0, 1]] : tensor<${P}x2xf32> into tensor<${W}xf32>
    quoin.row %y : tensor<${W}xf32>
  }
)",
              {{"W", 2 * pairs}, {"P", pairs}});
}

/// Softmax, and the share of the best of E, by its lowest index, then without it the next: shares and choices.
std::string router(int64_t experts) {
  std::string text = R"(  %y = quoin.each_row %0 : (tensor<?x${E}xf32>) -> tensor<?x4xf32> {
  ^bb0(%x: tensor<${E}xf32>):
    %worst = arith.constant dense<0xFF800000> : tensor<f32>
    %zero = arith.constant dense<0.0> : tensor<f32>
    %last = arith.constant dense<2147483647> : tensor<i32>
    %lasts = arith.constant dense<2147483647> : tensor<${E}xi32>
    %none = arith.constant dense<-1.0> : tensor<${E}xf32>
    %place = arith.constant dense<[${PLACES}]> : tensor<${E}xi32>
    %to = tensor.empty() : tensor<${E}xf32>
    %toi = tensor.empty() : tensor<${E}xi32>
    %top = linalg.reduce { arith.maximumf } ins(%x : tensor<${E}xf32>) outs(%worst : tensor<f32>) dimensions = [0]
    %tops = linalg.broadcast ins(%top : tensor<f32>) outs(%to : tensor<${E}xf32>) dimensions = [0]
    %below = arith.subf %x, %tops : tensor<${E}xf32>
    %power = math.exp %below : tensor<${E}xf32>
    %total = linalg.reduce { arith.addf } ins(%power : tensor<${E}xf32>) outs(%zero : tensor<f32>) dimensions = [0]
    %totals = linalg.broadcast ins(%total : tensor<f32>) outs(%to : tensor<${E}xf32>) dimensions = [0]
    %p0 = arith.divf %power, %totals : tensor<${E}xf32>
)";
  for (int k = 0; k < 2; ++k) {
    std::string n = std::to_string(k), next = std::to_string(k + 1);
    text += with(
        R"(    %m${K} = linalg.reduce { arith.maximumf } ins(%p${K} : tensor<${E}xf32>) outs(%worst : tensor<f32>) dimensions = [0]
    %ms${K} = linalg.broadcast ins(%m${K} : tensor<f32>) outs(%to : tensor<${E}xf32>) dimensions = [0]
    %is${K} = arith.cmpf oeq, %p${K}, %ms${K} : tensor<${E}xf32>
    %at${K} = arith.select %is${K}, %place, %lasts : tensor<${E}xi1>, tensor<${E}xi32>
    %i${K} = linalg.reduce { arith.minsi } ins(%at${K} : tensor<${E}xi32>) outs(%last : tensor<i32>) dimensions = [0]
    %ii${K} = linalg.broadcast ins(%i${K} : tensor<i32>) outs(%toi : tensor<${E}xi32>) dimensions = [0]
    %taken${K} = arith.cmpi eq, %ii${K}, %place : tensor<${E}xi32>
    %p${L} = arith.select %taken${K}, %none, %p${K} : tensor<${E}xi1>, tensor<${E}xf32>
    %me${K} = tensor.extract %m${K}[] : tensor<f32>
    %ie${K} = tensor.extract %i${K}[] : tensor<i32>
    %f${K} = arith.sitofp %ie${K} : i32 to f32
    %share${K} = tensor.splat %me${K} : tensor<1xf32>
    %choice${K} = tensor.splat %f${K} : tensor<1xf32>
)",
        {{"K", k}, {"L", k + 1}});
  }
  text +=
      R"(    %y = tensor.concat dim(0) %share0, %choice0, %share1, %choice1 : (tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<4xf32>
    quoin.row %y : tensor<4xf32>
  }
)";
  std::string places;
  for (int64_t e = 0; e < experts; ++e)
    places += (e ? ", " : "") + std::to_string(e);
  text.replace(text.find("${PLACES}"), 9, places);
  return with(text, {{"E", experts}});
}

/// Powers, and their sum alone: a number that is a row of its own.
std::string powersAndSum(int64_t width) {
  return with(R"(  %y, %z = quoin.each_row %0 : (tensor<?x${W}xf32>) -> (tensor<?x${W}xf32>, tensor<?x1xf32>) {
  ^bb0(%x: tensor<${W}xf32>):
    %none = arith.constant dense<0.0> : tensor<f32>
    %power = math.exp %x : tensor<${W}xf32>
    %sum = linalg.reduce { arith.addf } ins(%power : tensor<${W}xf32>) outs(%none : tensor<f32>) dimensions = [0]
    %s = tensor.expand_shape %sum [] output_shape [1] : tensor<f32> into tensor<1xf32>
    quoin.row %power, %s : tensor<${W}xf32>, tensor<1xf32>
  }
)",
              {{"W", width}});
}

/// sum_j w[j] h[j], over J rows of H features; and the largest of all.
std::string mix(int64_t parts, int64_t width) {
  return with(
      R"(  %y, %z = quoin.each_row %0, %1 : (tensor<?x${A}xf32>, tensor<?x${J}xf32>) -> (tensor<?x${H}xf32>, tensor<?x1xf32>) {
  ^bb0(%all: tensor<${A}xf32>, %w: tensor<${J}xf32>):
    %h = tensor.expand_shape %all [[0, 1]] output_shape [${J}, ${H}] : tensor<${A}xf32> into tensor<${J}x${H}xf32>
    %to = tensor.empty() : tensor<${J}x${H}xf32>
    %each = linalg.broadcast ins(%w : tensor<${J}xf32>) outs(%to : tensor<${J}x${H}xf32>) dimensions = [1]
    %weighted = arith.mulf %h, %each : tensor<${J}x${H}xf32>
    %none = arith.constant dense<0.0> : tensor<${H}xf32>
    %y = linalg.reduce { arith.addf } ins(%weighted : tensor<${J}x${H}xf32>) outs(%none : tensor<${H}xf32>) dimensions = [0]
    %worst = arith.constant dense<0xFF800000> : tensor<f32>
    %top = linalg.reduce { arith.maximumf } ins(%h : tensor<${J}x${H}xf32>) outs(%worst : tensor<f32>) dimensions = [0, 1]
    %t = tensor.extract %top[] : tensor<f32>
    %z = tensor.splat %t : tensor<1xf32>
    quoin.row %y, %z : tensor<${H}xf32>, tensor<1xf32>
  }
)",
      {{"A", parts * width}, {"J", parts}, {"H", width}});
}

std::string function(const char *op, int64_t width = 200) {
  return elementwise(width, std::string("    %y = ") + op + " %x : tensor<${W}xf32>\n");
}

const std::string geluTanh = R"(    %c = arith.constant dense<0.044715> : tensor<${W}xf32>
    %r = arith.constant dense<0.79788456> : tensor<${W}xf32>
    %one = arith.constant dense<1.0> : tensor<${W}xf32>
    %half = arith.constant dense<0.5> : tensor<${W}xf32>
    %x2 = arith.mulf %x, %x : tensor<${W}xf32>
    %x3 = arith.mulf %x2, %x : tensor<${W}xf32>
    %cx = arith.mulf %c, %x3 : tensor<${W}xf32>
    %inner = arith.addf %x, %cx : tensor<${W}xf32>
    %arg = arith.mulf %inner, %r : tensor<${W}xf32>
    %t = math.tanh %arg : tensor<${W}xf32>
    %t1 = arith.addf %t, %one : tensor<${W}xf32>
    %hx = arith.mulf %x, %half : tensor<${W}xf32>
    %y = arith.mulf %t1, %hx : tensor<${W}xf32>
)";

std::vector<RowCase> cases() {
  std::vector<RowCase> all = {
      {"rms_norm_1024", rmsNorm(1024)},
      {"rms_norm_77", rmsNorm(77)},
      {"rms_norm_9", rmsNorm(9)},
      {"powers_and_sum_50", powersAndSum(50)},
      {"powers_and_sum_1", powersAndSum(1)},
      {"modulated_1000", modulated(1000)},
      {"modulated_48", modulated(48)},
      {"gelu_tanh_333", elementwise(333, geluTanh)},
      {"turned_heads", turnedHeads(4, 16)},
      {"turned_heads_of_9", turnedHeads(3, 9)},
      {"turned_neighbours", turnedNeighbours(64)},
      {"turned_neighbours_of_7", turnedNeighbours(7)},
      {"router_128", router(128)},
      {"router_10", router(10)},
      {"mix", mix(8, 96)},
      {"mix_of_5", mix(5, 21)},
  };
  double few = 4e-7;
  auto add = [&](const char *op, float low, float high, double within) {
    all.push_back({op, function(op), 5, within, low, high});
  };
  add("math.exp", -20, 20, few);
  add("math.exp2", -30, 30, few);
  add("math.expm1", -2, 2, few);
  add("math.log", 1e-3f, 100, few);
  add("math.log2", 1e-3f, 100, few);
  add("math.log10", 1e-3f, 100, few);
  add("math.log1p", -0.9f, 3, few);
  add("math.sqrt", 0, 100, few);
  add("math.rsqrt", 1e-3f, 100, few);
  add("math.tanh", -9, 9, few);
  add("math.erf", -5, 5, few);
  add("math.sin", -1000, 1000, few);
  add("math.cos", -1e6f, 1e6f, few);
  add("math.floor", -9, 9, 0);
  add("math.ceil", -9, 9, 0);
  add("math.trunc", -9, 9, 0);
  add("math.roundeven", -9, 9, 0);
  add("math.absf", -9, 9, 0);
  add("arith.negf", -9, 9, 0);
  return all;
}

class Compiled : public testing::TestWithParam<RowCase> {};

TEST_P(Compiled, EqualsTheEvaluator) {
  Scene run(GetParam());
  ASSERT_TRUE(run.parsed.op);
  QUOIN_SKIP_UNLESS_IT_RUNS(run.p);
  run.run(0, run.c.rows);
  for (int64_t r = 0; r < run.c.rows; ++r)
    for (auto [o, want] : llvm::enumerate(run.expected(r)))
      for (size_t i = 0; i < want.size(); ++i) {
        double scale = std::max(1.0, std::fabs(want[i].real));
        EXPECT_NEAR(want[i].real, run.outputs[o]->at(r, static_cast<int64_t>(i)), run.c.within * scale)
            << "row " << r << " result " << o << " element " << i;
      }
}

TEST_P(Compiled, KeepsBitsInAnyCompanyAndPlace) {
  Scene run(GetParam());
  ASSERT_TRUE(run.parsed.op);
  QUOIN_SKIP_UNLESS_IT_RUNS(run.p);
  run.run(0, run.c.rows);
  auto bitsOf = [](Rows &rows) {
    std::vector<float> all;
    for (int64_t r = 0; r < rows.count; ++r)
      for (int64_t i = 0; i < rows.width; ++i)
        all.push_back(rows.at(r, i));
    return all;
  };
  std::vector<std::vector<float>> together;
  for (auto &o : run.outputs) {
    together.push_back(bitsOf(*o));
    std::fill_n(o->bytes.data(), o->count * o->stride, 0xff);
  }
  for (int64_t r : {3, 0, 4, 1, 2})
    run.run(r, r + 1);
  for (auto [o, whole] : llvm::zip(run.outputs, together))
    EXPECT_EQ(0, std::memcmp(bitsOf(*o).data(), whole.data(), whole.size() * 4)) << "a row alone";
  quoin::stage::RowSchedule schedule(*run.program.body);
  for (unsigned i = 0; i < run.program.inputs.size(); ++i) {
    if (!run.inputs[i] || run.inputs[i]->width != run.outputs[0]->width || !schedule.mayTakePlace(i, 0))
      continue;
    std::vector<uint8_t> before(run.input(i), run.input(i) + run.c.rows * run.inputs[i]->stride);
    run.run(0, run.c.rows, run.input(i));
    EXPECT_EQ(0, std::memcmp(bitsOf(*run.inputs[i]).data(), together[0].data(), together[0].size() * 4))
        << "in the place of operand " << i;
    std::copy(before.begin(), before.end(), run.input(i));
  }
}

INSTANTIATE_TEST_SUITE_P(Programs, Compiled, testing::ValuesIn(cases()), [](const auto &info) {
  std::string name = info.param.name;
  std::replace(name.begin(), name.end(), '.', '_');
  return name;
});

TEST(RowProgram, StoresBrainFloats) {
  for (int64_t width : {64, 77}) {
    Scene run({"narrow", rmsNorm(width)}, "native", Storage::BF16);
    QUOIN_SKIP_UNLESS_IT_RUNS(run.p);
    run.run(0, run.c.rows);
    for (int64_t r = 0; r < run.c.rows; ++r) {
      auto want = run.expected(r)[0];
      for (int64_t i = 0; i < width; ++i)
        EXPECT_NEAR(want[static_cast<size_t>(i)].real, run.outputs[0]->at(r, i), tolerance::narrowed * 4);
      if (width % 2)
        EXPECT_EQ(run.outputs[0]->at(r, width), 0) << "the other half of the last pair";
    }
  }
}

TEST(RowProgram, HandsOnWhatIsNoNumber) {
  for (const char *op : {"math.exp", "math.exp2", "math.expm1", "math.log", "math.log2", "math.log1p", "math.tanh",
                         "math.erf", "math.sqrt"}) {
    RowCase c{op, function(op, 16)};
    Scene run(c);
    QUOIN_SKIP_UNLESS_IT_RUNS(run.p);
    const float special[] = {NAN,     INFINITY, -INFINITY, 0.0f,  -0.0f, 1.0f,   -1.0f,  1e-30f,
                             -1e-30f, 3e38f,    -3e38f,    88.8f, 89.5f, -87.0f, 127.7f, 10.0f};
    for (int64_t i = 0; i < 16; ++i)
      run.inputs[0]->put(0, i, special[i]);
    run.run(0, 1);
    auto want = run.expected(0)[0];
    for (int64_t i = 0; i < 16; ++i) {
      float expected = static_cast<float>(want[static_cast<size_t>(i)].real), found = run.outputs[0]->at(0, i);
      if (std::isnan(expected))
        EXPECT_TRUE(std::isnan(found)) << op << " of " << special[i] << " is " << found;
      else if (std::isinf(expected))
        EXPECT_EQ(expected, found) << op << " of " << special[i];
      else
        EXPECT_NEAR(expected, found, 1e-6 * std::max(1.0f, std::fabs(expected))) << op << " of " << special[i];
    }
  }
}

TEST(RowProgram, NormsCarryNaNAndInfinity) {
  constexpr int64_t width = 37;
  for (Storage storage : {Storage::F32, Storage::BF16}) {
    Scene run({"norm", rmsNorm(width)}, "native", storage);
    QUOIN_SKIP_UNLESS_IT_RUNS(run.p);
    for (float special : {NAN, std::bit_cast<float>(0xff812345u), INFINITY, -INFINITY})
      for (int64_t at : {int64_t(0), int64_t(17), width - 1}) {
        float before = run.inputs[0]->at(1, at);
        run.inputs[0]->put(1, at, special);
        run.run(0, 3);
        for (int64_t r = 0; r < 3; ++r) {
          auto want = run.expected(r)[0];
          for (int64_t i = 0; i < width; ++i) {
            double expected = want[static_cast<size_t>(i)].real, found = run.outputs[0]->at(r, i);
            if (std::isnan(expected))
              EXPECT_TRUE(std::isnan(found)) << r << " " << i << " is " << found;
            else
              EXPECT_NEAR(expected, found, 1e-2 * std::max(1.0, std::fabs(expected))) << r << " " << i;
          }
        }
        run.inputs[0]->put(1, at, before);
      }
  }
}

TEST(RowProgram, TakesThePlaceOfWhatItReadsOnce) {
  auto may = [](const std::string &text, unsigned argument, unsigned row) {
    Parsed parsed(text);
    return quoin::stage::RowSchedule(parsed.op.getBody().front()).mayTakePlace(argument, row);
  };
  EXPECT_TRUE(may(rmsNorm(64), 0, 0));
  EXPECT_TRUE(may(turnedHeads(4, 16), 0, 0));
  EXPECT_TRUE(may(modulated(64), 0, 1));
  EXPECT_TRUE(may(modulated(64), 1, 1));
  EXPECT_FALSE(may(modulated(64), 0, 0)) << "the operand is read by later sweeps";
  EXPECT_TRUE(may(turnedNeighbours(8), 0, 0)) << "a pair is read and written in one iteration";
  EXPECT_FALSE(may(R"(  %y = quoin.each_row %0 : (tensor<?x8xf32>) -> tensor<?x8xf32> {
  ^bb0(%x: tensor<8xf32>):
    %a = tensor.extract_slice %x[0] [1] [1] : tensor<8xf32> to tensor<1xf32>
    %b = tensor.extract_slice %x[1] [7] [1] : tensor<8xf32> to tensor<7xf32>
    %y = tensor.concat dim(0) %b, %a : (tensor<7xf32>, tensor<1xf32>) -> tensor<8xf32>
    quoin.row %y : tensor<8xf32>
  }
)",
                   0, 0))
      << "elements move";
}
std::string chain(int ops) {
  std::string body;
  for (int i = 0; i < ops; ++i) {
    std::string from = i ? "y" + std::to_string(i - 1) : "x", to = i + 1 == ops ? "y" : "y" + std::to_string(i);
    body += "    %" + to + " = math.absf %" + from + " : tensor<${W}xf32>\n";
  }
  return elementwise(20, body);
}

TEST(RowProgram, HasAsManyOpsAsItMay) {
  Scene run({"chain", chain(1024)});
  QUOIN_SKIP_UNLESS_IT_RUNS(run.p);
  run.run(0, 1);
  EXPECT_EQ(run.outputs[0]->at(0, 7), std::fabs(run.inputs[0]->at(0, 7)));
  std::string said;
  ScopedDiagnosticHandler handler(Program::context(), [&](Diagnostic &d) { said += d.str(); });
  EXPECT_NONFATAL_FAILURE(Parsed{chain(1025)}, "");
  EXPECT_NE(said.find("expects a body of at most 1024 ops, but found 1025"), std::string::npos) << said;
}
} // namespace
