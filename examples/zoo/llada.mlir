#full = #quoin.mask<full>
#temperature_raw = #quoin.sampler<temperature, raw_confidence>

module attributes {
    quoin.architecture = "llada", quoin.source = "checkpoint",
    quoin.vocabulary = 300 : index, quoin.capacity = 512 : index, quoin.fill = 299 : i32, quoin.stop = array<i32: 298, 296>} {

  // LLaDA: the answer is as long as asked for and all of it is open from the start. Blocks, counted from the end of the prompt,
  // are filled one after another in a fixed number of steps each, the most confident rows first. Guidance contrasts each call
  // with one in which the prompt is masked. Nothing is final before the end: every row sees every row. No stop rule.
  quoin.decoder @llada(%prompt, %max) settings {block = 32 : index, guidance = 0.0 : f32} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %zero = arith.constant 0.0 : f32
    %B = quoin.setting @block : index
    %guidance = quoin.setting @guidance : f32
    %P = quoin.length %prompt
    %wanted = arith.divui %max, %B : index
    %rest = arith.remui %max, %B : index
    %divides = arith.cmpi eq, %rest, %c0 : index
    %below = arith.cmpi ult, %max, %B : index
    %whole = arith.ori %divides, %below : i1
    cf.assert %whole, "'max_tokens' is not a multiple of the setting 'block'"
    %blocks = arith.maxui %wanted, %c1 : index
    %S = arith.divui %max, %blocks : index // one step a token
    %each = arith.divui %B, %S : index
    %left = arith.remui %B, %S : index
    %size = arith.muli %blocks, %B : index
    %x1 = quoin.extend %prompt by %size
    %n = arith.addi %P, %size : index
    %guided = arith.cmpf ogt, %guidance, %zero : f32
    %xe = scf.for %lo = %P to %n step %B iter_args(%x = %x1) -> (!quoin.sequence) {
      %hi = arith.addi %lo, %B : index
      %filled = scf.for %s = %c0 to %S step %c1 iter_args(%y = %x) -> (!quoin.sequence) {
        %rows = quoin.open %y[%lo to %hi] // blocks before are full: their quotas add up
        %e = quoin.evaluation // draws are named after the conditional call
        %l = quoin.forward @model of %y[to %n] read %rows mask #full
        %token, %confidence = scf.if %guided -> (tensor<?xi32>, tensor<?xf32>) {
          %u = quoin.reopen %y[%c0 to %P]
          %lu = quoin.forward @model of %u[to %n] read %rows mask #full
          %lg = quoin.guide %l over %lu by %guidance
          %t, %c = quoin.score %lg [token, confidence] by #temperature_raw at %rows, %e : tensor<?xi32>, tensor<?xf32>
          scf.yield %t, %c : tensor<?xi32>, tensor<?xf32>
        } else {
          %t, %c = quoin.score %l [token, confidence] by #temperature_raw at %rows, %e : tensor<?xi32>, tensor<?xf32>
          scf.yield %t, %c : tensor<?xi32>, tensor<?xf32>
        }
        // With more steps than rows the late ones fill nothing, but are made.
        %early = arith.cmpi ult, %s, %left : index
        %extra = arith.select %early, %c1, %c0 : index
        %quota = arith.addi %each, %extra : index
        %best = quoin.top %confidence, %quota
        %z = quoin.fill %y at %rows with %token where %best
        scf.yield %z : !quoin.sequence
      }
      scf.yield %filled : !quoin.sequence
    }
    quoin.return %xe[%P to %n]
  }

  // Hidden rows from ids and positions; whoever calls it says who sees whom.
  quoin.model @model head @head {
  ^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
    %embedded = quoin.embed %ids by @embed : tensor<?x32xf32>
    // Layer 0: attention.
    %n0 = quoin.rms_norm %embedded by @layers.0.attention_norm epsilon 1.0e-06 : tensor<?x32xf32>
    %q0 = quoin.linear %n0 by @layers.0.q_proj : tensor<?x32xf32> -> tensor<?x32xf32>
    %qr0 = quoin.rotary %q0 at %positions theta 10000.0 head_dim 16 : tensor<?x32xf32>
    %k0 = quoin.linear %n0 by @layers.0.k_proj : tensor<?x32xf32> -> tensor<?x16xf32>
    %kr0 = quoin.rotary %k0 at %positions theta 10000.0 head_dim 16 : tensor<?x16xf32>
    %v0 = quoin.linear %n0 by @layers.0.v_proj : tensor<?x32xf32> -> tensor<?x16xf32>
    %a0 = quoin.attention %qr0, %kr0, %v0 heads 2 kv_heads 1 head_dim 16 scale 0.25
        : tensor<?x32xf32>, tensor<?x16xf32>, tensor<?x16xf32>
    %o0 = quoin.linear %a0 by @layers.0.o_proj : tensor<?x32xf32> -> tensor<?x32xf32>
    %h0 = arith.addf %embedded, %o0 : tensor<?x32xf32>
    // Layer 0: feed-forward.
    %m0 = quoin.rms_norm %h0 by @layers.0.mlp_norm epsilon 1.0e-06 : tensor<?x32xf32>
    %gate0 = quoin.linear %m0 by @layers.0.gate_proj : tensor<?x32xf32> -> tensor<?x64xf32>
    %up0 = quoin.linear %m0 by @layers.0.up_proj : tensor<?x32xf32> -> tensor<?x64xf32>
    %act0 = quoin.swiglu %gate0, %up0 : tensor<?x64xf32>
    %down0 = quoin.linear %act0 by @layers.0.down_proj : tensor<?x64xf32> -> tensor<?x32xf32>
    %x0 = arith.addf %h0, %down0 : tensor<?x32xf32>
    // Layer 1: attention.
    %n1 = quoin.rms_norm %x0 by @layers.1.attention_norm epsilon 1.0e-06 : tensor<?x32xf32>
    %q1 = quoin.linear %n1 by @layers.1.q_proj : tensor<?x32xf32> -> tensor<?x32xf32>
    %qr1 = quoin.rotary %q1 at %positions theta 10000.0 head_dim 16 : tensor<?x32xf32>
    %k1 = quoin.linear %n1 by @layers.1.k_proj : tensor<?x32xf32> -> tensor<?x16xf32>
    %kr1 = quoin.rotary %k1 at %positions theta 10000.0 head_dim 16 : tensor<?x16xf32>
    %v1 = quoin.linear %n1 by @layers.1.v_proj : tensor<?x32xf32> -> tensor<?x16xf32>
    %a1 = quoin.attention %qr1, %kr1, %v1 heads 2 kv_heads 1 head_dim 16 scale 0.25
        : tensor<?x32xf32>, tensor<?x16xf32>, tensor<?x16xf32>
    %o1 = quoin.linear %a1 by @layers.1.o_proj : tensor<?x32xf32> -> tensor<?x32xf32>
    %h1 = arith.addf %x0, %o1 : tensor<?x32xf32>
    // Layer 1: feed-forward.
    %m1 = quoin.rms_norm %h1 by @layers.1.mlp_norm epsilon 1.0e-06 : tensor<?x32xf32>
    %gate1 = quoin.linear %m1 by @layers.1.gate_proj : tensor<?x32xf32> -> tensor<?x64xf32>
    %up1 = quoin.linear %m1 by @layers.1.up_proj : tensor<?x32xf32> -> tensor<?x64xf32>
    %act1 = quoin.swiglu %gate1, %up1 : tensor<?x64xf32>
    %down1 = quoin.linear %act1 by @layers.1.down_proj : tensor<?x64xf32> -> tensor<?x32xf32>
    %x1 = arith.addf %h1, %down1 : tensor<?x32xf32>
    %final = quoin.rms_norm %x1 by @norm epsilon 1.0e-06 : tensor<?x32xf32>
    quoin.hidden %final : tensor<?x32xf32>
  }

  quoin.weight @embed : tensor<300x32xf32> from "model.safetensors" tensor "model.transformer.wte.weight"
  quoin.weight @layers.0.attention_norm : tensor<32xf32> from "model.safetensors" tensor "model.transformer.blocks.0.attn_norm.weight"
  quoin.weight @layers.0.q_proj : tensor<32x32xf32> from "model.safetensors" tensor "model.transformer.blocks.0.q_proj.weight"
  quoin.weight @layers.0.k_proj : tensor<16x32xf32> from "model.safetensors" tensor "model.transformer.blocks.0.k_proj.weight"
  quoin.weight @layers.0.v_proj : tensor<16x32xf32> from "model.safetensors" tensor "model.transformer.blocks.0.v_proj.weight"
  quoin.weight @layers.0.o_proj : tensor<32x32xf32> from "model.safetensors" tensor "model.transformer.blocks.0.attn_out.weight"
  quoin.weight @layers.0.mlp_norm : tensor<32xf32> from "model.safetensors" tensor "model.transformer.blocks.0.ff_norm.weight"
  quoin.weight @layers.0.gate_proj : tensor<64x32xf32> from "model.safetensors" tensor "model.transformer.blocks.0.ff_proj.weight"
  quoin.weight @layers.0.up_proj : tensor<64x32xf32> from "model.safetensors" tensor "model.transformer.blocks.0.up_proj.weight"
  quoin.weight @layers.0.down_proj : tensor<32x64xf32> from "model.safetensors" tensor "model.transformer.blocks.0.ff_out.weight"
  quoin.weight @layers.1.attention_norm : tensor<32xf32> from "model.safetensors" tensor "model.transformer.blocks.1.attn_norm.weight"
  quoin.weight @layers.1.q_proj : tensor<32x32xf32> from "model.safetensors" tensor "model.transformer.blocks.1.q_proj.weight"
  quoin.weight @layers.1.k_proj : tensor<16x32xf32> from "model.safetensors" tensor "model.transformer.blocks.1.k_proj.weight"
  quoin.weight @layers.1.v_proj : tensor<16x32xf32> from "model.safetensors" tensor "model.transformer.blocks.1.v_proj.weight"
  quoin.weight @layers.1.o_proj : tensor<32x32xf32> from "model.safetensors" tensor "model.transformer.blocks.1.attn_out.weight"
  quoin.weight @layers.1.mlp_norm : tensor<32xf32> from "model.safetensors" tensor "model.transformer.blocks.1.ff_norm.weight"
  quoin.weight @layers.1.gate_proj : tensor<64x32xf32> from "model.safetensors" tensor "model.transformer.blocks.1.ff_proj.weight"
  quoin.weight @layers.1.up_proj : tensor<64x32xf32> from "model.safetensors" tensor "model.transformer.blocks.1.up_proj.weight"
  quoin.weight @layers.1.down_proj : tensor<32x64xf32> from "model.safetensors" tensor "model.transformer.blocks.1.ff_out.weight"
  quoin.weight @norm : tensor<32xf32> from "model.safetensors" tensor "model.transformer.ln_f.weight"
  quoin.weight @head : tensor<300x32xf32> from "model.safetensors" tensor "model.transformer.ff_out.weight"

}
