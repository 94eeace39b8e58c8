// REQUIRES: quoin-interpret
// RUN: quoin-interpret %s --decoder open_positions_take_tokens --prompt-ids 1,2 | FileCheck %s --check-prefix=OPEN
// RUN: quoin-interpret %s --decoder known_positions_stay --prompt-ids 1,2 | FileCheck %s --check-prefix=KNOWN
// RUN: quoin-interpret %s --decoder the_fill_token_is_never_written --prompt-ids 1,2 | FileCheck %s --check-prefix=NEVER
// RUN: quoin-interpret %s --decoder flags_choose --prompt-ids 1,2 | FileCheck %s --check-prefix=FLAGS
// RUN: not quoin-interpret %s --decoder outside --prompt-ids 1,2 2>&1 | FileCheck %s --check-prefix=OUTSIDE
// RUN: not quoin-interpret %s --decoder sizes_differ --prompt-ids 1,2 2>&1 | FileCheck %s --check-prefix=SIZES

module attributes {quoin.fill = 99 : i32} {
  // OPEN: {{^}}1,2,7,8{{$}}
  quoin.decoder @open_positions_take_tokens(%x, %max) settings {} {
    %c0 = arith.constant 0 : index
    %c2 = arith.constant 2 : index
    %n = arith.constant 4 : index
    %y = quoin.extend %x by %c2
    %rows = quoin.open %y[%c0 to %n]
    %ids = arith.constant dense<[7, 8]> : tensor<2xi32>
    %dynamic = tensor.cast %ids : tensor<2xi32> to tensor<?xi32>
    %z = quoin.fill %y at %rows with %dynamic
    quoin.return %z[%c0 to %n]
  }
  // KNOWN: {{^}}1,2{{$}}
  quoin.decoder @known_positions_stay(%x, %max) settings {} {
    %c0 = arith.constant 0 : index
    %n = arith.constant 2 : index
    %rows = quoin.span %c0 to %n
    %seven = arith.constant 7 : i32
    %ids = tensor.splat %seven[%n] : tensor<?xi32>
    %z = quoin.fill %x at %rows with %ids
    quoin.return %z[%c0 to %n]
  }
  // NEVER: {{^}}1,2,99,8{{$}}
  quoin.decoder @the_fill_token_is_never_written(%x, %max) settings {} {
    %c0 = arith.constant 0 : index
    %c2 = arith.constant 2 : index
    %c3 = arith.constant 3 : index
    %n = arith.constant 4 : index
    %y = quoin.extend %x by %c2
    %rows = quoin.open %y[%c0 to %n]
    %ids = arith.constant dense<[99, 8]> : tensor<2xi32>
    %dynamic = tensor.cast %ids : tensor<2xi32> to tensor<?xi32>
    %z = quoin.fill %y at %rows with %dynamic
    quoin.return %z[%c0 to %n]
  }
  // FLAGS: {{^}}1,2,99,8{{$}}
  quoin.decoder @flags_choose(%x, %max) settings {} {
    %c0 = arith.constant 0 : index
    %c2 = arith.constant 2 : index
    %n = arith.constant 4 : index
    %y = quoin.extend %x by %c2
    %rows = quoin.open %y[%c0 to %n]
    %ids = arith.constant dense<[7, 8]> : tensor<2xi32>
    %dynamic = tensor.cast %ids : tensor<2xi32> to tensor<?xi32>
    %flags = arith.constant dense<[false, true]> : tensor<2xi1>
    %where = tensor.cast %flags : tensor<2xi1> to tensor<?xi1>
    %z = quoin.fill %y at %rows with %dynamic where %where
    quoin.return %z[%c0 to %n]
  }
  // OUTSIDE: error: 'quoin.fill' op expects positions in [0, 2), but found 2
  quoin.decoder @outside(%x, %max) settings {} {
    %c0 = arith.constant 0 : index
    %c2 = arith.constant 2 : index
    %c3 = arith.constant 3 : index
    %rows = quoin.span %c2 to %c3
    %ids = arith.constant dense<7> : tensor<1xi32>
    %dynamic = tensor.cast %ids : tensor<1xi32> to tensor<?xi32>
    %z = quoin.fill %x at %rows with %dynamic
    quoin.return %z[%c0 to %c2]
  }
  // SIZES: error: 'quoin.fill' op expects 2 ids, but found 1
  quoin.decoder @sizes_differ(%x, %max) settings {} {
    %c0 = arith.constant 0 : index
    %c2 = arith.constant 2 : index
    %rows = quoin.span %c0 to %c2
    %ids = arith.constant dense<7> : tensor<1xi32>
    %dynamic = tensor.cast %ids : tensor<1xi32> to tensor<?xi32>
    %z = quoin.fill %x at %rows with %dynamic
    quoin.return %z[%c0 to %c2]
  }
}
