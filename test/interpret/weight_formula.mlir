// A formula of elements with a loop, a condition and an index that is computed; one that reads it; one of rows; some rows of a tensor. What is
// made is rounded to the weight's type once. The head is the unit matrix: scores are hidden rows.
// REQUIRES: quoin-interpret
// RUN: rm -rf %t && mkdir -p %t && cp %s %t/model.mlir && python3 %S/Inputs/rows.py write %t e=0,0/9,9/1,2/3,4 head=1,0/0,1
// RUN: quoin-interpret %t/model.mlir --logits %t/rows --ids 0,1
// RUN: python3 %S/Inputs/rows.py print %t/rows | FileCheck %s
// RUN: quoin-opt %t/model.mlir --quoin-pipeline='from=scheduled' -o %t/stages.mlir && quoin-interpret %t/stages.mlir --logits %t/rows --ids 0,1
// RUN: python3 %S/Inputs/rows.py print %t/rows | FileCheck %s
// Row r: e[r + 2] + (6, 1 / 4) + W (6, 1 / 4), with W = [[0, 2], [3, 0]].
// CHECK: {{^}}7.5 20.25{{$}}
// CHECK-NEXT: {{^}}9.5 22.25{{$}}

quoin.weight @e : tensor<2x2xf32> from "w.safetensors" tensor "e" stored [4, 2] at_row 2
quoin.weight @head : tensor<2x2xf32> from "w.safetensors" tensor "head"
// 1 + 2 + 3; and 2^-2, of which 1 / 1024 is lost in bf16.
quoin.weight @sum : tensor<2xbf16> {
^bb0(%i: index):
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  %zero = arith.constant 0.0 : f64
  %small = arith.constant 0.2509765625 : f64
  %first = arith.cmpi eq, %i, %c0 : index
  %y = scf.if %first -> f64 {
    %total = scf.for %k = %c1 to %c4 step %c1 iter_args(%s = %zero) -> f64 {
      %k_i = arith.index_cast %k : index to i64
      %k_f = arith.sitofp %k_i : i64 to f64
      %more = arith.addf %s, %k_f : f64
      scf.yield %more : f64
    }
    scf.yield %total : f64
  } else {
    scf.yield %small : f64
  }
  quoin.element %y
}
quoin.weight @turned : tensor<2x2xf32> by [@head] {
^bb0(%i: index, %j: index, %head: tensor<2x2xf64>):
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %other = arith.subi %c1, %j : index
  %x = tensor.extract %head[%i, %other] : tensor<2x2xf64>
  %n = arith.addi %i, %c2 : index
  %n_i = arith.index_cast %n : index to i64
  %n_f = arith.sitofp %n_i : i64 to f64
  %y = arith.mulf %x, %n_f : f64
  quoin.element %y
}
quoin.weight @product : tensor<2xf32> by [@sum] {
^bb0(%row: tensor<?x2xf32>):
  %y = quoin.linear %row by @turned : tensor<?x2xf32> -> tensor<?x2xf32>
  quoin.results %y : tensor<?x2xf32>
}
quoin.model @m head @head {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x2xf32>
  %1 = quoin.spread @sum over %positions : tensor<?xindex> -> tensor<?x2xf32>
  %2 = quoin.spread @product over %0 : tensor<?x2xf32> -> tensor<?x2xf32>
  %3 = arith.addf %0, %1 : tensor<?x2xf32>
  %4 = arith.addf %3, %2 : tensor<?x2xf32>
  quoin.hidden %4 : tensor<?x2xf32>
}
