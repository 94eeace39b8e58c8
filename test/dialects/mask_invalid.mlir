// RUN: quoin-opt %s --split-input-file --verify-diagnostics

// expected-error@+1 {{expects a constant operand of '*', but both vary in 'q * k' in mask '(q ,k ):q *k le 4'}}
func.func private @product_of_two_terms() attributes {m = #quoin.mask<(q, k) : q * k le 4>}

// -----

// expected-error@+1 {{expects a constant operand of 'floordiv', but both vary in 'q floordiv n'}}
func.func private @divisor_that_varies() attributes {m = #quoin.mask<(q, k)[n] : q floordiv n eq 0>}

// -----

// expected-error@+1 {{expects a positive divisor of 'floordiv', but found 0 in 'q floordiv 0'}}
func.func private @division_by_zero() attributes {m = #quoin.mask<(q, k) : q floordiv 0 le k>}

// -----

// expected-error@+1 {{expects a positive divisor of 'mod', but found -3 in 'q mod -3'}}
func.func private @negative_divisor() attributes {m = #quoin.mask<(q, k) : q mod -3 eq 0>}

// -----

// expected-error@+1 {{expects an integer of at most 1099511627776, but found '99999999999999999999999'}}
func.func private @absurd_constant() attributes {m = #quoin.mask<(q, k) : q le 99999999999999999999999>}

// -----

// expected-error@+1 {{expects a term, but found 'window_start'}}
func.func private @unknown_symbol() attributes {m = #quoin.mask<(q, k)[a] : q ge window_start>}

// -----

// expected-error@+1 {{expects a new symbol, but found 'a'}}
func.func private @symbol_twice() attributes {m = #quoin.mask<(q, k)[a, a] : q ge a>}

// -----

// expected-error@+1 {{expects a new symbol, but found 'mod'}}
func.func private @symbol_that_is_a_word() attributes {m = #quoin.mask<(q, k)[mod] : q ge 0>}

// -----

// expected-error@+1 {{expects at most 8 symbols, but found 9}}
func.func private @too_many_symbols() attributes {m = #quoin.mask<(q, k)[a, b, c, d, e, f, g, h, i] : q ge 0>}

// -----

// expected-error@+1 {{expects an integer term as operand of '+', but found a comparison}}
func.func private @sum_of_comparisons() attributes {m = #quoin.mask<(q, k) : (q le k) + 1 ge 0>}

// -----

// expected-error@+1 {{expects a comparison as operand of 'and', but found an integer term}}
func.func private @and_of_integers() attributes {m = #quoin.mask<(q, k) : q le k and 1>}

// -----

// expected-error@+1 {{expects a comparison as operand of 'mask', but found an integer term}}
func.func private @not_a_predicate() attributes {m = #quoin.mask<(q, k) : q - k>}

// -----

// expected-error@+1 {{expects 'q' or 'k' as argument of 'slot', but found '3'}}
func.func private @argument_that_is_no_token() attributes {m = #quoin.mask<(q, k) : slot(3) le q>}

// -----

// expected-error@+1 {{expects the end of the mask, but found 'lt'}}
func.func private @chained_comparison() attributes {m = #quoin.mask<(q, k) : k le q lt 4>}

// -----

// expected-error@+1 {{expects a positive size of 'block_causal', but found 0}}
func.func private @blocks_of_nothing() attributes {m = #quoin.mask<block_causal<0>>}

// -----

// expected-error@+1 {{expects '(q, k)' or a mask's name, but found 'diagonal'}}
func.func private @unknown_name() attributes {m = #quoin.mask<diagonal>}

// -----

// expected-error@+1 {{expects terms of at most 2^62, but 'q * 1099511627776' may reach 2^71}}
func.func private @bounds_that_overflow() attributes {m = #quoin.mask<(q, k) : q * 1099511627776 le k>}

// -----

// expected-error@+1 {{expects terms of at most 2^62, but 'a * 8000000' may reach 2^63}}
func.func private @a_symbol_that_overflows() attributes {m = #quoin.mask<(q, k)[a] : k le a * 8000000 + q>}

// -----

// expected-error@+1 {{expects 'block_causal<B>', but found 'block_causal'}}
func.func private @size_that_is_missing() attributes {m = #quoin.mask<block_causal>}

// -----

// expected-error@+1 {{expects a positive size of 'verify', but found -8}}
func.func private @size_that_is_negative() attributes {m = #quoin.mask<verify<-8>>}

// -----

// expected-error@+1 {{expects a new symbol, but found 'mod'}}
func.func private @place_that_is_a_word() attributes {m = #quoin.mask<context_causal<mod>>}

// -----

// expected-error@+1 {{expects '>', but found ','}}
func.func private @too_many_operands() attributes {m = #quoin.mask<two_half_training<4, n, m>>}

// -----

// expected-error@+1 {{expects a new name of labels, but found 'a'}}
func.func private @labels_named_as_a_symbol() attributes {m = #quoin.mask<(q, k)[a] where a = [1] : a(k) le a(q)>}

// -----

// expected-error@+1 {{expects 1 to 65536 values of 'part', but found 0}}
func.func private @labels_of_nothing() attributes {m = #quoin.mask<(q, k) where part = [1 : 0] : part(k) le part(q)>}

// -----

// expected-error@+1 {{expects 1 to 65536 values of 'part', but found 70000}}
func.func private @too_many_labels() attributes {m = #quoin.mask<(q, k) where part = [1 : 70000] : part(k) le part(q)>}

// -----

// expected-error@+1 {{expects labels below 2^31, but found 4294967296 in 'part'}}
func.func private @a_label_that_is_too_large() attributes {m = #quoin.mask<(q, k) where part = [4294967296] : part(k) le part(q)>}

// -----

// expected-error@+1 {{expects '(', but found 'le'}}
func.func private @labels_of_no_token() attributes {m = #quoin.mask<(q, k) where part = [1] : part le part(q)>}
