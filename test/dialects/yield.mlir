// RUN: quoin-opt %s --verify-roundtrip
// RUN: quoin-opt %s | FileCheck %s

// CHECK-LABEL: quoin.decoder @a_sequence_and_what_is_carried
// CHECK: quoin.yield %{{.+}}, %{{.+}} : index
quoin.decoder @a_sequence_and_what_is_carried(%x, %max) settings {} {
  %w, %n = quoin.denoise %x[%max to %max] carry %max : index -> index {
  ^bb0(%z: !quoin.sequence, %rows: tensor<?xindex>, %s: index):
    quoin.yield %z, %s : index
  }
  quoin.return %w[%n to %n]
}
