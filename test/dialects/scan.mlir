// RUN: quoin-opt %s --verify-roundtrip
// RUN: quoin-opt %s | FileCheck %s

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.weight @decay : tensor<4xbf16> from "model.safetensors" tensor "decay"
quoin.weight @r : tensor<3x2x4x4xf32> from "model.safetensors" tensor "r"

// Two heads of two features each, in a model of tokens.
// CHECK-LABEL: quoin.model @tokens
// CHECK: quoin.scan %{{.+}}, %{{.+}} with [@decay] heads 2 : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32> {
// CHECK: ^bb0(%{{.+}}: tensor<2xf32>, %{{.+}}: tensor<2xf32>, %{{.+}}: tensor<2xf32>, %{{.+}}: tensor<2xf32>):
// CHECK: quoin.row %{{.+}}, %{{.+}} : tensor<2xf32>, tensor<2xf32>
quoin.model @tokens head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  %1 = quoin.scan %0, %0 with [@decay] heads 2 : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32> {
  ^bb0(%state: tensor<2xf32>, %x: tensor<2xf32>, %g: tensor<2xf32>, %a: tensor<2xf32>):
    %old = arith.mulf %state, %a : tensor<2xf32>
    %new = arith.addf %old, %x : tensor<2xf32>
    %out = arith.mulf %new, %g : tensor<2xf32>
    quoin.row %new, %out : tensor<2xf32>, tensor<2xf32>
  }
  quoin.hidden %1 : tensor<?x4xf32>
}

// Heads are the second size of rows and of the weight, all of them see the last operand; two states begin as said.
// CHECK-LABEL: quoin.model @rows
// CHECK: quoin.scan %{{.+}}, %{{.+}} with [@r] from %{{.+}}, %{{.+}} heads 2 along [1, -1, 0, 0, 1, 1, 0] :
// CHECK-SAME: (tensor<?x3x2x4xf32>, tensor<?x3xf32>, tensor<?x8xf32>, tensor<?x2x4xf32>) -> (tensor<?x3x2x4xf32>, tensor<?x8xf32>) {
quoin.model @rows {
^bb0(%wx: tensor<?x24xf32>, %all: tensor<?x3xf32>, %y0: tensor<?x8xf32>):
  %x = quoin.each_row %wx : (tensor<?x24xf32>) -> tensor<?x3x2x4xf32> {
  ^bb0(%row: tensor<24xf32>):
    %y = tensor.expand_shape %row [[0, 1, 2]] output_shape [3, 2, 4] : tensor<24xf32> into tensor<3x2x4xf32>
    quoin.row %y : tensor<3x2x4xf32>
  }
  %c0 = quoin.each_row %y0 : (tensor<?x8xf32>) -> tensor<?x2x4xf32> {
  ^bb0(%row: tensor<8xf32>):
    %y = tensor.expand_shape %row [[0, 1]] output_shape [2, 4] : tensor<8xf32> into tensor<2x4xf32>
    quoin.row %y : tensor<2x4xf32>
  }
  %1, %2 = quoin.scan %x, %all with [@r] from %y0, %c0 heads 2 along [1, -1, 0, 0, 1, 1, 0] : (tensor<?x3x2x4xf32>, tensor<?x3xf32>, tensor<?x8xf32>, tensor<?x2x4xf32>) -> (tensor<?x3x2x4xf32>, tensor<?x8xf32>) {
  ^bb0(%y: tensor<4xf32>, %c: tensor<4xf32>, %row: tensor<3x4xf32>, %a: tensor<3xf32>, %r: tensor<3x4x4xf32>):
    %to = tensor.empty() : tensor<3x4x4xf32>
    %ys = linalg.broadcast ins(%y : tensor<4xf32>) outs(%to : tensor<3x4x4xf32>) dimensions = [0, 1]
    %p = arith.mulf %r, %ys : tensor<3x4x4xf32>
    %ry = linalg.reduce { arith.addf } ins(%p : tensor<3x4x4xf32>) outs(%row : tensor<3x4xf32>) dimensions = [2]
    %next = linalg.reduce { arith.maximumf } ins(%ry : tensor<3x4xf32>) outs(%c : tensor<4xf32>) dimensions = [0]
    quoin.row %next, %y, %ry, %next : tensor<4xf32>, tensor<4xf32>, tensor<3x4xf32>, tensor<4xf32>
  }
  quoin.results %2 : tensor<?x8xf32>
}

// Along what a row sees; the weight's two last sizes are one, of which each head has its part.
quoin.weight @taps : tensor<3x4xf32> from "model.safetensors" tensor "taps"
// CHECK-LABEL: quoin.model @tree
// CHECK: quoin.scan %{{.+}} seen with [@taps] heads 2 along [0, 1, 0] : (tensor<?x4xf32>) -> tensor<?x4xf32> {
quoin.model @tree head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  %1 = quoin.scan %0 seen with [@taps] heads 2 along [0, 1, 0] : (tensor<?x4xf32>) -> tensor<?x4xf32> {
  ^bb0(%last: tensor<2x2xf32>, %x: tensor<2xf32>, %t: tensor<3x2xf32>):
    %row = tensor.expand_shape %x [[0, 1]] output_shape [1, 2] : tensor<2xf32> into tensor<1x2xf32>
    %all = tensor.concat dim(0) %last, %row : (tensor<2x2xf32>, tensor<1x2xf32>) -> tensor<3x2xf32>
    %terms = arith.mulf %all, %t : tensor<3x2xf32>
    %zero = arith.constant dense<0.0> : tensor<2xf32>
    %y = linalg.reduce { arith.addf } ins(%terms : tensor<3x2xf32>) outs(%zero : tensor<2xf32>) dimensions = [0]
    %new = tensor.extract_slice %all[1, 0] [2, 2] [1, 1] : tensor<3x2xf32> to tensor<2x2xf32>
    quoin.row %new, %y : tensor<2x2xf32>, tensor<2xf32>
  }
  quoin.hidden %1 : tensor<?x4xf32>
}
