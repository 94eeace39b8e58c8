#causal = #quoin.mask<causal>
#temperature_k_p = #quoin.sampler<temperature, top_k, top_p>

module attributes {
    quoin.architecture = "qwen3", quoin.source = "checkpoint",
    quoin.vocabulary = 300 : index, quoin.capacity = 512 : index, quoin.stop = array<i32: 298, 296>} {

  // Cautious next-token prediction: where the next token is uncertain (entropy above `low`), several trials go on from the same
  // text, each until a punctuation mark (`comma` or `period`), a stop id or `longest` tokens, and the likeliest of them per token is
  // kept. The number of trials grows with the entropy up to `trials` at `high`.
  quoin.decoder @cntp(%prompt, %max) settings {low = 0.1 : f32, high = 1.0 : f32, trials = 40 : index, longest = 10 : index, comma = 11 : index, period = 13 : index} attributes {fixed = {together = 0 : index}} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %zero = arith.constant 0.0 : f32
    %one = arith.constant 1.0 : f32
    %true = arith.constant true
    %low = quoin.setting @low : f32
    %high = quoin.setting @high : f32
    %trials = quoin.setting @trials : index
    %longest = quoin.setting @longest : index
    %comma = quoin.setting @comma : index
    %comma_i = arith.index_cast %comma : index to i32
    %period = quoin.setting @period : index
    %period_i = arith.index_cast %period : index to i32
    %none = tensor.empty(%c0) : tensor<?xi32>
    %P = quoin.length %prompt
    %want = arith.addi %P, %max : index
    %xe, %goe = scf.while (%x = %prompt, %go = %true) : (!quoin.sequence, i1) -> (!quoin.sequence, i1) {
      %n = quoin.length %x
      %room = arith.cmpi ult, %n, %want : index
      %more = arith.andi %room, %go : i1
      scf.condition(%more) %x, %go : !quoin.sequence, i1
    } do {
    ^bb0(%x: !quoin.sequence, %go: i1):
      %n = quoin.length %x
      %last = arith.subi %n, %c1 : index
      %n1 = arith.addi %n, %c1 : index
      %row = quoin.span %last to %n
      %at = quoin.span %n to %n1
      %e = quoin.evaluation
      %l = quoin.forward @model of %x[to %n] read %row mask #causal
      %token, %h = quoin.score %l [token, entropy] by #temperature_k_p at %at, %e : tensor<?xi32>, tensor<?xf32>
      %H = tensor.extract %h[%c0] : tensor<?xf32>
      %over = arith.subf %H, %low : f32
      %width = arith.subf %high, %low : f32
      %ratio = arith.divf %over, %width : f32
      %r1 = arith.minimumf %ratio, %one : f32
      %r2 = arith.maximumf %r1, %zero : f32
      %trials1 = arith.subi %trials, %c1 : index
      %t_i = arith.index_cast %trials1 : index to i32
      %t_f = arith.uitofp %t_i : i32 to f32
      %k_f = arith.mulf %r2, %t_f : f32
      %k_i = arith.fptoui %k_f : f32 to i32
      %k0 = arith.index_cast %k_i : i32 to index
      %k = arith.addi %k0, %c1 : index
      %forks = arith.cmpi ugt, %k, %c1 : index
      %new = scf.if %forks -> (tensor<?xi32>) {
        %kept, %best = scf.for %j = %c0 to %k step %c1 iter_args(%winner = %none, %top = %zero) -> (tensor<?xi32>, f32) {
          // A trial: the text as it was, with tokens of its own.
          %ye, %sume, %one_e = scf.while (%y = %x, %sum = %zero, %on = %true) : (!quoin.sequence, f32, i1) -> (!quoin.sequence, f32, i1) {
            %m = quoin.length %y
            %size = arith.subi %m, %n : index
            %short = arith.cmpi ult, %size, %longest : index
            %more = arith.andi %short, %on : i1
            scf.condition(%more) %y, %sum, %on : !quoin.sequence, f32, i1
          } do {
          ^bb0(%y: !quoin.sequence, %sum: f32, %on: i1):
            %m = quoin.length %y
            %m0 = arith.subi %m, %c1 : index
            %m1 = arith.addi %m, %c1 : index
            %row2 = quoin.span %m0 to %m
            %at2 = quoin.span %m to %m1
            %e2 = quoin.evaluation
            %l2 = quoin.forward @model of %y[to %m] read %row2 mask #causal
            %t2, %c2 = quoin.score %l2 [token, confidence] by #temperature_k_p at %at2, %e2 : tensor<?xi32>, tensor<?xf32>
            %logs = math.log %c2 : tensor<?xf32>
            %log = tensor.extract %logs[%c0] : tensor<?xf32>
            %sum1 = arith.addf %sum, %log : f32
            %t = tensor.extract %t2[%c0] : tensor<?xi32>
            %y1 = quoin.append %y, %t2
            %stop = quoin.find_stop %y1[%m to %m1]
            %ends = arith.cmpi ne, %stop, %m1 : index
            %comma_here = arith.cmpi eq, %t, %comma_i : i32
            %ends_1 = arith.ori %ends, %comma_here : i1
            %period_here = arith.cmpi eq, %t, %period_i : i32
            %ends_2 = arith.ori %ends_1, %period_here : i1
            %on1 = arith.xori %ends_2, %true : i1
            scf.yield %y1, %sum1, %on1 : !quoin.sequence, f32, i1
          }
          %m = quoin.length %ye
          %size = arith.subi %m, %n : index
          %s_i = arith.index_cast %size : index to i32
          %s_f = arith.uitofp %s_i : i32 to f32
          %mean = arith.divf %sume, %s_f : f32
          %span = quoin.span %n to %m
          %text = quoin.tokens %ye at %span
          %better = arith.cmpf ogt, %mean, %top : f32
          %first = arith.cmpi eq, %j, %c0 : index
          %wins = arith.ori %better, %first : i1
          %winner1 = scf.if %wins -> (tensor<?xi32>) {
            scf.yield %text : tensor<?xi32>
          } else {
            scf.yield %winner : tensor<?xi32>
          }
          %top1 = arith.select %wins, %mean, %top : f32
          scf.yield %winner1, %top1 : tensor<?xi32>, f32
        }
        scf.yield %kept : tensor<?xi32>
      } else {
        scf.yield %token : tensor<?xi32>
      }
      %y = quoin.append %x, %new
      %m = quoin.length %y
      %z = quoin.commit %y to %m
      %stop = quoin.find_stop %z[%n to %m]
      %on = arith.cmpi eq, %stop, %m : index
      scf.yield %z, %on : !quoin.sequence, i1
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
