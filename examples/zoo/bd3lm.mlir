// A row sees its own block, both ways, and all blocks before it. Blocks are counted from position 0.
#block = #quoin.mask<(q, k) : k floordiv 4 le q floordiv 4>
// The fill token has no mass; the nucleus ends before the token that would carry it past p.
#nucleus = #quoin.sampler<without_fill, top_p_below>

module attributes {
    quoin.architecture = "sdar", quoin.source = "checkpoint",
    quoin.vocabulary = 300 : index, quoin.capacity = 512 : index, quoin.fill = 299 : i32, quoin.stop = array<i32: 298, 296>} {

  // BD3-LM, first hitting: a step draws one token, at a position chosen uniformly among the open ones of the block. The prompt
  // is the begin token alone. A finished block is passed through the model once more.
  quoin.decoder @bd3lm(%prompt, %max) settings {top_p = 0.9 : f32} attributes {fixed = {block = 4 : index}} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %B = arith.constant 4 : index
    %P = quoin.length %prompt
    %want = arith.addi %P, %max : index
    %blocks = arith.ceildivui %want, %B : index
    %end = arith.muli %blocks, %B : index
    %grow = arith.subi %end, %P : index
    %tail = arith.remui %P, %B : index
    %start = arith.subi %P, %tail : index
    %x1 = quoin.extend %prompt by %grow
    %x2 = quoin.commit %x1 to %start by pass of @model mask #block
    %xe = scf.for %lo = %start to %end step %B iter_args(%x = %x2) -> (!quoin.sequence) {
      %hi = arith.addi %lo, %B : index
      %lo1 = arith.addi %lo, %c1 : index
      %where = quoin.span %lo to %lo1
      %full = quoin.denoise %x[%lo to %hi] {
      ^bb0(%y: !quoin.sequence, %rows: tensor<?xindex>):
        // Row floor(u * count) of the open ones.
        %e = quoin.evaluation
        %us = quoin.uniform stream 3 at %where, %e
        %u = tensor.extract %us[%c0] : tensor<?xf32>
        %n = tensor.dim %rows, %c0 : tensor<?xindex>
        %n_i = arith.index_cast %n : index to i32
        %n_f = arith.uitofp %n_i : i32 to f32
        %scaled = arith.mulf %u, %n_f : f32
        %j_i = arith.fptoui %scaled : f32 to i32
        %j_u = arith.index_cast %j_i : i32 to index
        %last = arith.subi %n, %c1 : index
        %j = arith.minui %j_u, %last : index // u close to one may round up
        %row = tensor.extract_slice %rows[%j] [%c1] [1] : tensor<?xindex> to tensor<?xindex>
        %l = quoin.forward @model of %y[to %hi] read %row mask #block
        %token = quoin.score %l [token] by #nucleus at %row, %e : tensor<?xi32>
        %z = quoin.fill %y at %row with %token
        quoin.yield %z
      }
      %done = quoin.commit %full to %hi by pass of @model mask #block
      scf.yield %done : !quoin.sequence
    }
    quoin.return %xe[%P to %end]
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
