// REQUIRES: quoin-interpret
// RUN: quoin-interpret %s --prompt-ids 1 | FileCheck %s

module attributes {} {
  // Two of the highest of .5 nan .9 .5 .9 among all but the third: the fifth, and of the ties the first.
  // CHECK: {{^}}1,0,0,0,1{{$}}
  quoin.decoder @ties_go_to_the_lowest_index(%x, %max) settings {} {
    %c1 = arith.constant 1 : index
    %c2 = arith.constant 2 : index
    %c6 = arith.constant 6 : index
    %v0 = arith.constant dense<[0.5, 0x7FC00000, 0.9, 0.5, 0.9]> : tensor<5xf32>
    %v = tensor.cast %v0 : tensor<5xf32> to tensor<?xf32>
    %w0 = arith.constant dense<[true, true, false, true, true]> : tensor<5xi1>
    %w = tensor.cast %w0 : tensor<5xi1> to tensor<?xi1>
    %best = quoin.top %v, %c2 where %w
    %ids = arith.extui %best : tensor<?xi1> to tensor<?xi32>
    %y = quoin.append %x, %ids
    quoin.return %y[%c1 to %c6]
  }
}
