// REQUIRES: quoin-interpret
// RUN: quoin-interpret %s --decoder adds_open_positions --prompt-ids 1,2 --max-tokens 4 | FileCheck %s --check-prefix=ADDS
// RUN: not quoin-interpret %s --decoder adds_open_positions --prompt-ids 1,2,3,4,5,6 --max-tokens 3 2>&1 | FileCheck %s --check-prefix=CAPACITY
// RUN: not quoin-interpret %s --decoder adds_too_many --prompt-ids 1,2,3,4,5,6 --max-tokens 2 2>&1 | FileCheck %s --check-prefix=ROOM
// RUN: not quoin-interpret %s --decoder by_less_than_nothing --prompt-ids 1 --max-tokens 4 2>&1 | FileCheck %s --check-prefix=LESS

module attributes {quoin.fill = 99 : i32, quoin.capacity = 8 : index} {
  // ADDS: {{^}}2,99,99,99{{$}}
  // CAPACITY: error: expects at most 8 positions (the capacity), but prompt and max_tokens are 6 + 3
  quoin.decoder @adds_open_positions(%x, %max) settings {} {
    %c1 = arith.constant 1 : index
    %c3 = arith.constant 3 : index
    %y = quoin.extend %x by %c3
    %n = quoin.length %y
    quoin.return %y[%c1 to %n]
  }
  // ROOM: error: 'quoin.extend' op expects at most 72 positions (the capacity of 8 and 64 beyond it), but needs 6 + 67
  quoin.decoder @adds_too_many(%x, %max) settings {} {
    %c0 = arith.constant 0 : index
    %c67 = arith.constant 67 : index
    %y = quoin.extend %x by %c67
    quoin.return %y[%c0 to %c0]
  }
  // LESS: error: 'quoin.extend' op expects a size of at least 0
  quoin.decoder @by_less_than_nothing(%x, %max) settings {} {
    %c1 = arith.constant 1 : index
    %minus = arith.constant -1 : index
    %y = quoin.extend %x by %minus
    quoin.return %y[%c1 to %c1]
  }
}
