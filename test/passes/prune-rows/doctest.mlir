// RUN: quoin-opt %s --quoin-prune-rows | FileCheck %s
// RUN: quoin-opt %s --quoin-prune-rows --quoin-statistics -o /dev/null 2>&1 | FileCheck %s --check-prefix=COUNT

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.weight @n : tensor<4xf32> from "model.safetensors" tensor "n"
quoin.weight @w : tensor<4x4xf32> from "model.safetensors" tensor "w"

// Queries, the residual and all that follows shrink to the rows read; keys and values stay whole.
// CHECK-LABEL: quoin.model @one_layer
// CHECK: ^bb0(%[[IDS:.+]]: tensor<?xi32>, %[[POS:.+]]: tensor<?xindex>, %[[READ:.+]]: tensor<?xindex>):
// CHECK: %[[PR:.+]] = quoin.gather_rows %[[POS]] at %[[READ]]
// CHECK: %[[H:.+]] = quoin.embed
// CHECK: %[[HR:.+]] = quoin.gather_rows %[[H]] at %[[READ]]
// CHECK: %[[N:.+]] = quoin.rms_norm %[[H]]
// CHECK: %[[NR:.+]] = quoin.gather_rows %[[N]] at %[[READ]]
// CHECK: %[[Q:.+]] = quoin.linear %[[NR]]
// CHECK: %[[QR:.+]] = quoin.rotary %[[Q]] at %[[PR]]
// CHECK: %[[K:.+]] = quoin.linear %[[N]]
// CHECK: %[[A:.+]] = quoin.attention %[[QR]], %[[K]], %[[K]] rows %[[READ]]
// CHECK: %[[O:.+]] = quoin.linear %[[A]]
// CHECK: %[[H1:.+]] = arith.addf %[[HR]], %[[O]]
// CHECK: %[[F:.+]] = quoin.rms_norm %[[H1]]
// CHECK-NOT: quoin.gather_rows
// CHECK: quoin.hidden %[[F]]
// COUNT: prune-rows num-attentions-on-read-rows 1
// COUNT: prune-rows num-ops-on-read-rows 6
quoin.model @one_layer head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %h = quoin.embed %ids by @e : tensor<?x4xf32>
  %n = quoin.rms_norm %h by @n epsilon 1.0e-6 : tensor<?x4xf32>
  %q = quoin.linear %n by @w : tensor<?x4xf32> -> tensor<?x4xf32>
  %r = quoin.rotary %q at %positions theta 1.0e4 head_dim 4 : tensor<?x4xf32>
  %k = quoin.linear %n by @w : tensor<?x4xf32> -> tensor<?x4xf32>
  %a = quoin.attention %r, %k, %k heads 1 kv_heads 1 head_dim 4 scale 0.5 : tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>
  %o = quoin.linear %a by @w : tensor<?x4xf32> -> tensor<?x4xf32>
  %h1 = arith.addf %h, %o : tensor<?x4xf32>
  %f = quoin.rms_norm %h1 by @n epsilon 1.0e-6 : tensor<?x4xf32>
  quoin.hidden %f : tensor<?x4xf32>
}
