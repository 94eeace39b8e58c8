//===- VectorOps.cpp - places, gathers and reductions -----------------------===//

#include "dialects/quoin/ProgramTensor.h"
#include "dialects/reference/Machine.h"
#include "llvm/ADT/TypeSwitch.h"
#include <cmath>
#include <limits>
#include <set>

using namespace mlir;
using namespace quoin;
using namespace quoin::ref;

namespace {
/// One element of a reduction's result in the making.
struct Reduced {
  Type type;
  Reduction kind;
  Number value = {};

  void start() {
    bool highest = kind == Reduction::Minimum;
    if (kind == Reduction::Sum)
      return;
    value.real = highest ? std::numeric_limits<double>::infinity() : -std::numeric_limits<double>::infinity();
    if (type.isInteger(32))
      value.integer = highest ? INT32_MAX : INT32_MIN;
    else
      value.integer = highest ? INT64_MAX : INT64_MIN;
  }
  void add(Number n) {
    bool less = kind == Reduction::Minimum;
    if (isa<FloatType>(type)) {
      if (kind == Reduction::Sum)
        value.real += n.real;
      else if (std::isnan(n.real) || (!std::isnan(value.real) && (less ? n.real < value.real : n.real > value.real)))
        value.real = n.real;
    } else if (kind == Reduction::Sum) {
      value.integer = static_cast<int64_t>(static_cast<uint64_t>(value.integer) + static_cast<uint64_t>(n.integer));
      if (type.isInteger(32))
        value.integer = static_cast<int32_t>(value.integer);
    } else if (less ? n.integer < value.integer : n.integer > value.integer) {
      value.integer = n.integer;
    }
  }
};
} // namespace

Machine::Answer Machine::evaluateVector(Operation *op) {
  return llvm::TypeSwitch<Operation *, Answer>(op)
      .Case([&](WhichOp o) -> Answer {
        Tensor out;
        for (auto [i, flag] : llvm::enumerate(tensor(o.getFlags())))
          if (flag.integer)
            out.push_back(Number::ofInteger(static_cast<int64_t>(i)));
        return setTensor(o, std::move(out));
      })
      .Case([&](GatherOp o) -> Answer {
        const Tensor &from = tensor(o.getValues());
        int64_t width = programTensor(o.getValues().getType())->width, rows = static_cast<int64_t>(from.size()) / width;
        Tensor out;
        for (Number index : tensor(o.getIndices())) {
          if (index.integer < 0 || index.integer >= rows)
            return o.emitOpError("expects an index in [0, ") << rows << "), but found " << index.integer;
          out.insert(out.end(), from.begin() + index.integer * width, from.begin() + (index.integer + 1) * width);
        }
        if (failed(expectSize(o, static_cast<int64_t>(out.size()))))
          return failure();
        return setTensor(o, std::move(out));
      })
      .Case([&](quoin::ReduceOp o) -> Answer {
        const Tensor &from = tensor(o.getValues()), *where = o.getWhere() ? &tensor(o.getWhere()) : nullptr;
        auto width = static_cast<size_t>(programTensor(o.getValues().getType())->width), rows = from.size() / width;
        if (where && failed(expectEqual(o, "flags", rows, where->size())))
          return failure();
        std::vector<Reduced> made(width, {getElementTypeOrSelf(o.getValues()), o.getKind()});
        for (Reduced &r : made)
          r.start();
        for (size_t i = 0; i < from.size(); ++i)
          if (!where || (*where)[i / width].integer)
            made[i % width].add(from[i]);
        if (!isa<RankedTensorType>(o.getResult().getType())) {
          set(o.getResult(), made[0].value);
          return success();
        }
        Tensor out;
        for (const Reduced &r : made)
          out.push_back(r.value);
        return setTensor(o, std::move(out));
      })
      .Case([&](AmongOp o) -> Answer {
        std::set<int64_t> list;
        for (Number n : tensor(o.getList()))
          list.insert(n.integer);
        Tensor out;
        for (Number n : tensor(o.getValues()))
          out.push_back(Number::ofInteger(list.count(n.integer) ? 1 : 0));
        return setTensor(o, std::move(out));
      })
      .Default([](Operation *) { return std::nullopt; });
}
