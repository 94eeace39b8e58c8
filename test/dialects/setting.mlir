// RUN: quoin-opt %s --verify-roundtrip
// RUN: quoin-opt %s | FileCheck %s

// CHECK-LABEL: quoin.decoder @a_number_and_the_fill_token
// CHECK: quoin.setting @threshold : f32
// CHECK: quoin.setting @fill : i32
quoin.decoder @a_number_and_the_fill_token(%x, %max) settings {threshold = 0.9 : f32} {
  %t = quoin.setting @threshold : f32
  %f = quoin.setting @fill : i32
  quoin.return %x[%max to %max]
}
