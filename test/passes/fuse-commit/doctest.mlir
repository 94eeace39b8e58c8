// RUN: quoin-opt %s --quoin-infer-cache --quoin-fuse-commit | FileCheck %s
// RUN: quoin-opt %s --quoin-infer-cache --quoin-fuse-commit --quoin-statistics -o /dev/null 2>&1 | FileCheck %s --check-prefix=COUNT

#block = #quoin.mask<block_causal<4>>
quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @m head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}

// The pass, its condition and its arithmetic go; the commit stays.
// CHECK-LABEL: quoin.decoder @prefill_rides_on_the_first_step
// CHECK-NOT: scf.if
// CHECK-NOT: pass
// CHECK-NOT: quoin.committed
// CHECK: quoin.commit %{{.+}} to %{{.+}}{{$}}
// CHECK: quoin.forward_cached
// CHECK-NOT: quoin.forward_cached
// COUNT: fuse-commit num-passes-fused 1
quoin.decoder @prefill_rides_on_the_first_step(%x0, %max) settings {} {
  %c4 = arith.constant 4 : index
  %lo = quoin.length %x0
  %x1 = quoin.extend %x0 by %c4
  %x2 = quoin.commit %x1 to %lo by pass of @m mask #block
  %hi = quoin.length %x2
  %rows = quoin.open %x2[%lo to %hi]
  %l = quoin.forward @m of %x2[to %hi] read %rows mask #block
  %ids = quoin.score %l [token] : tensor<?xi32>
  %x3 = quoin.fill %x2 at %rows with %ids
  quoin.return %x3[%lo to %hi]
}
