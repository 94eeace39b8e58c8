// RUN: quoin-opt %s --split-input-file --verify-diagnostics

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.weight @w : tensor<3x5x4xf32> from "model.safetensors" tensor "experts.*.w"
quoin.weight @many : tensor<4097x5x4xf32> from "model.safetensors" tensor "m"
quoin.model @expert_linear_c1 head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  %c, %s = quoin.route %0 scores softmax top 2 normalise true : tensor<?x4xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  // expected-error @+1 {{expects weight '@w' of shape [?, 6, 4], but found 'tensor<3x5x4xf32>'}}
  %1 = quoin.expert_linear %0 to %c by @w : tensor<?x4xf32>, tensor<?x2xi32> -> tensor<?x2x6xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.weight @w : tensor<3x5x4xf32> from "model.safetensors" tensor "experts.*.w"
quoin.weight @many : tensor<4097x5x4xf32> from "model.safetensors" tensor "m"
quoin.model @expert_linear_c1_rank head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  %c, %s = quoin.route %0 scores softmax top 2 normalise true : tensor<?x4xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  // expected-error @+1 {{expects weight '@e' of shape [?, 5, 4], but found 'tensor<8x4xf32>'}}
  %1 = quoin.expert_linear %0 to %c by @e : tensor<?x4xf32>, tensor<?x2xi32> -> tensor<?x2x5xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.weight @w : tensor<3x5x4xf32> from "model.safetensors" tensor "experts.*.w"
quoin.weight @many : tensor<4097x5x4xf32> from "model.safetensors" tensor "m"
quoin.model @expert_linear_c1_many head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  %c, %s = quoin.route %0 scores softmax top 2 normalise true : tensor<?x4xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  // expected-error @+1 {{expects at most 4096 experts, but found 4097}}
  %1 = quoin.expert_linear %0 to %c by @many : tensor<?x4xf32>, tensor<?x2xi32> -> tensor<?x2x5xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.weight @w : tensor<3x5x4xf32> from "model.safetensors" tensor "experts.*.w"
quoin.weight @many : tensor<4097x5x4xf32> from "model.safetensors" tensor "m"
quoin.model @expert_linear_c2 head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  %c, %s = quoin.route %0 scores softmax top 2 normalise true : tensor<?x4xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  // expected-error @+1 {{expects a result 'tensor<?x2x5xf32>' for 2 choices, but found 'tensor<?x3x5xf32>'}}
  %1 = quoin.expert_linear %0 to %c by @w : tensor<?x4xf32>, tensor<?x2xi32> -> tensor<?x3x5xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.weight @w : tensor<3x5x4xf32> from "model.safetensors" tensor "experts.*.w"
quoin.weight @many : tensor<4097x5x4xf32> from "model.safetensors" tensor "m"
quoin.model @expert_linear_c2_flat head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  %c, %s = quoin.route %0 scores softmax top 2 normalise true : tensor<?x4xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  // expected-error @+1 {{expects a result 'tensor<?x2x5xf32>' for 2 choices, but found 'tensor<?x5xf32>'}}
  %1 = quoin.expert_linear %0 to %c by @w : tensor<?x4xf32>, tensor<?x2xi32> -> tensor<?x5xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.weight @w : tensor<3x5x4xf32> from "model.safetensors" tensor "experts.*.w"
quoin.weight @many : tensor<4097x5x4xf32> from "model.safetensors" tensor "m"
quoin.model @expert_linear_c2_operand head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  %c, %s = quoin.route %0 scores softmax top 2 normalise true : tensor<?x4xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  %1 = quoin.each_row %0 : (tensor<?x4xf32>) -> tensor<?x3x4xf32> {
  ^bb0(%row: tensor<4xf32>):
    %to = tensor.empty() : tensor<3x4xf32>
    %rows = linalg.broadcast ins(%row : tensor<4xf32>) outs(%to : tensor<3x4xf32>) dimensions = [0]
    quoin.row %rows : tensor<3x4xf32>
  }
  // expected-error @+1 {{expects an operand 'tensor<?x4xf32>' or 'tensor<?x2x4xf32>' for 2 choices, but found 'tensor<?x3x4xf32>'}}
  %2 = quoin.expert_linear %1 to %c by @w : tensor<?x3x4xf32>, tensor<?x2xi32> -> tensor<?x2x5xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.weight @w : tensor<3x5x4xf32> from "model.safetensors" tensor "experts.*.w"
quoin.weight @many : tensor<4097x5x4xf32> from "model.safetensors" tensor "m"
quoin.model @expert_linear_c3 head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  %1 = quoin.each_row %0 : (tensor<?x4xf32>) -> tensor<?x257xi32> {
  ^bb0(%row: tensor<4xf32>):
    %none = arith.constant dense<-1> : tensor<257xi32>
    quoin.row %none : tensor<257xi32>
  }
  // expected-error @+1 {{expects at most 256 choices a row, but found 257}}
  %2 = quoin.expert_linear %0 to %1 by @w : tensor<?x4xf32>, tensor<?x257xi32> -> tensor<?x257x5xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}
