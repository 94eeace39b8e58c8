// RUN: quoin-opt %s --split-input-file --verify-diagnostics

// @sampler_c1
// expected-error@+1 {{expects one kind of confidence, but found 'raw_confidence' and 'filtered_confidence'}}
module attributes {both = #quoin.sampler<raw_confidence, temperature, filtered_confidence>} {}

// -----

// expected-error@+1 {{expects a transform of a sampler, but found 'sharpened'}}
module attributes {unknown = #quoin.sampler<sharpened>} {}
