// RUN: quoin-opt %s --verify-roundtrip
// RUN: quoin-opt %s | FileCheck %s

quoin.weight @w : tensor<3x4xf32> from "model.safetensors" tensor "w"
// CHECK: quoin.model @rows {
// CHECK: quoin.results %{{.+}}, %{{.+}} : tensor<?x3xf32>, tensor<?x4xf32>
quoin.model @rows {
^bb0(%x: tensor<?x4xf32>, %y: tensor<?x4xf32>):
  %0 = arith.addf %x, %y : tensor<?x4xf32>
  %1 = quoin.linear %0 by @w : tensor<?x4xf32> -> tensor<?x3xf32>
  quoin.results %1, %0 : tensor<?x3xf32>, tensor<?x4xf32>
}
quoin.input @x : tensor<?x4xf32>
// CHECK-LABEL: quoin.decoder @applies
// CHECK: quoin.apply @rows(%[[X:.+]], %[[X]]) : tensor<?x4xf32>, tensor<?x4xf32> -> tensor<?x3xf32>, tensor<?x4xf32>
quoin.decoder @applies(%x, %max) settings {} {
  %v = quoin.input_value @x : tensor<?x4xf32>
  %a:2 = quoin.apply @rows(%v, %v) : tensor<?x4xf32>, tensor<?x4xf32> -> tensor<?x3xf32>, tensor<?x4xf32>
  quoin.output @a %a#0 : tensor<?x3xf32>
  quoin.return %x[%max to %max]
}
// CHECK-LABEL: quoin.decoder @waits
// CHECK: quoin.suspend_apply @rows(%{{.+}}, %{{.+}} : tensor<?x4xf32>, tensor<?x4xf32>) gives 2 ^bb1(%{{.+}} : !quoin.sequence)
quoin.decoder @waits(%x, %max) settings {} {
  %v = quoin.input_value @x : tensor<?x4xf32>
  quoin.suspend_apply @rows(%v, %v : tensor<?x4xf32>, tensor<?x4xf32>) gives 2 ^bb1(%x : !quoin.sequence)
^bb1(%a: tensor<?x3xf32>, %b: tensor<?x4xf32>, %y: !quoin.sequence):
  quoin.output @a %a : tensor<?x3xf32>
  %n = quoin.length %y
  quoin.return %y[%n to %n]
}
