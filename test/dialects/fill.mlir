// RUN: quoin-opt %s --verify-roundtrip
// RUN: quoin-opt %s | FileCheck %s

// CHECK-LABEL: @fill_all_or_some
// CHECK: quoin.fill %{{.+}} at %{{.+}} with %{{.+}}{{$}}
// CHECK: quoin.fill %{{.+}} at %{{.+}} with %{{.+}} where %{{.+}}
func.func @fill_all_or_some(%x: !quoin.sequence, %p: tensor<?xindex>, %i: tensor<?xi32>, %w: tensor<?xi1>) {
  %y = quoin.fill %x at %p with %i
  %z = quoin.fill %y at %p with %i where %w
  return
}
