// REQUIRES: quoin-interpret
// RUN: quoin-interpret %s --decoder integers --prompt-ids 1 | FileCheck %s --check-prefix=INT
// RUN: quoin-interpret %s --decoder reals --prompt-ids 1 | FileCheck %s --check-prefix=REAL
// RUN: not quoin-interpret %s --decoder division_by_zero --prompt-ids 1 2>&1 | FileCheck %s --check-prefix=ZERO
// RUN: not quoin-interpret %s --decoder sizes_differ --prompt-ids 1 2>&1 | FileCheck %s --check-prefix=SIZE
// RUN: not quoin-interpret %s --decoder unknown_op --prompt-ids 1 2>&1 | FileCheck %s --check-prefix=UNKNOWN

module attributes {} {
  // Widths wrap, signs count where the op says so, and a comparison gives 0 or 1.
  // INT: {{^}}-2147483648,1,-2,-1,1,2147483645,0{{$}}
  quoin.decoder @integers(%x, %max) settings {} {
    %c1 = arith.constant 1 : index
    %most = arith.constant 2147483647 : i32
    %one = arith.constant 1 : i32
    %minus3 = arith.constant -3 : i32
    %two = arith.constant 2 : i32
    %a = arith.addi %most, %one : i32
    %lt = arith.cmpi slt, %minus3, %two : i32
    %b = arith.extui %lt : i1 to i32
    %c = arith.floordivsi %minus3, %two : i32
    %d = arith.ceildivsi %minus3, %two : i32
    %ugt = arith.cmpi ugt, %minus3, %two : i32
    %e = arith.extui %ugt : i1 to i32
    %g = arith.xori %most, %two : i32
    %h = arith.trunci %a : i32 to i16
    %i = arith.extsi %h : i16 to i32
    %t = tensor.from_elements %a, %b, %c, %d, %e, %g, %i : tensor<7xi32>
    %ids = tensor.cast %t : tensor<7xi32> to tensor<?xi32>
    %y = quoin.append %x, %ids
    %n = quoin.length %y
    quoin.return %y[%c1 to %n]
  }
  // REAL: {{^}}148413,0,1{{$}}
  quoin.decoder @reals(%x, %max) settings {} {
    %c1 = arith.constant 1 : index
    %thousand = arith.constant 1000.0 : f32
    %five = arith.constant 5.0 : f32
    %nan = arith.constant 0x7FC00000 : f32
    %exp = math.exp %five : f32
    %much = arith.mulf %exp, %thousand : f32
    %a = arith.fptosi %much : f32 to i32
    %ordered = arith.cmpf one, %nan, %five : f32
    %b = arith.extui %ordered : i1 to i32
    %unordered = arith.cmpf une, %nan, %five : f32
    %c = arith.extui %unordered : i1 to i32
    %t = tensor.from_elements %a, %b, %c : tensor<3xi32>
    %ids = tensor.cast %t : tensor<3xi32> to tensor<?xi32>
    %y = quoin.append %x, %ids
    %n = quoin.length %y
    quoin.return %y[%c1 to %n]
  }
  // ZERO: error: 'arith.divui' op expects a divisor other than zero, but found 64 and 0
  quoin.decoder @division_by_zero(%x, %max) settings {} {
    %c0 = arith.constant 0 : index
    %a = arith.divui %max, %c0 : index
    quoin.return %x[%a to %a]
  }
  // SIZE: error: 'arith.addi' op expects 2 elements, but found 3
  quoin.decoder @sizes_differ(%x, %max) settings {} {
    %c0 = arith.constant 0 : index
    %c2 = arith.constant 2 : index
    %c3 = arith.constant 3 : index
    %a = quoin.span %c0 to %c2
    %b = quoin.span %c0 to %c3
    %c = arith.addi %a, %b : tensor<?xindex>
    quoin.return %x[%c0 to %c0]
  }
  // UNKNOWN: error: 'vector.step' op expects an op that the interpreter knows
  quoin.decoder @unknown_op(%x, %max) settings {} {
    %c0 = arith.constant 0 : index
    %v = vector.step : vector<4xindex>
    quoin.return %x[%c0 to %c0]
  }
}
