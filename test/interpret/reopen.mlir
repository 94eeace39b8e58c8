// REQUIRES: quoin-interpret
// RUN: quoin-interpret %s --decoder the_first_sequence_stays --prompt-ids 1,2,3 | FileCheck %s
// RUN: quoin-interpret %s --decoder nothing_of_it_is_committed --prompt-ids 1,2,3 | FileCheck %s --check-prefix=MARK

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
  // The second sequence has a mark of its own, also where the range is empty: what is final in the first may change in it.
  // MARK: {{^}}1,7,7{{$}}
  quoin.decoder @nothing_of_it_is_committed(%x, %max) settings {} {
    %c1 = arith.constant 1 : index
    %c2 = arith.constant 2 : index
    %c3 = arith.constant 3 : index
    %y = quoin.commit %x to %c3
    %u = quoin.reopen %y[%c3 to %c3]
    %n = quoin.committed %u
    %rows = quoin.span %c1 to %c3
    %seven = arith.constant 7 : i32
    %ids = tensor.splat %seven[%c2] : tensor<?xi32>
    %z = quoin.edit %u at %rows with %ids
    quoin.return %z[%n to %c3]
  }
}
