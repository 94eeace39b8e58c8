// RUN: quoin-opt %s --quoin-infer-cache --remarks-filter='.*' -o %t 2> %t.remarks
// RUN: FileCheck %s < %t
// RUN: FileCheck %s --check-prefix=REMARK < %t.remarks

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @m head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}

// A two-sided window looks like a local mask, but a change wanders through it layer by layer.
// CHECK-LABEL: @two_sided_windows_stay_stateless
// CHECK-NOT: quoin.cache
// CHECK: quoin.forward @m
// REMARK-DAG: [Missed] Mask | {{.*}}mask (q, k) : k - q lt 4 and q - k lt 4: no cut is provable, a change may reach every row (position 0 sees position 1 behind it); everything runs again
quoin.decoder @two_sided_windows_stay_stateless(%x, %max) settings {} {
  %c0 = arith.constant 0 : index
  %n = quoin.length %x
  %rows = quoin.span %c0 to %n
  %l = quoin.forward @m of %x[to %n] read %rows mask #quoin.mask<(q, k) : k - q lt 4 and q - k lt 4>
  quoin.return %x[%c0 to %n]
}

// Two masks of one cache that nowhere agree: the second is called without what the first left.
// CHECK-LABEL: @a_mask_that_disagrees_reuses_nothing
// CHECK: quoin.forward_cached %[[C:.+]] from %{{.+}} keep %[[N:.+]] @m
// CHECK: %[[ZERO:.+]] = arith.constant 0 : index
// CHECK: quoin.forward_cached %[[C]] from %[[ZERO]] keep %[[ZERO]] @m
// REMARK-DAG: [Missed] Mask | {{.*}}mask (q, k) : k le q and q - k lt 4: no rows see provably the same keys at every call (position 4 does not see position 0, but does under '(q, k) : k le q'); everything runs again
quoin.decoder @a_mask_that_disagrees_reuses_nothing(%x, %max) settings {} {
  %c1 = arith.constant 1 : index
  %n = quoin.length %x
  %rows = quoin.span %c1 to %n
  %l = quoin.forward @m of %x[to %n] read %rows mask #quoin.mask<causal>
  %k = quoin.forward @m of %x[to %n] read %rows mask #quoin.mask<window<4>>
  quoin.return %x[%c1 to %n]
}
