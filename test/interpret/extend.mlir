// REQUIRES: quoin-interpret
// RUN: quoin-interpret %s --decoder adds_open_positions --prompt-ids 1,2 | FileCheck %s --check-prefix=ADDS
// RUN: not quoin-interpret %s --decoder adds_open_positions --prompt-ids 1,2,3,4,5,6 2>&1 | FileCheck %s --check-prefix=CAPACITY
// RUN: not quoin-interpret %s --decoder by_less_than_nothing --prompt-ids 1 2>&1 | FileCheck %s --check-prefix=LESS

module attributes {quoin.fill = 99 : i32, quoin.capacity = 8 : index} {
  // ADDS: {{^}}2,99,99,99{{$}}
  // CAPACITY: error: 'quoin.extend' op expects at most 8 positions (the capacity), but needs 6 + 3
  quoin.decoder @adds_open_positions(%x, %max) settings {} {
    %c1 = arith.constant 1 : index
    %c3 = arith.constant 3 : index
    %y = quoin.extend %x by %c3
    %n = quoin.length %y
    quoin.return %y[%c1 to %n]
  }
  // LESS: error: 'quoin.extend' op expects a size of at least 0
  quoin.decoder @by_less_than_nothing(%x, %max) settings {} {
    %c1 = arith.constant 1 : index
    %minus = arith.constant -1 : index
    %y = quoin.extend %x by %minus
    quoin.return %y[%c1 to %c1]
  }
}
