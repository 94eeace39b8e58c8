// Row i is the row of the table that id i names. The head is the unit matrix: scores are hidden rows.
// REQUIRES: quoin-interpret
// RUN: rm -rf %t && mkdir -p %t && cp %s %t/model.mlir && python3 %S/Inputs/rows.py write %t e=1,2/3,4/5,6 head=1,0/0,1
// RUN: quoin-interpret %t/model.mlir --logits %t/rows --ids 2,0,2
// RUN: python3 %S/Inputs/rows.py print %t/rows | FileCheck %s
// RUN: quoin-opt %t/model.mlir --quoin-pipeline='from=scheduled' -o %t/stages.mlir && quoin-interpret %t/stages.mlir --logits %t/rows --ids 2,0,2
// RUN: python3 %S/Inputs/rows.py print %t/rows | FileCheck %s
// CHECK: {{^}}5 6{{$}}
// CHECK-NEXT: {{^}}1 2{{$}}
// CHECK-NEXT: {{^}}5 6{{$}}

quoin.weight @e : tensor<3x2xf32> from "w.safetensors" tensor "e"
quoin.weight @head : tensor<2x2xf32> from "w.safetensors" tensor "head"
quoin.model @m head @head {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x2xf32>
  quoin.hidden %0 : tensor<?x2xf32>
}
