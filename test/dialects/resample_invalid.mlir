// RUN: quoin-opt %s --split-input-file --verify-diagnostics

quoin.weight @up : tensor<8xf32> from "model.safetensors" tensor "up"
quoin.weight @same : tensor<9xf32> from "model.safetensors" tensor "same"
quoin.weight @phi : tensor<2x4x45xf32> from "model.safetensors" tensor "phi"
quoin.weight @bias : tensor<4xf32> from "model.safetensors" tensor "bias"
quoin.model @resample_c1 {
^bb0(%flat: tensor<?x30xf32>):
  %x = quoin.each_row %flat : (tensor<?x30xf32>) -> tensor<?x6x5xf32> {
  ^bb0(%row: tensor<30xf32>):
    %y = tensor.expand_shape %row [[0, 1]] output_shape [6, 5] : tensor<30xf32> into tensor<6x5xf32>
    quoin.row %y : tensor<6x5xf32>
  }
  // expected-error @+1 {{expects an operand of 8 cells with 5 features each, but found 'tensor<?x6x5xf32>'}}
  %r = quoin.resample %x grid [2, 4] to [4, 3] by @up, @same : tensor<?x6x5xf32> -> tensor<?x12x5xf32>
  quoin.results %flat : tensor<?x30xf32>
}

// -----

quoin.weight @up : tensor<8xf32> from "model.safetensors" tensor "up"
quoin.weight @same : tensor<9xf32> from "model.safetensors" tensor "same"
quoin.weight @phi : tensor<2x4x45xf32> from "model.safetensors" tensor "phi"
quoin.weight @bias : tensor<4xf32> from "model.safetensors" tensor "bias"
quoin.model @resample_c1_result {
^bb0(%flat: tensor<?x30xf32>):
  %x = quoin.each_row %flat : (tensor<?x30xf32>) -> tensor<?x6x5xf32> {
  ^bb0(%row: tensor<30xf32>):
    %y = tensor.expand_shape %row [[0, 1]] output_shape [6, 5] : tensor<30xf32> into tensor<6x5xf32>
    quoin.row %y : tensor<6x5xf32>
  }
  // expected-error @+1 {{expects a result of 12 cells with 5 features each, but found 'tensor<?x12x4xf32>'}}
  %r = quoin.resample %x grid [2, 3] to [4, 3] by @up, @same : tensor<?x6x5xf32> -> tensor<?x12x4xf32>
  quoin.results %flat : tensor<?x30xf32>
}

// -----

quoin.weight @up : tensor<8xf32> from "model.safetensors" tensor "up"
quoin.weight @same : tensor<9xf32> from "model.safetensors" tensor "same"
quoin.weight @phi : tensor<2x4x45xf32> from "model.safetensors" tensor "phi"
quoin.weight @bias : tensor<4xf32> from "model.safetensors" tensor "bias"
quoin.model @resample_c1_sizes {
^bb0(%flat: tensor<?x30xf32>):
  %x = quoin.each_row %flat : (tensor<?x30xf32>) -> tensor<?x6x5xf32> {
  ^bb0(%row: tensor<30xf32>):
    %y = tensor.expand_shape %row [[0, 1]] output_shape [6, 5] : tensor<30xf32> into tensor<6x5xf32>
    quoin.row %y : tensor<6x5xf32>
  }
  // expected-error @+1 {{expects a grid of two sizes from 1 to 32768, but found [6]}}
  %r = quoin.resample %x grid [6] to [4, 3] by @up, @same : tensor<?x6x5xf32> -> tensor<?x12x5xf32>
  quoin.results %flat : tensor<?x30xf32>
}

// -----

