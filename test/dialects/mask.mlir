// RUN: quoin-opt %s --verify-roundtrip
// RUN: quoin-opt %s | FileCheck %s

// CHECK-LABEL: @short_spellings_print_as_formulas
// CHECK-SAME: a = #quoin.mask<(q, k) : k le q>
// CHECK-SAME: b = #quoin.mask<(q, k) : k ge 0>
// CHECK-SAME: c = #quoin.mask<(q, k) : k floordiv 4 le q floordiv 4>
// CHECK-SAME: d = #quoin.mask<(q, k) : k le q and q - k lt 16>
func.func private @short_spellings_print_as_formulas() attributes {a = #quoin.mask<causal>, b = #quoin.mask<full>,
    c = #quoin.mask<block_causal<4>>, d = #quoin.mask<window<16>>}

// CHECK-LABEL: @only_needed_parentheses_are_printed
// CHECK-SAME: a = #quoin.mask<(q, k)[n] : k lt n or q ge n and (k - n) floordiv 4 le (q - n) floordiv 4>
// CHECK-SAME: b = #quoin.mask<(q, k) : not k gt q and (k ne q or q eq 0)>
// CHECK-SAME: c = #quoin.mask<(q, k) : q - (k - 3) le -4 + k * -2>
func.func private @only_needed_parentheses_are_printed() attributes {
    a = #quoin.mask<(q, k)[n] : (k lt n) or ((q ge n) and ((k - n) floordiv 4 le ((q - n) floordiv 4)))>,
    b = #quoin.mask<(q, k) : (not (k gt q)) and (k ne q or q eq 0)>,
    c = #quoin.mask<(q, k) : q - (k - 3) le -4 + -2 * k>}

// CHECK-LABEL: @properties_of_tokens
// CHECK-SAME: a = #quoin.mask<(q, k) : open(k) lt open(q) or label(k) eq label(q) or slot(k) mod 8 eq slot(q) mod 8>
func.func private @properties_of_tokens() attributes {
    a = #quoin.mask<(q, k) : open(k) lt open(q) or label(k) eq label(q) or slot(k) mod 8 eq slot(q) mod 8>}
