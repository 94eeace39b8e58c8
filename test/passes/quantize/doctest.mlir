// RUN: quoin-opt %s --quoin-quantize='bits=4 group=64' | FileCheck %s
// RUN: quoin-opt %s --quoin-quantize='bits=8 head=8' | FileCheck %s --check-prefix=EIGHT
// RUN: quoin-opt %s --quoin-quantize='bits=4' --quoin-statistics -o /dev/null 2>&1 | FileCheck %s --check-prefix=COUNT

!row = !stage.buffer<row, 64xf32>
!wide = !stage.buffer<row, 96xf32>
!host = !stage.buffer<host, 64xf32>
quoin.weight @e : tensor<8x64xf32> from "model.safetensors" tensor "e"
quoin.weight @w : tensor<64x64xf32> from "model.safetensors" tensor "w"
quoin.weight @up : tensor<96x64xf32> from "model.safetensors" tensor "up"
quoin.weight @down : tensor<64x96xf32> from "model.safetensors" tensor "down"

// Rows are rounded once for all products of them, in front of the first. A depth of 96 has groups of 32. The embedding stays
// as it is, and so does the head unless it is asked for.
// CHECK-LABEL: stage.step @products
// CHECK: %[[E:.+]] = stage.each_row %{{.+}} tables [#stage.weight<@e>]
// CHECK: %[[Q:.+]] = stage.quantize %[[E]] : !stage.buffer<row, 64xf32> -> !stage.buffer<row, 64xi8>
// CHECK-NEXT: %[[A:.+]] = stage.product %[[Q]] by <@w as !stage.scaled<i4 by 64>> : !stage.buffer<row, 64xi8>
// CHECK-NEXT: %[[U:.+]] = stage.product %[[Q]] by <@up as !stage.scaled<i4 by 64>> : !stage.buffer<row, 64xi8>
// CHECK-NEXT: %[[V:.+]] = stage.quantize %[[U]] : !stage.buffer<row, 96xf32> -> !stage.buffer<row, 96xi8>
// CHECK-NEXT: stage.product %[[V]] by <@down as !stage.scaled<i4 by 32>> with %[[A]]
// CHECK: stage.head %{{.+}} by <@e> :
// EIGHT: stage.product %{{.+}} by <@w as !stage.scaled<i8>>
// EIGHT: stage.product %{{.+}} by <@down as !stage.scaled<i8>>
// EIGHT: stage.head %{{.+}} by <@e as !stage.scaled<i8>> :
// COUNT: quantize num-products-kept 0
// COUNT: quantize num-products-quantized 3
// COUNT: quantize num-rows-quantized 2
stage.step @products {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %0 = stage.each_row %ids tables [#stage.weight<@e>] of [0] : (!stage.buffer<row, 1xi32>) -> !row {
  ^bb0(%number: index, %row: tensor<64xf32>):
    quoin.row %row : tensor<64xf32>
  }
  %1 = stage.product %0 by <@w> : !row -> !row
  %2 = stage.product %0 by <@up> : !row -> !wide
  %3 = stage.product %2 by <@down> with %1 : !wide, !row -> !row {
  ^bb0(%sum: f32, %other: f32):
    %y = arith.addf %other, %sum : f32
    quoin.number %y
  }
  %h = stage.each_row %3 at %read : (!row) -> !host {
  ^bb0(%row: tensor<64xf32>):
    quoin.row %row : tensor<64xf32>
  }
  stage.head %h by <@e> : !host
}
