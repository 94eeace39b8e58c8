// REQUIRES: quoin-interpret
// RUN: quoin-interpret %s --decoder slices --prompt-ids 1 | FileCheck %s --check-prefix=SLICE
// RUN: not quoin-interpret %s --decoder a_slice_past_the_end --prompt-ids 1 2>&1 | FileCheck %s --check-prefix=PAST
// RUN: not quoin-interpret %s --decoder an_element_past_the_end --prompt-ids 1 2>&1 | FileCheck %s --check-prefix=ELEMENT
// RUN: not quoin-interpret %s --decoder a_cast_to_another_size --prompt-ids 1 2>&1 | FileCheck %s --check-prefix=CAST

module attributes {} {
  // SLICE: {{^}}4,6,8,7,7{{$}}
  quoin.decoder @slices(%x, %max) settings {} {
    %c1 = arith.constant 1 : index
    %c2 = arith.constant 2 : index
    %c3 = arith.constant 3 : index
    %all = arith.constant dense<[3, 4, 5, 6, 7, 8]> : tensor<6xi32>
    %odd = tensor.extract_slice %all[1] [3] [2] : tensor<6xi32> to tensor<3xi32>
    %c4 = arith.constant 4 : index
    %seven = tensor.extract %all[%c4] : tensor<6xi32>
    %two = tensor.splat %seven[%c2] : tensor<?xi32>
    %both = tensor.concat dim(0) %odd, %two : (tensor<3xi32>, tensor<?xi32>) -> tensor<?xi32>
    %y = quoin.append %x, %both
    %n = quoin.length %y
    quoin.return %y[%c1 to %n]
  }
  // PAST: error: 'tensor.extract_slice' op expects a size in [0, 1], but found 2
  quoin.decoder @a_slice_past_the_end(%x, %max) settings {} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c2 = arith.constant 2 : index
    %a = quoin.span %c0 to %c2
    %b = tensor.extract_slice %a[%c1] [%c2] [1] : tensor<?xindex> to tensor<?xindex>
    quoin.return %x[%c0 to %c0]
  }
  // ELEMENT: error: 'tensor.extract' op expects an index in [0, 2), but found 2
  quoin.decoder @an_element_past_the_end(%x, %max) settings {} {
    %c0 = arith.constant 0 : index
    %c2 = arith.constant 2 : index
    %a = quoin.span %c0 to %c2
    %b = tensor.extract %a[%c2] : tensor<?xindex>
    quoin.return %x[%c0 to %c0]
  }
  // CAST: error: 'tensor.cast' op expects a result of 3 elements, but found 2
  quoin.decoder @a_cast_to_another_size(%x, %max) settings {} {
    %c0 = arith.constant 0 : index
    %c2 = arith.constant 2 : index
    %a = quoin.span %c0 to %c2
    %b = tensor.cast %a : tensor<?xindex> to tensor<3xindex>
    quoin.return %x[%c0 to %c0]
  }
}
