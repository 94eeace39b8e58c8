// RUN: quoin-opt %s --verify-roundtrip
// RUN: quoin-opt %s | FileCheck %s

// CHECK-LABEL: quoin.decoder @a_range
// CHECK: quoin.return %{{.+}}[%{{.+}} to %{{.+}}]
quoin.decoder @a_range(%x, %max) settings {} {
  quoin.return %x[%max to %max]
}
