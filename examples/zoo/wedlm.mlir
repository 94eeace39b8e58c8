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
    %embedded = quoin.embed %ids by @embed : tensor<?x32xf32>
    // Layer 0: attention.
    %n0 = quoin.rms_norm %embedded by @layers.0.attention_norm epsilon 1.0e-06 : tensor<?x32xf32>
    %q0 = quoin.linear %n0 by @layers.0.q_proj : tensor<?x32xf32> -> tensor<?x32xf32>
    %qn0 = quoin.rms_norm %q0 by @layers.0.q_norm epsilon 1.0e-06 : tensor<?x32xf32>
    %qr0 = quoin.rotary %qn0 at %positions theta 10000.0 head_dim 16 : tensor<?x32xf32>
    %k0 = quoin.linear %n0 by @layers.0.k_proj : tensor<?x32xf32> -> tensor<?x16xf32>
    %kn0 = quoin.rms_norm %k0 by @layers.0.k_norm epsilon 1.0e-06 : tensor<?x16xf32>
    %kr0 = quoin.rotary %kn0 at %positions theta 10000.0 head_dim 16 : tensor<?x16xf32>
    %v0 = quoin.linear %n0 by @layers.0.v_proj : tensor<?x32xf32> -> tensor<?x16xf32>
    %a0 = quoin.attention %qr0, %kr0, %v0 heads 2 kv_heads 1 head_dim 16 scale 0.25
        : tensor<?x32xf32>, tensor<?x16xf32>, tensor<?x16xf32>
    %o0 = quoin.linear %a0 by @layers.0.o_proj : tensor<?x32xf32> -> tensor<?x32xf32>
    %h0 = arith.addf %embedded, %o0 : tensor<?x32xf32>
    // Layer 0: feed-forward.
    %m0 = quoin.rms_norm %h0 by @layers.0.mlp_norm epsilon 1.0e-06 : tensor<?x32xf32>
    %gate0 = quoin.linear %m0 by @layers.0.gate_proj : tensor<?x32xf32> -> tensor<?x64xf32>
    %up0 = quoin.linear %m0 by @layers.0.up_proj : tensor<?x32xf32> -> tensor<?x64xf32>
    %act0 = quoin.swiglu %gate0, %up0 : tensor<?x64xf32>
    %down0 = quoin.linear %act0 by @layers.0.down_proj : tensor<?x64xf32> -> tensor<?x32xf32>
    %x0 = arith.addf %h0, %down0 : tensor<?x32xf32>
    // Layer 1: attention.
    %n1 = quoin.rms_norm %x0 by @layers.1.attention_norm epsilon 1.0e-06 : tensor<?x32xf32>
    %q1 = quoin.linear %n1 by @layers.1.q_proj : tensor<?x32xf32> -> tensor<?x32xf32>
    %qn1 = quoin.rms_norm %q1 by @layers.1.q_norm epsilon 1.0e-06 : tensor<?x32xf32>
    %qr1 = quoin.rotary %qn1 at %positions theta 10000.0 head_dim 16 : tensor<?x32xf32>
    %k1 = quoin.linear %n1 by @layers.1.k_proj : tensor<?x32xf32> -> tensor<?x16xf32>
    %kn1 = quoin.rms_norm %k1 by @layers.1.k_norm epsilon 1.0e-06 : tensor<?x16xf32>
    %kr1 = quoin.rotary %kn1 at %positions theta 10000.0 head_dim 16 : tensor<?x16xf32>
    %v1 = quoin.linear %n1 by @layers.1.v_proj : tensor<?x32xf32> -> tensor<?x16xf32>
    %a1 = quoin.attention %qr1, %kr1, %v1 heads 2 kv_heads 1 head_dim 16 scale 0.25
        : tensor<?x32xf32>, tensor<?x16xf32>, tensor<?x16xf32>
    %o1 = quoin.linear %a1 by @layers.1.o_proj : tensor<?x32xf32> -> tensor<?x32xf32>
    %h1 = arith.addf %x0, %o1 : tensor<?x32xf32>
    // Layer 1: feed-forward.
    %m1 = quoin.rms_norm %h1 by @layers.1.mlp_norm epsilon 1.0e-06 : tensor<?x32xf32>
    %gate1 = quoin.linear %m1 by @layers.1.gate_proj : tensor<?x32xf32> -> tensor<?x64xf32>
    %up1 = quoin.linear %m1 by @layers.1.up_proj : tensor<?x32xf32> -> tensor<?x64xf32>
    %act1 = quoin.swiglu %gate1, %up1 : tensor<?x64xf32>
    %down1 = quoin.linear %act1 by @layers.1.down_proj : tensor<?x64xf32> -> tensor<?x32xf32>
    %x1 = arith.addf %h1, %down1 : tensor<?x32xf32>
    %final = quoin.rms_norm %x1 by @norm epsilon 1.0e-06 : tensor<?x32xf32>
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
