#block = #quoin.mask<block_causal<4>>
#temperature = #quoin.sampler<temperature>

module attributes {
    quoin.architecture = "sdar", quoin.source = "checkpoint",
    quoin.vocabulary = 300 : index, quoin.capacity = 512 : index, quoin.fill = 299 : i32, quoin.stop = array<i32: 298, 296>} {

  // BlockGen, uniform noise: a block begins as random tokens and every step may change all of them. A row that holds z keeps it, takes
  // a random token or a draw from the model, by the posterior of the step; the last step has no random tokens. The text before is
  // written to the cache by the block's first call. The answer ends with the first stop id, which is kept.
  quoin.decoder @"blockgen-uniform"(%prompt, %max) settings {steps = 4 : index} attributes {fixed = {block = 4 : index, others = 299 : index}} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %true = arith.constant true
    %one = arith.constant 1.0 : f32
    %zero = arith.constant 0.0 : f32
    %B = arith.constant 4 : index
    // Noise is of so many ids, the lowest but the fill token.
    %others = arith.constant 299 : index
    %fill = quoin.setting @fill : i32
    %S = quoin.setting @steps : index
    %S_i = arith.index_cast %S : index to i32
    %S_f = arith.uitofp %S_i : i32 to f32
    %V_i = arith.index_cast %others : index to i32
    %V = arith.uitofp %V_i : i32 to f32
    %P = quoin.length %prompt
    %want = arith.addi %P, %max : index
    %blocks = arith.ceildivui %want, %B : index
    %end = arith.muli %blocks, %B : index
    %tail = arith.remui %P, %B : index
    %start = arith.subi %P, %tail : index
    %xe, %hie, %goe = scf.while (%x = %prompt, %lo = %start, %go = %true) : (!quoin.sequence, index, i1) -> (!quoin.sequence, index, i1) {
      %room = arith.cmpi ult, %lo, %end : index
      %more = arith.andi %room, %go : i1
      scf.condition(%more) %x, %lo, %go : !quoin.sequence, index, i1
    } do {
    ^bb0(%x: !quoin.sequence, %lo: index, %go: i1):
      %hi = arith.addi %lo, %B : index
      %from = quoin.length %x
      %rows = quoin.span %from to %hi
      %n = tensor.dim %rows, %c0 : tensor<?xindex>
      %Vs = tensor.splat %V[%n] : tensor<?xf32>
      %e0 = quoin.evaluation
      %u0 = quoin.uniform stream 6 at %rows, %e0
      %r0 = arith.mulf %u0, %Vs : tensor<?xf32>
      %noise_i = arith.fptoui %r0 : tensor<?xf32> to tensor<?xi32>
      %noise = func.call @blockgen_uniform.but(%noise_i, %fill) : (tensor<?xi32>, i32) -> tensor<?xi32>
      %x1 = quoin.append %x, %noise
      %full = scf.for %s = %c0 to %S step %c1 iter_args(%y = %x1) -> (!quoin.sequence) {
        // alpha(t) = 1 - t: a at this step, a1 at the next.
        %s_i = arith.index_cast %s : index to i32
        %s_f = arith.uitofp %s_i : i32 to f32
        %s1_f = arith.addf %s_f, %one : f32
        %a = arith.divf %s_f, %S_f : f32
        %a1 = arith.divf %s1_f, %S_f : f32
        %s1 = arith.addi %s, %c1 : index
        %is_last = arith.cmpi eq, %s1, %S : index
        %e = quoin.evaluation
        %l = quoin.forward @model of %y[to %hi] read %rows mask #block
        %held = quoin.tokens %y at %rows
        %draw = quoin.score %l [token] by #temperature at %rows, %e : tensor<?xi32>
        %p = quoin.score %l [probability] of %held : tensor<?xf32>
        %aV = arith.mulf %a, %V : f32
        %aVs = tensor.splat %aV[%n] : tensor<?xf32>
        %stay = arith.mulf %aVs, %p : tensor<?xf32>
        %rest = arith.subf %one, %a : f32
        %rests = tensor.splat %rest[%n] : tensor<?xf32>
        %all = arith.addf %stay, %rests : tensor<?xf32>
        // uniform: (1 - a/a1)(1 - a1); held: a V p + a/a1 - a; both over a V p + 1 - a.
        %ats = arith.divf %a, %a1 : f32
        %fresh = arith.subf %one, %ats : f32
        %rest1 = arith.subf %one, %a1 : f32
        %u_w0 = arith.mulf %fresh, %rest1 : f32
        %u_w = arith.select %is_last, %zero, %u_w0 : f32
        %h_w0 = arith.subf %ats, %a : f32
        %h_w = arith.select %is_last, %zero, %h_w0 : f32
        %u_ws = tensor.splat %u_w[%n] : tensor<?xf32>
        %h_ws = tensor.splat %h_w[%n] : tensor<?xf32>
        %held_w = arith.addf %stay, %h_ws : tensor<?xf32>
        %both = arith.addf %held_w, %u_ws : tensor<?xf32>
        %r = quoin.uniform stream 4 at %rows, %e
        %v = arith.mulf %r, %all : tensor<?xf32>
        %is_u = arith.cmpf olt, %v, %u_ws : tensor<?xf32>
        %is_h = arith.cmpf olt, %v, %both : tensor<?xf32>
        %ra = quoin.uniform stream 5 at %rows, %e
        %any_f = arith.mulf %ra, %Vs : tensor<?xf32>
        %any_i = arith.fptoui %any_f : tensor<?xf32> to tensor<?xi32>
        %any = func.call @blockgen_uniform.but(%any_i, %fill) : (tensor<?xi32>, i32) -> tensor<?xi32>
        %t1 = arith.select %is_h, %held, %draw : tensor<?xi1>, tensor<?xi32>
        %t = arith.select %is_u, %any, %t1 : tensor<?xi1>, tensor<?xi32>
        %z = quoin.edit %y at %rows with %t
        scf.yield %z : !quoin.sequence
      }
      %done = quoin.commit %full to %hi
      %stop = quoin.find_stop %done[%P to %hi]
      %on = arith.cmpi eq, %stop, %hi : index
      scf.yield %done, %hi, %on : !quoin.sequence, index, i1
    }
    %stop = quoin.find_stop %xe[%P to %hie]
    %after = arith.addi %stop, %c1 : index
    %cut = arith.minui %after, %hie : index
    quoin.return %xe[%P to %cut]
  }

  // The ids of these numbers, counted without the fill token. A uniform number may round to 1: that means the last one, too.
  func.func private @blockgen_uniform.but(%number: tensor<?xi32>, %fill: i32) -> tensor<?xi32> {
    %c0 = arith.constant 0 : index
    %one = arith.constant 1 : i32
    %highest = arith.constant 298 : i32
    %n = tensor.dim %number, %c0 : tensor<?xi32>
    %highests = tensor.splat %highest[%n] : tensor<?xi32>
    %id = arith.minui %number, %highests : tensor<?xi32>
    %fills = tensor.splat %fill[%n] : tensor<?xi32>
    %ones = tensor.splat %one[%n] : tensor<?xi32>
    %up = arith.addi %id, %ones : tensor<?xi32>
    %behind = arith.cmpi uge, %id, %fills : tensor<?xi32>
    %but = arith.select %behind, %up, %id : tensor<?xi1>, tensor<?xi32>
    return %but : tensor<?xi32>
  }

  // Hidden rows from ids and positions; whoever calls it says who sees whom.
  quoin.model @model head @head {
  ^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
    %x = quoin.embed %ids by @embed : tensor<?x32xf32>
    // Layer 0: attention.
    %n = quoin.rms_norm %x by @layers.0.attention_norm epsilon 1.0e-06 : tensor<?x32xf32>
    %q = quoin.linear %n by @layers.0.q_proj : tensor<?x32xf32> -> tensor<?x32xf32>
    %q_1 = quoin.rms_norm %q by @layers.0.q_norm epsilon 1.0e-06 : tensor<?x32xf32>
    %q_2 = quoin.rotary %q_1 at %positions theta 10000.0 head_dim 16 : tensor<?x32xf32>
    %k = quoin.linear %n by @layers.0.k_proj : tensor<?x32xf32> -> tensor<?x16xf32>
    %k_1 = quoin.rms_norm %k by @layers.0.k_norm epsilon 1.0e-06 : tensor<?x16xf32>
    %k_2 = quoin.rotary %k_1 at %positions theta 10000.0 head_dim 16 : tensor<?x16xf32>
    %v = quoin.linear %n by @layers.0.v_proj : tensor<?x32xf32> -> tensor<?x16xf32>
    %a = quoin.attention %q_2, %k_2, %v heads 2 kv_heads 1 head_dim 16 scale 0.25
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
    %q_3 = quoin.linear %n_1 by @layers.1.q_proj : tensor<?x32xf32> -> tensor<?x32xf32>
    %q_4 = quoin.rms_norm %q_3 by @layers.1.q_norm epsilon 1.0e-06 : tensor<?x32xf32>
    %q_5 = quoin.rotary %q_4 at %positions theta 10000.0 head_dim 16 : tensor<?x32xf32>
    %k_3 = quoin.linear %n_1 by @layers.1.k_proj : tensor<?x32xf32> -> tensor<?x16xf32>
    %k_4 = quoin.rms_norm %k_3 by @layers.1.k_norm epsilon 1.0e-06 : tensor<?x16xf32>
    %k_5 = quoin.rotary %k_4 at %positions theta 10000.0 head_dim 16 : tensor<?x16xf32>
    %v_1 = quoin.linear %n_1 by @layers.1.v_proj : tensor<?x32xf32> -> tensor<?x16xf32>
    %a_1 = quoin.attention %q_5, %k_5, %v_1 heads 2 kv_heads 1 head_dim 16 scale 0.25
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
  quoin.weight @layers.0.q_norm : tensor<16xf32> from "model.safetensors" tensor "model.layers.0.self_attn.q_norm.weight"
  quoin.weight @layers.0.k_proj : tensor<16x32xf32> from "model.safetensors" tensor "model.layers.0.self_attn.k_proj.weight"
  quoin.weight @layers.0.k_norm : tensor<16xf32> from "model.safetensors" tensor "model.layers.0.self_attn.k_norm.weight"
  quoin.weight @layers.0.v_proj : tensor<16x32xf32> from "model.safetensors" tensor "model.layers.0.self_attn.v_proj.weight"
  quoin.weight @layers.0.o_proj : tensor<32x32xf32> from "model.safetensors" tensor "model.layers.0.self_attn.o_proj.weight"
  quoin.weight @layers.0.mlp_norm : tensor<32xf32> from "model.safetensors" tensor "model.layers.0.post_attention_layernorm.weight"
  quoin.weight @layers.0.gate_proj : tensor<64x32xf32> from "model.safetensors" tensor "model.layers.0.mlp.gate_proj.weight"
  quoin.weight @layers.0.up_proj : tensor<64x32xf32> from "model.safetensors" tensor "model.layers.0.mlp.up_proj.weight"
  quoin.weight @layers.0.down_proj : tensor<32x64xf32> from "model.safetensors" tensor "model.layers.0.mlp.down_proj.weight"
  quoin.weight @layers.1.attention_norm : tensor<32xf32> from "model.safetensors" tensor "model.layers.1.input_layernorm.weight"
  quoin.weight @layers.1.q_proj : tensor<32x32xf32> from "model.safetensors" tensor "model.layers.1.self_attn.q_proj.weight"
  quoin.weight @layers.1.q_norm : tensor<16xf32> from "model.safetensors" tensor "model.layers.1.self_attn.q_norm.weight"
  quoin.weight @layers.1.k_proj : tensor<16x32xf32> from "model.safetensors" tensor "model.layers.1.self_attn.k_proj.weight"
  quoin.weight @layers.1.k_norm : tensor<16xf32> from "model.safetensors" tensor "model.layers.1.self_attn.k_norm.weight"
  quoin.weight @layers.1.v_proj : tensor<16x32xf32> from "model.safetensors" tensor "model.layers.1.self_attn.v_proj.weight"
  quoin.weight @layers.1.o_proj : tensor<32x32xf32> from "model.safetensors" tensor "model.layers.1.self_attn.o_proj.weight"
  quoin.weight @layers.1.mlp_norm : tensor<32xf32> from "model.safetensors" tensor "model.layers.1.post_attention_layernorm.weight"
  quoin.weight @layers.1.gate_proj : tensor<64x32xf32> from "model.safetensors" tensor "model.layers.1.mlp.gate_proj.weight"
  quoin.weight @layers.1.up_proj : tensor<64x32xf32> from "model.safetensors" tensor "model.layers.1.mlp.up_proj.weight"
  quoin.weight @layers.1.down_proj : tensor<32x64xf32> from "model.safetensors" tensor "model.layers.1.mlp.down_proj.weight"
  quoin.weight @norm : tensor<32xf32> from "model.safetensors" tensor "model.norm.weight"
  quoin.weight @head : tensor<300x32xf32> from "model.safetensors" tensor "lm_head.weight"

}
