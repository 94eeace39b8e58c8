// REQUIRES: quoin-interpret
// RUN: quoin-interpret %s --decoder one_position_a_step --prompt-ids 1 --json | FileCheck %s --check-prefix=STEPS
// RUN: not quoin-interpret %s --decoder a_step_that_fills_nothing --prompt-ids 1 2>&1 | FileCheck %s --check-prefix=NOTHING

module attributes {quoin.fill = 99 : i32} {
  // The token is the number of the step.
  // STEPS: "ids":[1,0,1,2]
  quoin.decoder @one_position_a_step(%x, %max) settings {} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c3 = arith.constant 3 : index
    %n = arith.constant 4 : index
    %y = quoin.extend %x by %c3
    %full, %steps = quoin.denoise %y[%c0 to %n] carry %c0 : index -> index {
    ^bb0(%z: !quoin.sequence, %rows: tensor<?xindex>, %s: index):
      %one = tensor.extract_slice %rows[0] [%c1] [1] : tensor<?xindex> to tensor<?xindex>
      %token = arith.index_cast %s : index to i32
      %ids = tensor.splat %token[%c1] : tensor<?xi32>
      %next = quoin.fill %z at %one with %ids
      %s1 = arith.addi %s, %c1 : index
      quoin.yield %next, %s1 : index
    }
    quoin.return %full[%c0 to %n]
  }
  // NOTHING: error: 'quoin.denoise' op expects each step to fill a position, but 3 stay open
  quoin.decoder @a_step_that_fills_nothing(%x, %max) settings {} {
    %c0 = arith.constant 0 : index
    %c3 = arith.constant 3 : index
    %n = arith.constant 4 : index
    %y = quoin.extend %x by %c3
    %full = quoin.denoise %y[%c0 to %n] {
    ^bb0(%z: !quoin.sequence, %rows: tensor<?xindex>):
      quoin.yield %z
    }
    quoin.return %full[%c0 to %n]
  }
}
