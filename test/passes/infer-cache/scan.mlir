// What a recurrence has summed up of the rows before is not kept, so nothing is reused, though the mask alone would allow it.
// RUN: quoin-opt %s --quoin-infer-cache --remarks-filter='.*' -o %t 2> %t.remarks
// RUN: FileCheck %s < %t
// RUN: FileCheck %s --check-prefix=REMARK < %t.remarks

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @m head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  %1 = quoin.scan %0 heads 2 : (tensor<?x4xf32>) -> tensor<?x4xf32> {
  ^bb0(%s: tensor<2xf32>, %x: tensor<2xf32>):
    %p = arith.addf %s, %x : tensor<2xf32>
    quoin.row %p, %p : tensor<2xf32>, tensor<2xf32>
  }
  quoin.hidden %1 : tensor<?x4xf32>
}

// CHECK-LABEL: @causal
// CHECK-NOT: quoin.cache
// CHECK: quoin.forward @m
// REMARK: [Missed] Model | {{.*}}its rows depend on all before them, and what it has summed up of these is not kept; everything runs again
quoin.decoder @causal(%x, %max) settings {} {
  %c0 = arith.constant 0 : index
  %n = quoin.length %x
  %rows = quoin.span %c0 to %n
  %l = quoin.forward @m of %x[to %n] read %rows mask #quoin.mask<causal>
  quoin.return %x[%c0 to %n]
}
