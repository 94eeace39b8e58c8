// RUN: quoin-opt %s --quoin-permute-rows --remarks-filter='.*' -o %t 2> %t.remarks
// RUN: FileCheck %s < %t
// RUN: FileCheck %s --check-prefix=REMARK < %t.remarks
// RUN: quoin-opt %s --quoin-permute-rows --quoin-statistics -o /dev/null 2>&1 | FileCheck %s --check-prefix=COUNT

// Four streams that lie in turns: gathered, three tiles of four are empty. The formula asks the array of positions instead.
// CHECK-LABEL: @interleaved_streams
// CHECK: %[[Q:.+]] = quoin.permute_rows %{{.+}} : tensor<256x2x16xf32> by <0 to 252 by 4, 1 to 253 by 4, 2 to 254 by 4, 3 to 255 by 4>
// CHECK: %[[K:.+]] = quoin.permute_rows
// CHECK: %[[V:.+]] = quoin.permute_rows
// CHECK: %[[O:.+]], %[[L:.+]] = quoin.block_attention %[[Q]], %[[K]], %[[V]] mask <(q, k) where at = [0, 4, 8, {{.*}}] : at(k) mod 4 eq at(q) mod 4>
// CHECK: quoin.permute_rows %[[O]] : tensor<256x2x16xf32> by <0 to 192 by 64, 1 to 193 by 64, {{.*}}>
// CHECK: quoin.permute_rows %[[L]] : tensor<256x2xf32> by <0 to 192 by 64, 1 to 193 by 64, {{.*}}>
// REMARK: [Passed] Order | Category:quoin-permute-rows | {{.*}}tokens sorted by position mod 4: 16 tiles visited before, 4 after
func.func @interleaved_streams(%q: tensor<256x2x16xf32>) -> (tensor<256x2x16xf32>, tensor<256x2xf32>) {
  %o, %l = quoin.block_attention %q, %q, %q mask #quoin.mask<(q, k) : k mod 4 eq q mod 4> scale 0.25
      : tensor<256x2x16xf32>, tensor<256x2x16xf32>, tensor<256x2x16xf32> lse tensor<256x2xf32>
  return %o, %l : tensor<256x2x16xf32>, tensor<256x2xf32>
}

// Between two attentions over the same tokens the order and its inverse fold.
// CHECK-LABEL: @inverse_pairs_fold
// CHECK-SAME: %[[X:.+]]: tensor
// CHECK: quoin.permute_rows %[[X]]
// CHECK: quoin.permute_rows %[[X]]
// CHECK: quoin.permute_rows %[[X]]
// CHECK: %[[A:.+]] = quoin.block_attention
// CHECK-NEXT: %[[B:.+]] = quoin.block_attention %[[A]], %[[A]], %[[A]]
// CHECK-NEXT: %[[R:.+]] = quoin.permute_rows %[[B]]
// CHECK-NEXT: return %[[R]]
func.func @inverse_pairs_fold(%x: tensor<256x2x16xf32>) -> tensor<256x2x16xf32> {
  %a = quoin.block_attention %x, %x, %x mask #quoin.mask<(q, k) : k mod 4 eq q mod 4> scale 0.25
      : tensor<256x2x16xf32>, tensor<256x2x16xf32>, tensor<256x2x16xf32>
  %b = quoin.block_attention %a, %a, %a mask #quoin.mask<(q, k) : k mod 4 eq q mod 4 and k le q> scale 0.25
      : tensor<256x2x16xf32>, tensor<256x2x16xf32>, tensor<256x2x16xf32>
  return %b : tensor<256x2x16xf32>
}

// Labels of the mask travel with their tokens.
// CHECK-LABEL: @labels_travel
// CHECK: quoin.block_attention {{.*}} mask <(q, k) where part = [0 : 96, 1 : 96], at = [0, 1, {{.*}}
func.func @labels_travel(%q: tensor<192x2x16xf32>) -> tensor<192x2x16xf32> {
  %o = quoin.block_attention %q, %q, %q
      mask #quoin.mask<(q, k) where part = [0 : 32, 1 : 32, 0 : 32, 1 : 32, 0 : 32, 1 : 32] : part(k) eq part(q) and k le q> scale 0.25
      : tensor<192x2x16xf32>, tensor<192x2x16xf32>, tensor<192x2x16xf32>
  return %o : tensor<192x2x16xf32>
}

// COUNT: permute-rows num-attentions-permuted 4
// COUNT: permute-rows num-permutations-folded 3
// COUNT: permute-rows num-tiles-visited-after 17
// COUNT: permute-rows num-tiles-visited-before 48
