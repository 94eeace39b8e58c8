// RUN: quoin-opt %s --quoin-assign-storage='weights=bf16 pairs=true' | FileCheck %s
// RUN: quoin-opt %s --quoin-assign-storage='weights=bf16 pairs=true' --quoin-statistics -o /dev/null 2>&1 | FileCheck %s --check-prefix=COUNT

!row = !stage.buffer<row, 4xf32>
!read = !stage.buffer<read, 4xf32>
quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.weight @n : tensor<4xf32> from "model.safetensors" tensor "n"
quoin.weight @w : tensor<4x4xf32> from "model.safetensors" tensor "w"
quoin.weight @b : tensor<4xf32> from "model.safetensors" tensor "b"

// The norm's rows are read by products alone, also where they are gathered first: it stores them narrow. The embedding's rows
// are also added: it makes narrow ones besides, for both products of them. What a product makes is copied.
// CHECK-LABEL: stage.step @pairs
// CHECK: %[[H:.+]]:2 = stage.each_row %{{.+}} tables [#stage.weight<@e as bf16>] of [0] : (!stage.buffer<row, 1xi32>) -> (!stage.buffer<row, 4xf32>, !stage.buffer<row, 4xbf16>)
// CHECK: quoin.row %[[E:.+]], %[[E]] : tensor<4xf32>, tensor<4xf32>
// CHECK: %[[N:.+]] = stage.each_row %[[H]]#0 by [#stage.weight<@n as f32>] : (!stage.buffer<row, 4xf32>) -> !stage.buffer<row, 4xbf16>
// CHECK: stage.product %[[N]] by <@w as bf16> bias <@b as f32> : !stage.buffer<row, 4xbf16> -> !stage.buffer<row, 4xf32>
// CHECK: %[[R:.+]] = stage.each_row %[[N]] at %{{.+}} : (!stage.buffer<row, 4xbf16>) -> !stage.buffer<read, 4xbf16>
// CHECK: stage.product %[[R]] by <@w as bf16>
// CHECK: %[[S:.+]] = stage.product %[[H]]#1 by <@w as bf16> with %[[H]]#0
// CHECK: stage.product %[[H]]#1 by <[@w, @w] as bf16> : !stage.buffer<row, 4xbf16> -> !stage.buffer<row, 4xf32>
// CHECK: %[[C:.+]] = stage.each_row %[[S]] : (!stage.buffer<row, 4xf32>) -> !stage.buffer<row, 4xbf16>
// CHECK: stage.product %[[C]] by <@w as bf16>
// CHECK: stage.cache {{.*}} -> !stage.pages<1x4xbf16>
// CHECK: stage.head %{{.+}} by <@e as bf16> narrow
// COUNT: assign-storage num-buffers-stored-narrow 3
// COUNT: assign-storage num-narrow-copies 1
stage.step @pairs {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %h = stage.each_row %ids tables [#stage.weight<@e>] of [0] : (!stage.buffer<row, 1xi32>) -> !row {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  %n = stage.each_row %h by [#stage.weight<@n>] : (!row) -> !row {
  ^bb0(%x: tensor<4xf32>, %n: tensor<4xf32>):
    %y = arith.mulf %x, %n : tensor<4xf32>
    quoin.row %y : tensor<4xf32>
  }
  %p = stage.product %n by <@w> bias <@b> : !row -> !row
  %r = stage.each_row %n at %read : (!row) -> !read {
  ^bb0(%row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
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
  %t = stage.product %s by <@w> : !row -> !row
  %kv = stage.cache %s, %g : !row, !row -> !stage.pages<1x4xf32>
  %f = stage.each_row %q : (!read) -> !stage.buffer<host, 4xf32> {
  ^bb0(%row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  stage.head %f by <@e> : !stage.buffer<host, 4xf32>
}
