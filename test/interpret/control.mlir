// REQUIRES: quoin-interpret
// RUN: quoin-interpret %s --decoder structured --prompt-ids 1 | FileCheck %s
// RUN: quoin-interpret %s --decoder blocks --prompt-ids 1 | FileCheck %s
// RUN: not quoin-interpret %s --decoder recursion --prompt-ids 1 2>&1 | FileCheck %s --check-prefix=DEEP
// RUN: not quoin-interpret %s --decoder a_step_of_nothing --prompt-ids 1 2>&1 | FileCheck %s --check-prefix=STEP
// RUN: not quoin-interpret %s --prompt-ids 1 2>&1 | FileCheck %s --check-prefix=NAME

module attributes {quoin.fill = 99 : i32} {
  func.func private @twice(%n: index) -> index {
    %r = arith.addi %n, %n : index
    return %r : index
  }
  // Twice the sum of 0, 1, 2, 3, counted down to the first number below 10: nine positions.
  // CHECK: {{^}}99,99,99,99,99,99,99,99,99{{$}}
  quoin.decoder @structured(%x, %max) settings {} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c4 = arith.constant 4 : index
    %c10 = arith.constant 10 : index
    %sum = scf.for %i = %c0 to %c4 step %c1 iter_args(%s = %c0) -> (index) {
      %s1 = arith.addi %s, %i : index
      scf.yield %s1 : index
    }
    %n = func.call @twice(%sum) : (index) -> index
    %m = scf.while (%k = %n) : (index) -> index {
      %big = arith.cmpi uge, %k, %c10 : index
      scf.condition(%big) %k : index
    } do {
    ^bb0(%k: index):
      %less = arith.subi %k, %c1 : index
      scf.yield %less : index
    }
    %even = arith.remui %m, %c4 : index
    %odd = arith.cmpi eq, %even, %c1 : index
    %by = scf.if %odd -> (index) {
      scf.yield %m : index
    } else {
      scf.yield %c0 : index
    }
    %y = quoin.extend %x by %by
    %end = quoin.length %y
    quoin.return %y[%c1 to %end]
  }
  quoin.decoder @blocks(%x, %max) settings {} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c9 = arith.constant 9 : index
    %poison = ub.poison : index
    cf.br ^loop(%x, %c0, %poison : !quoin.sequence, index, index)
  ^loop(%y: !quoin.sequence, %i: index, %unused: index):
    %more = arith.cmpi ult, %i, %c9 : index
    cf.cond_br %more, ^body, ^end
  ^body:
    %y1 = quoin.extend %y by %c1
    %i1 = arith.addi %i, %c1 : index
    cf.br ^loop(%y1, %i1, %i : !quoin.sequence, index, index)
  ^end:
    %n = quoin.length %y
    quoin.return %y[%c1 to %n]
  }
  func.func private @forever(%n: index) -> index {
    %r = func.call @forever(%n) : (index) -> index
    return %r : index
  }
  // DEEP: error: 'func.call' op expects calls at most 100 deep, but found more
  quoin.decoder @recursion(%x, %max) settings {} {
    %n = func.call @forever(%max) : (index) -> index
    quoin.return %x[%n to %n]
  }
  // STEP: error: 'scf.for' op expects a step of at least 1, but found 0
  quoin.decoder @a_step_of_nothing(%x, %max) settings {} {
    %c0 = arith.constant 0 : index
    scf.for %i = %c0 to %max step %c0 {
    }
    quoin.return %x[%c0 to %c0]
  }
  // NAME: error: expects the name of one decoder, but found 4 'structured', 'blocks', 'recursion', 'a_step_of_nothing'
}
