// RUN: quoin-opt %s --quoin-fuse-score --remarks-filter='quoin-fuse-score' -o %t 2> %t.remarks
// RUN: FileCheck %s < %t
// RUN: FileCheck %s --check-prefix=REMARK < %t.remarks

#draw = #quoin.sampler<temperature>
#top = #quoin.sampler<temperature, top_k>
quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @m head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}

// CHECK-LABEL: @samplers_differ
// CHECK-COUNT-2: quoin.score
// REMARK: [Missed] Score | {{.*}}they draw differently
quoin.decoder @samplers_differ(%x, %max) settings {} {
  %c0 = arith.constant 0 : index
  %n = quoin.length %x
  %rows = quoin.span %c0 to %n
  %e = quoin.evaluation
  %l = quoin.forward @m of %x[to %n] read %rows mask #quoin.mask<causal>
  %a = quoin.score %l [token] by #draw at %rows, %e : tensor<?xi32>
  %b = quoin.score %l [token] by #top at %rows, %e : tensor<?xi32>
  %y = quoin.edit %x at %rows with %a
  %z = quoin.edit %y at %rows with %b
  quoin.return %z[%c0 to %n]
}

// The second asks for the probability of what the first drew.
// CHECK-LABEL: @tokens_come_from_the_first
// CHECK-COUNT-2: quoin.score
// REMARK: [Missed] Score | {{.*}}what the second asks for is known after the first only
quoin.decoder @tokens_come_from_the_first(%x, %max) settings {} {
  %c0 = arith.constant 0 : index
  %n = quoin.length %x
  %rows = quoin.span %c0 to %n
  %l = quoin.forward @m of %x[to %n] read %rows mask #quoin.mask<causal>
  %a = quoin.score %l [token] : tensor<?xi32>
  %p = quoin.score %l [probability] of %a : tensor<?xf32>
  %best = quoin.top %p, %n
  %y = quoin.edit %x at %rows with %a where %best
  quoin.return %y[%c0 to %n]
}

// A loop would make the score once a round.
// CHECK-LABEL: @a_loop_is_no_branch
// CHECK: quoin.score
// CHECK: scf.for
quoin.decoder @a_loop_is_no_branch(%x, %max) settings {} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = quoin.length %x
  %rows = quoin.span %c0 to %n
  %l = quoin.forward @m of %x[to %n] read %rows mask #quoin.mask<causal>
  %a = quoin.score %l [token] : tensor<?xi32>
  %y = scf.for %i = %c0 to %n step %c1 iter_args(%z = %x) -> (!quoin.sequence) {
    %w = quoin.edit %z at %rows with %a
    scf.yield %w : !quoin.sequence
  }
  quoin.return %y[%c0 to %n]
}
