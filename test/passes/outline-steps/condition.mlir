// RUN: quoin-opt %s --quoin-outline-steps --verify-roundtrip | FileCheck %s

// After the condition the sequence is the first block's or the one that was kept: it becomes an argument of the join.
// A draw from a residual is a score of its own kind; a commit's pass that is left has no cache to fill.

// CHECK-LABEL: quoin.decoder @a_call_under_a_condition
// CHECK:         quoin.suspend_forward @m of %arg0[to %[[P:.*]]] read %[[ROWS:.*]] mask {{.*}} ^bb1(%arg0, %[[P]], %[[ROWS]] :
// CHECK:       ^bb1(%[[L:.*]]: !quoin.logits, %[[X1:.*]]: !quoin.sequence, %[[P1:.*]]: index, %[[ROWS1:.*]]: tensor<?xindex>):
// CHECK:         cf.cond_br %{{.*}}, ^bb2, ^bb4
// CHECK:       ^bb2:
// CHECK:         quoin.suspend_forward @m {{.*}} ^bb3(%[[X1]], %[[P1]], %[[ROWS1]], %[[L]] :
// CHECK:       ^bb3(%[[U:.*]]: !quoin.logits, %[[X3:.*]]: !quoin.sequence, %{{.*}}: index, %{{.*}}: tensor<?xindex>, %[[L3:.*]]: !quoin.logits):
// CHECK:         %[[G:.*]] = quoin.guide %[[L3]] over %[[U]]
// CHECK:         cf.br ^bb5(%[[G]], %[[X3]],
// CHECK:       ^bb4:
// CHECK:         cf.br ^bb5(%[[L]], %[[X1]],
// CHECK:       ^bb5(%[[CHOSEN:.*]]: !quoin.logits, %[[X5:.*]]: !quoin.sequence, %[[P5:.*]]: index, %[[ROWS5:.*]]: tensor<?xindex>):
// CHECK:         %[[R:.*]] = quoin.rows %[[CHOSEN]]
// CHECK:         quoin.suspend_score %[[R]] minus %[[CHOSEN]][token] at %[[ROWS5]], %{{.*}} ^bb[[LAST:[0-9]+]](%[[X5]], %[[P5]] : !quoin.sequence, index)
// CHECK:       ^bb[[LAST]](%[[T:.*]]: tensor<?xi32>, %[[X6:.*]]: !quoin.sequence, %[[P6:.*]]: index):
// CHECK:         %[[Y:.*]] = quoin.append %[[X6]], %[[T]]
// CHECK-NEXT:    %[[Z:.*]] = quoin.commit %[[Y]] to %[[P6]]{{$}}
quoin.decoder @a_call_under_a_condition(%x, %max) settings {guidance = 0.5 : f32} {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %g = quoin.setting @guidance : f32
  %p = quoin.length %x
  %rows = quoin.span %c0 to %p
  %lc = quoin.forward @m of %x[to %p] read %rows mask #quoin.mask<causal>
  %guided = arith.cmpf ogt, %g, %zero : f32
  %l = scf.if %guided -> (!quoin.logits) {
    %u = quoin.reopen %x[%c0 to %p]
    %lu = quoin.forward @m of %u[to %p] read %rows mask #quoin.mask<causal>
    %m = quoin.guide %lc over %lu by %g
    scf.yield %m : !quoin.logits
  } else {
    scf.yield %lc : !quoin.logits
  }
  %r = quoin.rows %l[%c0 for %p]
  %e = quoin.evaluation
  %t = quoin.draw_residual %r minus %l at %rows, %e
  %y = quoin.append %x, %t
  %z = quoin.commit %y to %p by pass of @m mask #quoin.mask<causal>
  quoin.return %z[%c0 to %p]
}

quoin.weight @embed : tensor<50x4xf32> from "m.safetensors" tensor "embed"
quoin.model @m head @embed {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @embed : tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}
