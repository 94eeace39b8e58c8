// RUN: quoin-opt %s --allow-unregistered-dialect --split-input-file --verify-diagnostics

// expected-error @+1 {{expects a size of 1 to 2147483647, but found 0}}
"test.tiles_c1"() {a = #stage.tiles<0 x 4>} : () -> ()

// -----

// expected-error @+1 {{expects at most 1099511627776 elements, but found 513 times 2147483647}}
"test.tiles_c1_elements"() {a = #stage.tiles<2147483647 x 513>} : () -> ()

// -----

// expected-error @+1 {{expects a size of 1 to 2147483647, but found 2147483648}}
"test.line_c1"() {a = #stage.line<2147483648>} : () -> ()

// -----

// expected-error @+1 {{expects a size of 1 to 2147483647, but found 0}}
"test.heads_c1"() {a = #stage.heads<[4, 2], 4 x 2 x 0>} : () -> ()

// -----

// expected-error @+1 {{expects as many elements as 2 x 2 x 1, but found 8}}
"test.heads_c2"() {a = #stage.heads<[4, 2], 2 x 2 x 1>} : () -> ()

// -----

// expected-error @+1 {{expects a size of 1 to 2147483647, but found -1}}
"test.table_c1"() {a = #stage.table<4 x -1>} : () -> ()

// -----

// expected-error @+1 {{expects a size of 1 to 2147483647, but found 0}}
"test.angles_c1"() {a = #stage.angles<0 x 4 theta 1.0>} : () -> ()

// -----

// expected-error @+1 {{expects a theta that is finite and positive, but found 0.000000e+00 : f64}}
"test.angles_c2"() {a = #stage.angles<4 x 4 theta 0.0>} : () -> ()

// -----

// expected-error @+1 {{expects a weight stored as f32, bf16, f16 or !stage.scaled, but found 'i8'}}
"test.weight_c1"() {a = #stage.weight<@w as i8>} : () -> ()

// -----

// expected-error @+1 {{expects a stored type and a multiple of 64 with a layout, but found 60}}
"test.weight_c2"() {a = #stage.weight<@w as f32 in #stage.line<4> at 60>} : () -> ()

// -----

// expected-error @+1 {{expects a stored type and a multiple of 64 with a layout, but found no type and 64}}
"test.weight_c2_type"() {a = #stage.weight<@w in #stage.line<4> at 64>} : () -> ()

// -----

// expected-error @+1 {{expects a layout with a byte of the weight file, but found none at 64}}
"test.weight_c2_alone"() {a = #stage.weight<@w as f32 at 64>} : () -> ()

// -----

// expected-error @+1 {{expects the symbol of a weight, but found none}}
"test.weight_c2_symbol"() {a = #stage.weight<as f32>} : () -> ()

// -----

// expected-error @+1 {{expects 1 to 1 weights in #stage.line<4>, but found 2}}
"test.weight_c3"() {a = #stage.weight<[@a, @b] as f32 in #stage.line<4> at 64>} : () -> ()

// -----

// expected-error @+1 {{expects the layout of a weight, but found 3 : i64}}
"test.weight_layout"() {a = #stage.weight<@a as f32 in 3 : i64 at 64>} : () -> ()
