// A draft stays one when it becomes a step.
// RUN: quoin-opt %s --verify-roundtrip
// RUN: quoin-opt %s --quoin-lower-to-stages | FileCheck %s

// CHECK: stage.step @a_draft attributes {quoin.draft} {

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @a_draft head @e attributes {quoin.draft} {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}
