// RUN: quoin-opt %s --quoin-outline-steps | FileCheck %s
// RUN: quoin-opt %s --quoin-outline-steps --quoin-statistics -o %t 2>&1 | FileCheck %s --check-prefix=COUNT
// RUN: quoin-opt %s --quoin-outline-steps --quoin-outline-steps --verify-roundtrip | FileCheck %s --check-prefix=TWICE

// A step that fills nothing ends the program, and a value defined before the loop joins the one that was kept.

// CHECK-LABEL: quoin.decoder @each_step_fills_something
// CHECK:         cf.br ^[[LOOP:bb[0-9]+]](
// CHECK:       ^[[LOOP]](%[[Y:.*]]: !quoin.sequence, %[[N:.*]]: index):  // 2 preds
// CHECK:         %[[FIRST:.*]] = quoin.first_open %[[Y]][%{{.*}} to %[[N]]]
// CHECK:         cf.cond_br %{{.*}}, ^bb[[STEP:[0-9]+]](%[[Y]] : !quoin.sequence)
// CHECK:       ^bb[[STEP]](%[[S:.*]]: !quoin.sequence):
// CHECK:         %[[ROWS:.*]] = quoin.open %[[S]]
// CHECK:         quoin.suspend_forward @m of %[[S]][to %[[N]]] read %[[ROWS]]
// CHECK:         quoin.suspend_score
// CHECK:         %[[Z:.*]] = quoin.fill
// CHECK:         %[[HAD:.*]] = tensor.dim
// CHECK:         %[[AFTER:.*]] = quoin.open %[[Z]]
// CHECK:         %[[LEFT:.*]] = tensor.dim %[[AFTER]]
// CHECK:         %[[LESS:.*]] = arith.cmpi ult, %[[LEFT]], %[[HAD]]
// CHECK:         cf.assert %[[LESS]], "quoin.denoise expects each step to fill a position, but {0} stay open
// CHECK:         cf.br ^[[LOOP]](%[[Z]], %{{.*}} : !quoin.sequence, index)

// COUNT-DAG: outline-steps num-suspensions-outlined 3
// COUNT-DAG: outline-steps num-values-kept 8

// TWICE-LABEL: quoin.decoder @each_step_fills_something
// TWICE-COUNT-2: quoin.suspend_
// TWICE-NOT: quoin.suspend_
// TWICE-LABEL: quoin.decoder @a_loop_without_an_end
quoin.decoder @each_step_fills_something(%x0, %max) settings {} {
  %c0 = arith.constant 0 : index
  %x = quoin.extend %x0 by %max
  %n = quoin.length %x
  %full = quoin.denoise %x[%c0 to %n] {
  ^bb0(%y: !quoin.sequence, %rows: tensor<?xindex>):
    %l = quoin.forward @m of %y[to %n] read %rows mask #quoin.mask<full>
    %t = quoin.score %l [token] : tensor<?xi32>
    %z = quoin.fill %y at %rows with %t
    quoin.yield %z
  }
  quoin.return %full[%c0 to %n]
}

// CHECK-LABEL: quoin.decoder @a_loop_without_an_end
// CHECK:         cf.br ^bb1(%arg0, %arg1 : !quoin.sequence, index)
// CHECK:       ^bb1(%[[X:.*]]: !quoin.sequence, %[[N:.*]]: index):
// CHECK:         quoin.suspend_forward @m {{.*}} ^bb2(%[[X]], %[[N]] : !quoin.sequence, index)
// CHECK:       ^bb2(%{{.*}}: !quoin.logits, %[[X1:.*]]: !quoin.sequence, %[[N1:.*]]: index):
// CHECK-NEXT:    cf.br ^bb1(%[[X1]], %[[N1]] : !quoin.sequence, index)
// CHECK-NEXT:  }
quoin.decoder @a_loop_without_an_end(%x, %max) settings {} {
  cf.br ^bb1
^bb1:
  %rows = quoin.open %x[%max to %max]
  %l = quoin.forward @m of %x[to %max] read %rows mask #quoin.mask<causal>
  cf.br ^bb1
^unreachable:
  cf.br ^unreachable
}

// CHECK-LABEL: quoin.decoder @nothing_to_suspend
// CHECK-NOT:     quoin.suspend
// CHECK:         cf.br ^bb1
// CHECK:       ^bb1:
// CHECK-NEXT:    cf.br ^bb1
quoin.decoder @nothing_to_suspend(%x, %max) settings {} {
  cf.br ^bb1
^bb1:
  cf.br ^bb1
}

quoin.weight @embed : tensor<50x4xf32> from "m.safetensors" tensor "embed"
quoin.model @m head @embed {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @embed : tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}
