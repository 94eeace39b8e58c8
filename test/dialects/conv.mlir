// RUN: quoin-opt %s --verify-roundtrip
// RUN: quoin-opt %s | FileCheck %s

quoin.weight @phi : tensor<2x4x45xf32> from "model.safetensors" tensor "phi"
quoin.weight @bias : tensor<4xf32> from "model.safetensors" tensor "bias"

// CHECK-LABEL: quoin.model @grid
// CHECK: quoin.conv %{{.+}} grid [2, 3] taps [3, 3] by @phi filter 1 bias @bias : tensor<?x6x5xf32> -> tensor<?x6x4xf32>
// CHECK: quoin.conv %{{.+}} grid [2, 3] taps [3, 3] by @phi filter 0 : tensor<?x6x5xf32> -> tensor<?x6x4xf32>
quoin.model @grid {
^bb0(%flat: tensor<?x30xf32>):
  %x = quoin.each_row %flat : (tensor<?x30xf32>) -> tensor<?x6x5xf32> {
  ^bb0(%row: tensor<30xf32>):
    %y = tensor.expand_shape %row [[0, 1]] output_shape [6, 5] : tensor<30xf32> into tensor<6x5xf32>
    quoin.row %y : tensor<6x5xf32>
  }
  %v = quoin.conv %x grid [2, 3] taps [3, 3] by @phi filter 1 bias @bias : tensor<?x6x5xf32> -> tensor<?x6x4xf32>
  %u = quoin.conv %x grid [2, 3] taps [3, 3] by @phi filter 0 : tensor<?x6x5xf32> -> tensor<?x6x4xf32>
  quoin.results %flat : tensor<?x30xf32>
}
