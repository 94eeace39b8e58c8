// Two query heads over one key head of one feature. Keys are 0 and log 3, values 1 and 5. The first head asks with 1: it sees a
// second token three times as much as a first. The other asks with 0: a mean. In a block of two rows see each other.
// REQUIRES: quoin-interpret
// RUN: rm -rf %t && mkdir -p %t && cp %s %t/model.mlir && python3 %S/Inputs/rows.py write %t q=1,0/1,0 k=0/1.0986123 v=1/5 head=1,0/0,1
// RUN: quoin-interpret %t/model.mlir --logits %t/rows --ids 0,1,1,0 --mask '(q, k) : k floordiv 2 eq q floordiv 2'
// RUN: python3 %S/Inputs/rows.py print %t/rows | FileCheck %s
// RUN: quoin-opt %t/model.mlir --quoin-pipeline='from=scheduled' -o %t/stages.mlir && quoin-interpret %t/stages.mlir --logits %t/rows --ids 0,1,1,0 --mask '(q, k) : k floordiv 2 eq q floordiv 2'
// RUN: python3 %S/Inputs/rows.py print %t/rows | FileCheck %s
// CHECK: {{^}}4 3{{$}}
// CHECK-NEXT: {{^}}4 3{{$}}
// CHECK-NEXT: {{^}}4 3{{$}}
// CHECK-NEXT: {{^}}4 3{{$}}

quoin.weight @q : tensor<2x2xf32> from "w.safetensors" tensor "q"
quoin.weight @k : tensor<2x1xf32> from "w.safetensors" tensor "k"
quoin.weight @v : tensor<2x1xf32> from "w.safetensors" tensor "v"
quoin.weight @head : tensor<2x2xf32> from "w.safetensors" tensor "head"
quoin.model @m head @head {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %q = quoin.embed %ids by @q : tensor<?x2xf32>
  %k = quoin.embed %ids by @k : tensor<?x1xf32>
  %v = quoin.embed %ids by @v : tensor<?x1xf32>
  %a = quoin.attention %q, %k, %v heads 2 kv_heads 1 head_dim 1 scale 1.0 : tensor<?x2xf32>, tensor<?x1xf32>, tensor<?x1xf32>
  quoin.hidden %a : tensor<?x2xf32>
}
