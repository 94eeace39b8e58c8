// RUN: quoin-opt %s --split-input-file --verify-diagnostics

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.weight @three : tensor<3xf32> from "model.safetensors" tensor "a"
quoin.weight @two : tensor<2xf32> from "model.safetensors" tensor "b"
quoin.weight @four : tensor<4xf32> from "model.safetensors" tensor "c"
quoin.model @route_c1 head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  // expected-error @+1 {{expects 2 choices a row, but found 3}}
  %c, %s = quoin.route %0 scores softmax top 2 normalise true : tensor<?x4xf32> -> tensor<?x3xi32>, tensor<?x2xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.weight @three : tensor<3xf32> from "model.safetensors" tensor "a"
quoin.weight @two : tensor<2xf32> from "model.safetensors" tensor "b"
quoin.weight @four : tensor<4xf32> from "model.safetensors" tensor "c"
quoin.model @route_c1_shares head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  // expected-error @+1 {{expects 2 shares a row, but found 1}}
  %c, %s = quoin.route %0 scores softmax top 2 normalise true : tensor<?x4xf32> -> tensor<?x2xi32>, tensor<?x1xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.weight @three : tensor<3xf32> from "model.safetensors" tensor "a"
quoin.weight @two : tensor<2xf32> from "model.safetensors" tensor "b"
quoin.weight @four : tensor<4xf32> from "model.safetensors" tensor "c"
quoin.model @route_c2 head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  // expected-error @+1 {{expects 'top' from 1 to 32, but found 33}}
  %c, %s = quoin.route %0 scores softmax top 33 normalise true : tensor<?x4xf32> -> tensor<?x33xi32>, tensor<?x33xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.weight @three : tensor<3xf32> from "model.safetensors" tensor "a"
quoin.weight @two : tensor<2xf32> from "model.safetensors" tensor "b"
quoin.weight @four : tensor<4xf32> from "model.safetensors" tensor "c"
quoin.model @route_c2_none head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  // expected-error @+1 {{expects 'top' from 1 to 32, but found 0}}
  %c, %s = quoin.route %0 scores softmax top 0 normalise true : tensor<?x4xf32> -> tensor<?x1xi32>, tensor<?x1xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.weight @three : tensor<3xf32> from "model.safetensors" tensor "a"
quoin.weight @two : tensor<2xf32> from "model.safetensors" tensor "b"
quoin.weight @four : tensor<4xf32> from "model.safetensors" tensor "c"
quoin.model @route_c3 head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  // expected-error @+1 {{expects 'groups' that divide 4 experts, but found 3}}
  %c, %s = quoin.route %0 scores softmax groups 3 best 1 top 2 normalise true : tensor<?x4xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.weight @three : tensor<3xf32> from "model.safetensors" tensor "a"
quoin.weight @two : tensor<2xf32> from "model.safetensors" tensor "b"
quoin.weight @four : tensor<4xf32> from "model.safetensors" tensor "c"
quoin.model @route_c3_none head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  // expected-error @+1 {{expects 'groups' that divide 4 experts, but found 0}}
  %c, %s = quoin.route %0 scores softmax groups 0 best 1 top 2 normalise true : tensor<?x4xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.weight @three : tensor<3xf32> from "model.safetensors" tensor "a"
quoin.weight @two : tensor<2xf32> from "model.safetensors" tensor "b"
quoin.weight @four : tensor<4xf32> from "model.safetensors" tensor "c"
quoin.model @route_c3_best head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  // expected-error @+1 {{expects 'best' from 1 to 2, but found 3}}
  %c, %s = quoin.route %0 scores softmax groups 2 best 3 top 2 normalise true : tensor<?x4xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.weight @three : tensor<3xf32> from "model.safetensors" tensor "a"
quoin.weight @two : tensor<2xf32> from "model.safetensors" tensor "b"
quoin.weight @four : tensor<4xf32> from "model.safetensors" tensor "c"
quoin.model @route_c4 head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  // expected-error @+1 {{expects at least 3 experts to choose from, but found 2}}
  %c, %s = quoin.route %0 scores softmax groups 2 best 1 top 3 normalise true : tensor<?x4xf32> -> tensor<?x3xi32>, tensor<?x3xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.weight @three : tensor<3xf32> from "model.safetensors" tensor "a"
quoin.weight @two : tensor<2xf32> from "model.safetensors" tensor "b"
quoin.weight @four : tensor<4xf32> from "model.safetensors" tensor "c"
quoin.model @route_c4_all head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  // expected-error @+1 {{expects at least 5 experts to choose from, but found 4}}
  %c, %s = quoin.route %0 scores softmax top 5 normalise true : tensor<?x4xf32> -> tensor<?x5xi32>, tensor<?x5xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.weight @three : tensor<3xf32> from "model.safetensors" tensor "a"
quoin.weight @two : tensor<2xf32> from "model.safetensors" tensor "b"
quoin.weight @four : tensor<4xf32> from "model.safetensors" tensor "c"
quoin.model @route_c5 head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  // expected-error @+1 {{expects a correction of 4 numbers, but found 3}}
  %c, %s = quoin.route %0 scores sigmoid correction @three top 2 normalise true : tensor<?x4xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.weight @three : tensor<3xf32> from "model.safetensors" tensor "a"
quoin.weight @two : tensor<2xf32> from "model.safetensors" tensor "b"
quoin.weight @four : tensor<4xf32> from "model.safetensors" tensor "c"
quoin.model @route_c6 head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  // expected-error @+1 {{expects a finite scale of f32, but found 9.9999999999999994E+38 : f64}}
  %c, %s = quoin.route %0 scores sigmoid top 2 normalise true scale 1.0e39 : tensor<?x4xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}
