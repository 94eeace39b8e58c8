// What may stand around the one attention of a function, and what its arguments may be.
// REQUIRES: quoin-compile
// RUN: rm -rf %t && split-file %s %t

// RUN: not quoin-compile %t/computed.mlir -o %t/out 2>&1 | FileCheck %s --check-prefix=COMPUTED
// COMPUTED: error: {{.*}}'quoin.block_attention' op expects arguments of the function as operands, but found the result of 'arith.constant' as v
//--- computed.mlir
func.func @f(%q: tensor<2x1x8xf32>) -> tensor<2x1x8xf32> {
  %v = arith.constant dense<1.0> : tensor<2x1x8xf32>
  %out = quoin.block_attention %q, %q, %v mask #quoin.mask<causal> scale 1.0 : tensor<2x1x8xf32>, tensor<2x1x8xf32>, tensor<2x1x8xf32>
  return %out : tensor<2x1x8xf32>
}

// RUN: not quoin-compile %t/blocks.mlir -o %t/out 2>&1 | FileCheck %s --check-prefix=BLOCKS
// BLOCKS: error: {{.*}}expects a function of one block, but found 2
//--- blocks.mlir
func.func @f(%q: tensor<2x1x8xf32>) -> tensor<2x1x8xf32> {
  cf.br ^next
^next:
  %out = quoin.block_attention %q, %q, %q mask #quoin.mask<causal> scale 1.0 : tensor<2x1x8xf32>, tensor<2x1x8xf32>, tensor<2x1x8xf32>
  return %out : tensor<2x1x8xf32>
}

// RUN: not quoin-compile %t/inside.mlir -o %t/out 2>&1 | FileCheck %s --check-prefix=INSIDE
// INSIDE: error: {{.*}}'scf.if' op expects a function of one 'quoin.block_attention' and its return, but found this
//--- inside.mlir
func.func @f(%q: tensor<2x1x8xf32>) -> tensor<2x1x8xf32> {
  %true = arith.constant true
  %out = scf.if %true -> tensor<2x1x8xf32> {
    %a = quoin.block_attention %q, %q, %q mask #quoin.mask<causal> scale 1.0 : tensor<2x1x8xf32>, tensor<2x1x8xf32>, tensor<2x1x8xf32>
    scf.yield %a : tensor<2x1x8xf32>
  } else {
    scf.yield %q : tensor<2x1x8xf32>
  }
  return %out : tensor<2x1x8xf32>
}

// RUN: not quoin-compile %t/twice.mlir -o %t/out 2>&1 | FileCheck %s --check-prefix=TWICE
// TWICE: error: {{.*}}'quoin.block_attention' op expects to be the function's only attention, but there is another
//--- twice.mlir
func.func @f(%q: tensor<2x1x8xf32>) -> tensor<2x1x8xf32> {
  %a = quoin.block_attention %q, %q, %q mask #quoin.mask<causal> scale 1.0 : tensor<2x1x8xf32>, tensor<2x1x8xf32>, tensor<2x1x8xf32>
  %out = quoin.block_attention %q, %q, %q mask #quoin.mask<full> scale 1.0 : tensor<2x1x8xf32>, tensor<2x1x8xf32>, tensor<2x1x8xf32>
  return %out : tensor<2x1x8xf32>
}

// RUN: not quoin-compile %t/orders.mlir -o %t/out 2>&1 | FileCheck %s --check-prefix=ORDERS
// ORDERS: error: {{.*}}'quoin.block_attention' op expects queries, keys and values in one order, but found others
//--- orders.mlir
func.func @f(%q: tensor<2x1x8xf32>) -> tensor<2x1x8xf32> {
  %p = quoin.permute_rows %q : tensor<2x1x8xf32> by #quoin.order<1, 0>
  %out = quoin.block_attention %p, %q, %q mask #quoin.mask<full> scale 1.0 : tensor<2x1x8xf32>, tensor<2x1x8xf32>, tensor<2x1x8xf32>
  return %out : tensor<2x1x8xf32>
}

