// The last known token and the masks after it see each other; all before is causal. `a` is the last known position.
#window = #quoin.mask<(q, k)[a] : k le q or (q ge a and k ge a)>
#temperature_p_k = #quoin.sampler<temperature, top_p, top_k>

module attributes {
    quoin.architecture = "sdlm", quoin.source = "checkpoint",
    quoin.vocabulary = 300 : index, quoin.capacity = 512 : index, quoin.fill = 299 : i32, quoin.stop = array<i32: 298, 296>} {

  // SDLM: a call predicts a window of tokens after the text; the longest prefix of it in which every token is more confident
  // than the threshold is taken, at least one.
  // The answer ends before the first stop id.
  quoin.decoder @sdlm(%prompt, %max) settings {window = 4 : index, threshold = 0.5 : f32} {
    %c1 = arith.constant 1 : index
    %true = arith.constant true
    %D = quoin.setting @window : index
    %threshold = quoin.setting @threshold : f32
    %fill = quoin.setting @fill : i32
    %P = quoin.length %prompt
    %limit = arith.addi %P, %max : index
    %D1 = arith.subi %D, %c1 : index
    %masks = tensor.splat %fill[%D1] : tensor<?xi32>
    %thresholds = tensor.splat %threshold[%D] : tensor<?xf32>
    %xe, %ende, %goe = scf.while (%x = %prompt, %end = %P, %go = %true) : (!quoin.sequence, index, i1) -> (!quoin.sequence, index, i1) {
      %n = quoin.length %x
      %room = arith.cmpi ult, %n, %limit : index
      %more = arith.andi %room, %go : i1
      scf.condition(%more) %x, %end, %go : !quoin.sequence, index, i1
    } do {
    ^bb0(%x: !quoin.sequence, %end: index, %go: i1):
      // Row a + i predicts position n + i.
      %n = quoin.length %x
      %a = arith.subi %n, %c1 : index
      %to = arith.addi %n, %D1 : index
      %past = arith.addi %n, %D : index
      %mask_at = quoin.span %n to %to
      %rows = quoin.span %a to %to
      %at = quoin.span %n to %past
      %e = quoin.evaluation
      %l = quoin.forward @model of %x[to %n] then %masks at %mask_at read %rows mask #window[%a]
      %token, %confidence = quoin.score %l [token, confidence] by #temperature_p_k at %at, %e : tensor<?xi32>, tensor<?xf32>
      %sure = arith.cmpf ogt, %confidence, %thresholds : tensor<?xf32>
      %lead = quoin.leading %sure
      %take = arith.maxui %lead, %c1 : index
      %new = tensor.extract_slice %token[0] [%take] [1] : tensor<?xi32> to tensor<?xi32>
      %y = quoin.append %x, %new
      %m = quoin.length %y
      %z = quoin.commit %y to %m
      %stop = quoin.find_stop %z[%n to %m]
      %on = arith.cmpi eq, %stop, %m : index
      scf.yield %z, %stop, %on : !quoin.sequence, index, i1
    }
    quoin.return %xe[%P to %ende]
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
