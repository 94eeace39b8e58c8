// Every query sees keys alike: the result is the mean of the values that it sees, which are 1, 2, 4, 8. Each layer has its own formula
// within the call's: the first sees the one before, too, the second every other one. Rows that see nothing have 0.
// REQUIRES: quoin-interpret
// RUN: rm -rf %t && mkdir -p %t && cp %s %t/model.mlir && python3 %S/Inputs/rows.py write %t q=0/0/0/0 v=1/2/4/8 head=1,0/0,1
// RUN: quoin-interpret %t/model.mlir --logits %t/rows --ids 0,1,2,3 --mask full
// RUN: python3 %S/Inputs/rows.py print %t/rows | FileCheck %s
// RUN: quoin-opt %t/model.mlir --quoin-pipeline='from=scheduled' -o %t/stages.mlir && quoin-interpret %t/stages.mlir --logits %t/rows --ids 0,1,2,3 --mask full
// RUN: python3 %S/Inputs/rows.py print %t/rows | FileCheck %s
// RUN: quoin-interpret %t/model.mlir --logits %t/rows --ids 0,1,2,3 --mask "(q, k) : k ge 2"
// RUN: python3 %S/Inputs/rows.py print %t/rows | FileCheck %s --check-prefix=LATE
// CHECK: {{^}}1 2.5{{$}}
// CHECK-NEXT: {{^}}1.5 5{{$}}
// CHECK-NEXT: {{^}}3 2.5{{$}}
// CHECK-NEXT: {{^}}6 5{{$}}
// LATE: {{^}}0 4{{$}}
// LATE-NEXT: {{^}}0 8{{$}}
// LATE-NEXT: {{^}}4 4{{$}}
// LATE-NEXT: {{^}}6 8{{$}}

quoin.weight @q : tensor<4x1xf32> from "w.safetensors" tensor "q"
quoin.weight @v : tensor<4x1xf32> from "w.safetensors" tensor "v"
quoin.weight @head : tensor<2x2xf32> from "w.safetensors" tensor "head"
quoin.model @m head @head {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %q = quoin.embed %ids by @q : tensor<?x1xf32>
  %v = quoin.embed %ids by @v : tensor<?x1xf32>
  %a = quoin.attention %q, %q, %v heads 1 kv_heads 1 head_dim 1 within #quoin.mask<window<2>> scale 1.0 : tensor<?x1xf32>, tensor<?x1xf32>, tensor<?x1xf32>
  %b = quoin.attention %q, %q, %v heads 1 kv_heads 1 head_dim 1 within #quoin.mask<(q, k) : (q - k) mod 2 eq 0> scale 1.0 : tensor<?x1xf32>, tensor<?x1xf32>, tensor<?x1xf32>
  %both = quoin.each_row %a, %b : (tensor<?x1xf32>, tensor<?x1xf32>) -> tensor<?x2xf32> {
  ^bb0(%left: tensor<1xf32>, %right: tensor<1xf32>):
    %out = tensor.concat dim(0) %left, %right : (tensor<1xf32>, tensor<1xf32>) -> tensor<2xf32>
    quoin.row %out : tensor<2xf32>
  }
  quoin.hidden %both : tensor<?x2xf32>
}
