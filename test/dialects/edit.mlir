// RUN: quoin-opt %s --verify-roundtrip
// RUN: quoin-opt %s | FileCheck %s

// CHECK-LABEL: @edit_all_or_some
// CHECK: quoin.edit %{{.+}} at %{{.+}} with %{{.+}}{{$}}
// CHECK: quoin.edit %{{.+}} at %{{.+}} with %{{.+}} where %{{.+}}
func.func @edit_all_or_some(%x: !quoin.sequence, %p: tensor<?xindex>, %i: tensor<?xi32>, %w: tensor<?xi1>) {
  %y = quoin.edit %x at %p with %i
  %z = quoin.edit %y at %p with %i where %w
  return
}
