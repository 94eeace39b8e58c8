// RUN: quoin-opt %s --verify-roundtrip
// RUN: quoin-opt %s | FileCheck %s

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @m head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}

// CHECK-LABEL: @with_and_without_a_pass
// CHECK: quoin.commit %{{.+}} to %{{.+}}{{$}}
// CHECK: quoin.commit %{{.+}} to %{{.+}} by pass of @m mask <(q, k)[a] : k le a>[%{{.+}}]
func.func @with_and_without_a_pass(%x: !quoin.sequence, %n: index) {
  %y = quoin.commit %x to %n
  %z = quoin.commit %y to %n by pass of @m mask #quoin.mask<(q, k)[a] : k le a>[%n]
  return
}
