// gate / (1 + exp(-gate)) * up: of (1, -1) and (2, 3), and of gates 0 and 20.
// REQUIRES: quoin-interpret
// RUN: rm -rf %t && mkdir -p %t && cp %s %t/model.mlir && python3 %S/Inputs/rows.py write %t g=1,-1/0,20 u=2,3/5,1 head=1,0/0,1
// RUN: quoin-interpret %t/model.mlir --logits %t/rows --ids 0,1
// RUN: python3 %S/Inputs/rows.py print %t/rows | FileCheck %s
// RUN: quoin-opt %t/model.mlir --quoin-pipeline='from=scheduled' -o %t/stages.mlir && quoin-interpret %t/stages.mlir --logits %t/rows --ids 0,1
// RUN: python3 %S/Inputs/rows.py print %t/rows | FileCheck %s
// CHECK: {{^}}1.4621 -0.80682{{$}}
// CHECK-NEXT: {{^}}0 20{{$}}

quoin.weight @g : tensor<2x2xf32> from "w.safetensors" tensor "g"
quoin.weight @u : tensor<2x2xf32> from "w.safetensors" tensor "u"
quoin.weight @head : tensor<2x2xf32> from "w.safetensors" tensor "head"
quoin.model @m head @head {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @g : tensor<?x2xf32>
  %1 = quoin.embed %ids by @u : tensor<?x2xf32>
  %2 = quoin.swiglu %0, %1 : tensor<?x2xf32>
  quoin.hidden %2 : tensor<?x2xf32>
}
