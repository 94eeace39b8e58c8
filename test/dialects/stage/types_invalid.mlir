// RUN: quoin-opt %s --allow-unregistered-dialect --split-input-file --verify-diagnostics

// expected-error @+1 {{expects a row of 1 to 2147483647 elements, but found 2147483648}}
"test.buffer_c1"() {a = !stage.buffer<row, 2147483648xf32>} : () -> ()

// -----

// expected-error @+1 {{expects elements f32, bf16, i8, i32 or i64, but found 'f16'}}
"test.buffer_c2"() {a = !stage.buffer<row, 4xf16>} : () -> ()

// -----

// expected-error @+1 {{expects a space out of 'row', 'read', 'host', 'sequence' and 'memory', but found 'column'}}
"test.buffer_space"() {a = !stage.buffer<column, 4xf32>} : () -> ()

// -----

// expected-error @+1 {{expects the width of a row, but found 2 sizes}}
"test.buffer_width"() {a = !stage.buffer<row, 4x4xf32>} : () -> ()

// -----

// expected-error @+1 {{expects heads of 1 to 512 features, at most 2147483647 in all, but found 2 of 513}}
"test.pages_c1"() {a = !stage.pages<2x513xf32>} : () -> ()

// -----

// expected-error @+1 {{expects heads of 1 to 512 features, at most 2147483647 in all, but found 0 of 4}}
"test.pages_c1_heads"() {a = !stage.pages<0x4xf32>} : () -> ()

// -----

// expected-error @+1 {{expects keys and values stored as f32 or bf16, but found 'f16'}}
"test.pages_c2"() {a = !stage.pages<2x4xf16>} : () -> ()

// -----

// expected-error @+1 {{expects heads and their features, but found 1 sizes}}
"test.pages_sizes"() {a = !stage.pages<2xf32>} : () -> ()

// -----

// expected-error @+1 {{expects heads of 1 to 512 features, at most 2147483647 in all, but found 4194304 of 512}}
"test.pages_c1_all"() {a = !stage.pages<4194304x512xf32>} : () -> ()
