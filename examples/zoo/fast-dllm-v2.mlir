// A row sees its own block, both ways, and all blocks before it. Blocks are counted from position 0.
#block = #quoin.mask<(q, k) : k floordiv 32 le q floordiv 32>
#temperature_p = #quoin.sampler<temperature, top_p>

module attributes {
    quoin.architecture = "Fast_dLLM_Qwen", quoin.source = "checkpoint",
    quoin.vocabulary = 300 : index, quoin.capacity = 512 : index, quoin.fill = 299 : i32, quoin.stop = array<i32: 298, 296>} {

  // True if [from, to) holds a stop id and nothing before it is open.
  func.func private @fast_dllm_v2.ended(%x: !quoin.sequence, %from: index, %to: index) -> i1 {
    %stop = quoin.find_stop %x[%from to %to]
    %found = arith.cmpi ne, %stop, %to : index
    %open = quoin.first_open %x[%from to %stop]
    %clear = arith.cmpi eq, %open, %stop : index
    %ended = arith.andi %found, %clear : i1
    return %ended : i1
  }

  // Appends the token that the row before position n predicts.
  func.func private @fast_dllm_v2.next(%x: !quoin.sequence, %n: index) -> !quoin.sequence {
    %c1 = arith.constant 1 : index
    %last = arith.subi %n, %c1 : index
    %n1 = arith.addi %n, %c1 : index
    %row = quoin.span %last to %n
    %at = quoin.span %n to %n1
    %e = quoin.evaluation
    %l = quoin.forward @model of %x[to %n] read %row mask #block
    %token = quoin.score %l [token] by #temperature_p at %at, %e : tensor<?xi32>
    %y = quoin.append %x, %token
    return %y : !quoin.sequence
  }

  // Fast-dLLM v2: sub-blocks from left to right; a step fills the rows of a sub-block that are more confident than the
  // threshold, and the most confident one. Scores are shifted: row i-1 predicts token i. The call that finishes a block
  // also gives the first token of the next.
  quoin.decoder @"fast-dllm-v2"(%prompt, %max) settings {sub_block = 8 : index, threshold = 0.9 : f32} attributes {fixed = {block = 32 : index}} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %true = arith.constant true
    %B = arith.constant 32 : index
    %SB = quoin.setting @sub_block : index
    %threshold = quoin.setting @threshold : f32
    %P = quoin.length %prompt
    %tail = arith.remui %P, %B : index
    %aligned = arith.cmpi eq, %tail, %c0 : index
    %x1 = scf.if %aligned -> (!quoin.sequence) {
      // Whole blocks of prompt predict the first token of the next block.
      %y = func.call @fast_dllm_v2.next(%prompt, %P) : (!quoin.sequence, index) -> !quoin.sequence
      %z = quoin.commit %y to %P
      scf.yield %z : !quoin.sequence
    } else {
      %whole = arith.subi %P, %tail : index
      %y = quoin.commit %prompt to %whole by pass of @model mask #block
      scf.yield %y : !quoin.sequence
    }
    %m1 = quoin.length %x1
    %stop1 = quoin.find_stop %x1[%P to %m1]
    %on1 = arith.cmpi eq, %stop1, %m1 : index
    %wanted = arith.divui %max, %B : index
    %blocks = arith.maxui %wanted, %c1 : index
    %xe, %ie, %goe = scf.while (%x = %x1, %i = %c0, %go = %on1) : (!quoin.sequence, index, i1) -> (!quoin.sequence, index, i1) {
      %room = arith.cmpi ult, %i, %blocks : index
      %more = arith.andi %room, %go : i1
      scf.condition(%more) %x, %i, %go : !quoin.sequence, index, i1
    } do {
    ^bb0(%x: !quoin.sequence, %i: index, %go: i1):
      %p0 = quoin.length %x
      %known = arith.remui %p0, %B : index
      %grow = arith.subi %B, %known : index
      %x2 = quoin.extend %x by %grow
      %hi = arith.addi %p0, %grow : index
      %base = arith.subi %hi, %B : index
      %x3 = scf.for %a = %base to %hi step %SB iter_args(%y = %x2) -> (!quoin.sequence) {
        %b = arith.addi %a, %SB : index
        %y1 = scf.while (%v = %y) : (!quoin.sequence) -> !quoin.sequence {
          %open = quoin.first_open %v[%a to %b]
          %some = arith.cmpi ne, %open, %b : index
          %ended = func.call @fast_dllm_v2.ended(%v, %p0, %hi) : (!quoin.sequence, index, index) -> i1
          %on = arith.xori %ended, %true : i1
          %more = arith.andi %some, %on : i1
          scf.condition(%more) %v : !quoin.sequence
        } do {
        ^bb0(%v: !quoin.sequence):
          %rows = quoin.open %v[%a to %b]
          %n = tensor.dim %rows, %c0 : tensor<?xindex>
          %ones = tensor.splat %c1[%n] : tensor<?xindex>
          %before = arith.subi %rows, %ones : tensor<?xindex>
          %e = quoin.evaluation
          %l = quoin.forward @model of %v[to %hi] read %before mask #block
          %token, %confidence = quoin.score %l [token, confidence] by #temperature_p at %rows, %e : tensor<?xi32>, tensor<?xf32>
          %thresholds = tensor.splat %threshold[%n] : tensor<?xf32>
          %sure = arith.cmpf ogt, %confidence, %thresholds : tensor<?xf32>
          %best = quoin.top %confidence, %c1
          %pick = arith.ori %sure, %best : tensor<?xi1>
          %v1 = quoin.fill %v at %rows with %token where %pick
          scf.yield %v1 : !quoin.sequence
        }
        scf.yield %y1 : !quoin.sequence
      }
      %ended = func.call @fast_dllm_v2.ended(%x3, %p0, %hi) : (!quoin.sequence, index, index) -> i1
      %x4 = scf.if %ended -> (!quoin.sequence) {
        scf.yield %x3 : !quoin.sequence
      } else {
        %y = func.call @fast_dllm_v2.next(%x3, %hi) : (!quoin.sequence, index) -> !quoin.sequence
        %z = quoin.commit %y to %hi
        scf.yield %z : !quoin.sequence
      }
      %m = quoin.length %x4
      %stop = quoin.find_stop %x4[%P to %m]
      %on = arith.cmpi eq, %stop, %m : index
      %i1 = arith.addi %i, %c1 : index
      scf.yield %x4, %i1, %on : !quoin.sequence, index, i1
    }
    // Up to the first stop id, which is kept.
    %m = quoin.length %xe
    %stop = quoin.find_stop %xe[%P to %m]
    %cut = arith.addi %stop, %c1 : index
    %end = arith.minui %cut, %m : index
    quoin.return %xe[%P to %end]
  }

  // Hidden rows from ids and positions; whoever calls it says who sees whom.
  quoin.model @model head @head {
  ^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
    %x = quoin.embed %ids by @embed : tensor<?x32xf32>
    // Layer 0: attention.
    %n = quoin.rms_norm %x by @layers.0.attention_norm epsilon 1.0e-06 : tensor<?x32xf32>
    %q = quoin.linear %n by @layers.0.q_proj bias @layers.0.q_proj.bias : tensor<?x32xf32> -> tensor<?x32xf32>
    %q_1 = quoin.rotary %q at %positions theta 10000.0 head_dim 16 : tensor<?x32xf32>
    %k = quoin.linear %n by @layers.0.k_proj bias @layers.0.k_proj.bias : tensor<?x32xf32> -> tensor<?x16xf32>
    %k_1 = quoin.rotary %k at %positions theta 10000.0 head_dim 16 : tensor<?x16xf32>
    %v = quoin.linear %n by @layers.0.v_proj bias @layers.0.v_proj.bias : tensor<?x32xf32> -> tensor<?x16xf32>
    %a = quoin.attention %q_1, %k_1, %v heads 2 kv_heads 1 head_dim 16 scale 0.25
        : tensor<?x32xf32>, tensor<?x16xf32>, tensor<?x16xf32>
    %o = quoin.linear %a by @layers.0.o_proj : tensor<?x32xf32> -> tensor<?x32xf32>
    %x_1 = arith.addf %x, %o : tensor<?x32xf32>
    // Layer 0: feed-forward.
    %m = quoin.rms_norm %x_1 by @layers.0.mlp_norm epsilon 1.0e-06 : tensor<?x32xf32>
    %gate = quoin.linear %m by @layers.0.gate_proj : tensor<?x32xf32> -> tensor<?x64xf32>
    %up = quoin.linear %m by @layers.0.up_proj : tensor<?x32xf32> -> tensor<?x64xf32>
    %act = quoin.swiglu %gate, %up : tensor<?x64xf32>
    %down = quoin.linear %act by @layers.0.down_proj : tensor<?x64xf32> -> tensor<?x32xf32>
    %x_2 = arith.addf %x_1, %down : tensor<?x32xf32>
    // Layer 1: attention.
    %n_1 = quoin.rms_norm %x_2 by @layers.1.attention_norm epsilon 1.0e-06 : tensor<?x32xf32>
    %q_2 = quoin.linear %n_1 by @layers.1.q_proj bias @layers.1.q_proj.bias : tensor<?x32xf32> -> tensor<?x32xf32>
    %q_3 = quoin.rotary %q_2 at %positions theta 10000.0 head_dim 16 : tensor<?x32xf32>
    %k_2 = quoin.linear %n_1 by @layers.1.k_proj bias @layers.1.k_proj.bias : tensor<?x32xf32> -> tensor<?x16xf32>
    %k_3 = quoin.rotary %k_2 at %positions theta 10000.0 head_dim 16 : tensor<?x16xf32>
    %v_1 = quoin.linear %n_1 by @layers.1.v_proj bias @layers.1.v_proj.bias : tensor<?x32xf32> -> tensor<?x16xf32>
    %a_1 = quoin.attention %q_3, %k_3, %v_1 heads 2 kv_heads 1 head_dim 16 scale 0.25
        : tensor<?x32xf32>, tensor<?x16xf32>, tensor<?x16xf32>
    %o_1 = quoin.linear %a_1 by @layers.1.o_proj : tensor<?x32xf32> -> tensor<?x32xf32>
    %x_3 = arith.addf %x_2, %o_1 : tensor<?x32xf32>
    // Layer 1: feed-forward.
    %m_1 = quoin.rms_norm %x_3 by @layers.1.mlp_norm epsilon 1.0e-06 : tensor<?x32xf32>
    %gate_1 = quoin.linear %m_1 by @layers.1.gate_proj : tensor<?x32xf32> -> tensor<?x64xf32>
    %up_1 = quoin.linear %m_1 by @layers.1.up_proj : tensor<?x32xf32> -> tensor<?x64xf32>
    %act_1 = quoin.swiglu %gate_1, %up_1 : tensor<?x64xf32>
    %down_1 = quoin.linear %act_1 by @layers.1.down_proj : tensor<?x64xf32> -> tensor<?x32xf32>
    %x_4 = arith.addf %x_3, %down_1 : tensor<?x32xf32>
    %final = quoin.rms_norm %x_4 by @norm epsilon 1.0e-06 : tensor<?x32xf32>
    quoin.hidden %final : tensor<?x32xf32>
  }

  quoin.weight @embed : tensor<300x32xf32> from "model.safetensors" tensor "model.embed_tokens.weight"
  quoin.weight @layers.0.attention_norm : tensor<32xf32> from "model.safetensors" tensor "model.layers.0.input_layernorm.weight"
  quoin.weight @layers.0.q_proj : tensor<32x32xf32> from "model.safetensors" tensor "model.layers.0.self_attn.q_proj.weight"
  quoin.weight @layers.0.q_proj.bias : tensor<32xf32> from "model.safetensors" tensor "model.layers.0.self_attn.q_proj.bias"
  quoin.weight @layers.0.k_proj : tensor<16x32xf32> from "model.safetensors" tensor "model.layers.0.self_attn.k_proj.weight"
  quoin.weight @layers.0.k_proj.bias : tensor<16xf32> from "model.safetensors" tensor "model.layers.0.self_attn.k_proj.bias"
  quoin.weight @layers.0.v_proj : tensor<16x32xf32> from "model.safetensors" tensor "model.layers.0.self_attn.v_proj.weight"
  quoin.weight @layers.0.v_proj.bias : tensor<16xf32> from "model.safetensors" tensor "model.layers.0.self_attn.v_proj.bias"
  quoin.weight @layers.0.o_proj : tensor<32x32xf32> from "model.safetensors" tensor "model.layers.0.self_attn.o_proj.weight"
  quoin.weight @layers.0.mlp_norm : tensor<32xf32> from "model.safetensors" tensor "model.layers.0.post_attention_layernorm.weight"
  quoin.weight @layers.0.gate_proj : tensor<64x32xf32> from "model.safetensors" tensor "model.layers.0.mlp.gate_proj.weight"
  quoin.weight @layers.0.up_proj : tensor<64x32xf32> from "model.safetensors" tensor "model.layers.0.mlp.up_proj.weight"
  quoin.weight @layers.0.down_proj : tensor<32x64xf32> from "model.safetensors" tensor "model.layers.0.mlp.down_proj.weight"
  quoin.weight @layers.1.attention_norm : tensor<32xf32> from "model.safetensors" tensor "model.layers.1.input_layernorm.weight"
  quoin.weight @layers.1.q_proj : tensor<32x32xf32> from "model.safetensors" tensor "model.layers.1.self_attn.q_proj.weight"
  quoin.weight @layers.1.q_proj.bias : tensor<32xf32> from "model.safetensors" tensor "model.layers.1.self_attn.q_proj.bias"
  quoin.weight @layers.1.k_proj : tensor<16x32xf32> from "model.safetensors" tensor "model.layers.1.self_attn.k_proj.weight"
  quoin.weight @layers.1.k_proj.bias : tensor<16xf32> from "model.safetensors" tensor "model.layers.1.self_attn.k_proj.bias"
  quoin.weight @layers.1.v_proj : tensor<16x32xf32> from "model.safetensors" tensor "model.layers.1.self_attn.v_proj.weight"
  quoin.weight @layers.1.v_proj.bias : tensor<16xf32> from "model.safetensors" tensor "model.layers.1.self_attn.v_proj.bias"
  quoin.weight @layers.1.o_proj : tensor<32x32xf32> from "model.safetensors" tensor "model.layers.1.self_attn.o_proj.weight"
  quoin.weight @layers.1.mlp_norm : tensor<32xf32> from "model.safetensors" tensor "model.layers.1.post_attention_layernorm.weight"
  quoin.weight @layers.1.gate_proj : tensor<64x32xf32> from "model.safetensors" tensor "model.layers.1.mlp.gate_proj.weight"
  quoin.weight @layers.1.up_proj : tensor<64x32xf32> from "model.safetensors" tensor "model.layers.1.mlp.up_proj.weight"
  quoin.weight @layers.1.down_proj : tensor<32x64xf32> from "model.safetensors" tensor "model.layers.1.mlp.down_proj.weight"
  quoin.weight @norm : tensor<32xf32> from "model.safetensors" tensor "model.norm.weight"
  quoin.weight @head : tensor<300x32xf32> from "model.safetensors" tensor "lm_head.weight"

}
