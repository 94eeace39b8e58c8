// Every query sees keys alike, so the logarithm of n keys is log n: the whole is the mean of all values, whatever the parts.
// A part in which a row sees nothing has minus infinity, and counts for nothing.
// REQUIRES: quoin-interpret
// RUN: rm -rf %t && mkdir -p %t && cp %s %t/model.mlir && python3 %S/Inputs/rows.py write %t q=0/0/0/0 v=1/2/4/8 head=1,0,0/0,1,0/0,0,1
// RUN: quoin-interpret %t/model.mlir --logits %t/rows --ids 0,1,2,3 --mask causal
// RUN: python3 %S/Inputs/rows.py print %t/rows | FileCheck %s
// RUN: quoin-opt %t/model.mlir --quoin-pipeline='from=scheduled' -o %t/stages.mlir && quoin-interpret %t/stages.mlir --logits %t/rows --ids 0,1,2,3 --mask causal
// RUN: python3 %S/Inputs/rows.py print %t/rows | FileCheck %s
// CHECK: {{^}}1 0 0{{$}}
// CHECK-NEXT: {{^}}1.5 0.69315 1{{$}}
// CHECK-NEXT: {{^}}2.3333 1.0986 1{{$}}
// CHECK-NEXT: {{^}}3.75 1.3863 2{{$}}

quoin.weight @q : tensor<4x1xf32> from "w.safetensors" tensor "q"
quoin.weight @v : tensor<4x1xf32> from "w.safetensors" tensor "v"
quoin.weight @head : tensor<3x3xf32> from "w.safetensors" tensor "head"
quoin.model @m head @head {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %q = quoin.embed %ids by @q : tensor<?x1xf32>
  %v = quoin.embed %ids by @v : tensor<?x1xf32>
  %a, %s = quoin.attention %q, %q, %v heads 1 kv_heads 1 head_dim 1 within #quoin.mask<(q, k) : k mod 2 eq 0> scale 1.0 : tensor<?x1xf32>, tensor<?x1xf32>, tensor<?x1xf32> lse tensor<?x1xf32>
  %b, %t = quoin.attention %q, %q, %v heads 1 kv_heads 1 head_dim 1 within #quoin.mask<(q, k) : k mod 2 eq 1> scale 1.0 : tensor<?x1xf32>, tensor<?x1xf32>, tensor<?x1xf32> lse tensor<?x1xf32>
  %all, %sum = quoin.merge_attention %a, %s with %b, %t : tensor<?x1xf32>, tensor<?x1xf32>
  %three = quoin.each_row %all, %sum, %t : (tensor<?x1xf32>, tensor<?x1xf32>, tensor<?x1xf32>) -> tensor<?x3xf32> {
  ^bb0(%x: tensor<1xf32>, %y: tensor<1xf32>, %z: tensor<1xf32>):
    %e = math.exp %z : tensor<1xf32>
    %out = tensor.concat dim(0) %x, %y, %e : (tensor<1xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<3xf32>
    quoin.row %out : tensor<3xf32>
  }
  quoin.hidden %three : tensor<?x3xf32>
}
