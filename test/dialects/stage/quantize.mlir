// RUN: quoin-opt %s --verify-roundtrip
// RUN: quoin-opt %s | FileCheck %s

!row = !stage.buffer<row, 64xf32>
!whole = !stage.buffer<row, 64xi8>
!host = !stage.buffer<host, 64xf32>
quoin.weight @e : tensor<8x64xf32> from "model.safetensors" tensor "e"
quoin.weight @w : tensor<64x64xf32> from "model.safetensors" tensor "w"
// CHECK-LABEL: stage.step @whole_numbers
// CHECK: %[[Q:.+]] = stage.quantize %{{.+}} : !stage.buffer<row, 64xf32> -> !stage.buffer<row, 64xi8>
// CHECK: stage.product %[[Q]] by <@w as !stage.scaled<i4 by 32> in #stage.tiles<64 x 64>>
// CHECK: stage.product %[[Q]] by <@w as !stage.scaled<i8>>
stage.step @whole_numbers {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %0 = stage.each_row %ids tables [#stage.weight<@e>] of [0] : (!stage.buffer<row, 1xi32>) -> !row {
  ^bb0(%number: index, %row: tensor<64xf32>):
    quoin.row %row : tensor<64xf32>
  }
  %q = stage.quantize %0 : !row -> !whole
  %1 = stage.product %q by <@w as !stage.scaled<i4 by 32> in #stage.tiles<64 x 64>> : !whole -> !row
  %2 = stage.product %q by <@w as !stage.scaled<i8>> with %1 : !whole, !row -> !row {
  ^bb0(%sum: f32, %other: f32):
    %y = arith.addf %other, %sum : f32
    quoin.number %y
  }
  %h = stage.each_row %2 at %read : (!row) -> !host {
  ^bb0(%row: tensor<64xf32>):
    quoin.row %row : tensor<64xf32>
  }
  stage.head %h by <@e as !stage.scaled<i8 by 64>> : !host
}
