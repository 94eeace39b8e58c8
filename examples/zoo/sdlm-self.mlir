// The last known token and the masks after it see each other; all before is causal. `a` is the last known position.
#window = #quoin.mask<(q, k)[a] : k le q or (q ge a and k ge a)>
// Label 0 is the text; label j + 1 is branch j, which continues it with j + 1 drafted tokens and a window of masks. A branch
// sees the text and itself. `n` is the length of the text, so that the window of a branch starts at n + j.
#branches = #quoin.mask<(q, k)[n] : (label(k) eq 0 and k le q) or (label(k) eq label(q) and (k le q or (q - label(q) ge n - 1 and k - label(k) ge n - 1)))>

module attributes {
    quoin.architecture = "sdlm", quoin.source = "checkpoint",
    quoin.vocabulary = 300 : index, quoin.capacity = 512 : index, quoin.fill = 299 : i32, quoin.stop = array<i32: 298, 296>} {

  // SDLM that checks its own draft: one call runs a branch for every length of drafted prefix. A drafted token is taken if the
  // branch before it predicts the same; the last branch taken has drafted the next window already. Greedy.
  quoin.decoder @"sdlm-self"(%prompt, %max) settings {window = 4 : index} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %true = arith.constant true
    %D = quoin.setting @window : index
    %fill = quoin.setting @fill : i32
    %P = quoin.length %prompt
    %limit = arith.addi %P, %max : index
    %D1 = arith.subi %D, %c1 : index
    %masks = tensor.splat %fill[%D1] : tensor<?xi32>
    %no_ids = tensor.empty(%c0) : tensor<?xi32>
    %no_positions = tensor.empty(%c0) : tensor<?xindex>
    // The first draft.
    %a0 = arith.subi %P, %c1 : index
    %to0 = arith.addi %P, %D1 : index
    %mask_at0 = quoin.span %P to %to0
    %rows0 = quoin.span %a0 to %to0
    %l0 = quoin.forward @model of %prompt[to %P] then %masks at %mask_at0 read %rows0 mask #window[%a0]
    %draft0 = quoin.score %l0 [token] : tensor<?xi32>
    %xe, %drafte, %ende, %goe = scf.while (%x = %prompt, %draft = %draft0, %end = %P, %go = %true) : (!quoin.sequence, tensor<?xi32>, index, i1) -> (!quoin.sequence, tensor<?xi32>, index, i1) {
      %n = quoin.length %x
      %room = arith.cmpi ult, %n, %limit : index
      %more = arith.andi %room, %go : i1
      scf.condition(%more) %x, %draft, %end, %go : !quoin.sequence, tensor<?xi32>, index, i1
    } do {
    ^bb0(%x: !quoin.sequence, %draft: tensor<?xi32>, %end: index, %go: i1):
      %n = quoin.length %x
      // The slots of all branches, one after another: drafted prefix, masks; their window's rows are read.
      %ids, %positions, %labels, %read = scf.for %j = %c0 to %D step %c1 iter_args(%i = %no_ids, %p = %no_positions, %g = %no_positions, %r = %no_positions) -> (tensor<?xi32>, tensor<?xindex>, tensor<?xindex>, tensor<?xindex>) {
        %j1 = arith.addi %j, %c1 : index
        %size = arith.addi %j, %D : index
        %upto = arith.addi %n, %size : index
        %prefix = tensor.extract_slice %draft[0] [%j1] [1] : tensor<?xi32> to tensor<?xi32>
        %i1 = tensor.concat dim(0) %i, %prefix, %masks : (tensor<?xi32>, tensor<?xi32>, tensor<?xi32>) -> tensor<?xi32>
        %at = quoin.span %n to %upto
        %p1 = tensor.concat dim(0) %p, %at : (tensor<?xindex>, tensor<?xindex>) -> tensor<?xindex>
        %label = tensor.splat %j1[%size] : tensor<?xindex>
        %g1 = tensor.concat dim(0) %g, %label : (tensor<?xindex>, tensor<?xindex>) -> tensor<?xindex>
        %had = tensor.dim %i, %c0 : tensor<?xi32>
        %slot0 = arith.addi %n, %had : index
        %slot1 = arith.addi %slot0, %j : index
        %slot2 = arith.addi %slot1, %D : index
        %window = quoin.span %slot1 to %slot2
        %r1 = tensor.concat dim(0) %r, %window : (tensor<?xindex>, tensor<?xindex>) -> tensor<?xindex>
        scf.yield %i1, %p1, %g1, %r1 : tensor<?xi32>, tensor<?xindex>, tensor<?xindex>, tensor<?xindex>
      }
      %l = quoin.forward @model of %x[to %n] then %ids at %positions label %labels read %read mask #branches[%n]
      %y = quoin.score %l [token] : tensor<?xi32>
      // Drafted tokens that the branch before them confirms; the first needs no confirmation.
      %take = scf.while (%a = %c1) : (index) -> index {
        %within = arith.cmpi ult, %a, %D : index
        %more = scf.if %within -> (i1) {
          %drafted = tensor.extract %draft[%a] : tensor<?xi32>
          %b = arith.subi %a, %c1 : index
          %o = arith.muli %b, %D : index
          %predicted = tensor.extract %y[%o] : tensor<?xi32>
          %same = arith.cmpi eq, %drafted, %predicted : i32
          scf.yield %same : i1
        } else {
          scf.yield %within : i1
        }
        scf.condition(%more) %a : index
      } do {
      ^bb0(%a: index):
        %a1 = arith.addi %a, %c1 : index
        scf.yield %a1 : index
      }
      %new = tensor.extract_slice %draft[0] [%take] [1] : tensor<?xi32> to tensor<?xi32>
      %x1 = quoin.append %x, %new
      %m = quoin.length %x1
      %x2 = quoin.commit %x1 to %m
      %branch = arith.subi %take, %c1 : index
      %offset = arith.muli %branch, %D : index
      %draft1 = tensor.extract_slice %y[%offset] [%D] [1] : tensor<?xi32> to tensor<?xi32>
      %stop = quoin.find_stop %x2[%n to %m]
      %on = arith.cmpi eq, %stop, %m : index
      scf.yield %x2, %draft1, %stop, %on : !quoin.sequence, tensor<?xi32>, index, i1
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
