// RUN: quoin-opt %s --verify-roundtrip
// RUN: quoin-opt %s | FileCheck %s

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @m head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}

// CHECK-LABEL: @slots_then_rows_labels_and_symbols
// CHECK: quoin.forward @m of %{{.+}}[to %{{.+}}] read %{{.+}} mask <(q, k) : k le q>
// CHECK: quoin.forward @m of %{{.+}}[to %{{.+}}] then %{{.+}} at %{{.+}} label %{{.+}} read %{{.+}} mask <(q, k)[a] : k le a>[%{{.+}}]
func.func @slots_then_rows_labels_and_symbols(%x: !quoin.sequence, %n: index, %i: tensor<?xi32>, %p: tensor<?xindex>, %l: tensor<?xindex>, %r: tensor<?xindex>) {
  %a = quoin.forward @m of %x[to %n] read %r mask #quoin.mask<causal>
  %b = quoin.forward @m of %x[to %n] then %i at %p label %l read %r mask #quoin.mask<(q, k)[a] : k le a>[%n]
  return
}

// A model of more than tokens.
quoin.weight @f : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @columns head @f each_sequence [3] {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>, %a: tensor<?x4xf32>, %c: tensor<?x4xf32>):
  %0 = arith.addf %a, %c : tensor<?x4xf32>
  quoin.hidden %0 results %0 : tensor<?x4xf32>, tensor<?x4xf32>
}
quoin.model @rows {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  quoin.results %0 : tensor<?x4xf32>
}

// CHECK-LABEL: @columns_and_results
// CHECK: quoin.forward @columns of %{{.+}}[to %{{.+}}] with(%{{.+}}, %{{.+}} : tensor<?x4xf32>, tensor<?x4xf32>) read %{{.+}} mask <(q, k) : k le q> -> !quoin.logits, tensor<?x4xf32>
// CHECK: quoin.forward @rows of %{{.+}}[to %{{.+}}] read %{{.+}} mask <(q, k) : k le q> -> tensor<?x4xf32>
func.func @columns_and_results(%x: !quoin.sequence, %n: index, %a: tensor<?x4xf32>, %r: tensor<?xindex>) {
  %l, %h = quoin.forward @columns of %x[to %n] with (%a, %a : tensor<?x4xf32>, tensor<?x4xf32>) read %r mask #quoin.mask<causal> -> !quoin.logits, tensor<?x4xf32>
  %g = quoin.forward @rows of %x[to %n] read %r mask #quoin.mask<causal> -> tensor<?x4xf32>
  return
}
