// A state that halves and adds each token's row, then a second call's start; and heads that lie across.
// REQUIRES: quoin-interpret
// RUN: rm -rf %t && mkdir -p %t && cp %s %t/model.mlir && python3 %S/Inputs/rows.py write %t e=1,2,10,20/4,8,40,80 a=.5,.25 head=1,0,0,0/0,1,0,0
// RUN: quoin-interpret %t/model.mlir --logits %t/rows --ids 0,1,0
// RUN: python3 %S/Inputs/rows.py print %t/rows | FileCheck %s
// RUN: quoin-opt %t/model.mlir --quoin-lower-to-stages -o %t/stages.mlir
// RUN: quoin-interpret %t/stages.mlir --logits %t/staged --ids 0,1,0
// RUN: python3 %S/Inputs/rows.py print %t/staged | FileCheck %s
// Features 0 and 2 are head 0, 1 and 3 head 1. Head 0: 1, .5 + 4, 2.25 + 1; head 1: 2, .5 + 8, 2.125 + 2.
// CHECK: {{^}}1 2{{$}}
// CHECK-NEXT: {{^}}4.5 8.5{{$}}
// CHECK-NEXT: {{^}}3.25 4.125{{$}}

quoin.weight @e : tensor<2x4xf32> from "w.safetensors" tensor "e"
quoin.weight @a : tensor<2xf32> from "w.safetensors" tensor "a"
quoin.weight @head : tensor<2x4xf32> from "w.safetensors" tensor "head"
quoin.model @m head @head {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  %1 = quoin.scan %0 with [@a] heads 2 along [1, 0, 1] : (tensor<?x4xf32>) -> tensor<?x4xf32> {
  ^bb0(%state: tensor<2xf32>, %x: tensor<2xf32>, %a: tensor<1xf32>):
    %number = tensor.collapse_shape %a [] : tensor<1xf32> into tensor<f32>
    %to = tensor.empty() : tensor<2xf32>
    %as = linalg.broadcast ins(%number : tensor<f32>) outs(%to : tensor<2xf32>) dimensions = [0]
    %old = arith.mulf %state, %as : tensor<2xf32>
    %new = arith.addf %old, %x : tensor<2xf32>
    quoin.row %new, %new : tensor<2xf32>, tensor<2xf32>
  }
  quoin.hidden %1 : tensor<?x4xf32>
}
