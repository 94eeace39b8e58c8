// Label 0 is the text and the tokens speculated after it, causal; label j + 1 is a run of masks after j speculated tokens: it sees
// the text up to there and itself, causally. `n` is the length of the text. Without the first condition no cache is derived.
#runs = #quoin.mask<(q, k)[n] : slot(k) le slot(q) and ((label(q) eq 0 and label(k) eq 0 and k le q) or (label(q) gt 0 and label(k) eq 0 and k lt n + label(q) - 1) or (label(q) gt 0 and label(k) eq label(q) and k le q))>

module attributes {
    quoin.architecture = "sdar", quoin.source = "checkpoint",
    quoin.vocabulary = 300 : index, quoin.capacity = 512 : index, quoin.fill = 299 : i32, quoin.stop = array<i32: 298, 296>} {

  // "Your LLM knows the future", quadratic decoding: every call checks the speculated tokens and, whatever number of them holds,
  // has masks behind it that speculate the next `masks` tokens. The adapters of the model act at mask rows alone, so the text is
  // what greedy decoding writes. Their sampler head is left out: a mask row's arg max is the speculation.
  quoin.decoder @"knows-the-future"(%prompt, %max) settings {masks = 3 : index} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %true = arith.constant true
    %K = quoin.setting @masks : index
    %fill = quoin.setting @fill : i32
    %none = tensor.empty(%c0) : tensor<?xi32>
    %P = quoin.length %prompt
    %want = arith.addi %P, %max : index
    %xe, %spece, %ende, %goe = scf.while (%x = %prompt, %spec = %none, %end = %P, %go = %true) : (!quoin.sequence, tensor<?xi32>, index, i1) -> (!quoin.sequence, tensor<?xi32>, index, i1) {
      %n = quoin.length %x
      %room = arith.cmpi ult, %n, %want : index
      %more = arith.andi %room, %go : i1
      scf.condition(%more) %x, %spec, %end, %go : !quoin.sequence, tensor<?xi32>, index, i1
    } do {
    ^bb0(%x: !quoin.sequence, %spec: tensor<?xi32>, %end: index, %go: i1):
      %n = quoin.length %x
      %m = tensor.dim %spec, %c0 : tensor<?xi32>
      %m1 = arith.addi %m, %c1 : index
      %nm = arith.addi %n, %m : index
      %chain = quoin.span %n to %nm
      %text = tensor.splat %c0[%m] : tensor<?xindex>
      %positions, %labels = scf.for %j = %c0 to %m1 step %c1 iter_args(%p = %chain, %g = %text) -> (tensor<?xindex>, tensor<?xindex>) {
        %a = arith.addi %n, %j : index
        %b = arith.addi %a, %K : index
        %run = quoin.span %a to %b
        %j1 = arith.addi %j, %c1 : index
        %label = tensor.splat %j1[%K] : tensor<?xindex>
        %p1 = tensor.concat dim(0) %p, %run : (tensor<?xindex>, tensor<?xindex>) -> tensor<?xindex>
        %g1 = tensor.concat dim(0) %g, %label : (tensor<?xindex>, tensor<?xindex>) -> tensor<?xindex>
        scf.yield %p1, %g1 : tensor<?xindex>, tensor<?xindex>
      }
      %count = arith.muli %m1, %K : index
      %masks = tensor.splat %fill[%count] : tensor<?xi32>
      %ids = tensor.concat dim(0) %spec, %masks : (tensor<?xi32>, tensor<?xi32>) -> tensor<?xi32>
      %last = arith.subi %n, %c1 : index
      %upto = arith.addi %nm, %count : index
      %read = quoin.span %last to %upto
      %l = quoin.forward @model of %x[to %n] then %ids at %positions label %labels read %read mask #runs[%n]
      %y = quoin.score %l [token] : tensor<?xi32>
      // Rows of the chain predict the token after them; masks of run j the tokens from n + j + 1 on.
      %said = tensor.extract_slice %y[0] [%m] [1] : tensor<?xi32> to tensor<?xi32>
      %same = arith.cmpi eq, %said, %spec : tensor<?xi32>
      %held = quoin.leading %same
      %held1 = arith.addi %held, %c1 : index
      %new = tensor.extract_slice %y[0] [%held1] [1] : tensor<?xi32> to tensor<?xi32>
      %o = arith.muli %held, %K : index
      %at = arith.addi %m1, %o : index
      %next = tensor.extract_slice %y[%at] [%K] [1] : tensor<?xi32> to tensor<?xi32>
      %x1 = quoin.append %x, %new
      %e = quoin.length %x1
      %x2 = quoin.commit %x1 to %e
      %stop = quoin.find_stop %x2[%n to %e]
      %on = arith.cmpi eq, %stop, %e : index
      %after = arith.addi %stop, %c1 : index
      %cut = arith.minui %after, %e : index
      scf.yield %x2, %next, %cut, %on : !quoin.sequence, tensor<?xi32>, index, i1
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
