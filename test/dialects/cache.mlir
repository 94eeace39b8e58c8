// RUN: quoin-opt %s --verify-roundtrip
// RUN: quoin-opt %s | FileCheck %s

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @m head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}

// CHECK-LABEL: @numbered
// CHECK: quoin.cache 1 of @m
func.func @numbered() {
  %c = quoin.cache 1 of @m
  // CHECK: quoin.cache 2 shared of @m
  %d = quoin.cache 2 shared of @m
  // CHECK: quoin.cache 3 tokenless of @m
  %e = quoin.cache 3 tokenless of @m
  return
}
