// Label 0 begins the text; labels 1 to L - 1 are segments side by side, which see the beginning and themselves; label L sees all. Causal by slot.
#sets = #quoin.mask<(q, k)[L] : slot(k) le slot(q) and (label(k) eq label(q) or label(k) eq 0 or label(q) eq L)>

module attributes {
    quoin.architecture = "qwen3", quoin.source = "checkpoint",
    quoin.vocabulary = 300 : index, quoin.capacity = 512 : index, quoin.stop = array<i32: 298, 296>} {

  // Set-based prompting: separators cut the prompt into a beginning, segments whose order means nothing, and an end. Segments
  // start at the same position and do not see each other; the end goes on after the longest. Then token by token.
  quoin.decoder @"set-prompting"(%prompt, %max) settings {separator = 7 : index} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %true = arith.constant true
    %separator = quoin.setting @separator : index
    %separator_i = arith.index_cast %separator : index to i32
    %no_ids = tensor.empty(%c0) : tensor<?xi32>
    %no_positions = tensor.empty(%c0) : tensor<?xindex>
    %P = quoin.length %prompt
    %rows = quoin.span %c0 to %P
    %text = quoin.tokens %prompt at %rows
    %separators = tensor.splat %separator_i[%P] : tensor<?xi32>
    %cuts = arith.cmpi eq, %text, %separators : tensor<?xi32>
    %L = quoin.count %cuts
    // Separators are left out. `base` is where the segments start, `top` the highest position so far plus 1.
    %ids, %positions, %labels, %at, %base, %top, %g = scf.for %i = %c0 to %P step %c1 iter_args(%t = %no_ids, %p = %no_positions, %l = %no_positions, %a = %c0, %b = %c0, %m = %c0, %k = %c0) -> (tensor<?xi32>, tensor<?xindex>, tensor<?xindex>, index, index, index, index) {
      %cut = tensor.extract %cuts[%i] : tensor<?xi1>
      %r:7 = scf.if %cut -> (tensor<?xi32>, tensor<?xindex>, tensor<?xindex>, index, index, index, index) {
        %k1 = arith.addi %k, %c1 : index
        %first = arith.cmpi eq, %k, %c0 : index
        %b1 = arith.select %first, %a, %b : index
        %ends = arith.cmpi eq, %k1, %L : index
        %a1 = arith.select %ends, %m, %b1 : index
        scf.yield %t, %p, %l, %a1, %b1, %m, %k1 : tensor<?xi32>, tensor<?xindex>, tensor<?xindex>, index, index, index, index
      } else {
        %id = tensor.extract %text[%i] : tensor<?xi32>
        %id1 = tensor.splat %id[%c1] : tensor<?xi32>
        %t1 = tensor.concat dim(0) %t, %id1 : (tensor<?xi32>, tensor<?xi32>) -> tensor<?xi32>
        %pos1 = tensor.splat %a[%c1] : tensor<?xindex>
        %p1 = tensor.concat dim(0) %p, %pos1 : (tensor<?xindex>, tensor<?xindex>) -> tensor<?xindex>
        %lab1 = tensor.splat %k[%c1] : tensor<?xindex>
        %l1 = tensor.concat dim(0) %l, %lab1 : (tensor<?xindex>, tensor<?xindex>) -> tensor<?xindex>
        %a1 = arith.addi %a, %c1 : index
        %m1 = arith.maxui %m, %a1 : index
        scf.yield %t1, %p1, %l1, %a1, %b, %m1, %k : tensor<?xi32>, tensor<?xindex>, tensor<?xindex>, index, index, index, index
      }
      scf.yield %r#0, %r#1, %r#2, %r#3, %r#4, %r#5, %r#6 : tensor<?xi32>, tensor<?xindex>, tensor<?xindex>, index, index, index, index
    }
    %xe, %te, %pe, %le, %ae, %goe = scf.while (%x = %prompt, %t = %ids, %p = %positions, %l = %labels, %a = %at, %go = %true) : (!quoin.sequence, tensor<?xi32>, tensor<?xindex>, tensor<?xindex>, index, i1) -> (!quoin.sequence, tensor<?xi32>, tensor<?xindex>, tensor<?xindex>, index, i1) {
      %n = quoin.length %x
      %size = arith.subi %n, %P : index
      %room = arith.cmpi ult, %size, %max : index
      %more = arith.andi %room, %go : i1
      scf.condition(%more) %x, %t, %p, %l, %a, %go : !quoin.sequence, tensor<?xi32>, tensor<?xindex>, tensor<?xindex>, index, i1
    } do {
    ^bb0(%x: !quoin.sequence, %t: tensor<?xi32>, %p: tensor<?xindex>, %l: tensor<?xindex>, %a: index, %go: i1):
      %n = tensor.dim %t, %c0 : tensor<?xi32>
      %some = arith.cmpi ne, %n, %c0 : index
      cf.assert %some, "the prompt of decoder 'set-prompting' holds nothing but separators"
      %last = arith.subi %n, %c1 : index
      %row = quoin.span %last to %n
      // The sequence is the prompt as it was given; what the model sees are rows of their own.
      %logits = quoin.forward @model of %x[to %c0] then %t at %p label %l read %row mask #sets[%L]
      %token = quoin.score %logits [token] : tensor<?xi32>
      %m = quoin.length %x
      %x1 = quoin.append %x, %token
      %m1 = quoin.length %x1
      %t1 = tensor.concat dim(0) %t, %token : (tensor<?xi32>, tensor<?xi32>) -> tensor<?xi32>
      %pos1 = tensor.splat %a[%c1] : tensor<?xindex>
      %p1 = tensor.concat dim(0) %p, %pos1 : (tensor<?xindex>, tensor<?xindex>) -> tensor<?xindex>
      %lab1 = tensor.splat %L[%c1] : tensor<?xindex>
      %l1 = tensor.concat dim(0) %l, %lab1 : (tensor<?xindex>, tensor<?xindex>) -> tensor<?xindex>
      %a1 = arith.addi %a, %c1 : index
      %stop = quoin.find_stop %x1[%m to %m1]
      %on = arith.cmpi eq, %stop, %m1 : index
      scf.yield %x1, %t1, %p1, %l1, %a1, %on : !quoin.sequence, tensor<?xi32>, tensor<?xindex>, tensor<?xindex>, index, i1
    }
    %n = quoin.length %xe
    quoin.return %xe[%P to %n]
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
