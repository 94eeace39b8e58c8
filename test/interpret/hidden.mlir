// The rows that a model yields, in the order of the slots, are what the head scores: here by (1, 1) and (1, -1).
// REQUIRES: quoin-interpret
// RUN: rm -rf %t && mkdir -p %t && cp %s %t/model.mlir && python3 %S/Inputs/rows.py write %t e=1,2/3,4/5,7 head=1,1/1,-1
// RUN: quoin-interpret %t/model.mlir --logits %t/rows --ids 0,2
// RUN: python3 %S/Inputs/rows.py print %t/rows | FileCheck %s
// RUN: quoin-opt %t/model.mlir --quoin-pipeline='from=scheduled' -o %t/stages.mlir && quoin-interpret %t/stages.mlir --logits %t/rows --ids 0,2
// RUN: python3 %S/Inputs/rows.py print %t/rows | FileCheck %s
// CHECK: {{^}}3 -1{{$}}
// CHECK-NEXT: {{^}}12 -2{{$}}

quoin.weight @e : tensor<3x2xf32> from "w.safetensors" tensor "e"
quoin.weight @head : tensor<2x2xf32> from "w.safetensors" tensor "head"
quoin.model @m head @head {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x2xf32>
  quoin.hidden %0 : tensor<?x2xf32>
}
