// RUN: quoin-opt %s --quoin-inline-calls | FileCheck %s

// CHECK-NOT: func.func
// CHECK-LABEL: quoin.decoder @functions_become_part_of_the_decoder
// CHECK: %[[P:.+]] = quoin.length %[[X:.+]]
// CHECK: %[[N:.+]] = quoin.length %[[X]]
// CHECK: %[[S:.+]] = quoin.find_stop %[[X]][%[[P]] to %[[N]]]
// CHECK: quoin.return %[[X]][%[[P]] to %[[S]]]
func.func private @end(%x: !quoin.sequence, %from: index) -> index {
  %n = quoin.length %x
  %s = func.call @stop(%x, %from, %n) : (!quoin.sequence, index, index) -> index
  return %s : index
}
func.func private @stop(%x: !quoin.sequence, %from: index, %to: index) -> index {
  %s = quoin.find_stop %x[%from to %to]
  return %s : index
}
quoin.decoder @functions_become_part_of_the_decoder(%x, %max) settings {} {
  %p = quoin.length %x
  %e = func.call @end(%x, %p) : (!quoin.sequence, index) -> index
  quoin.return %x[%p to %e]
}
