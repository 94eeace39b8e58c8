// A row goes on from the last row before it that the mask shows: here rows 1 and 2 from row 0, row 3 from row 2.
// REQUIRES: quoin-interpret
// RUN: rm -rf %t && mkdir -p %t && cp %s %t/model.mlir && python3 %S/Inputs/rows.py write %t e=1,2/10,20 head=1,0/0,1
// RUN: quoin-interpret %t/model.mlir --logits %t/rows --ids 0,1,1,0 --mask "(q, k) : k eq q or k eq 0 or (q eq 3 and k eq 2)"
// RUN: python3 %S/Inputs/rows.py print %t/rows | FileCheck %s
// RUN: quoin-opt %t/model.mlir --quoin-lower-to-stages -o %t/stages.mlir
// RUN: quoin-interpret %t/stages.mlir --logits %t/staged --ids 0,1,1,0 --mask "(q, k) : k eq q or k eq 0 or (q eq 3 and k eq 2)"
// RUN: python3 %S/Inputs/rows.py print %t/staged | FileCheck %s
// CHECK: {{^}}1 2{{$}}
// CHECK-NEXT: {{^}}11 22{{$}}
// CHECK-NEXT: {{^}}11 22{{$}}
// CHECK-NEXT: {{^}}12 24{{$}}

quoin.weight @e : tensor<2x2xf32> from "w.safetensors" tensor "e"
quoin.weight @head : tensor<2x2xf32> from "w.safetensors" tensor "head"
quoin.model @m head @head {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x2xf32>
  %1 = quoin.scan %0 seen heads 2 : (tensor<?x2xf32>) -> tensor<?x2xf32> {
  ^bb0(%s: tensor<1xf32>, %x: tensor<1xf32>):
    %new = arith.addf %s, %x : tensor<1xf32>
    quoin.row %new, %new : tensor<1xf32>, tensor<1xf32>
  }
  quoin.hidden %1 : tensor<?x2xf32>
}
