#full = #quoin.mask<full>
#filtered = #quoin.sampler<temperature, top_p, top_k, filtered_confidence>

module attributes {
    quoin.architecture = "qwen3", quoin.source = "checkpoint",
    quoin.vocabulary = 300 : index, quoin.capacity = 512 : index, quoin.fill = 299 : i32, quoin.stop = array<i32: 298, 296>} {

  // Dream: the answer is as long as asked for and all of it is open from the start; a fixed number of steps fill it, the share
  // that a step's time, from 1 down to `eps`, loses, the last one all. `alg` says which rows: the surest by the entropy, by the
  // token's probability (`maskgit_plus`), by the margin of the two likeliest (`topk_margin`), or each by chance (`origin`); with `alg_temp`
  // rows are drawn by their softmax at that temperature instead. Scores are shifted: row i-1 predicts token i. Nothing is final before the
  // end, and there is no stop rule.
  quoin.decoder @dream(%prompt, %max) settings {steps = 8 : index, eps = 0.001 : f32, alg_temp = 0.0 : f32, temperature = 0.0 : f32} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %one = arith.constant 1.0 : f32
    %zero = arith.constant 0.0 : f32
    %S = quoin.setting @steps : index
    %eps = quoin.setting @eps : f32
    %alg_temp = quoin.setting @alg_temp : f32
    %by_chance = arith.cmpf ogt, %alg_temp, %zero : f32
    %T = arith.select %by_chance, %alg_temp, %one : f32 // so that nothing is divided by zero
    %P = quoin.length %prompt
    %n = arith.addi %P, %max : index
    %x1 = quoin.extend %prompt by %max
    %S1 = arith.subi %S, %c1 : index
    %span = arith.subf %eps, %one : f32
    %Sw = arith.index_cast %S : index to i64
    %Sf = arith.sitofp %Sw : i64 to f32
    %pace = arith.divf %span, %Sf : f32
    %xe = scf.for %s = %c0 to %S step %c1 iter_args(%x = %x1) -> (!quoin.sequence) {
      %rows = quoin.open %x[%P to %n]
      %m = tensor.dim %rows, %c0 : tensor<?xindex>
      %ones = tensor.splat %c1[%m] : tensor<?xindex>
      %before = arith.subi %rows, %ones : tensor<?xindex>
      %e = quoin.evaluation
      %l = quoin.forward @model of %x[to %n] read %before mask #full
      %token, %H = quoin.score %l [token, filtered_entropy] by #filtered at %rows, %e : tensor<?xi32>, tensor<?xf32>
      %sure = arith.negf %H : tensor<?xf32>
      // Times are 1 + s (eps - 1) / steps.
      %s1 = arith.addi %s, %c1 : index
      %sw = arith.index_cast %s : index to i64
      %sf = arith.sitofp %sw : i64 to f32
      %past = arith.mulf %sf, %pace : f32
      %t = arith.addf %past, %one : f32
      %nw = arith.index_cast %s1 : index to i64
      %nf = arith.sitofp %nw : i64 to f32
      %passed = arith.mulf %nf, %pace : f32
      %u = arith.addf %passed, %one : f32
      %kept = arith.divf %u, %t : f32
      %lost = arith.subf %one, %kept : f32
      %last = arith.cmpi eq, %s, %S1 : index
      %chance = quoin.uniform stream 4 at %rows, %e
      %mw = arith.index_cast %m : index to i64
      %mf = arith.sitofp %mw : i64 to f32
      %part = arith.mulf %mf, %lost : f32
      %whole = arith.fptosi %part : f32 to i64
      %some = arith.index_cast %whole : i64 to index
      %quota = arith.select %last, %m, %some : index
      // Rows without replacement by the softmax of what they are worth at the temperature: Gumbel noise, then the highest.
      %log = math.log %chance : tensor<?xf32>
      %minus = arith.negf %log : tensor<?xf32>
      %noise = math.log %minus : tensor<?xf32>
      %Ts = tensor.splat %T[%m] : tensor<?xf32>
      %scaled = arith.divf %sure, %Ts : tensor<?xf32>
      %noisy = arith.subf %scaled, %noise : tensor<?xf32>
      %worth = arith.select %by_chance, %noisy, %sure : tensor<?xf32>
      %pick = quoin.top %worth, %quota
      %y = quoin.fill %x at %rows with %token where %pick
      scf.yield %y : !quoin.sequence
    }
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
