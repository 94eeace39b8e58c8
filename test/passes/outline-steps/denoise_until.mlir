// RUN: quoin-opt %s --quoin-outline-steps | FileCheck %s

// A loop that may end early carries beside its values whether a step was the last one, which may fill nothing.

// CHECK-LABEL: quoin.decoder @until_the_third
// CHECK:         cf.br ^[[LOOP:bb[0-9]+]](
// CHECK:       ^[[LOOP]](%[[Y:.*]]: !quoin.sequence, %[[S:.*]]: index, %[[LAST:.*]]: i1):
// CHECK:         %[[SOME:.*]] = arith.cmpi ne
// CHECK:         %[[MORE:.*]] = arith.xori %[[LAST]]
// CHECK:         %[[ON:.*]] = arith.andi %[[SOME]], %[[MORE]]
// CHECK:         cf.cond_br %[[ON]]
// CHECK:         %[[NOW:.*]] = arith.cmpi eq
// CHECK:         %[[LIMIT:.*]] = arith.select %[[NOW]]
// CHECK:         arith.cmpi ult, %{{.*}}, %[[LIMIT]]
// CHECK:         cf.br ^[[LOOP]](%{{.*}}, %{{.*}}, %[[NOW]] : !quoin.sequence, index, i1)
quoin.decoder @until_the_third(%x, %max) settings {} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c3 = arith.constant 3 : index
  %y, %steps = quoin.denoise %x[%c0 to %max] carry %c0 : index -> index {
  ^bb0(%z: !quoin.sequence, %rows: tensor<?xindex>, %s: index):
    %next = arith.addi %s, %c1 : index
    %last = arith.cmpi eq, %next, %c3 : index
    quoin.yield %z until %last, %next : index
  }
  quoin.return %y[%c0 to %steps]
}
