// RUN: quoin-opt %s --quoin-assign-storage='weights=bf16 pairs=true' | FileCheck %s
// RUN: quoin-opt %s --quoin-assign-storage='weights=bf16 pairs=true' --quoin-statistics -o /dev/null 2>&1 | FileCheck %s --check-prefix=COUNT

!row = !stage.buffer<row, 4xf32>
!read = !stage.buffer<read, 4xf32>
quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.weight @n : tensor<4xf32> from "model.safetensors" tensor "n"
quoin.weight @w : tensor<4x4xf32> from "model.safetensors" tensor "w"
quoin.weight @b : tensor<4xf32> from "model.safetensors" tensor "b"

// The norm's rows are read by products alone, also where they are gathered first: it stores them narrow. The embedding cannot, and its
// rows are also added: the first product of them gets a copy, the second shares it.
// CHECK-LABEL: stage.step @pairs
// CHECK: %[[H:.+]] = stage.rows #stage.embed(%{{.+}}) by <@e as bf16> : (!stage.buffer<row, 1xi32>) -> !stage.buffer<row, 4xf32>
// CHECK: %[[N:.+]] = stage.each_row %[[H]] by [#stage.weight<@n as f32>] : (!stage.buffer<row, 4xf32>) -> !stage.buffer<row, 4xbf16>
// CHECK: stage.product %[[N]] by <@w as bf16> bias <@b as f32> : !stage.buffer<row, 4xbf16> -> !stage.buffer<row, 4xf32>
// CHECK: %[[R:.+]] = stage.move %[[N]] at %{{.+}} : !stage.buffer<row, 4xbf16> -> !stage.buffer<read, 4xbf16>
// CHECK: stage.product %[[R]] by <@w as bf16>
// CHECK: %[[C:.+]] = stage.move %[[H]] : !stage.buffer<row, 4xf32> -> !stage.buffer<row, 4xbf16>
// CHECK: stage.product %[[C]] by <@w as bf16> with %[[H]]
// CHECK: stage.product %[[C]] by <[@w, @w] as bf16> : !stage.buffer<row, 4xbf16> -> !stage.buffer<row, 4xf32>
// CHECK: stage.cache {{.*}} -> !stage.pages<1x4xbf16>
// CHECK: stage.head %{{.+}} by <@e as bf16> narrow
// COUNT: assign-storage num-buffers-stored-narrow 2
// COUNT: assign-storage num-narrow-copies 1
stage.step @pairs {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %h = stage.rows #stage.embed(%ids) by <@e> : (!stage.buffer<row, 1xi32>) -> !row
  %n = stage.each_row %h by [#stage.weight<@n>] : (!row) -> !row {
  ^bb0(%x: tensor<4xf32>, %n: tensor<4xf32>):
    %y = arith.mulf %x, %n : tensor<4xf32>
    quoin.row %y : tensor<4xf32>
  }
  %p = stage.product %n by <@w> bias <@b> : !row -> !row
  %r = stage.move %n at %read : !row -> !read
  %q = stage.product %r by <@w> : !read -> !read
  %s = stage.product %h by <@w> with %h : !row, !row -> !row {
  ^bb0(%sum: f32, %row: f32):
    %y = arith.addf %row, %sum : f32
    quoin.number %y
  }
  %g = stage.product %h by <[@w, @w]> : !row -> !row {
  ^bb0(%gate: f32, %up: f32):
    %y = arith.mulf %gate, %up : f32
    quoin.number %y
  }
  %kv = stage.cache %s, %g : !row, !row -> !stage.pages<1x4xf32>
  %f = stage.move %q : !read -> !stage.buffer<host, 4xf32>
  stage.head %f by <@e> : !stage.buffer<host, 4xf32>
}