quoin.weight @up : tensor<8xf32> from "model.safetensors" tensor "up"
quoin.weight @same : tensor<9xf32> from "model.safetensors" tensor "same"
quoin.weight @phi : tensor<2x4x45xf32> from "model.safetensors" tensor "phi"
quoin.weight @bias : tensor<4xf32> from "model.safetensors" tensor "bias"
quoin.model @resample_c1_none {
^bb0(%flat: tensor<?x30xf32>):
  %x = quoin.each_row %flat : (tensor<?x30xf32>) -> tensor<?x6x5xf32> {
  ^bb0(%row: tensor<30xf32>):
    %y = tensor.expand_shape %row [[0, 1]] output_shape [6, 5] : tensor<30xf32> into tensor<6x5xf32>
    quoin.row %y : tensor<6x5xf32>
  }
  // expected-error @+1 {{expects a grid of two sizes from 1 to 32768, but found [0, 3]}}
  %r = quoin.resample %x grid [2, 3] to [0, 3] by @up, @same : tensor<?x6x5xf32> -> tensor<?x12x5xf32>
  quoin.results %flat : tensor<?x30xf32>
}

// -----

quoin.weight @up : tensor<8xf32> from "model.safetensors" tensor "up"
quoin.weight @same : tensor<9xf32> from "model.safetensors" tensor "same"
quoin.weight @phi : tensor<2x4x45xf32> from "model.safetensors" tensor "phi"
quoin.weight @bias : tensor<4xf32> from "model.safetensors" tensor "bias"
quoin.model @resample_c2 {
^bb0(%flat: tensor<?x30xf32>):
  %x = quoin.each_row %flat : (tensor<?x30xf32>) -> tensor<?x6x5xf32> {
  ^bb0(%row: tensor<30xf32>):
    %y = tensor.expand_shape %row [[0, 1]] output_shape [6, 5] : tensor<30xf32> into tensor<6x5xf32>
    quoin.row %y : tensor<6x5xf32>
  }
  // expected-error @+1 {{expects weight @same of shape [8], 4 times 2, but it has another}}
  %r = quoin.resample %x grid [2, 3] to [4, 3] by @same, @same : tensor<?x6x5xf32> -> tensor<?x12x5xf32>
  quoin.results %flat : tensor<?x30xf32>
}

// -----

quoin.weight @up : tensor<8xf32> from "model.safetensors" tensor "up"
quoin.weight @same : tensor<9xf32> from "model.safetensors" tensor "same"
quoin.weight @phi : tensor<2x4x45xf32> from "model.safetensors" tensor "phi"
quoin.weight @bias : tensor<4xf32> from "model.safetensors" tensor "bias"
quoin.model @resample_c2_rank {
^bb0(%flat: tensor<?x30xf32>):
  %x = quoin.each_row %flat : (tensor<?x30xf32>) -> tensor<?x6x5xf32> {
  ^bb0(%row: tensor<30xf32>):
    %y = tensor.expand_shape %row [[0, 1]] output_shape [6, 5] : tensor<30xf32> into tensor<6x5xf32>
    quoin.row %y : tensor<6x5xf32>
  }
  // expected-error @+1 {{expects weight @phi of shape [9], 3 times 3, but it has another}}
  %r = quoin.resample %x grid [2, 3] to [4, 3] by @up, @phi : tensor<?x6x5xf32> -> tensor<?x12x5xf32>
  quoin.results %flat : tensor<?x30xf32>
}

// -----

quoin.weight @up : tensor<8xf32> from "model.safetensors" tensor "up"
quoin.weight @same : tensor<9xf32> from "model.safetensors" tensor "same"
quoin.weight @phi : tensor<2x4x45xf32> from "model.safetensors" tensor "phi"
quoin.weight @bias : tensor<4xf32> from "model.safetensors" tensor "bias"
quoin.model @resample_c3 {
^bb0(%flat: tensor<?x30xf32>):
  %x = quoin.each_row %flat : (tensor<?x30xf32>) -> tensor<?x6x5xf32> {
  ^bb0(%row: tensor<30xf32>):
    %y = tensor.expand_shape %row [[0, 1]] output_shape [6, 5] : tensor<30xf32> into tensor<6x5xf32>
    quoin.row %y : tensor<6x5xf32>
  }
  // expected-error @+1 {{expects at most 1048576 numbers at once, but found 3932160}}
  %r = quoin.resample %x grid [2, 3] to [512, 512] by @up, @same : tensor<?x6x5xf32> -> tensor<?x262144x5xf32>
  quoin.results %flat : tensor<?x30xf32>
}
