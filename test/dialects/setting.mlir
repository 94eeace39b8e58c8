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

// CHECK-LABEL: quoin.decoder @a_word
// CHECK-SAME: schedule = #quoin.word<"pow2.5" of "cosine", "pow*">
// CHECK-SAME: run_time = ["schedule"]
// CHECK: quoin.setting @schedule is "cosine" : i1
// CHECK: quoin.setting @schedule : f64
quoin.decoder @a_word(%x, %max) settings {schedule = #quoin.word<"pow2.5" of "cosine", "pow*">} attributes {run_time = ["schedule"]} {
  %c = quoin.setting @schedule is "cosine" : i1
  %p = quoin.setting @schedule : f64
  quoin.return %x[%max to %max]
}
