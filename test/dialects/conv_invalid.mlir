// RUN: quoin-opt %s --split-input-file --verify-diagnostics

quoin.weight @up : tensor<8xf32> from "model.safetensors" tensor "up"
quoin.weight @same : tensor<9xf32> from "model.safetensors" tensor "same"
quoin.weight @phi : tensor<2x4x45xf32> from "model.safetensors" tensor "phi"
quoin.weight @bias : tensor<4xf32> from "model.safetensors" tensor "bias"
quoin.model @conv_c1 {
^bb0(%flat: tensor<?x30xf32>):
  %x = quoin.each_row %flat : (tensor<?x30xf32>) -> tensor<?x6x5xf32> {
  ^bb0(%row: tensor<30xf32>):
    %y = tensor.expand_shape %row [[0, 1]] output_shape [6, 5] : tensor<30xf32> into tensor<6x5xf32>
    quoin.row %y : tensor<6x5xf32>
  }
  // expected-error @+1 {{expects a result of 6 cells with 4 features each, but found 'tensor<?x5x4xf32>'}}
  %r = quoin.conv %x grid [2, 3] taps [3, 3] by @phi filter 0 : tensor<?x6x5xf32> -> tensor<?x5x4xf32>
  quoin.results %flat : tensor<?x30xf32>
}

// -----

quoin.weight @up : tensor<8xf32> from "model.safetensors" tensor "up"
quoin.weight @same : tensor<9xf32> from "model.safetensors" tensor "same"
quoin.weight @phi : tensor<2x4x45xf32> from "model.safetensors" tensor "phi"
quoin.weight @bias : tensor<4xf32> from "model.safetensors" tensor "bias"
quoin.model @conv_c1_operand {
^bb0(%flat: tensor<?x30xf32>):
  %x = quoin.each_row %flat : (tensor<?x30xf32>) -> tensor<?x6x5xf32> {
  ^bb0(%row: tensor<30xf32>):
    %y = tensor.expand_shape %row [[0, 1]] output_shape [6, 5] : tensor<30xf32> into tensor<6x5xf32>
    quoin.row %y : tensor<6x5xf32>
  }
  // expected-error @+1 {{expects an operand of 9 cells with 5 features each, but found 'tensor<?x6x5xf32>'}}
  %r = quoin.conv %x grid [3, 3] taps [3, 3] by @phi filter 0 : tensor<?x6x5xf32> -> tensor<?x6x4xf32>
  quoin.results %flat : tensor<?x30xf32>
}

// -----

quoin.weight @up : tensor<8xf32> from "model.safetensors" tensor "up"
quoin.weight @same : tensor<9xf32> from "model.safetensors" tensor "same"
quoin.weight @phi : tensor<2x4x45xf32> from "model.safetensors" tensor "phi"
quoin.weight @bias : tensor<4xf32> from "model.safetensors" tensor "bias"
quoin.model @conv_c2 {
^bb0(%flat: tensor<?x30xf32>):
  %x = quoin.each_row %flat : (tensor<?x30xf32>) -> tensor<?x6x5xf32> {
  ^bb0(%row: tensor<30xf32>):
    %y = tensor.expand_shape %row [[0, 1]] output_shape [6, 5] : tensor<30xf32> into tensor<6x5xf32>
    quoin.row %y : tensor<6x5xf32>
  }
  // expected-error @+1 {{expects weight @phi of shape [filters, 4, 15], at most 4096 filters, but it has another}}
  %r = quoin.conv %x grid [2, 3] taps [3, 1] by @phi filter 0 : tensor<?x6x5xf32> -> tensor<?x6x4xf32>
  quoin.results %flat : tensor<?x30xf32>
}

// -----

quoin.weight @up : tensor<8xf32> from "model.safetensors" tensor "up"
quoin.weight @same : tensor<9xf32> from "model.safetensors" tensor "same"
quoin.weight @phi : tensor<2x4x45xf32> from "model.safetensors" tensor "phi"
quoin.weight @bias : tensor<4xf32> from "model.safetensors" tensor "bias"
quoin.model @conv_c2_filter {
^bb0(%flat: tensor<?x30xf32>):
  %x = quoin.each_row %flat : (tensor<?x30xf32>) -> tensor<?x6x5xf32> {
  ^bb0(%row: tensor<30xf32>):
    %y = tensor.expand_shape %row [[0, 1]] output_shape [6, 5] : tensor<30xf32> into tensor<6x5xf32>
    quoin.row %y : tensor<6x5xf32>
  }
  // expected-error @+1 {{expects a filter below 2, but found 2}}
  %r = quoin.conv %x grid [2, 3] taps [3, 3] by @phi filter 2 : tensor<?x6x5xf32> -> tensor<?x6x4xf32>
  quoin.results %flat : tensor<?x30xf32>
}

// -----

