// REQUIRES: quoin-interpret
// RUN: quoin-interpret %s --prompt-ids 1,2,3 | FileCheck %s

module attributes {quoin.fill = 99 : i32} {
  // The second sequence has open positions where the first has known ones, and the first stays as it was.
  // CHECK: {{^}}1,2,3,99,99,3{{$}}
  quoin.decoder @the_first_sequence_stays(%x, %max) settings {} {
    %c0 = arith.constant 0 : index
    %c2 = arith.constant 2 : index
    %c3 = arith.constant 3 : index
    %c6 = arith.constant 6 : index
    %u = quoin.reopen %x[%c0 to %c2]
    %f = quoin.first_open %u[%c0 to %c3]
    %all = quoin.span %f to %c3
    %ids = quoin.tokens %u at %all
    %both = quoin.append %x, %ids
    quoin.return %both[%c0 to %c6]
  }
}
