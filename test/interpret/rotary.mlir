// Features i and i + 2 turn by position * 100^(-2i/4): 1 and 0.1 of a radian a position.
// REQUIRES: quoin-interpret
// RUN: rm -rf %t && mkdir -p %t && cp %s %t/model.mlir && python3 %S/Inputs/rows.py write %t e=1,1,0,0/0,0,1,1/0,0,0,0/0,0,0,0 head=1,0,0,0/0,1,0,0/0,0,1,0/0,0,0,1
// RUN: quoin-interpret %t/model.mlir --logits %t/rows --ids 0,0,1,0
// RUN: python3 %S/Inputs/rows.py print %t/rows | FileCheck %s
// RUN: quoin-opt %t/model.mlir --quoin-pipeline='from=scheduled' -o %t/stages.mlir && quoin-interpret %t/stages.mlir --logits %t/rows --ids 0,0,1,0
// RUN: python3 %S/Inputs/rows.py print %t/rows | FileCheck %s
// CHECK: {{^}}1 1 0 0{{$}}
// CHECK-NEXT: {{^}}0.5403 0.995 0.84147 0.099833{{$}}
// CHECK-NEXT: {{^}}-0.9093 -0.19867 -0.41615 0.98007{{$}}
// CHECK-NEXT: {{^}}-0.98999 0.95534 0.14112 0.29552{{$}}

quoin.weight @e : tensor<4x4xf32> from "w.safetensors" tensor "e"
quoin.weight @head : tensor<4x4xf32> from "w.safetensors" tensor "head"
quoin.model @m head @head {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  %1 = quoin.rotary %0 at %positions theta 100.0 head_dim 4 : tensor<?x4xf32>
  quoin.hidden %1 : tensor<?x4xf32>
}
