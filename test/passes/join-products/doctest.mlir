// RUN: quoin-opt %s --quoin-join-products | FileCheck %s
// RUN: quoin-opt %s --quoin-join-products --quoin-statistics -o /dev/null 2>&1 | FileCheck %s --check-prefix=COUNT
// RUN: quoin-opt %s --quoin-join-products --remarks-filter='.*' -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK
// RUN: quoin-opt %s --quoin-join-products --quoin-place-buffers --quoin-place-barriers | FileCheck %s --check-prefix=PLACES

!row = !stage.buffer<row, 64xf32>
!key = !stage.buffer<row, 32xf32>
quoin.weight @e : tensor<8x64xf32> from "model.safetensors" tensor "e"
quoin.weight @q : tensor<64x64xf32> from "model.safetensors" tensor "q"
quoin.weight @k : tensor<32x64xf32> from "model.safetensors" tensor "k"
quoin.weight @v : tensor<32x64xf32> from "model.safetensors" tensor "v"
quoin.weight @b : tensor<32xf32> from "model.safetensors" tensor "b"

// Queries, keys and values are products of the same rows: one stage, in front of what turns the queries. Each keeps its bias and its end. Rows
// that the stage reads keep their place until all of it is done.
// CHECK-LABEL: stage.step @m
// CHECK: %[[H:.+]] = stage.each_row %ids
// CHECK: %[[Q:.+]] = stage.product %[[H]] by <@q>
// CHECK-NEXT: %[[K:.+]] = stage.product beside %[[H]] by <@k> bias <@b>
// CHECK-NEXT: %[[V:.+]] = stage.product beside %[[H]] by <@v> : {{.*}} {
// CHECK: math.tanh
// CHECK: %[[T:.+]] = stage.each_row %[[Q]] :
// CHECK: stage.cache %[[K]], %[[V]]
// CHECK: stage.attend %[[T]]
// COUNT: join-products num-products-beside-another 2
// REMARK: [Passed] Products | {{.*}}2 products stand beside another of the same rows
// PLACES: stage.product barrier %{{.+}} by <@q> place 1
// PLACES-NEXT: stage.product beside %{{.+}} by <@k> bias <@b> place 2
// PLACES-NEXT: stage.product beside %{{.+}} by <@v> place 3
stage.step @m {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %words = stage.masks
  %h = stage.each_row %ids tables [#stage.weight<@e>] of [0] : (!stage.buffer<row, 1xi32>) -> !row {
  ^bb0(%number: index, %row: tensor<64xf32>):
    quoin.row %row : tensor<64xf32>
  }
  %q = stage.product %h by <@q> : !row -> !row
  %t = stage.each_row %q : (!row) -> !row {
  ^bb0(%x: tensor<64xf32>):
    %y = arith.addf %x, %x : tensor<64xf32>
    quoin.row %y : tensor<64xf32>
  }
  %k = stage.product %h by <@k> bias <@b> : !row -> !key
  %v = stage.product %h by <@v> : !row -> !key {
  ^bb0(%sum: f32):
    %y = math.tanh %sum : f32
    quoin.number %y
  }
  %kv = stage.cache %k, %v : !key, !key -> !stage.pages<1x32xf32>
  %a = stage.attend %t, %kv under %words heads 2 scale 0.5 : !row, !stage.pages<1x32xf32> -> !row
  %f = stage.each_row %a at %read : (!row) -> !stage.buffer<host, 64xf32> {
  ^bb0(%row: tensor<64xf32>):
    quoin.row %row : tensor<64xf32>
  }
  stage.head %f by <@e> : !stage.buffer<host, 64xf32>
}
