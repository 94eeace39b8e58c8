// RUN: quoin-opt %s --verify-roundtrip
// RUN: quoin-opt %s | FileCheck %s

quoin.weight @up : tensor<8xf32> from "model.safetensors" tensor "up"
quoin.weight @same : tensor<9xf32> from "model.safetensors" tensor "same"

// CHECK-LABEL: quoin.model @grid
// CHECK: quoin.resample %{{.+}} grid [2, 3] to [4, 3] by @up, @same : tensor<?x6x5xf32> -> tensor<?x12x5xf32>
quoin.model @grid {
^bb0(%flat: tensor<?x30xf32>):
  %x = quoin.each_row %flat : (tensor<?x30xf32>) -> tensor<?x6x5xf32> {
  ^bb0(%row: tensor<30xf32>):
    %y = tensor.expand_shape %row [[0, 1]] output_shape [6, 5] : tensor<30xf32> into tensor<6x5xf32>
    quoin.row %y : tensor<6x5xf32>
  }
  %r = quoin.resample %x grid [2, 3] to [4, 3] by @up, @same : tensor<?x6x5xf32> -> tensor<?x12x5xf32>
  quoin.results %flat : tensor<?x30xf32>
}
