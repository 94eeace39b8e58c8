// RUN: quoin-opt %s --split-input-file --verify-diagnostics

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @merge_attention_c1 head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  %s = quoin.each_row %0 : (tensor<?x4xf32>) -> tensor<?x3xf32> {
  ^bb0(%row: tensor<4xf32>):
    %part = tensor.extract_slice %row[0] [3] [1] : tensor<4xf32> to tensor<3xf32>
    quoin.row %part : tensor<3xf32>
  }
  // expected-error @+1 {{expects logarithms of as many heads as divide the width 4, but found 3}}
  %all, %sum = quoin.merge_attention %0, %s with %0, %s : tensor<?x4xf32>, tensor<?x3xf32>
  quoin.hidden %all : tensor<?x4xf32>
}
