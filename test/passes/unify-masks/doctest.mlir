// RUN: quoin-opt %s --quoin-unify-masks --remarks-filter='.*' -o %t 2> %t.remarks
// RUN: FileCheck %s < %t
// RUN: FileCheck %s --check-prefix=REMARK < %t.remarks
// RUN: quoin-opt %s --quoin-unify-masks --quoin-statistics -o /dev/null 2>&1 | FileCheck %s --check-prefix=COUNT

// CHECK-LABEL: @plain_masks_are_recognised
// CHECK-SAME: a = #quoin.mask<(q, k) : k le q>
// CHECK-SAME: b = #quoin.mask<(q, k) : k floordiv 4 le q floordiv 4>
// CHECK-SAME: c = #quoin.mask<(q, k) : k ge 0>
// CHECK-SAME: d = #quoin.mask<(q, k) : slot(k) le slot(q)>
// REMARK: [Passed] Mask | Category:quoin-unify-masks | {{.*}}mask (q, k) : not q lt k is (q, k) : k le q
func.func private @plain_masks_are_recognised() attributes {
    a = #quoin.mask<(q, k) : not q lt k>,
    b = #quoin.mask<(q, k) : k lt q floordiv 4 * 4 + 4>,
    c = #quoin.mask<(q, k) : k le q or k gt q>,
    d = #quoin.mask<(q, k) : slot(q) - slot(k) ge 0>}

// The first stays, under its own names of symbols.
// CHECK-LABEL: @equal_masks_become_the_first
// CHECK-SAME: a = #quoin.mask<(q, k)[start] : k le q or q ge start and k ge start>
// CHECK-SAME: b = #quoin.mask<(q, k)[start] : k le q or q ge start and k ge start>
func.func private @equal_masks_become_the_first() attributes {
    a = #quoin.mask<(q, k)[start] : k le q or q ge start and k ge start>,
    b = #quoin.mask<canvas<a>>}

// Alike, and not the same.
// CHECK-LABEL: @different_masks_stay
// CHECK-SAME: a = #quoin.mask<(q, k) : k le q and q - k lt 16>
// CHECK-SAME: b = #quoin.mask<(q, k) : k le q and q - k lt 17>
// CHECK-SAME: c = #quoin.mask<(q, k)[a, b] : k lt a or q ge b>
// CHECK-SAME: d = #quoin.mask<(q, k)[a, b] : k lt b or q ge a>
func.func private @different_masks_stay() attributes {
    a = #quoin.mask<window<16>>, b = #quoin.mask<window<17>>,
    c = #quoin.mask<(q, k)[a, b] : k lt a or q ge b>, d = #quoin.mask<(q, k)[a, b] : k lt b or q ge a>}

// COUNT: unify-masks num-masks-unified 5
