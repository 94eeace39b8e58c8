// RUN: quoin-opt %s --quoin-outline-steps --verify-roundtrip | FileCheck %s

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @m head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}

// The head is asked twice, once for numbers and once for tokens; logits live across the first time.
// CHECK-LABEL: quoin.decoder @numbers_and_tokens
// CHECK: quoin.suspend_forward @m
// CHECK: quoin.suspend_scores %[[L:.+]] ^bb{{.}}({{.*}}%[[L]]{{.*}} : {{.*}}!quoin.logits
// CHECK: ^bb{{.}}(%{{.+}}: tensor<?x8xf32>
// CHECK: quoin.output @scores
// CHECK: quoin.suspend_scores %{{.+}} for %{{.+}} ^bb
// CHECK: ^bb{{.}}(%{{.+}}: tensor<?xi32>, %{{.+}}: tensor<?xf32>
quoin.decoder @numbers_and_tokens(%x, %max) settings {} {
  %c0 = arith.constant 0 : index
  %n = quoin.length %x
  %rows = quoin.span %c0 to %n
  %l = quoin.forward @m of %x[to %n] read %rows mask #quoin.mask<causal>
  %s = quoin.materialize %l : tensor<?x8xf32>
  quoin.output @scores %s : tensor<?x8xf32>
  %t, %p = quoin.likeliest %l for %rows
  %y = quoin.append %x, %t
  quoin.return %y[%c0 to %n]
}
