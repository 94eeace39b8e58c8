// A row sees its own block, both ways, and all blocks before it. Blocks are counted from position 0.
#block = #quoin.mask<(q, k) : k floordiv 32 le q floordiv 32>
#temperature_k_p = #quoin.sampler<temperature, top_k, top_p>

module attributes {
    quoin.architecture = "sdar", quoin.source = "checkpoint",
    quoin.vocabulary = 300 : index, quoin.capacity = 512 : index, quoin.fill = 299 : i32, quoin.stop = array<i32: 298, 296>} {

  // LLaDA 2.0: a step fills every row more confident than the threshold, or the most confident ones if those are fewer than its
  // share of the block; nothing is changed afterwards. Stops early, behind a block with a stop id, which is kept.
  quoin.decoder @"llada2.0"(%prompt, %max) settings {steps = 32 : index, threshold = 0.95 : f32} attributes {fixed = {block = 32 : index}} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %true = arith.constant true
    %B = arith.constant 32 : index
    %S = quoin.setting @steps : index
    %threshold = quoin.setting @threshold : f32
    %P = quoin.length %prompt
    %want = arith.addi %P, %max : index
    %blocks = arith.ceildivui %want, %B : index
    %end = arith.muli %blocks, %B : index
    %grow = arith.subi %end, %P : index
    %tail = arith.remui %P, %B : index
    %start = arith.subi %P, %tail : index
    %x1 = quoin.extend %prompt by %grow
    %xe, %hie, %goe = scf.while (%x = %x1, %lo = %start, %go = %true) : (!quoin.sequence, index, i1) -> (!quoin.sequence, index, i1) {
      %room = arith.cmpi ult, %lo, %end : index
      %more = arith.andi %room, %go : i1
      scf.condition(%more) %x, %lo, %go : !quoin.sequence, index, i1
    } do {
    ^bb0(%x: !quoin.sequence, %lo: index, %go: i1):
      %hi = arith.addi %lo, %B : index
      %full, %steps = quoin.denoise %x[%lo to %hi] carry %c0 : index -> index {
      ^bb0(%y: !quoin.sequence, %rows: tensor<?xindex>, %s: index):
        // Step s owes B div S tokens, the first B mod S steps one more, never more than are open.
        %n = tensor.dim %rows, %c0 : tensor<?xindex>
        %each = arith.divui %B, %S : index
        %left = arith.remui %B, %S : index
        %early = arith.cmpi ult, %s, %left : index
        %extra = arith.select %early, %c1, %c0 : index
        %share = arith.addi %each, %extra : index
        %quota = arith.minui %share, %n : index
        %e = quoin.evaluation
        %l = quoin.forward @model of %y[to %hi] read %rows mask #block
        %token, %confidence = quoin.score %l [token, confidence] by #temperature_k_p at %rows, %e : tensor<?xi32>, tensor<?xf32>
        %best = quoin.top %confidence, %quota
        %thresholds = tensor.splat %threshold[%n] : tensor<?xf32>
        %sure = arith.cmpf ogt, %confidence, %thresholds : tensor<?xf32>
        %many = quoin.count %sure
        %enough = arith.cmpi uge, %many, %quota : index
        %pick = arith.select %enough, %sure, %best : tensor<?xi1>
        %z = quoin.fill %y at %rows with %token where %pick
        %s1 = arith.addi %s, %c1 : index
        quoin.yield %z, %s1 : index
      }
      %done = quoin.commit %full to %hi
      %stop = quoin.find_stop %done[%P to %hi]
      %on = arith.cmpi eq, %stop, %hi : index
      scf.yield %done, %hi, %on : !quoin.sequence, index, i1
    }
    %m = arith.minui %hie, %want : index
    %stop = quoin.find_stop %xe[%P to %m]
    %after = arith.addi %stop, %c1 : index
    %cut = arith.minui %after, %m : index
    quoin.return %xe[%P to %cut]
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
