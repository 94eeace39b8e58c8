// Ops with kernels of their own are no spellings.
// RUN: quoin-opt %s --quoin-expand-spellings --remarks-filter='.*' -o %t 2> %t.remarks
// RUN: FileCheck %s < %t
// RUN: FileCheck %s --check-prefix=REMARK < %t.remarks

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.weight @w : tensor<4x4xf32> from "model.safetensors" tensor "w"

// CHECK-LABEL: quoin.model @kernels_stay
// CHECK: quoin.linear
// CHECK: quoin.rotary
// REMARK: [Missed] Model | {{.*}}no op of the body is a spelling
quoin.model @kernels_stay head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %x = quoin.embed %ids by @e : tensor<?x4xf32>
  %n = quoin.linear %x by @w : tensor<?x4xf32> -> tensor<?x4xf32>
  %m = quoin.rotary %n at %positions theta 1.0e4 head_dim 4 : tensor<?x4xf32>
  quoin.hidden %m : tensor<?x4xf32>
}
