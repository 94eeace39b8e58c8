// RUN: quoin-opt %s --verify-roundtrip
// RUN: quoin-opt %s | FileCheck %s

// CHECK-LABEL: quoin.decoder @with_and_without_carried_values
// CHECK: quoin.denoise %{{.+}}[%{{.+}} to %{{.+}}] {
// CHECK: quoin.denoise %{{.+}}[%{{.+}} to %{{.+}}] carry %{{.+}} : index -> index {
// CHECK: quoin.yield %{{.+}} until %{{.+}}, %{{.+}} : index
quoin.decoder @with_and_without_carried_values(%x, %max) settings {} {
  %y = quoin.denoise %x[%max to %max] {
  ^bb0(%z: !quoin.sequence, %rows: tensor<?xindex>):
    quoin.yield %z
  }
  %w, %n = quoin.denoise %y[%max to %max] carry %max : index -> index {
  ^bb0(%z: !quoin.sequence, %rows: tensor<?xindex>, %s: index):
    quoin.yield %z, %s : index
  }
  %true = arith.constant true
  %v, %m = quoin.denoise %w[%n to %n] carry %n : index -> index {
  ^bb0(%z: !quoin.sequence, %rows: tensor<?xindex>, %s: index):
    quoin.yield %z until %true, %s : index
  }
  quoin.return %v[%m to %m]
}
