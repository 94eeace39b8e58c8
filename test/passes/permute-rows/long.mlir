// RUN: quoin-opt %s --quoin-permute-rows --remarks-filter='.*' -o %t 2> %t.remarks
// RUN: FileCheck %s < %t
// RUN: FileCheck %s --check-prefix=REMARK < %t.remarks

// Of a long call some tokens are looked at; all are sorted.
// CHECK-LABEL: @streams
// CHECK: quoin.permute_rows %{{.+}} : tensor<16384x2x16xf32> by <0 to 16368 by 16, 1 to 16369 by 16,
// REMARK: tokens sorted by position mod 16: 1024 tiles visited before, 64 after (of 2048 tokens)
func.func @streams(%q: tensor<16384x2x16xf32>) -> tensor<16384x2x16xf32> {
  %o = quoin.block_attention %q, %q, %q mask #quoin.mask<(q, k) : k mod 16 eq q mod 16> scale 0.25
      : tensor<16384x2x16xf32>, tensor<16384x2x16xf32>, tensor<16384x2x16xf32>
  return %o : tensor<16384x2x16xf32>
}
