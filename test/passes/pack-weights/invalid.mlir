// RUN: quoin-opt %s --quoin-pack-weights --verify-diagnostics

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
stage.step @types_come_first {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  // expected-error @+1 {{expects a weight with a stored type, but found #stage.weight<@e>}}
  %h = stage.each_row %ids tables [#stage.weight<@e>] of [0] : (!stage.buffer<row, 1xi32>) -> !stage.buffer<row, 4xf32> {
  ^bb0(%number: index, %row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  %f = stage.each_row %h at %read : (!stage.buffer<row, 4xf32>) -> !stage.buffer<host, 4xf32> {
  ^bb0(%row: tensor<4xf32>):
    quoin.row %row : tensor<4xf32>
  }
  stage.head %f by <@e as f32> : !stage.buffer<host, 4xf32>
}
