// The prompt sees all of itself; a generated row sees the prompt, its own block, both ways, and the blocks before it. Blocks are
// counted from the end of the prompt, P.
#prompt_blocks = #quoin.mask<(q, k)[P] : (q lt P and k lt P) or (q ge P and (k - P) floordiv 32 le (q - P) floordiv 32)>
#temperature_p_k = #quoin.sampler<temperature, top_p, top_k>

module attributes {
    quoin.architecture = "sdar", quoin.source = "checkpoint",
    quoin.vocabulary = 300 : index, quoin.capacity = 512 : index, quoin.fill = 299 : i32, quoin.stop = array<i32: 298, 296>} {

  // D2F: several blocks in flight. A block opens once the last one has a share of at least `add` decoded. In every block the rows
  // more confident than the threshold are filled; a block whose predecessor has a share of at least `complete` decoded fills at
  // least one. Finished blocks are committed by the calls of the others. A stop id keeps new blocks from opening; the
  // answer ends with the first one, which is kept.
  quoin.decoder @d2f(%prompt, %max) settings {threshold = 0.9 : f32, add = 0.1 : f32, complete = 0.9 : f32} attributes {fixed = {block = 32 : index}} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %true = arith.constant true
    %B = arith.constant 32 : index
    %size = arith.constant 32.0 : f32
    %threshold = quoin.setting @threshold : f32
    %add = quoin.setting @add : f32
    %complete = quoin.setting @complete : f32
    %P = quoin.length %prompt
    %want = arith.addi %P, %max : index
    %x1 = quoin.commit %prompt to %P by pass of @model mask #prompt_blocks[%P]
    %x2 = quoin.extend %x1 by %B
    %xe, %goe = scf.while (%x = %x2, %go = %true) : (!quoin.sequence, i1) -> (!quoin.sequence, i1) {
      scf.condition(%go) %x, %go : !quoin.sequence, i1
    } do {
    ^bb0(%x: !quoin.sequence, %go: i1):
      // Is the last block ripe, is there room, and no stop id yet? Then one more block opens.
      %n = quoin.length %x
      %last = arith.subi %n, %B : index
      %share = func.call @d2f.decoded(%x, %last, %n, %size) : (!quoin.sequence, index, index, f32) -> f32
      %ripe = arith.cmpf oge, %share, %add : f32
      %room = arith.cmpi ult, %n, %want : index
      %stop = quoin.find_stop %x[%P to %n]
      %alive = arith.cmpi eq, %stop, %n : index
      %may = arith.andi %ripe, %room : i1
      %adds = arith.andi %may, %alive : i1
      %by = arith.select %adds, %B, %c0 : index
      %x3 = quoin.extend %x by %by
      %m = arith.addi %n, %by : index
      %rows = quoin.open %x3[%P to %m]
      %e = quoin.evaluation
      %l = quoin.forward @model of %x3[to %m] read %rows mask #prompt_blocks[%P]
      %token, %confidence = quoin.score %l [token, confidence] by #temperature_p_k at %rows, %e : tensor<?xi32>, tensor<?xf32>
      // Block by block; `at` is the block's first row among those read, `pushed` whether its predecessor was complete.
      %x4, %ate, %pushede = scf.for %lo = %P to %m step %B iter_args(%y = %x3, %at = %c0, %pushed = %true) -> (!quoin.sequence, index, i1) {
        %hi = arith.addi %lo, %B : index
        %mine = quoin.open %y[%lo to %hi]
        %k = tensor.dim %mine, %c0 : tensor<?xindex>
        %t = tensor.extract_slice %token[%at] [%k] [1] : tensor<?xi32> to tensor<?xi32>
        %c = tensor.extract_slice %confidence[%at] [%k] [1] : tensor<?xf32> to tensor<?xf32>
        %thresholds = tensor.splat %threshold[%k] : tensor<?xf32>
        %sure = arith.cmpf ogt, %c, %thresholds : tensor<?xf32>
        %many = quoin.count %sure
        %none = arith.cmpi eq, %many, %c0 : index
        %forced = arith.andi %none, %pushed : i1
        %best = quoin.top %c, %c1
        %pick = arith.select %forced, %best, %sure : tensor<?xi1>
        %z = quoin.fill %y at %mine with %t where %pick
        %at1 = arith.addi %at, %k : index
        %decoded = func.call @d2f.decoded(%y, %lo, %hi, %size) : (!quoin.sequence, index, index, f32) -> f32
        %pushes = arith.cmpf oge, %decoded, %complete : f32
        scf.yield %z, %at1, %pushes : !quoin.sequence, index, i1
      }
      %first = quoin.first_open %x4[%P to %m]
      %x5 = quoin.commit %x4 to %first
      %some = arith.cmpi ne, %first, %m : index
      %stop5 = quoin.find_stop %x5[%P to %m]
      %alive5 = arith.cmpi eq, %stop5, %m : index
      %room5 = arith.cmpi ult, %m, %want : index
      %grows = arith.andi %alive5, %room5 : i1
      %on = arith.ori %some, %grows : i1
      scf.yield %x5, %on : !quoin.sequence, i1
    }
    %m = quoin.length %xe
    %stop = quoin.find_stop %xe[%P to %m]
    %after = arith.addi %stop, %c1 : index
    %cut = arith.minui %after, %m : index
    quoin.return %xe[%P to %cut]
  }

  // The share of [from, to) that is not open.
  func.func private @d2f.decoded(%x: !quoin.sequence, %from: index, %to: index, %size: f32) -> f32 {
    %c0 = arith.constant 0 : index
    %open = quoin.open %x[%from to %to]
    %n = tensor.dim %open, %c0 : tensor<?xindex>
    %n_i = arith.index_cast %n : index to i32
    %n_f = arith.uitofp %n_i : i32 to f32
    %known = arith.subf %size, %n_f : f32
    %share = arith.divf %known, %size : f32
    return %share : f32
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
