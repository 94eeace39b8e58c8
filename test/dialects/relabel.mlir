// RUN: quoin-opt %s --verify-roundtrip
// RUN: quoin-opt %s | FileCheck %s

// CHECK-LABEL: @all_and_some
// CHECK: quoin.relabel %{{.+}} at %{{.+}} with %{{.+}}
// CHECK: quoin.relabel %{{.+}} at %{{.+}} with %{{.+}} where %{{.+}}
func.func @all_and_some(%x: !quoin.sequence, %p: tensor<?xindex>, %l: tensor<?xindex>, %f: tensor<?xi1>) {
  %y = quoin.relabel %x at %p with %l
  %z = quoin.relabel %y at %p with %l where %f
  return
}
