// Row 0 chooses expert 1, which turns a row around, and row 1 expert 0, which doubles it; a second choice of no expert adds nothing.
// REQUIRES: quoin-interpret
// RUN: rm -rf %t && mkdir -p %t && cp %s %t/model.mlir && python3 %S/Inputs/rows.py write %t x=1,2/3,4 r=0,5/7,1 w.0=2,0/0,2 w.1=0,1/1,0 head=1,0/0,1
// RUN: quoin-interpret %t/model.mlir --logits %t/rows --ids 0,1
// RUN: python3 %S/Inputs/rows.py print %t/rows | FileCheck %s
// RUN: quoin-opt %t/model.mlir --quoin-pipeline='from=scheduled' -o %t/stages.mlir && quoin-interpret %t/stages.mlir --logits %t/rows --ids 0,1
// RUN: python3 %S/Inputs/rows.py print %t/rows | FileCheck %s
// CHECK: {{^}}2 1{{$}}
// CHECK-NEXT: {{^}}6 8{{$}}

quoin.weight @x : tensor<2x2xf32> from "w.safetensors" tensor "x"
quoin.weight @r : tensor<2x2xf32> from "w.safetensors" tensor "r"
quoin.weight @w : tensor<2x2x2xf32> from "w.safetensors" tensor "w.*"
quoin.weight @head : tensor<2x2xf32> from "w.safetensors" tensor "head"
quoin.model @m head @head {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %x = quoin.embed %ids by @x : tensor<?x2xf32>
  %r = quoin.embed %ids by @r : tensor<?x2xf32>
  %one, %share = quoin.route %r scores given top 1 normalise true : tensor<?x2xf32> -> tensor<?x1xi32>, tensor<?x1xf32>
  %choice, %shares = quoin.each_row %one, %share : (tensor<?x1xi32>, tensor<?x1xf32>) -> (tensor<?x2xi32>, tensor<?x2xf32>) {
  ^bb0(%c: tensor<1xi32>, %s: tensor<1xf32>):
    %none = arith.constant dense<-1> : tensor<1xi32>
    %both = tensor.concat dim(0) %c, %none : (tensor<1xi32>, tensor<1xi32>) -> tensor<2xi32>
    %all = tensor.concat dim(0) %s, %s : (tensor<1xf32>, tensor<1xf32>) -> tensor<2xf32>
    quoin.row %both, %all : tensor<2xi32>, tensor<2xf32>
  }
  %each = quoin.expert_linear %x to %choice by @w : tensor<?x2xf32>, tensor<?x2xi32> -> tensor<?x2x2xf32>
  %y = quoin.mix %each, %shares : tensor<?x2x2xf32>, tensor<?x2xf32> -> tensor<?x2xf32>
  quoin.hidden %y : tensor<?x2xf32>
}
