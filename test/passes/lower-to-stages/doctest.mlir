// RUN: quoin-opt %s --quoin-lower-to-stages | FileCheck %s
// RUN: quoin-opt %s --quoin-lower-to-stages --quoin-statistics -o /dev/null 2>&1 | FileCheck %s --check-prefix=COUNT
// RUN: quoin-opt %s --quoin-lower-to-stages --remarks-filter='.*' -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.weight @n : tensor<4xf32> from "model.safetensors" tensor "n"
quoin.weight @w : tensor<4x4xf32> from "model.safetensors" tensor "w"
quoin.weight @g : tensor<6x4xf32> from "model.safetensors" tensor "g"
quoin.weight @u : tensor<6x4xf32> from "model.safetensors" tensor "u"
quoin.weight @d : tensor<4x6xf32> from "model.safetensors" tensor "d"

// One stage an op; a spelling is written out, a sum is a row program; queries of rows read get their positions by the numbers of those.
// CHECK-LABEL: stage.step @layer {
// CHECK: ^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
// CHECK-NEXT: %[[WORDS:.+]] = stage.masks
// CHECK-NEXT: %[[H:.+]] = stage.each_row %ids tables [#stage.weight<@e>] of [0]
// CHECK: %[[HR:.+]] = stage.each_row %[[H]] at %read
// CHECK: %[[N:.+]] = stage.each_row %[[H]] by [#stage.weight<@n>]
// CHECK: math.rsqrt
// CHECK: %[[Q:.+]] = stage.product %[[N]] by <@w> :
// CHECK-NEXT: %[[R:.+]] = stage.each_row %[[Q]], %positions tables [#stage.weight<as f32 in #stage.angles<{{.+}} x 2 theta 1.000000e+04 : f64>>] of [1] :
// CHECK: %[[QR:.+]] = stage.each_row %[[R]] at %read
// CHECK: %[[KV:.+]] = stage.cache %[[N]], %[[N]] : {{.*}} -> !stage.pages<1x4xf32>
// CHECK-NEXT: %[[A:.+]] = stage.attend %[[QR]], %[[KV]] under %[[WORDS]] rows %read heads 1 scale 5.000000e-01
// CHECK-NEXT: %[[O:.+]] = stage.product %[[A]] by <@w> :
// CHECK-NEXT: %[[H1:.+]] = stage.each_row %[[HR]], %[[O]] :
// CHECK-NEXT: ^bb0(%[[X:.+]]: tensor<4xf32>, %[[Y:.+]]: tensor<4xf32>):
// CHECK-NEXT: %[[S:.+]] = arith.addf %[[X]], %[[Y]] : tensor<4xf32>
// CHECK-NEXT: quoin.row %[[S]]
// CHECK: %[[G:.+]] = stage.product %[[H1]] by <@g>
// CHECK-NEXT: %[[U:.+]] = stage.product %[[H1]] by <@u>
// CHECK-NEXT: %[[ACT:.+]] = stage.each_row %[[G]], %[[U]]
// CHECK: %[[D:.+]] = stage.product %[[ACT]] by <@d>
// CHECK-NEXT: %[[H2:.+]] = stage.each_row %[[H1]], %[[D]]
// CHECK: %[[F:.+]] = stage.each_row %[[H2]] : (!stage.buffer<read, 4xf32>) -> !stage.buffer<host, 4xf32>
// CHECK: stage.head %[[F]] by <@e>
// CHECK-NOT: quoin.model
// COUNT: lower-to-stages num-stages 17
// REMARK-DAG: [Passed] Model | {{.*}}17 stages
quoin.model @layer head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>, %read: tensor<?xindex>):
  %h = quoin.embed %ids by @e : tensor<?x4xf32>
  %hr = quoin.gather_rows %h at %read : tensor<?x4xf32>
  %n = quoin.rms_norm %h by @n epsilon 1.0e-6 : tensor<?x4xf32>
  %q = quoin.linear %n by @w : tensor<?x4xf32> -> tensor<?x4xf32>
  %r = quoin.rotary %q at %positions theta 1.0e4 head_dim 4 : tensor<?x4xf32>
  %qr = quoin.gather_rows %r at %read : tensor<?x4xf32>
  %a = quoin.attention %qr, %n, %n rows %read heads 1 kv_heads 1 head_dim 4 scale 0.5 : tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>
  %o = quoin.linear %a by @w : tensor<?x4xf32> -> tensor<?x4xf32>
  %h1 = arith.addf %hr, %o : tensor<?x4xf32>
  %g = quoin.linear %h1 by @g : tensor<?x4xf32> -> tensor<?x6xf32>
  %u = quoin.linear %h1 by @u : tensor<?x4xf32> -> tensor<?x6xf32>
  %s = quoin.swiglu %g, %u : tensor<?x6xf32>
  %d = quoin.linear %s by @d : tensor<?x6xf32> -> tensor<?x4xf32>
  %h2 = arith.addf %h1, %d : tensor<?x4xf32>
  quoin.hidden %h2 : tensor<?x4xf32>
}
