// RUN: quoin-opt %s --quoin-lower-to-stages --quoin-place-ends | FileCheck %s

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.weight @g : tensor<3x5x4xf32> from "model.safetensors" tensor "g.*"
quoin.weight @u : tensor<3x5x4xf32> from "model.safetensors" tensor "u.*"
quoin.weight @h : tensor<3x5x4xbf16> from "model.safetensors" tensor "h.*"

// Products with the same experts join; weights of another type do not lie in one stack, and experts end with numbers of their own only.
// CHECK-LABEL: stage.step @m
// CHECK: stage.experts %{{.+}} to %{{.+}} by <[@g, @u]> : {{.*}} -> !stage.buffer<row, 10xf32> {
// CHECK: quoin.number
// CHECK: stage.experts %{{.+}} to %{{.+}} by <@g> : {{.*}} -> !stage.buffer<row, 10xf32>{{$}}
// CHECK: stage.experts %{{.+}} to %{{.+}} by <@h> : {{.*}} -> !stage.buffer<row, 10xf32>{{$}}
// CHECK: stage.each_row
quoin.model @m head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %x = quoin.embed %ids by @e : tensor<?x4xf32>
  %c, %s = quoin.route %x scores softmax top 2 normalise true : tensor<?x4xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  %g = quoin.expert_linear %x to %c by @g : tensor<?x4xf32>, tensor<?x2xi32> -> tensor<?x2x5xf32>
  %u = quoin.expert_linear %x to %c by @u : tensor<?x4xf32>, tensor<?x2xi32> -> tensor<?x2x5xf32>
  %a = quoin.swiglu %g, %u : tensor<?x2x5xf32>
  %v = quoin.expert_linear %x to %c by @g : tensor<?x4xf32>, tensor<?x2xi32> -> tensor<?x2x5xf32>
  %w = quoin.expert_linear %x to %c by @h : tensor<?x4xf32>, tensor<?x2xi32> -> tensor<?x2x5xf32>
  %b = quoin.swiglu %v, %w : tensor<?x2x5xf32>
  %t = arith.addf %a, %b : tensor<?x2x5xf32>
  %y = quoin.mix %t, %s : tensor<?x2x5xf32>, tensor<?x2xf32> -> tensor<?x5xf32>
  quoin.hidden %x : tensor<?x4xf32>
}
