// RUN: quoin-opt %s --verify-roundtrip
// RUN: quoin-opt %s | FileCheck %s

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @m head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}

// CHECK: #[[MAP:.+]] = affine_map<(d0) -> (d0 floordiv 16 + d0 mod 16)>
// CHECK-LABEL: @permute_tokens
// CHECK: quoin.permute_tokens %{{.+}}[to %{{.+}}] by open read %{{.+}}
// CHECK: quoin.permute_tokens %{{.+}}[to %{{.+}}] by label groups read %{{.+}}
// CHECK: quoin.permute_tokens %{{.+}}[to %{{.+}}] by position #[[MAP]] read %{{.+}}
func.func @permute_tokens(%x: !quoin.sequence, %n: index, %rows: tensor<?xindex>) {
  %c = quoin.cache 0 of @m
  %y, %slots, %known = quoin.permute_tokens %x[to %n] by open read %rows
  %v = quoin.reuse %c of %y[to %n] read %slots limit %known
  %z, %s, %k = quoin.permute_tokens %x[to %n] by label groups read %rows
  %l = quoin.forward @m of %z[to %n] read %s mask #quoin.mask<causal>
  %w, %t, %d = quoin.permute_tokens %x[to %n] by position affine_map<(p) -> (p floordiv 16 + p mod 16)> read %rows
  %u = quoin.forward @m of %w[to %n] read %t mask #quoin.mask<causal>
  return
}
