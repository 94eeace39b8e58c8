// REQUIRES: quoin-interpret
// RUN: quoin-interpret %s --decoder committed_is_the_highest --prompt-ids 1,2,3 | FileCheck %s --check-prefix=HIGHEST
// RUN: not quoin-interpret %s --decoder open_positions_cannot_be_final --prompt-ids 1,2,3 2>&1 | FileCheck %s --check-prefix=OPEN
// RUN: not quoin-interpret %s --decoder final_positions_cannot_be_edited --prompt-ids 1,2,3 2>&1 | FileCheck %s --check-prefix=EDIT

module attributes {quoin.fill = 99 : i32} {
  // HIGHEST: {{^}}3{{$}}
  quoin.decoder @committed_is_the_highest(%x, %max) settings {} {
    %c1 = arith.constant 1 : index
    %c2 = arith.constant 2 : index
    %c3 = arith.constant 3 : index
    %y = quoin.commit %x to %c2
    %z = quoin.commit %y to %c1
    %n = quoin.committed %z
    quoin.return %z[%n to %c3]
  }
  // OPEN: error: 'quoin.commit' op expects known positions below 4, but position 3 is open
  quoin.decoder @open_positions_cannot_be_final(%x, %max) settings {} {
    %c1 = arith.constant 1 : index
    %c4 = arith.constant 4 : index
    %y = quoin.extend %x by %c1
    %z = quoin.commit %y to %c4
    quoin.return %z[%c1 to %c4]
  }
  // EDIT: error: 'quoin.edit' op expects positions from 2 on (the others are final), but found 1
  quoin.decoder @final_positions_cannot_be_edited(%x, %max) settings {} {
    %c1 = arith.constant 1 : index
    %c2 = arith.constant 2 : index
    %y = quoin.commit %x to %c2
    %rows = quoin.span %c1 to %c2
    %seven = arith.constant 7 : i32
    %ids = tensor.splat %seven[%c1] : tensor<?xi32>
    %z = quoin.edit %y at %rows with %ids
    quoin.return %z[%c1 to %c2]
  }
}
