// Finished text is causal; the active block, from `a` on, sees it and all of itself.
#context = #quoin.mask<(q, k)[a] : k le q or (q ge a and k ge a)>
#causal = #quoin.mask<causal>

module attributes {
    quoin.architecture = "sdar", quoin.source = "checkpoint",
    quoin.vocabulary = 300 : index, quoin.capacity = 512 : index, quoin.fill = 299 : i32, quoin.stop = array<i32: 298, 296>} {

  // Nemotron-Labs-Diffusion that checks its own draft: the last token of the text begins a block, whose masks are filled as in
  // `nemotron-diffusion`; the same model, read causally, then says which of the drafted tokens it would have said itself. Those up to
  // the first that differs are taken, and the token that it says there. Greedy. The answer ends with the first stop id.
  quoin.decoder @"nemotron-linear-spec"(%prompt, %max) settings {block = 32 : index, threshold = 0.0 : f32} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %true = arith.constant true
    %B = quoin.setting @block : index
    %threshold = quoin.setting @threshold : f32
    %B1 = arith.subi %B, %c1 : index
    %P = quoin.length %prompt
    %P1 = arith.addi %P, %c1 : index
    %limit = arith.addi %P, %max : index
    %last0 = arith.subi %P, %c1 : index
    %row0 = quoin.span %last0 to %P
    %l0 = quoin.forward @model of %prompt[to %P] read %row0 mask #causal
    %token0 = quoin.score %l0 [token] : tensor<?xi32>
    %x0 = quoin.commit %prompt to %P
    %x1 = quoin.append %x0, %token0
    %stop0 = quoin.find_stop %x1[%P to %P1]
    %on0 = arith.cmpi eq, %stop0, %P1 : index
    %xe, %ende, %goe = scf.while (%x = %x1, %end = %P1, %go = %on0) : (!quoin.sequence, index, i1) -> (!quoin.sequence, index, i1) {
      %n = quoin.length %x
      %room = arith.cmpi ult, %n, %limit : index
      %more = arith.andi %room, %go : i1
      scf.condition(%more) %x, %end, %go : !quoin.sequence, index, i1
    } do {
    ^bb0(%x: !quoin.sequence, %end: index, %go: i1):
      %n = quoin.length %x
      %lo = arith.subi %n, %c1 : index
      %hi = arith.addi %lo, %B : index
      %y0 = quoin.extend %x by %B1
      %draft = scf.while (%y = %y0) : (!quoin.sequence) -> !quoin.sequence {
        %f = quoin.first_open %y[%n to %hi]
        %open = arith.cmpi ult, %f, %hi : index
        scf.condition(%open) %y : !quoin.sequence
      } do {
      ^bb0(%y: !quoin.sequence):
        %rows = quoin.open %y[%n to %hi]
        %m = tensor.dim %rows, %c0 : tensor<?xindex>
        %l = quoin.forward @model of %y[to %hi] read %rows mask #context[%lo]
        %token, %confidence = quoin.score %l [token, confidence] : tensor<?xi32>, tensor<?xf32>
        %thresholds = tensor.splat %threshold[%m] : tensor<?xf32>
        %sure = arith.cmpf oge, %confidence, %thresholds : tensor<?xf32>
        %best = quoin.top %confidence, %c1
        %pick = arith.ori %sure, %best : tensor<?xi1>
        %z = quoin.fill %y at %rows with %token where %pick
        scf.yield %z : !quoin.sequence
      }
      // What row lo + i says, read causally, beside the token drafted behind it.
      %read = quoin.span %lo to %hi
      %lv = quoin.forward @model of %draft[to %hi] read %read mask #causal
      %said = quoin.score %lv [token] : tensor<?xi32>
      %behind = quoin.span %n to %hi
      %drafted = quoin.tokens %draft at %behind
      %before = tensor.extract_slice %said[0] [%B1] [1] : tensor<?xi32> to tensor<?xi32>
      %same = arith.cmpi eq, %drafted, %before : tensor<?xi32>
      %lead = quoin.leading %same
      %take = arith.addi %lead, %c1 : index
      %new = tensor.extract_slice %said[0] [%take] [1] : tensor<?xi32> to tensor<?xi32>
      %z = quoin.append %x, %new
      %to = quoin.length %z
      // The last token has not been read yet.
      %known = arith.subi %to, %c1 : index
      %done = quoin.commit %z to %known
      %stop = quoin.find_stop %done[%n to %to]
      %on = arith.cmpi eq, %stop, %to : index
      %past = arith.addi %stop, %c1 : index
      %until = arith.minui %past, %to : index
      scf.yield %done, %until, %on : !quoin.sequence, index, i1
    }
    quoin.return %xe[%P to %ende]
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