// RUN: not quoin-compile %t/other-order.mlir -o %t/out 2>&1 | FileCheck %s --check-prefix=OTHER-ORDER
// OTHER-ORDER: error: {{.*}}'quoin.permute_rows' op expects the inverse of the order of queries, but found another
//--- other-order.mlir
func.func @f(%q: tensor<3x1x8xf32>) -> tensor<3x1x8xf32> {
  %p = quoin.permute_rows %q : tensor<3x1x8xf32> by #quoin.order<1, 2, 0>
  %a = quoin.block_attention %p, %p, %p mask #quoin.mask<full> scale 1.0 : tensor<3x1x8xf32>, tensor<3x1x8xf32>, tensor<3x1x8xf32>
  %out = quoin.permute_rows %a : tensor<3x1x8xf32> by #quoin.order<1, 2, 0>
  return %out : tensor<3x1x8xf32>
}

// RUN: not quoin-compile %t/no-order.mlir -o %t/out 2>&1 | FileCheck %s --check-prefix=NO-ORDER
// NO-ORDER: error: {{.*}}'func.return' op expects results of 'quoin.block_attention', but found something else
//--- no-order.mlir
func.func @f(%q: tensor<2x1x8xf32>) -> tensor<2x1x8xf32> {
  %p = quoin.permute_rows %q : tensor<2x1x8xf32> by #quoin.order<1, 0>
  %a = quoin.block_attention %p, %p, %p mask #quoin.mask<full> scale 1.0 : tensor<2x1x8xf32>, tensor<2x1x8xf32>, tensor<2x1x8xf32>
  return %a : tensor<2x1x8xf32>
}

// RUN: not quoin-compile %t/unused.mlir -o %t/out 2>&1 | FileCheck %s --check-prefix=UNUSED
// UNUSED: error: {{.*}}expects arguments that the attention uses, but argument 1 is not used
//--- unused.mlir
func.func @f(%q: tensor<2x1x8xf32>, %more: index) -> tensor<2x1x8xf32> {
  %out = quoin.block_attention %q, %q, %q mask #quoin.mask<causal> scale 1.0 : tensor<2x1x8xf32>, tensor<2x1x8xf32>, tensor<2x1x8xf32>
  return %out : tensor<2x1x8xf32>
}

// RUN: not quoin-compile %t/names.mlir -o %t/out 2>&1 | FileCheck %s --check-prefix=NAMES
// NAMES: error: {{.*}}expects arguments of different names, but two are called 'q'
//--- names.mlir
func.func @f(%q: tensor<2x1x8xf32>, %k: tensor<2x1x8xf32> {quoin.name = "q"}) -> tensor<2x1x8xf32> {
  %out = quoin.block_attention %q, %k, %k mask #quoin.mask<causal> scale 1.0 : tensor<2x1x8xf32>, tensor<2x1x8xf32>, tensor<2x1x8xf32>
  return %out : tensor<2x1x8xf32>
}

// RUN: not quoin-compile %t/labels.mlir -o %t/out 2>&1 | FileCheck %s --check-prefix=LABELS
// LABELS: error: {{.*}}'quoin.block_attention' op expects labels of the mask or of the program, but found 'a' and 'label'
//--- labels.mlir
func.func @f(%q: tensor<2x1x8xf32>) -> tensor<2x1x8xf32> {
  %out = quoin.block_attention %q, %q, %q mask #quoin.mask<(q, k) where a = [0, 1] : a(k) le a(q) and label(k) le label(q)> scale 1.0
      : tensor<2x1x8xf32>, tensor<2x1x8xf32>, tensor<2x1x8xf32>
  return %out : tensor<2x1x8xf32>
}

