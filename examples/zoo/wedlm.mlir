// Known tokens come first, then the open ones: causal once the tokens are sorted that way.
#observed_first = #quoin.mask<(q, k) : open(k) lt open(q) or (open(k) eq open(q) and k le q)>
#causal = #quoin.mask<causal>
#k_p_temperature = #quoin.sampler<top_k, top_p, temperature>

module attributes {
    quoin.architecture = "wedlm", quoin.source = "checkpoint",
    quoin.vocabulary = 300 : index, quoin.capacity = 512 : index, quoin.fill = 299 : i32, quoin.stop = array<i32: 298, 296>} {

  // WeDLM: a window of open positions slides over the text. A step fills the rows whose entropy, plus a penalty for their
  // distance from the first open one, lies below a limit, or the one row where that is least. Tokens leave the window once
  // all before them are known; their keys and values come from the very call that noticed it, so nothing is spent on commits.
  quoin.decoder @wedlm(%prompt, %max) settings {window = 16 : index, entropy = 0.4 : f32, distance_penalty = 0.02 : f32} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %true = arith.constant true
    %W = quoin.setting @window : index
    %entropy = quoin.setting @entropy : f32
    %penalty = quoin.setting @distance_penalty : f32
    %P = quoin.length %prompt
    %last = arith.addi %P, %max : index
    %x1 = quoin.commit %prompt to %P by pass of @model mask #causal
    %x2 = quoin.extend %x1 by %W
    %xe, %donee, %goe = scf.while (%x = %x2, %done = %P, %go = %true) : (!quoin.sequence, index, i1) -> (!quoin.sequence, index, i1) {
      scf.condition(%go) %x, %done, %go : !quoin.sequence, index, i1
    } do {
    ^bb0(%x: !quoin.sequence, %done: index, %go: i1):
      // As many positions are added as leave the window in this step.
      %n0 = quoin.length %x
      %first = quoin.first_open %x[%done to %n0]
      %run = arith.subi %first, %done : index
      %x3 = quoin.extend %x by %run
      %n = quoin.length %x3
      %rows = quoin.open %x3[%done to %n]
      %e = quoin.evaluation
      %l = quoin.forward @model of %x3[to %n] read %rows mask #observed_first
      %token, %H = quoin.score %l [token, entropy] by #k_p_temperature at %rows, %e : tensor<?xi32>, tensor<?xf32>
      // The leading known tokens are final, up to a stop id (kept) or the wanted length.
      %stop = quoin.find_stop %x3[%done to %first]
      %stopped = arith.cmpi ne, %stop, %first : index
      %after = arith.addi %stop, %c1 : index
      %cut = arith.minui %after, %first : index
      %end = arith.minui %cut, %last : index
      %full = arith.cmpi uge, %first, %last : index
      %over = arith.ori %stopped, %full : i1
      %x4 = quoin.commit %x3 to %end
      %x5 = scf.if %over -> (!quoin.sequence) {
        scf.yield %x4 : !quoin.sequence
      } else {
        %m = tensor.dim %rows, %c0 : tensor<?xindex>
        %row0 = tensor.extract %rows[%c0] : tensor<?xindex>
        %row0s = tensor.splat %row0[%m] : tensor<?xindex>
        %distance = arith.subi %rows, %row0s : tensor<?xindex>
        %distance_i = arith.index_cast %distance : tensor<?xindex> to tensor<?xi32>
        %distance_f = arith.uitofp %distance_i : tensor<?xi32> to tensor<?xf32>
        %penalties = tensor.splat %penalty[%m] : tensor<?xf32>
        %added = arith.mulf %penalties, %distance_f : tensor<?xf32>
        %cost = arith.addf %H, %added : tensor<?xf32>
        %limits = tensor.splat %entropy[%m] : tensor<?xf32>
        %sure = arith.cmpf olt, %cost, %limits : tensor<?xf32>
        %many = quoin.count %sure
        %none = arith.cmpi eq, %many, %c0 : index
        %gain = arith.negf %cost : tensor<?xf32>
        %best = quoin.top %gain, %c1
        %pick = arith.select %none, %best, %sure : tensor<?xi1>
        %y = quoin.fill %x4 at %rows with %token where %pick
        scf.yield %y : !quoin.sequence
      }
      %on = arith.xori %over, %true : i1
      scf.yield %x5, %end, %on : !quoin.sequence, index, i1
    }
    quoin.return %xe[%P to %donee]
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
