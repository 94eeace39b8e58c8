// RUN: quoin-opt %s --verify-roundtrip
// RUN: quoin-opt %s | FileCheck %s

// CHECK-LABEL: @with_and_without_rows
// CHECK: quoin.reuse %{{.+}} of %{{.+}}[to %{{.+}}] limit %{{.+}}
// CHECK: quoin.reuse %{{.+}} of %{{.+}}[to %{{.+}}] then %{{.+}} at %{{.+}} label %{{.+}} read %{{.+}} limit %{{.+}}
func.func @with_and_without_rows(%c: !quoin.cache, %x: !quoin.sequence, %n: index, %i: tensor<?xi32>, %p: tensor<?xindex>, %l: tensor<?xindex>, %r: tensor<?xindex>) {
  %a = quoin.reuse %c of %x[to %n] limit %n
  %b = quoin.reuse %c of %x[to %n] then %i at %p label %l read %r limit %n
  return
}

// CHECK-LABEL: @with_columns
// CHECK: quoin.reuse %{{.+}} of %{{.+}}[to %{{.+}}] with(%{{.+}} : tensor<?x4xf32>) limit %{{.+}}
func.func @with_columns(%c: !quoin.cache, %x: !quoin.sequence, %n: index, %a: tensor<?x4xf32>) {
  %v = quoin.reuse %c of %x[to %n] with (%a : tensor<?x4xf32>) limit %n
  return
}
