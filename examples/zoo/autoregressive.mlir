#causal = #quoin.mask<causal>
#temperature_k_p = #quoin.sampler<temperature, top_k, top_p>

module attributes {
    quoin.architecture = "qwen3", quoin.source = "checkpoint",
    quoin.vocabulary = 300 : index, quoin.capacity = 512 : index, quoin.stop = array<i32: 298, 296>} {

  // One token a call, the stop id included: the decoder that every causal model has. The first call takes the prompt.
  quoin.decoder @autoregressive(%prompt, %max) settings {} {
    %c1 = arith.constant 1 : index
    %true = arith.constant true
    %P = quoin.length %prompt
    %end = arith.addi %P, %max : index
    %xe, %goe = scf.while (%x = %prompt, %go = %true) : (!quoin.sequence, i1) -> (!quoin.sequence, i1) {
      %n = quoin.length %x
      %room = arith.cmpi ult, %n, %end : index
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
      %token = quoin.score %l [token] by #temperature_k_p at %at, %e : tensor<?xi32>
      %y = quoin.append %x, %token
      %z = quoin.commit %y to %n1
      %stop = quoin.find_stop %z[%n to %n1]
      %on = arith.cmpi eq, %stop, %n1 : index
      scf.yield %z, %on : !quoin.sequence, i1
    }
    %m = quoin.length %xe
    quoin.return %xe[%P to %m]
  }

  // Hidden rows from ids and positions; whoever calls it says who sees whom.
  quoin.model @model head @head {
  ^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
    %embedded = quoin.embed %ids by @embed : tensor<?x32xf32>
    // Layer 0: attention.
    %n0 = quoin.rms_norm %embedded by @layers.0.attention_norm epsilon 1.0e-06 : tensor<?x32xf32>
    %q0 = quoin.linear %n0 by @layers.0.q_proj : tensor<?x32xf32> -> tensor<?x32xf32>
    %qn0 = quoin.rms_norm %q0 by @layers.0.q_norm epsilon 1.0e-06 : tensor<?x32xf32>
    %qr0 = quoin.rotary %qn0 at %positions theta 10000.0 head_dim 16 : tensor<?x32xf32>
    %k0 = quoin.linear %n0 by @layers.0.k_proj : tensor<?x32xf32> -> tensor<?x16xf32>
    %kn0 = quoin.rms_norm %k0 by @layers.0.k_norm epsilon 1.0e-06 : tensor<?x16xf32>
    %kr0 = quoin.rotary %kn0 at %positions theta 10000.0 head_dim 16 : tensor<?x16xf32>
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
    %qn1 = quoin.rms_norm %q1 by @layers.1.q_norm epsilon 1.0e-06 : tensor<?x32xf32>
    %qr1 = quoin.rotary %qn1 at %positions theta 10000.0 head_dim 16 : tensor<?x32xf32>
    %k1 = quoin.linear %n1 by @layers.1.k_proj : tensor<?x32xf32> -> tensor<?x16xf32>
    %kn1 = quoin.rms_norm %k1 by @layers.1.k_norm epsilon 1.0e-06 : tensor<?x16xf32>
    %kr1 = quoin.rotary %kn1 at %positions theta 10000.0 head_dim 16 : tensor<?x16xf32>
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
