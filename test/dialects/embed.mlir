// RUN: quoin-opt %s --verify-roundtrip
// RUN: quoin-opt %s | FileCheck %s

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"

// CHECK-LABEL: quoin.model @body
// CHECK: quoin.embed %{{.+}} by @e : tensor<?x4xf32>
quoin.model @body head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}

quoin.weight @places : tensor<3x4xf32> from "model.safetensors" tensor "places"

// CHECK-LABEL: quoin.model @by_position_and_number
// CHECK: quoin.embed %{{.+}} by @places : tensor<?xindex> -> tensor<?x4xf32>
// CHECK: quoin.embed %{{.+}} by @places : tensor<?x1xi32> -> tensor<?x4xf32>
quoin.model @by_position_and_number head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>, %code: tensor<?x1xi32>):
  %0 = quoin.embed %positions by @places : tensor<?xindex> -> tensor<?x4xf32>
  %1 = quoin.embed %code by @places : tensor<?x1xi32> -> tensor<?x4xf32>
  %2 = arith.addf %0, %1 : tensor<?x4xf32>
  quoin.hidden %2 : tensor<?x4xf32>
}
