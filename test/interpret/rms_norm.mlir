// (3, 4): the mean of squares is 12.5. with epsilon 3, (1, 1) becomes (1/2, 1/2), times (1, 2). Groups of two features: each by itself.
// REQUIRES: quoin-interpret
// RUN: rm -rf %t && mkdir -p %t && cp %s %t/model.mlir && python3 %S/Inputs/rows.py write %t e=3,4,1,1/1,1,0,2/0,0,0,0/0,0,0,0 n=1,2 head=1,0,0,0/0,1,0,0/0,0,1,0/0,0,0,1
// RUN: quoin-interpret %t/model.mlir --logits %t/rows --ids 0,1
// RUN: python3 %S/Inputs/rows.py print %t/rows | FileCheck %s
// RUN: quoin-opt %t/model.mlir --quoin-pipeline='from=scheduled' -o %t/stages.mlir && quoin-interpret %t/stages.mlir --logits %t/rows --ids 0,1
// RUN: python3 %S/Inputs/rows.py print %t/rows | FileCheck %s
// CHECK: {{^}}0.762 2.032 0.5 1{{$}}
// CHECK-NEXT: {{^}}0.5 1 0 1.7889{{$}}

quoin.weight @e : tensor<4x4xf32> from "w.safetensors" tensor "e"
quoin.weight @n : tensor<2xf32> from "w.safetensors" tensor "n"
quoin.weight @head : tensor<4x4xf32> from "w.safetensors" tensor "head"
quoin.model @m head @head {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  %1 = quoin.rms_norm %0 by @n epsilon 3.0 : tensor<?x4xf32>
  quoin.hidden %1 : tensor<?x4xf32>
}
