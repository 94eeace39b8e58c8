#causal = #quoin.mask<causal>
// The text, then a tree from position n on: one root, two nodes at n + 1, four at n + 2. A node's label is its path in binary, so
// that its parent's label is half of it. `n` is the length of the text. Without the first condition no cache is derived.
#tree = #quoin.mask<(q, k)[n] : slot(k) le slot(q) and ((k lt n and k le q) or (k eq n and q ge n) or (k gt n and k eq q and label(k) eq label(q)) or (k eq n + 1 and q eq n + 2 and label(k) eq label(q) floordiv 2))>
#drawn = #quoin.sampler<raw_confidence>

module attributes {
    quoin.architecture = "sdar", quoin.source = "checkpoint",
    quoin.vocabulary = 300 : index, quoin.capacity = 512 : index, quoin.fill = 299 : i32, quoin.stop = array<i32: 298, 296>} {

  // Draft and tree verification, as Clover and Hidden Transfer verify: the draft is two mask rows behind the text, each giving its likeliest
  // token and a drawn one; one call then checks the tree of all their combinations. What is written is what greedy decoding writes.
  quoin.decoder @tree(%prompt, %max) settings {} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c2 = arith.constant 2 : index
    %c3 = arith.constant 3 : index
    %c4 = arith.constant 4 : index
    %true = arith.constant true
    %fill = quoin.setting @fill : i32
    %masks = tensor.splat %fill[%c2] : tensor<?xi32>
    %root = tensor.splat %c0[%c1] : tensor<?xindex>
    %two = quoin.span %c0 to %c2
    %four = quoin.span %c0 to %c4
    %labels = tensor.concat dim(0) %root, %two, %four : (tensor<?xindex>, tensor<?xindex>, tensor<?xindex>) -> tensor<?xindex>
    %P = quoin.length %prompt
    %want = arith.addi %P, %max : index
    %xe, %ende, %goe = scf.while (%x = %prompt, %end = %P, %go = %true) : (!quoin.sequence, index, i1) -> (!quoin.sequence, index, i1) {
      %n = quoin.length %x
      %room = arith.cmpi ult, %n, %want : index
      %more = arith.andi %room, %go : i1
      scf.condition(%more) %x, %end, %go : !quoin.sequence, index, i1
    } do {
    ^bb0(%x: !quoin.sequence, %end: index, %go: i1):
      %n = quoin.length %x
      %last = arith.subi %n, %c1 : index
      %n1 = arith.addi %n, %c1 : index
      %n2 = arith.addi %n, %c2 : index
      %n3 = arith.addi %n, %c3 : index
      // Row n-1 gives the next token, the masks at n and n + 1 what follows it.
      %rows = quoin.span %last to %n2
      %at = quoin.span %n to %n2
      %after = quoin.span %n to %n3
      %e = quoin.evaluation
      %l = quoin.forward @model of %x[to %n] then %masks at %at read %rows mask #causal
      %best = quoin.score %l [token] : tensor<?xi32>
      %draw = quoin.score %l [token] by #drawn at %after, %e : tensor<?xi32>
      %t0 = tensor.extract_slice %best[0] [%c1] [1] : tensor<?xi32> to tensor<?xi32>
      %a1 = tensor.extract_slice %best[1] [%c1] [1] : tensor<?xi32> to tensor<?xi32>
      %b1 = tensor.extract_slice %draw[1] [%c1] [1] : tensor<?xi32> to tensor<?xi32>
      %a2 = tensor.extract_slice %best[2] [%c1] [1] : tensor<?xi32> to tensor<?xi32>
      %b2 = tensor.extract_slice %draw[2] [%c1] [1] : tensor<?xi32> to tensor<?xi32>
      %ids = tensor.concat dim(0) %t0, %a1, %b1, %a2, %b2, %a2, %b2 : (tensor<?xi32>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>) -> tensor<?xi32>
      %p0 = tensor.splat %n[%c1] : tensor<?xindex>
      %p1 = tensor.splat %n1[%c2] : tensor<?xindex>
      %p2 = tensor.splat %n2[%c4] : tensor<?xindex>
      %positions = tensor.concat dim(0) %p0, %p1, %p2 : (tensor<?xindex>, tensor<?xindex>, tensor<?xindex>) -> tensor<?xindex>
      %c7 = arith.constant 7 : index
      %n7 = arith.addi %n, %c7 : index
      %nodes = quoin.span %n to %n7
      %v = quoin.forward @model of %x[to %n] then %ids at %positions label %labels read %nodes mask #tree[%n]
      %y = quoin.score %v [token] : tensor<?xi32>
      // The child that the root's row predicts, then its child; 2 and 4: none.
      %y0 = tensor.extract %y[%c0] : tensor<?xi32>
      %child_ids = tensor.extract_slice %ids[1] [%c2] [1] : tensor<?xi32> to tensor<?xi32>
      %y0s = tensor.splat %y0[%c2] : tensor<?xi32>
      %no1 = arith.cmpi ne, %child_ids, %y0s : tensor<?xi32>
      %child = quoin.leading %no1
      %has1 = arith.cmpi ult, %child, %c2 : index
      %new = scf.if %has1 -> (tensor<?xi32>) {
        %node = arith.addi %child, %c1 : index
        %y1 = tensor.extract %y[%node] : tensor<?xi32>
        %grand_ids = tensor.extract_slice %ids[3] [%c4] [1] : tensor<?xi32> to tensor<?xi32>
        %y1s = tensor.splat %y1[%c4] : tensor<?xi32>
        %same = arith.cmpi eq, %grand_ids, %y1s : tensor<?xi32>
        %twos = tensor.splat %c2[%c4] : tensor<?xindex>
        %parents = arith.divui %four, %twos : tensor<?xindex>
        %children = tensor.splat %child[%c4] : tensor<?xindex>
        %mine = arith.cmpi eq, %parents, %children : tensor<?xindex>
        %hit = arith.andi %same, %mine : tensor<?xi1>
        %trues = tensor.splat %true[%c4] : tensor<?xi1>
        %no2 = arith.xori %hit, %trues : tensor<?xi1>
        %grand = quoin.leading %no2
        %has2 = arith.cmpi ult, %grand, %c4 : index
        %first = tensor.splat %y0[%c1] : tensor<?xi32>
        %second = tensor.splat %y1[%c1] : tensor<?xi32>
        %more = scf.if %has2 -> (tensor<?xi32>) {
          %leaf = arith.addi %grand, %c3 : index
          %y2 = tensor.extract %y[%leaf] : tensor<?xi32>
          %third = tensor.splat %y2[%c1] : tensor<?xi32>
          %all = tensor.concat dim(0) %t0, %first, %second, %third : (tensor<?xi32>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>) -> tensor<?xi32>
          scf.yield %all : tensor<?xi32>
        } else {
          %all = tensor.concat dim(0) %t0, %first, %second : (tensor<?xi32>, tensor<?xi32>, tensor<?xi32>) -> tensor<?xi32>
          scf.yield %all : tensor<?xi32>
        }
        scf.yield %more : tensor<?xi32>
      } else {
        %first = tensor.splat %y0[%c1] : tensor<?xi32>
        %all = tensor.concat dim(0) %t0, %first : (tensor<?xi32>, tensor<?xi32>) -> tensor<?xi32>
        scf.yield %all : tensor<?xi32>
      }
      %x1 = quoin.append %x, %new
      %m = quoin.length %x1
      %x2 = quoin.commit %x1 to %m
      %stop = quoin.find_stop %x2[%n to %m]
      %on = arith.cmpi eq, %stop, %m : index
      %stop1 = arith.addi %stop, %c1 : index
      %cut = arith.minui %stop1, %m : index
      scf.yield %x2, %cut, %on : !quoin.sequence, index, i1
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
