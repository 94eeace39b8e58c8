// RUN: quoin-opt %s --split-input-file --verify-diagnostics

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @mix_c1 head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  %2 = quoin.each_row %0 : (tensor<?x4xf32>) -> tensor<?x2x4xf32> {
  ^bb0(%row: tensor<4xf32>):
    %to = tensor.empty() : tensor<2x4xf32>
    %rows = linalg.broadcast ins(%row : tensor<4xf32>) outs(%to : tensor<2x4xf32>) dimensions = [0]
    quoin.row %rows : tensor<2x4xf32>
  }
  // expected-error @+1 {{expects an operand tensor<?x4x4xf32>, a row for each share, but found 'tensor<?x2x4xf32>'}}
  %1 = quoin.mix %2, %0 : tensor<?x2x4xf32>, tensor<?x4xf32> -> tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}
