// RUN: quoin-opt %s --quoin-place-buffers | FileCheck %s
// RUN: quoin-opt %s --quoin-place-buffers --quoin-statistics -o /dev/null 2>&1 | FileCheck %s --check-prefix=COUNT

!row = !stage.buffer<row, 4xf32>
!wide = !stage.buffer<row, 40xf32>
quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.weight @u : tensor<40x4xf32> from "model.safetensors" tensor "u"
quoin.weight @d : tensor<4x40xf32> from "model.safetensors" tensor "d"

// The sum takes the place of what it is added to; the sum of it works in place, where its operand dies; products find the
// wide place free. Layers lie one behind the other.
// CHECK-LABEL: stage.step @places places [64, 192] page 10240 {
// CHECK: %[[H:.+]] = stage.each_row %ids{{.+}} places [0]
// CHECK: %[[U:.+]] = stage.product %[[H]] by <@u> place 1
// CHECK: %[[S:.+]] = stage.product %[[U]] by <@d> with %[[H]] place 0
// CHECK: stage.cache %{{.+}}, %{{.+}} at 0
// CHECK: %[[P:.+]] = stage.product %[[S]] by <@e> place 1
// CHECK: stage.cache %{{.+}}, %{{.+}} at 5120
// CHECK: %[[A:.+]] = stage.each_row %[[S]] places [0]
// CHECK: stage.product %[[A]] by <@e> place 1
// COUNT: place-buffers num-places 2
// COUNT: place-buffers num-results-in-place 2
stage.step @places {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %h = stage.each_row %ids tables [#stage.weight<@e>] of [0] : (!stage.buffer<row, 1xi32>) -> !row {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  %u = stage.product %h by <@u> : !row -> !wide
  %s = stage.product %u by <@d> with %h : !wide, !row -> !row {
  ^bb0(%sum: f32, %row: f32):
    %y = arith.addf %row, %sum : f32
    quoin.number %y
  }
  %kv0 = stage.cache %s, %s : !row, !row -> !stage.pages<1x4xf32>
  %p = stage.product %s by <@e> : !row -> !stage.buffer<row, 8xf32>
  %kv1 = stage.cache %s, %s : !row, !row -> !stage.pages<1x4xf32>
  %a = stage.each_row %s : (!row) -> !row {
  ^bb0(%x: tensor<4xf32>):
    %sum = arith.addf %x, %x : tensor<4xf32>
    quoin.row %sum : tensor<4xf32>
  }
  %q = stage.product %a by <@e> : !row -> !stage.buffer<row, 8xf32>
  %f = stage.each_row %a at %read : (!row) -> !stage.buffer<host, 4xf32> {
  ^bb0(%row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  stage.head %f by <@e> : !stage.buffer<host, 4xf32>
}
