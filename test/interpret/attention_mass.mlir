// Keys are 0 and log 3. The first head asks with 1: it gives a second token three times as much as a first; the other asks with 0, and gives both alike. So on
// the mean of heads a first token has 3/8, a second 5/8. In a block of two rows see each other; groups are even and odd positions.
// REQUIRES: quoin-interpret
// RUN: rm -rf %t && mkdir -p %t && cp %s %t/model.mlir && python3 %S/Inputs/rows.py write %t q=1,0/1,0 k=0/1.0986123 head=1,0/0,1
// RUN: quoin-interpret %t/model.mlir --logits %t/rows --ids 0,1,1,0,0 --mask '(q, k) : k floordiv 2 eq q floordiv 2 and q lt 4'
// RUN: python3 %S/Inputs/rows.py print %t/rows | FileCheck %s
// RUN: quoin-opt %t/model.mlir --quoin-pipeline='from=scheduled' -o %t/stages.mlir && quoin-interpret %t/stages.mlir --logits %t/rows --ids 0,1,1,0,0 --mask '(q, k) : k floordiv 2 eq q floordiv 2 and q lt 4'
// RUN: python3 %S/Inputs/rows.py print %t/rows | FileCheck %s
// CHECK: {{^}}0.375 0.625{{$}}
// CHECK-NEXT: {{^}}0.375 0.625{{$}}
// CHECK-NEXT: {{^}}0.625 0.375{{$}}
// CHECK-NEXT: {{^}}0.625 0.375{{$}}
// CHECK-NEXT: {{^}}0 0{{$}}

quoin.weight @q : tensor<2x2xf32> from "w.safetensors" tensor "q"
quoin.weight @k : tensor<2x1xf32> from "w.safetensors" tensor "k"
quoin.weight @head : tensor<2x2xf32> from "w.safetensors" tensor "head"
quoin.model @m head @head {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %q = quoin.embed %ids by @q : tensor<?x2xf32>
  %k = quoin.embed %ids by @k : tensor<?x1xf32>
  %odd = quoin.each_row %positions : (tensor<?xindex>) -> tensor<?x1xi32> {
  ^bb0(%position: index):
    %number = arith.index_cast %position : index to i32
    %one = arith.constant 1 : i32
    %last = arith.andi %number, %one : i32
    %row = tensor.splat %last : tensor<1xi32>
    quoin.row %row : tensor<1xi32>
  }
  %mass = quoin.attention_mass %q, %k to %odd heads 2 kv_heads 1 head_dim 1 scale 1.0 : tensor<?x2xf32>, tensor<?x1xf32>, tensor<?x1xi32> -> tensor<?x2xf32>
  quoin.hidden %mass : tensor<?x2xf32>
}
