// RUN: quoin-opt %s --quoin-lower-to-stages --quoin-fuse-rows --remarks-filter='.*' -o %t 2> %t.remarks
// RUN: FileCheck %s < %t
// RUN: FileCheck %s --check-prefix=REMARK < %t.remarks

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.weight @w : tensor<4x4xf32> from "model.safetensors" tensor "w"

// The product needs the activation before the sum that reads both can run.
// CHECK-LABEL: stage.step @what_others_need_before_stays_apart
// CHECK: stage.each_row
// CHECK: stage.product
// CHECK: stage.each_row
// REMARK-DAG: [Missed] Rows | {{.*}}others read what it makes before that
quoin.model @what_others_need_before_stays_apart head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %h = quoin.embed %ids by @e : tensor<?x4xf32>
  %a = quoin.silu %h : tensor<?x4xf32>
  %p = quoin.linear %a by @w : tensor<?x4xf32> -> tensor<?x4xf32>
  %s = arith.addf %a, %p : tensor<?x4xf32>
  quoin.hidden %s : tensor<?x4xf32>
}
