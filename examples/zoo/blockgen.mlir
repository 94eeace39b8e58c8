#block = #quoin.mask<block_causal<4>>
// Half F (block filled) is causal in itself, half M (masks) sees F before its own row; both see the text before the block, at `a`.
#verify = #quoin.mask<verify<4, a>>
#temperature = #quoin.sampler<temperature>

module attributes {
    quoin.architecture = "sdar", quoin.source = "checkpoint",
    quoin.vocabulary = 300 : index, quoin.capacity = 512 : index, quoin.fill = 299 : i32, quoin.stop = array<i32: 298, 296>} {

  // BlockGen, absorbing noise: `steps` steps a block; step i draws tokens for all open rows and keeps each with probability
  // 1 / (steps - i). From step `warmup` on every `every`-th step but the last corrects: all drawn tokens are kept, a second call scores
  // the block as an autoregressive model would, and the unlikeliest tokens become masks again, as many as the noise level asks for.
  // A block is written to the cache by the next block's first call. The answer ends with the first stop id, which is kept.
  quoin.decoder @blockgen(%prompt, %max) settings {steps = 4 : index, warmup = 1 : index, every = 2 : index} attributes {fixed = {block = 4 : index}} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %true = arith.constant true
    %one = arith.constant 1.0 : f32
    %B = arith.constant 4 : index
    %S = quoin.setting @steps : index
    %warmup = quoin.setting @warmup : index
    %every = quoin.setting @every : index
    %fill = quoin.setting @fill : i32
    %masks = tensor.splat %fill[%B] : tensor<?xi32>
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
      %span = quoin.span %lo to %hi
      %twice = tensor.concat dim(0) %span, %span : (tensor<?xindex>, tensor<?xindex>) -> tensor<?xindex>
      %full = scf.for %s = %c0 to %S step %c1 iter_args(%y = %x) -> (!quoin.sequence) {
        %rows = quoin.open %y[%lo to %hi]
        %n = tensor.dim %rows, %c0 : tensor<?xindex>
        %e = quoin.evaluation
        %l = quoin.forward @model of %y[to %hi] read %rows mask #block
        %token = quoin.score %l [token] by #temperature at %rows, %e : tensor<?xi32>
        %left = arith.subi %S, %s : index
        %is_last = arith.cmpi eq, %left, %c1 : index
        %warm = arith.cmpi uge, %s, %warmup : index
        %since = arith.subi %s, %warmup : index
        %phase = arith.remui %since, %every : index
        %turn = arith.cmpi eq, %phase, %c0 : index
        %due = arith.andi %warm, %turn : i1
        %early = arith.xori %is_last, %true : i1
        %guided = arith.andi %due, %early : i1
        %z = scf.if %guided -> (!quoin.sequence) {
          %drafted = quoin.fill %y at %rows with %token
          %filled = quoin.tokens %drafted at %span
          %ids = tensor.concat dim(0) %filled, %masks : (tensor<?xi32>, tensor<?xi32>) -> tensor<?xi32>
          %slot0 = arith.addi %hi, %c0 : index
          %slot1 = arith.addi %hi, %B : index
          %slots = quoin.span %slot0 to %slot1
          %v = quoin.forward @model of %drafted[to %lo] then %ids at %twice read %slots mask #verify[%lo]
          %p = quoin.score %v [probability] of %filled : tensor<?xf32>
          // Prompt tokens of the block stay.
          %Ps = tensor.splat %P[%B] : tensor<?xindex>
          %mine = arith.cmpi uge, %span, %Ps : tensor<?xindex>
          // round((1 - alpha) B), half to even, at least 1; alpha = (s + 1) / S.
          %left1 = arith.subi %left, %c1 : index
          %l_i = arith.index_cast %left1 : index to i32
          %l_f = arith.uitofp %l_i : i32 to f32
          %S_i = arith.index_cast %S : index to i32
          %S_f = arith.uitofp %S_i : i32 to f32
          %B_i = arith.index_cast %B : index to i32
          %B_f = arith.uitofp %B_i : i32 to f32
          %lB = arith.mulf %l_f, %B_f : f32
          %k_f = arith.divf %lB, %S_f : f32
          %k_r = math.roundeven %k_f : f32
          %k_i = arith.fptoui %k_r : f32 to i32
          %k0 = arith.index_cast %k_i : i32 to index
          %k = arith.maxui %k0, %c1 : index
          %unlikely = arith.negf %p : tensor<?xf32>
          %noisy = quoin.top %unlikely, %k where %mine
          %trues = tensor.splat %true[%B] : tensor<?xi1>
          %keep = arith.xori %noisy, %trues : tensor<?xi1>
          // Open again, all but what is kept.
          %bare = quoin.reopen %drafted[%lo to %hi]
          %w = quoin.fill %bare at %span with %filled where %keep
          scf.yield %w : !quoin.sequence
        } else {
          %l_i = arith.index_cast %left : index to i32
          %l_f = arith.uitofp %l_i : i32 to f32
          %share = arith.divf %one, %l_f : f32
          %u = quoin.uniform stream 4 at %rows, %e
          %shares = tensor.splat %share[%n] : tensor<?xf32>
          %pick = arith.cmpf olt, %u, %shares : tensor<?xf32>
          %w = quoin.fill %y at %rows with %token where %pick
          scf.yield %w : !quoin.sequence
        }
        scf.yield %z : !quoin.sequence
      }
      %done = quoin.commit %full to %hi
      %stop = quoin.find_stop %done[%P to %hi]
      %on = arith.cmpi eq, %stop, %hi : index
      scf.yield %done, %hi, %on : !quoin.sequence, index, i1
    }
    %stop = quoin.find_stop %xe[%P to %hie]
    %after = arith.addi %stop, %c1 : index
    %cut = arith.minui %after, %hie : index
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
