// A sampler of one's own: a program of examples/zoo with another rule for what a step accepts. Caches, fused commits, batches and
// the trace come with the compiler.
//
// The model is one small layer, from a folder `checkpoint`. To use the decoder with a real model, put it into the module that
// `quoin-import DIR -o model.mlir` writes; `quoin-compile model.mlir -o out` takes it from there. test/e2e/sampler.py runs this file.

// A row sees its own block, both ways, and all blocks before it. Blocks are counted from position 0.
#block = #quoin.mask<(q, k) : k floordiv 8 le q floordiv 8>
#temperature_k_p = #quoin.sampler<temperature, top_k, top_p>

module attributes {
    quoin.architecture = "sdar", quoin.source = "checkpoint",
    quoin.vocabulary = 300 : index, quoin.capacity = 512 : index, quoin.fill = 299 : i32, quoin.stop = array<i32: 298, 296>} {

  // Two tokens a step: the row whose best token leads the second best by most, and the next such row that is not its
  // neighbour, if there is one. The prompt's incomplete block is the first one decoded; a stop id ends the loop after its block.
  quoin.decoder @"two-apart"(%prompt, %max) settings {} attributes {fixed = {block = 8 : index}} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %true = arith.constant true
    %B = arith.constant 8 : index
    %P = quoin.length %prompt
    %want = arith.addi %P, %max : index
    %blocks = arith.ceildivui %want, %B : index
    %end = arith.muli %blocks, %B : index
    %grow = arith.subi %end, %P : index
    %tail = arith.remui %P, %B : index
    %start = arith.subi %P, %tail : index
    %x1 = quoin.extend %prompt by %grow
    %x2 = quoin.commit %x1 to %start by pass of @model mask #block
    %xe, %hie, %goe = scf.while (%x = %x2, %lo = %start, %go = %true) : (!quoin.sequence, index, i1) -> (!quoin.sequence, index, i1) {
      %room = arith.cmpi ult, %lo, %end : index
      %more = arith.andi %room, %go : i1
      scf.condition(%more) %x, %lo, %go : !quoin.sequence, index, i1
    } do {
    ^bb0(%x: !quoin.sequence, %lo: index, %go: i1):
      %hi = arith.addi %lo, %B : index
      %full = quoin.denoise %x[%lo to %hi] {
      ^bb0(%y: !quoin.sequence, %rows: tensor<?xindex>):
        %e = quoin.evaluation
        %l = quoin.forward @model of %y[to %hi] read %rows mask #block
        %token, %margin = quoin.score %l [token, margin] by #temperature_k_p at %rows, %e : tensor<?xi32>, tensor<?xf32>
        %n = tensor.dim %rows, %c0 : tensor<?xindex>
        // The surest row, as a position.
        %first = quoin.top %margin, %c1
        %trues = tensor.splat %true[%n] : tensor<?xi1>
        %others = arith.xori %first, %trues : tensor<?xi1>
        %i = quoin.leading %others
        %at = tensor.extract %rows[%i] : tensor<?xindex>
        // Rows at least two away from it.
        %ats = tensor.splat %at[%n] : tensor<?xindex>
        %ones = tensor.splat %c1[%n] : tensor<?xindex>
        %next = arith.addi %ats, %ones : tensor<?xindex>
        %rows_next = arith.addi %rows, %ones : tensor<?xindex>
        %after = arith.cmpi ugt, %rows, %next : tensor<?xindex>
        %before = arith.cmpi ult, %rows_next, %ats : tensor<?xindex>
        %apart = arith.ori %after, %before : tensor<?xi1>
        %second = quoin.top %margin, %c1 where %apart
        %pick = arith.ori %first, %second : tensor<?xi1>
        %z = quoin.fill %y at %rows with %token where %pick
        quoin.yield %z
      }
      %done = quoin.commit %full to %hi by pass of @model mask #block
      %stop = quoin.find_stop %done[%P to %hi]
      %on = arith.cmpi eq, %stop, %hi : index
      scf.yield %done, %hi, %on : !quoin.sequence, index, i1
    }
    quoin.return %xe[%P to %hie]
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
    %final = quoin.rms_norm %x0 by @norm epsilon 1.0e-06 : tensor<?x32xf32>
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
  quoin.weight @norm : tensor<32xf32> from "model.safetensors" tensor "model.norm.weight"
  quoin.weight @head : tensor<300x32xf32> from "model.safetensors" tensor "lm_head.weight"

}