// The labels of queries and of keys are of one tensor, which cannot have two lengths.
// RUN: not quoin-compile %t/lengths.mlir -o %t/out 2>&1 | FileCheck %s --check-prefix=LENGTHS
// LENGTHS: error: {{.*}}'quoin.block_attention' op expects operands of one length, but found 2 and 3
//--- lengths.mlir
func.func @f(%q: tensor<?x1x8xf32>) -> tensor<?x1x8xf32> {
  %a = arith.constant dense<0> : tensor<2xi32>
  %b = arith.constant dense<0> : tensor<3xi32>
  %out = quoin.block_attention %q, %q, %q mask #quoin.mask<(q, k) : label(k) le label(q)> labels(%a : tensor<2xi32>, %b : tensor<3xi32>)
      scale 1.0 : tensor<?x1x8xf32>, tensor<?x1x8xf32>, tensor<?x1x8xf32>
  return %out : tensor<?x1x8xf32>
}

// The same by offsets that are both: three queries end where two keys do.
// RUN: not quoin-compile %t/offsets.mlir -o %t/out 2>&1 | FileCheck %s --check-prefix=OFFSETS
// OFFSETS: error: {{.*}}'quoin.block_attention' op expects operands of one length, but found 3 and 2
//--- offsets.mlir
func.func @f(%q: tensor<3x1x8xf32>, %k: tensor<2x1x8xf32>, %v: tensor<2x1x8xf32>, %at: tensor<?xi32>) -> tensor<3x1x8xf32> {
  %out = quoin.block_attention %q, %k, %v mask #quoin.mask<full> sequences(%at : tensor<?xi32>, %at : tensor<?xi32>) scale 1.0
      : tensor<3x1x8xf32>, tensor<2x1x8xf32>, tensor<2x1x8xf32>
  return %out : tensor<3x1x8xf32>
}

// A length that one of two equal operands knows is the other's.
// RUN: quoin-compile %t/known.mlir -o %t/known --emit object
// RUN: FileCheck %s --check-prefix=KNOWN < %t/known/model.json
// KNOWN-NOT: "k0"
//--- known.mlir
func.func @f(%x: tensor<?x1x8xf32>, %k: tensor<5x1x8xf32>) -> tensor<?x1x8xf32> {
  %out = quoin.block_attention %x, %k, %x mask #quoin.mask<causal> scale 1.0 : tensor<?x1x8xf32>, tensor<5x1x8xf32>, tensor<?x1x8xf32>
  return %out : tensor<?x1x8xf32>
}

// RUN: not quoin-compile %t/argument.mlir -o %t/out 2>&1 | FileCheck %s --check-prefix=ARGUMENT
// ARGUMENT: error: {{.*}}'func.return' op expects results of 'quoin.block_attention', but found something else
//--- argument.mlir
func.func @f(%q: tensor<2x1x8xf32>) -> tensor<2x1x8xf32> {
  %out = quoin.block_attention %q, %q, %q mask #quoin.mask<causal> scale 1.0 : tensor<2x1x8xf32>, tensor<2x1x8xf32>, tensor<2x1x8xf32>
  return %q : tensor<2x1x8xf32>
}

// RUN: not quoin-compile %t/results.mlir -o %t/out 2>&1 | FileCheck %s --check-prefix=RESULTS
// RESULTS: error: {{.*}}'func.return' op expects different results, but found one twice
//--- results.mlir
func.func @f(%q: tensor<2x1x8xf32>) -> (tensor<2x1x8xf32>, tensor<2x1x8xf32>) {
  %out = quoin.block_attention %q, %q, %q mask #quoin.mask<causal> scale 1.0 : tensor<2x1x8xf32>, tensor<2x1x8xf32>, tensor<2x1x8xf32>
  return %out, %out : tensor<2x1x8xf32>, tensor<2x1x8xf32>
}

// RUN: not quoin-compile %t/no-out.mlir -o %t/out 2>&1 | FileCheck %s --check-prefix=NO-OUT
// NO-OUT: error: {{.*}}'func.return' op expects the output of 'quoin.block_attention' to be returned, but it is not
//--- no-out.mlir
func.func @f(%q: tensor<2x1x8xf32>) -> tensor<2x1xf32> {
  %out, %lse = quoin.block_attention %q, %q, %q mask #quoin.mask<causal> scale 1.0 : tensor<2x1x8xf32>, tensor<2x1x8xf32>, tensor<2x1x8xf32> lse tensor<2x1xf32>
  return %lse : tensor<2x1xf32>
}
