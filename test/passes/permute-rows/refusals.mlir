// RUN: quoin-opt %s --quoin-permute-rows --remarks-filter='.*' -o %t 2> %t.remarks
// RUN: FileCheck %s < %t
// RUN: FileCheck %s --check-prefix=REMARK < %t.remarks

// CHECK-NOT: quoin.permute_rows

// REMARK: [Missed] Order | Category:quoin-permute-rows | {{.*}}no order visits a tenth fewer tiles: 3 tiles visited before, 3 after
func.func @causal_is_in_order(%q: tensor<128x2x16xf32>) -> tensor<128x2x16xf32> {
  %o = quoin.block_attention %q, %q, %q mask #quoin.mask<causal> scale 0.25
      : tensor<128x2x16xf32>, tensor<128x2x16xf32>, tensor<128x2x16xf32>
  return %o : tensor<128x2x16xf32>
}

// REMARK: the length is known at run time only
func.func @any_length(%q: tensor<?x2x16xf32>) -> tensor<?x2x16xf32> {
  %o = quoin.block_attention %q, %q, %q mask #quoin.mask<(q, k) : k mod 4 eq q mod 4> scale 0.25
      : tensor<?x2x16xf32>, tensor<?x2x16xf32>, tensor<?x2x16xf32>
  return %o : tensor<?x2x16xf32>
}

// REMARK: queries and keys are different tokens
func.func @other_queries(%q: tensor<64x2x16xf32>, %k: tensor<256x2x16xf32>) -> tensor<64x2x16xf32> {
  %o = quoin.block_attention %q, %k, %k mask #quoin.mask<(q, k) : k mod 4 eq q mod 4> scale 0.25
      : tensor<64x2x16xf32>, tensor<256x2x16xf32>, tensor<256x2x16xf32>
  return %o : tensor<64x2x16xf32>
}

// REMARK: symbols and labels of its mask are known at run time only
func.func @a_symbol(%q: tensor<256x2x16xf32>, %a: index) -> tensor<256x2x16xf32> {
  %o = quoin.block_attention %q, %q, %q mask #quoin.mask<(q, k)[a] : k mod 4 eq q mod 4 or k lt a>[%a] scale 0.25
      : tensor<256x2x16xf32>, tensor<256x2x16xf32>, tensor<256x2x16xf32>
  return %o : tensor<256x2x16xf32>
}
