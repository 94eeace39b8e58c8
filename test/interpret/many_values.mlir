// A body may have any number of values: an op that makes two does not lose its operands when the second finds no room.
// REQUIRES: quoin-interpret
// RUN: rm -rf %t && mkdir -p %t && python3 %S/Inputs/rows.py write %t q=0/0/0/0 v=1/2/4/8 head=1/0
// RUN: python3 %S/Inputs/parts.py 22 2 > %t/even.mlir && quoin-interpret %t/even.mlir --logits %t/rows --ids 0,1,2,3 --mask causal
// RUN: python3 %S/Inputs/rows.py print %t/rows | FileCheck %s
// RUN: python3 %S/Inputs/parts.py 22 3 > %t/odd.mlir && quoin-interpret %t/odd.mlir --logits %t/rows --ids 0,1,2,3 --mask causal
// RUN: python3 %S/Inputs/rows.py print %t/rows | FileCheck %s
// CHECK: {{^}}1 0{{$}}
// CHECK-NEXT: {{^}}1.5 0{{$}}
// CHECK-NEXT: {{^}}2.3333 0{{$}}
// CHECK-NEXT: {{^}}3.75 0{{$}}