quoin.weight @up : tensor<8xf32> from "model.safetensors" tensor "up"
quoin.weight @same : tensor<9xf32> from "model.safetensors" tensor "same"
quoin.weight @phi : tensor<2x4x45xf32> from "model.safetensors" tensor "phi"
quoin.weight @bias : tensor<4xf32> from "model.safetensors" tensor "bias"
quoin.model @conv_c3 {
^bb0(%flat: tensor<?x30xf32>):
  %x = quoin.each_row %flat : (tensor<?x30xf32>) -> tensor<?x6x5xf32> {
  ^bb0(%row: tensor<30xf32>):
    %y = tensor.expand_shape %row [[0, 1]] output_shape [6, 5] : tensor<30xf32> into tensor<6x5xf32>
    quoin.row %y : tensor<6x5xf32>
  }
  // expected-error @+1 {{expects odd numbers of taps, up to 31, but found 2}}
  %r = quoin.conv %x grid [2, 3] taps [3, 2] by @phi filter 0 : tensor<?x6x5xf32> -> tensor<?x6x4xf32>
  quoin.results %flat : tensor<?x30xf32>
}

// -----

quoin.weight @up : tensor<8xf32> from "model.safetensors" tensor "up"
quoin.weight @same : tensor<9xf32> from "model.safetensors" tensor "same"
quoin.weight @phi : tensor<2x4x45xf32> from "model.safetensors" tensor "phi"
quoin.weight @bias : tensor<4xf32> from "model.safetensors" tensor "bias"
quoin.model @conv_c3_many {
^bb0(%flat: tensor<?x30xf32>):
  %x = quoin.each_row %flat : (tensor<?x30xf32>) -> tensor<?x6x5xf32> {
  ^bb0(%row: tensor<30xf32>):
    %y = tensor.expand_shape %row [[0, 1]] output_shape [6, 5] : tensor<30xf32> into tensor<6x5xf32>
    quoin.row %y : tensor<6x5xf32>
  }
  // expected-error @+1 {{expects odd numbers of taps, up to 31, but found 33}}
  %r = quoin.conv %x grid [2, 3] taps [33, 3] by @phi filter 0 : tensor<?x6x5xf32> -> tensor<?x6x4xf32>
  quoin.results %flat : tensor<?x30xf32>
}

// -----

quoin.weight @up : tensor<8xf32> from "model.safetensors" tensor "up"
quoin.weight @same : tensor<9xf32> from "model.safetensors" tensor "same"
quoin.weight @phi : tensor<2x4x45xf32> from "model.safetensors" tensor "phi"
quoin.weight @bias : tensor<4xf32> from "model.safetensors" tensor "bias"
quoin.model @conv_c4 {
^bb0(%flat: tensor<?x30xf32>):
  %x = quoin.each_row %flat : (tensor<?x30xf32>) -> tensor<?x6x5xf32> {
  ^bb0(%row: tensor<30xf32>):
    %y = tensor.expand_shape %row [[0, 1]] output_shape [6, 5] : tensor<30xf32> into tensor<6x5xf32>
    quoin.row %y : tensor<6x5xf32>
  }
  // expected-error @+1 {{expects a bias of length 4, but @up has another shape}}
  %r = quoin.conv %x grid [2, 3] taps [3, 3] by @phi filter 0 bias @up : tensor<?x6x5xf32> -> tensor<?x6x4xf32>
  quoin.results %flat : tensor<?x30xf32>
}

// -----

quoin.weight @up : tensor<8xf32> from "model.safetensors" tensor "up"
quoin.weight @same : tensor<9xf32> from "model.safetensors" tensor "same"
quoin.weight @phi : tensor<2x4x45xf32> from "model.safetensors" tensor "phi"
quoin.weight @bias : tensor<4xf32> from "model.safetensors" tensor "bias"
quoin.model @conv_c5 {
^bb0(%flat: tensor<?x1285xf32>):
  %x = quoin.each_row %flat : (tensor<?x1285xf32>) -> tensor<?x257x5xf32> {
  ^bb0(%row: tensor<1285xf32>):
    %y = tensor.expand_shape %row [[0, 1]] output_shape [257, 5] : tensor<1285xf32> into tensor<257x5xf32>
    quoin.row %y : tensor<257x5xf32>
  }
  // expected-error @+1 {{expects lines of at most 256 cells, but found 257}}
  %r = quoin.conv %x grid [1, 257] taps [3, 3] by @phi filter 0 : tensor<?x257x5xf32> -> tensor<?x257x4xf32>
  quoin.results %flat : tensor<?x1285xf32>
}

// -----

quoin.weight @up : tensor<8xf32> from "model.safetensors" tensor "up"
quoin.weight @same : tensor<9xf32> from "model.safetensors" tensor "same"
quoin.weight @phi : tensor<2x4x4805xf32> from "model.safetensors" tensor "phi"
quoin.weight @bias : tensor<4xf32> from "model.safetensors" tensor "bias"
quoin.model @conv_c5_numbers {
^bb0(%flat: tensor<?x1280xf32>):
  %x = quoin.each_row %flat : (tensor<?x1280xf32>) -> tensor<?x256x5xf32> {
  ^bb0(%row: tensor<1280xf32>):
    %y = tensor.expand_shape %row [[0, 1]] output_shape [256, 5] : tensor<1280xf32> into tensor<256x5xf32>
    quoin.row %y : tensor<256x5xf32>
  }
  // expected-error @+1 {{expects at most 1048576 numbers at once, but found 1230080}}
  %r = quoin.conv %x grid [16, 16] taps [31, 31] by @phi filter 0 : tensor<?x256x5xf32> -> tensor<?x256x4xf32>
  quoin.results %flat : tensor<?x1280xf32>
}
