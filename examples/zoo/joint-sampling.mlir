
module attributes {
    quoin.architecture = "joint-sampling", quoin.source = "checkpoint",
    quoin.vocabulary = 13 : index, quoin.capacity = 64 : index, quoin.fill = 12 : i32, quoin.stop = array<i32: 1>} {


  // A canvas behind the prompt. Each call is of all rows, which the sampler then goes on from: a token a call of its own, at the surest row.
  quoin.decoder @"joint-sampling"(%prompt, %max) settings {tokens = 4 : index} attributes {run_time = ["tokens"]} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %K = quoin.setting @tokens : index
    %fill = quoin.setting @fill : i32
    %none = arith.constant -1 : i32
    %P = quoin.length %prompt
    %x = quoin.extend %prompt by %max
    %end = quoin.length %x
    %all = quoin.span %c0 to %end
    %fills = tensor.splat %fill[%end] : tensor<?xi32>
    %nones = tensor.splat %none[%end] : tensor<?xi32>
    %full = quoin.denoise %x[%P to %end] {
    ^bb0(%y: !quoin.sequence, %rows: tensor<?xindex>):
      %l, %h = quoin.forward @model of %y[to %end] read %all mask #quoin.mask<full> -> !quoin.logits, tensor<?x12xf32>
      %before = quoin.tokens %y at %all
      %open = arith.cmpi eq, %before, %fills : tensor<?xi32>
      %many = tensor.dim %rows, %c0 : tensor<?xindex>
      %calls = arith.minui %K, %many : index
      %z = scf.for %i = %c0 to %calls step %c1 iter_args(%v = %y) -> (!quoin.sequence) {
        %now = quoin.tokens %v at %all
        %known = arith.cmpi ne, %now, %fills : tensor<?xi32>
        %just = arith.andi %open, %known : tensor<?xi1>
        %chosen = arith.select %just, %now, %nones : tensor<?xi1>, tensor<?xi32>
        %column = tensor.expand_shape %chosen [[0, 1]] output_shape [%end, 1] : tensor<?xi32> into tensor<?x1xi32>
        %left = quoin.open %v[%P to %end]
        %e = quoin.evaluation
        %s = quoin.forward @sampler of %v[to %end] with (%h, %column : tensor<?x12xf32>, tensor<?x1xi32>) read %left mask #quoin.mask<full> -> !quoin.logits
        %t, %c = quoin.score %s [token, confidence] by #quoin.sampler<temperature, raw_confidence> at %left, %e : tensor<?xi32>, tensor<?xf32>
        %surest = quoin.top %c, %c1
        %w = quoin.fill %v at %left with %t where %surest
        scf.yield %w : !quoin.sequence
      }
      quoin.yield %z
    }
    quoin.return %full[%P to %end]
  }
  // Hidden rows from ids and positions; whoever calls it says who sees whom.
  quoin.model @model head @head {
  ^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
    %x = quoin.embed %ids by @embed : tensor<?x12xf32>
    // Layer 0: attention.
    %n = quoin.rms_norm %x by @layers.0.attention_norm epsilon 1.0e-05 : tensor<?x12xf32>
    %q = quoin.linear %n by @layers.0.q_proj : tensor<?x12xf32> -> tensor<?x12xf32>
    %q_1 = quoin.rotary %q at %positions theta 10000.0 head_dim 6 : tensor<?x12xf32>
    %k = quoin.linear %n by @layers.0.k_proj : tensor<?x12xf32> -> tensor<?x6xf32>
    %k_1 = quoin.rotary %k at %positions theta 10000.0 head_dim 6 : tensor<?x6xf32>
    %v = quoin.linear %n by @layers.0.v_proj : tensor<?x12xf32> -> tensor<?x6xf32>
    %a = quoin.attention %q_1, %k_1, %v heads 2 kv_heads 1 head_dim 6 scale 0.4082482904638631
        : tensor<?x12xf32>, tensor<?x6xf32>, tensor<?x6xf32>
    %o = quoin.linear %a by @layers.0.o_proj : tensor<?x12xf32> -> tensor<?x12xf32>
    %x_1 = arith.addf %x, %o : tensor<?x12xf32>
    // Layer 0: feed-forward.
    %m = quoin.rms_norm %x_1 by @layers.0.mlp_norm epsilon 1.0e-05 : tensor<?x12xf32>
    %gate = quoin.linear %m by @layers.0.gate_proj : tensor<?x12xf32> -> tensor<?x14xf32>
    %up = quoin.linear %m by @layers.0.up_proj : tensor<?x12xf32> -> tensor<?x14xf32>
    %act = quoin.swiglu %gate, %up : tensor<?x14xf32>
    %down = quoin.linear %act by @layers.0.down_proj : tensor<?x14xf32> -> tensor<?x12xf32>
    %x_2 = arith.addf %x_1, %down : tensor<?x12xf32>
    // Layer 1: attention.
    %n_1 = quoin.rms_norm %x_2 by @layers.1.attention_norm epsilon 1.0e-05 : tensor<?x12xf32>
    %q_2 = quoin.linear %n_1 by @layers.1.q_proj : tensor<?x12xf32> -> tensor<?x12xf32>
    %q_3 = quoin.rotary %q_2 at %positions theta 10000.0 head_dim 6 : tensor<?x12xf32>
    %k_2 = quoin.linear %n_1 by @layers.1.k_proj : tensor<?x12xf32> -> tensor<?x6xf32>
    %k_3 = quoin.rotary %k_2 at %positions theta 10000.0 head_dim 6 : tensor<?x6xf32>
    %v_1 = quoin.linear %n_1 by @layers.1.v_proj : tensor<?x12xf32> -> tensor<?x6xf32>
    %a_1 = quoin.attention %q_3, %k_3, %v_1 heads 2 kv_heads 1 head_dim 6 scale 0.4082482904638631
        : tensor<?x12xf32>, tensor<?x6xf32>, tensor<?x6xf32>
    %o_1 = quoin.linear %a_1 by @layers.1.o_proj : tensor<?x12xf32> -> tensor<?x12xf32>
    %x_3 = arith.addf %x_2, %o_1 : tensor<?x12xf32>
    // Layer 1: feed-forward.
    %m_1 = quoin.rms_norm %x_3 by @layers.1.mlp_norm epsilon 1.0e-05 : tensor<?x12xf32>
    %gate_1 = quoin.linear %m_1 by @layers.1.gate_proj : tensor<?x12xf32> -> tensor<?x14xf32>
    %up_1 = quoin.linear %m_1 by @layers.1.up_proj : tensor<?x12xf32> -> tensor<?x14xf32>
    %act_1 = quoin.swiglu %gate_1, %up_1 : tensor<?x14xf32>
    %down_1 = quoin.linear %act_1 by @layers.1.down_proj : tensor<?x14xf32> -> tensor<?x12xf32>
    %x_4 = arith.addf %x_3, %down_1 : tensor<?x12xf32>
    %final = quoin.rms_norm %x_4 by @norm epsilon 1.0e-05 : tensor<?x12xf32>
    quoin.hidden %final results %final : tensor<?x12xf32>, tensor<?x12xf32>
  }

  quoin.model @sampler head @head {
  ^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>, %row: tensor<?x12xf32>, %chosen: tensor<?x1xi32>):
    // No row of the table where nothing was chosen: zeros.
    %e = quoin.embed %chosen by @embed : tensor<?x1xi32> -> tensor<?x12xf32>
    %x = arith.addf %row, %e : tensor<?x12xf32>
    // Layer 2: attention.
    %n = quoin.rms_norm %x by @layers.2.attention_norm epsilon 1.0e-05 : tensor<?x12xf32>
    %q = quoin.linear %n by @layers.2.q_proj : tensor<?x12xf32> -> tensor<?x12xf32>
    %q_4 = quoin.rotary %q at %positions theta 10000.0 head_dim 6 : tensor<?x12xf32>
    %k = quoin.linear %n by @layers.2.k_proj : tensor<?x12xf32> -> tensor<?x6xf32>
    %k_4 = quoin.rotary %k at %positions theta 10000.0 head_dim 6 : tensor<?x6xf32>
    %v = quoin.linear %n by @layers.2.v_proj : tensor<?x12xf32> -> tensor<?x6xf32>
    %a = quoin.attention %q_4, %k_4, %v heads 2 kv_heads 1 head_dim 6 scale 0.4082482904638631
        : tensor<?x12xf32>, tensor<?x6xf32>, tensor<?x6xf32>
    %o = quoin.linear %a by @layers.2.o_proj : tensor<?x12xf32> -> tensor<?x12xf32>
    %x_5 = arith.addf %x, %o : tensor<?x12xf32>
    // Layer 2: feed-forward.
    %m = quoin.rms_norm %x_5 by @layers.2.mlp_norm epsilon 1.0e-05 : tensor<?x12xf32>
    %gate = quoin.linear %m by @layers.2.gate_proj : tensor<?x12xf32> -> tensor<?x14xf32>
    %up = quoin.linear %m by @layers.2.up_proj : tensor<?x12xf32> -> tensor<?x14xf32>
    %act = quoin.swiglu %gate, %up : tensor<?x14xf32>
    %down = quoin.linear %act by @layers.2.down_proj : tensor<?x14xf32> -> tensor<?x12xf32>
    %x_6 = arith.addf %x_5, %down : tensor<?x12xf32>
    %y = quoin.rms_norm %x_6 by @sampler.norm epsilon 1.0e-05 : tensor<?x12xf32>
    quoin.hidden %y : tensor<?x12xf32>
  }

  quoin.weight @embed : tensor<13x12xf32> from "model.safetensors" tensor "model.embed_tokens.weight"
  quoin.weight @layers.0.attention_norm : tensor<12xf32> from "model.safetensors" tensor "model.layers.0.input_layernorm.weight"
  quoin.weight @layers.0.q_proj : tensor<12x12xf32> from "model.safetensors" tensor "model.layers.0.self_attn.q_proj.weight"
  quoin.weight @layers.0.k_proj : tensor<6x12xf32> from "model.safetensors" tensor "model.layers.0.self_attn.k_proj.weight"
  quoin.weight @layers.0.v_proj : tensor<6x12xf32> from "model.safetensors" tensor "model.layers.0.self_attn.v_proj.weight"
  quoin.weight @layers.0.o_proj : tensor<12x12xf32> from "model.safetensors" tensor "model.layers.0.self_attn.o_proj.weight"
  quoin.weight @layers.0.mlp_norm : tensor<12xf32> from "model.safetensors" tensor "model.layers.0.post_attention_layernorm.weight"
  quoin.weight @layers.0.gate_proj : tensor<14x12xf32> from "model.safetensors" tensor "model.layers.0.mlp.gate_proj.weight"
  quoin.weight @layers.0.up_proj : tensor<14x12xf32> from "model.safetensors" tensor "model.layers.0.mlp.up_proj.weight"
  quoin.weight @layers.0.down_proj : tensor<12x14xf32> from "model.safetensors" tensor "model.layers.0.mlp.down_proj.weight"
  quoin.weight @layers.1.attention_norm : tensor<12xf32> from "model.safetensors" tensor "model.layers.1.input_layernorm.weight"
  quoin.weight @layers.1.q_proj : tensor<12x12xf32> from "model.safetensors" tensor "model.layers.1.self_attn.q_proj.weight"
  quoin.weight @layers.1.k_proj : tensor<6x12xf32> from "model.safetensors" tensor "model.layers.1.self_attn.k_proj.weight"
  quoin.weight @layers.1.v_proj : tensor<6x12xf32> from "model.safetensors" tensor "model.layers.1.self_attn.v_proj.weight"
  quoin.weight @layers.1.o_proj : tensor<12x12xf32> from "model.safetensors" tensor "model.layers.1.self_attn.o_proj.weight"
  quoin.weight @layers.1.mlp_norm : tensor<12xf32> from "model.safetensors" tensor "model.layers.1.post_attention_layernorm.weight"
  quoin.weight @layers.1.gate_proj : tensor<14x12xf32> from "model.safetensors" tensor "model.layers.1.mlp.gate_proj.weight"
  quoin.weight @layers.1.up_proj : tensor<14x12xf32> from "model.safetensors" tensor "model.layers.1.mlp.up_proj.weight"
  quoin.weight @layers.1.down_proj : tensor<12x14xf32> from "model.safetensors" tensor "model.layers.1.mlp.down_proj.weight"
  quoin.weight @norm : tensor<12xf32> from "model.safetensors" tensor "model.norm.weight"
  quoin.weight @head : tensor<13x12xf32> from "model.safetensors" tensor "lm_head.weight"
  quoin.weight @layers.2.attention_norm : tensor<12xf32> from "model.safetensors" tensor "model.layers.2.input_layernorm.weight"
  quoin.weight @layers.2.q_proj : tensor<12x12xf32> from "model.safetensors" tensor "model.layers.2.self_attn.q_proj.weight"
  quoin.weight @layers.2.k_proj : tensor<6x12xf32> from "model.safetensors" tensor "model.layers.2.self_attn.k_proj.weight"
  quoin.weight @layers.2.v_proj : tensor<6x12xf32> from "model.safetensors" tensor "model.layers.2.self_attn.v_proj.weight"
  quoin.weight @layers.2.o_proj : tensor<12x12xf32> from "model.safetensors" tensor "model.layers.2.self_attn.o_proj.weight"
  quoin.weight @layers.2.mlp_norm : tensor<12xf32> from "model.safetensors" tensor "model.layers.2.post_attention_layernorm.weight"
  quoin.weight @layers.2.gate_proj : tensor<14x12xf32> from "model.safetensors" tensor "model.layers.2.mlp.gate_proj.weight"
  quoin.weight @layers.2.up_proj : tensor<14x12xf32> from "model.safetensors" tensor "model.layers.2.mlp.up_proj.weight"
  quoin.weight @layers.2.down_proj : tensor<12x14xf32> from "model.safetensors" tensor "model.layers.2.mlp.down_proj.weight"
  quoin.weight @sampler.norm : tensor<12xf32> from "model.safetensors" tensor "sampler.norm.weight"

}
