// RUN: quoin-opt %s --verify-roundtrip
// RUN: quoin-opt %s | FileCheck %s

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.weight @n : tensor<4xbf16> from "model.safetensors" tensor "n"

// CHECK-LABEL: quoin.model @body
// CHECK: %[[R:.+]]:2 = quoin.each_row %{{.+}}, %arg1 by [@n] : (tensor<?x4xf32>, tensor<?xindex>) -> (tensor<?x4xf32>, tensor<?x1xf32>) {
// CHECK: ^bb0(%{{.+}}: tensor<4xf32>, %{{.+}}: index, %{{.+}}: tensor<4xf32>):
// CHECK: quoin.row %{{.+}}, %{{.+}} : tensor<4xf32>, tensor<1xf32>
quoin.model @body head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  %1, %2 = quoin.each_row %0, %positions by [@n] : (tensor<?x4xf32>, tensor<?xindex>) -> (tensor<?x4xf32>, tensor<?x1xf32>) {
  ^bb0(%row: tensor<4xf32>, %position: index, %scale: tensor<4xf32>):
    %y = arith.mulf %row, %scale : tensor<4xf32>
    %i = arith.index_cast %position : index to i32
    %p = arith.sitofp %i : i32 to f32
    %s = tensor.splat %p : tensor<1xf32>
    quoin.row %y, %s : tensor<4xf32>, tensor<1xf32>
  }
  quoin.hidden %1 : tensor<?x4xf32>
}

// Heads, a reduction of each, and a slice.
// CHECK-LABEL: quoin.model @heads
// CHECK: quoin.each_row %{{.+}} : (tensor<?x4xf32>) -> tensor<?x4xf32> {
quoin.model @heads head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  %1 = quoin.each_row %0 : (tensor<?x4xf32>) -> tensor<?x4xf32> {
  ^bb0(%row: tensor<4xf32>):
    %heads = tensor.expand_shape %row [[0, 1]] output_shape [2, 2] : tensor<4xf32> into tensor<2x2xf32>
    %none = arith.constant dense<0.0> : tensor<2xf32>
    %sums = linalg.reduce { arith.addf } ins(%heads : tensor<2x2xf32>) outs(%none : tensor<2xf32>) dimensions = [1]
    %to = tensor.empty() : tensor<2x2xf32>
    %each = linalg.broadcast ins(%sums : tensor<2xf32>) outs(%to : tensor<2x2xf32>) dimensions = [1]
    %y = arith.divf %heads, %each : tensor<2x2xf32>
    %flat = tensor.collapse_shape %y [[0, 1]] : tensor<2x2xf32> into tensor<4xf32>
    %low = tensor.extract_slice %flat[0] [2] [1] : tensor<4xf32> to tensor<2xf32>
    %high = tensor.extract_slice %flat[2] [2] [1] : tensor<4xf32> to tensor<2xf32>
    %turned = tensor.concat dim(0) %high, %low : (tensor<2xf32>, tensor<2xf32>) -> tensor<4xf32>
    quoin.row %turned : tensor<4xf32>
  }
  quoin.hidden %1 : tensor<?x4xf32>
}
