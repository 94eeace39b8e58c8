// RUN: quoin-opt %s --split-input-file --verify-diagnostics

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @m head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}
func.func @as_logits_c1(%s: tensor<?x7xf32>) -> !quoin.logits {
  // expected-error @+1 {{expects rows of a score for each of 8 tokens, but found 7}}
  %l = quoin.as_logits %s : tensor<?x7xf32>
  return %l : !quoin.logits
}

// -----

module attributes {quoin.vocabulary = 9 : index} {
  func.func @as_logits_c1_vocabulary(%s: tensor<?x8xf32>) -> !quoin.logits {
    // expected-error @+1 {{expects rows of a score for each of 9 tokens, but found 8}}
    %l = quoin.as_logits %s : tensor<?x8xf32>
    return %l : !quoin.logits
  }
}
