// RUN: quoin-opt %s --verify-roundtrip
// RUN: quoin-opt %s | FileCheck %s

quoin.input @class : index
// CHECK-LABEL: quoin.decoder @what_the_request_gave
// CHECK: quoin.input_value @class : index
quoin.decoder @what_the_request_gave(%x, %max) settings {} {
  %c = quoin.input_value @class : index
  quoin.return %x[%c to %max]
}
