// RUN: quoin-opt %s --quoin-infer-cache --quoin-fuse-score --remarks-filter='quoin-fuse-score' -o %t 2> %t.remarks
// RUN: FileCheck %s < %t
// RUN: FileCheck %s --check-prefix=REMARK < %t.remarks
// RUN: quoin-opt %s --quoin-infer-cache --quoin-fuse-score --quoin-statistics -o /dev/null 2>&1 | FileCheck %s --check-prefix=COUNT

#draw = #quoin.sampler<temperature>
quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @m head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}

// Entropies decide first whether anything is drawn; both come from one pass of the head. Margins nobody reads.
// CHECK-LABEL: @statistics_of_the_same_logits
// CHECK: %[[L:.+]] = quoin.forward_cached
// CHECK: quoin.score %[[L]][entropy, token] by <temperature> at %{{.+}}, %{{.+}} : tensor<?xf32>, tensor<?xi32>
// CHECK-NOT: quoin.score
// CHECK: quoin.return
// REMARK-DAG: [Passed] Statistic | {{.*}}1 statistics are not read
// REMARK-DAG: [Passed] Score | {{.*}}an earlier score of the same logits asks for both
quoin.decoder @statistics_of_the_same_logits(%x, %max) settings {threshold = 0.5 : f32} {
  %c0 = arith.constant 0 : index
  %thr = quoin.setting @threshold : f32
  %n = quoin.length %x
  %y = quoin.extend %x by %max
  %m = quoin.length %y
  %rows = quoin.open %y[%n to %m]
  %e = quoin.evaluation
  %l = quoin.forward @m of %y[to %m] read %rows mask #quoin.mask<causal>
  %H, %unread = quoin.score %l [entropy, margin] : tensor<?xf32>, tensor<?xf32>
  %h = tensor.extract %H[%c0] : tensor<?xf32>
  %sure = arith.cmpf olt, %h, %thr : f32
  %t = quoin.score %l [token] by #draw at %rows, %e : tensor<?xi32>
  %z = quoin.fill %y at %rows with %t
  %end = arith.select %sure, %m, %n : index
  quoin.return %z[%n to %end]
}

// Tokens are drawn only where they are used.
// CHECK-LABEL: @a_score_for_one_side_of_a_branch
// CHECK: %[[L:.+]] = quoin.forward_cached
// CHECK-NOT: quoin.score
// CHECK: scf.if
// CHECK-NEXT: quoin.score %[[L]][token]
// REMARK-DAG: [Passed] Branch | {{.*}}only one side of a branch reads it
quoin.decoder @a_score_for_one_side_of_a_branch(%x, %max) settings {} {
  %c1 = arith.constant 1 : index
  %n = quoin.length %x
  %y = quoin.extend %x by %max
  %m = quoin.length %y
  %rows = quoin.open %y[%n to %m]
  %l = quoin.forward @m of %y[to %m] read %rows mask #quoin.mask<causal>
  %t = quoin.score %l [token] : tensor<?xi32>
  %many = arith.cmpi ugt, %max, %c1 : index
  %z = scf.if %many -> (!quoin.sequence) {
    %filled = quoin.fill %y at %rows with %t
    scf.yield %filled : !quoin.sequence
  } else {
    scf.yield %y : !quoin.sequence
  }
  quoin.return %z[%n to %m]
}

// The call stays, it is an evaluation; its rows leave before the last layer's end.
// CHECK-LABEL: @a_call_that_nobody_reads
// CHECK: quoin.forward_cached
// CHECK-SAME: of %{{.+}}[to %{{.+}}] mask
// CHECK-NOT: quoin.score
// CHECK: quoin.return
// REMARK-DAG: [Passed] Call | {{.*}}its scores are not read; it stays an evaluation
// COUNT: fuse-score num-calls-unread 1
// COUNT: fuse-score num-scores-merged 1
// COUNT: fuse-score num-scores-sunk 1
// COUNT: fuse-score num-statistics-dropped 2
quoin.decoder @a_call_that_nobody_reads(%x, %max) settings {} {
  %c0 = arith.constant 0 : index
  %n = quoin.length %x
  %rows = quoin.span %c0 to %n
  %l = quoin.forward @m of %x[to %n] read %rows mask #quoin.mask<causal>
  %t = quoin.score %l [token] : tensor<?xi32>
  quoin.return %x[%c0 to %n]
}
