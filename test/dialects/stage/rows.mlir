// RUN: quoin-opt %s --verify-roundtrip
// RUN: quoin-opt %s | FileCheck %s

!row = !stage.buffer<row, 4xf32>
!read = !stage.buffer<read, 4xf32>
!host = !stage.buffer<host, 4xf32>
quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.weight @n : tensor<4xf32> from "model.safetensors" tensor "n"

// CHECK-LABEL: stage.step @body
// CHECK: stage.rows #stage.embed(%{{.+}}) by <@e> : (!stage.buffer<row, 1xi32>) -> !stage.buffer<row, 4xf32>
// CHECK: stage.rows barrier #stage.norm<group 4 epsilon 9.9999999999999995E-7 : f64>(%{{.+}}) by <@n as f32 in #stage.line<4> at 128> place 0 : (!stage.buffer<row, 4xf32>) -> !stage.buffer<row, 4xf32>
// CHECK: stage.rows #stage.rotary<head_dim 2 theta 1.000000e+04 : f64>(%{{.+}}, %{{.+}}) by <as f32 in #stage.angles<16 x 1 theta 1.000000e+04 : f64> at 384> place 0
// CHECK: stage.rows #stage.add(%{{.+}}, %{{.+}}) place 0
// CHECK: stage.rows #stage.swiglu(%{{.+}}, %{{.+}}) place 0
// CHECK: stage.rows #stage.rotary<head_dim 4 theta 1.000000e+04 : f64>(%{{.+}}, %{{.+}}, %{{.+}}) :
stage.step @body places [64] {
^bb0(%ids: !stage.buffer<row, 1xi32>, %positions: !stage.buffer<row, 1xi32>, %read: !stage.buffer<read, 1xi64>):
  %0 = stage.rows #stage.embed(%ids) by <@e> : (!stage.buffer<row, 1xi32>) -> !row
  %1 = stage.rows barrier #stage.norm<group 4 epsilon 1.0e-6>(%0) by <@n as f32 in #stage.line<4> at 128> place 0 : (!row) -> !row
  %2 = stage.rows #stage.rotary<head_dim 2 theta 1.0e4>(%1, %positions) by <as f32 in #stage.angles<16 x 1 theta 1.0e4> at 384> place 0 : (!row, !stage.buffer<row, 1xi32>) -> !row
  %3 = stage.rows #stage.add(%2, %2) place 0 : (!row, !row) -> !row
  %4 = stage.rows #stage.swiglu(%3, %3) place 0 : (!row, !row) -> !row
  %5 = stage.move %4 at %read : !row -> !read
  %6 = stage.rows #stage.rotary<head_dim 4 theta 1.0e4>(%5, %positions, %read) : (!read, !stage.buffer<row, 1xi32>, !stage.buffer<read, 1xi64>) -> !read
  %h = stage.move %0 at %read : !row -> !host
  stage.head %h by <@e> : !host
}
