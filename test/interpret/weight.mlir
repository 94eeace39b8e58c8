// REQUIRES: quoin-interpret
// RUN: not quoin-interpret %s --prompt-ids 1 2>&1 | FileCheck %s

// CHECK: error: 'quoin.weight' op expects a checkpoint file, but {{.*}}nowhere.safetensors: No such file or directory
module attributes {quoin.source = "."} {
  quoin.weight @w : tensor<4xf32> from "nowhere.safetensors" tensor "w"
}
