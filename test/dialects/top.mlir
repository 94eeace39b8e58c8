// RUN: quoin-opt %s --verify-roundtrip
// RUN: quoin-opt %s | FileCheck %s

// CHECK-LABEL: @highest_of_all_or_of_some
// CHECK: quoin.top %{{.+}}, %{{.+}}{{$}}
// CHECK: quoin.top %{{.+}}, %{{.+}} where %{{.+}}
func.func @highest_of_all_or_of_some(%v: tensor<?xf32>, %n: index, %w: tensor<?xi1>) {
  %a = quoin.top %v, %n
  %b = quoin.top %v, %n where %w
  return
}
