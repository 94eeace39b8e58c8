// Rows are added feature by feature, a value to itself, too.
// REQUIRES: quoin-interpret
// RUN: rm -rf %t && mkdir -p %t && cp %s %t/model.mlir && python3 %S/Inputs/rows.py write %t e=1,2/3,4 f=10,20/30,40 head=1,0/0,1
// RUN: quoin-interpret %t/model.mlir --logits %t/rows --ids 1,0
// RUN: python3 %S/Inputs/rows.py print %t/rows | FileCheck %s
// RUN: quoin-opt %t/model.mlir --quoin-pipeline='from=scheduled' -o %t/stages.mlir && quoin-interpret %t/stages.mlir --logits %t/rows --ids 1,0
// RUN: python3 %S/Inputs/rows.py print %t/rows | FileCheck %s
// CHECK: {{^}}66 88{{$}}
// CHECK-NEXT: {{^}}22 44{{$}}

quoin.weight @e : tensor<2x2xf32> from "w.safetensors" tensor "e"
quoin.weight @f : tensor<2x2xf32> from "w.safetensors" tensor "f"
quoin.weight @head : tensor<2x2xf32> from "w.safetensors" tensor "head"
quoin.model @m head @head {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x2xf32>
  %1 = quoin.embed %ids by @f : tensor<?x2xf32>
  %2 = arith.addf %0, %1 : tensor<?x2xf32>
  %3 = arith.addf %2, %2 : tensor<?x2xf32>
  quoin.hidden %3 : tensor<?x2xf32>
}
