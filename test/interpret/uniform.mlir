// REQUIRES: quoin-interpret
// RUN: quoin-interpret %s --prompt-ids 1 --seed 0 | FileCheck %s
// RUN: quoin-interpret %s --prompt-ids 1 --seed 2957197107563411490 | FileCheck %s --check-prefix=SEED

module attributes {} {
  // The first word of Philox's known answer for zeros, 6627e8d5, less its last byte: 6694888.
  // CHECK: {{^}}6694888{{$}}
  // SEED-NOT: {{^}}6694888{{$}}
  quoin.decoder @is_a_word_of_philox(%x, %max) settings {} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c2 = arith.constant 2 : index
    %at = quoin.span %c0 to %c1
    %e = quoin.evaluation
    %u = quoin.uniform stream 0 at %at, %e
    %scale = arith.constant dense<16777216.0> : tensor<1xf32>
    %scales = tensor.cast %scale : tensor<1xf32> to tensor<?xf32>
    %words = arith.mulf %u, %scales : tensor<?xf32>
    %ids = arith.fptosi %words : tensor<?xf32> to tensor<?xi32>
    %y = quoin.append %x, %ids
    quoin.return %y[%c1 to %c2]
  }
}
