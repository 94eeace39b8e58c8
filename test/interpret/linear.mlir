// y = x W^T + b: the weight's rows are the columns of the result.
// REQUIRES: quoin-interpret
// RUN: rm -rf %t && mkdir -p %t && cp %s %t/model.mlir && python3 %S/Inputs/rows.py write %t e=1,1/1,0/0,1 w=1,2/3,4 b=10,20 head=1,0/0,1
// RUN: quoin-interpret %t/model.mlir --logits %t/rows --ids 0,1,2
// RUN: python3 %S/Inputs/rows.py print %t/rows | FileCheck %s
// RUN: quoin-opt %t/model.mlir --quoin-pipeline='from=scheduled' -o %t/stages.mlir && quoin-interpret %t/stages.mlir --logits %t/rows --ids 0,1,2
// RUN: python3 %S/Inputs/rows.py print %t/rows | FileCheck %s
// CHECK: {{^}}13 27{{$}}
// CHECK-NEXT: {{^}}11 23{{$}}
// CHECK-NEXT: {{^}}12 24{{$}}

quoin.weight @e : tensor<3x2xf32> from "w.safetensors" tensor "e"
quoin.weight @w : tensor<2x2xf32> from "w.safetensors" tensor "w"
quoin.weight @b : tensor<2xf32> from "w.safetensors" tensor "b"
quoin.weight @head : tensor<2x2xf32> from "w.safetensors" tensor "head"
quoin.model @m head @head {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x2xf32>
  %1 = quoin.linear %0 by @w bias @b : tensor<?x2xf32> -> tensor<?x2xf32>
  quoin.hidden %1 : tensor<?x2xf32>
}
