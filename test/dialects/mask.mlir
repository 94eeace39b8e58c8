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

// CHECK-LABEL: @labels_of_the_mask_are_printed_in_runs
// CHECK-SAME: a = #quoin.mask<(q, k)[n] where part = [0 : 3, 1, -2 : 2], row = [5] : part(k) le part(q) and row(q) - row(k) lt n>
func.func private @labels_of_the_mask_are_printed_in_runs() attributes {
    a = #quoin.mask<(q, k)[n] where part = [0, 0, 0, 1 : 1, -2, -2], row = [5] : part(k) le part(q) and row(q) - row(k) lt n>}

// A place is a symbol with a name of the table, one with another name, or a number.
// CHECK-LABEL: @places_of_spellings
// CHECK-SAME: a = #quoin.mask<(q, k)[a] : k le q or q ge a and k ge a>
// CHECK-SAME: b = #quoin.mask<(q, k)[start] : k le q or q ge start and k ge start>
// CHECK-SAME: c = #quoin.mask<(q, k) : k le q or q ge 40 and k ge 40>
// CHECK-SAME: d = #quoin.mask<(q, k)[p] : q lt p and k lt p or q ge p and (k - p) floordiv 8 le (q - p) floordiv 8>
// CHECK-SAME: e = #quoin.mask<(q, k) : k lt 3 or k le q>
func.func private @places_of_spellings() attributes {a = #quoin.mask<context_causal>, b = #quoin.mask<context_causal<start>>,
    c = #quoin.mask<context_causal<40>>, d = #quoin.mask<prefix_block_causal<8>>, e = #quoin.mask<prefix<3>>}

// CHECK-LABEL: @training_masks
// CHECK-SAME: a = #quoin.mask<(q, k)[n] : slot(q) lt n and slot(k) lt n and k floordiv 4 eq q floordiv 4 or
// CHECK-SAME: b = #quoin.mask<(q, k) : slot(q) lt 64 and slot(k) lt 64 and k floordiv 4 le q floordiv 4 or
func.func private @training_masks() attributes {a = #quoin.mask<two_half_training<4>>, b = #quoin.mask<clean_first_training<4, 64>>}
