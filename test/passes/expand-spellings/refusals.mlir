// Ops with kernels of their own are no spellings.
// RUN: quoin-opt %s --quoin-expand-spellings --remarks-filter='.*' -o %t 2> %t.remarks
// RUN: FileCheck %s < %t
// RUN: FileCheck %s --check-prefix=REMARK < %t.remarks

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.weight @n : tensor<4xf32> from "model.safetensors" tensor "n"

// CHECK-LABEL: quoin.model @kernels_stay
// CHECK: quoin.rms_norm
// CHECK: quoin.swiglu
// REMARK: [Missed] Model | {{.*}}no op of the body is a spelling
quoin.model @kernels_stay head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %x = quoin.embed %ids by @e : tensor<?x4xf32>
  %n = quoin.rms_norm %x by @n epsilon 1.0e-5 : tensor<?x4xf32>
  %m = quoin.swiglu %n, %x : tensor<?x4xf32>
  quoin.hidden %m : tensor<?x4xf32>
}
