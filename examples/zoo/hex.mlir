#full = #quoin.mask<full>
#temperature_raw = #quoin.sampler<temperature, raw_confidence>

module attributes {
    quoin.architecture = "llada", quoin.source = "checkpoint",
    quoin.vocabulary = 300 : index, quoin.capacity = 512 : index, quoin.fill = 299 : i32, quoin.stop = array<i32: 298, 296>} {

  // HEX: the same prompt under several block schedules, then a vote. Blocks of `smallest`, twice and four times that, one row a
  // step by confidence; the answers whose last `answer` tokens are found most often win, the smallest blocks on a tie.
  quoin.decoder @hex(%prompt, %max) settings {smallest = 8 : index, answer = 8 : index} attributes {fixed = {together = 0 : index}} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c2 = arith.constant 2 : index
    %c3 = arith.constant 3 : index
    %smallest = quoin.setting @smallest : index
    %tail = quoin.setting @answer : index
    %P = quoin.length %prompt
    %c4 = arith.constant 4 : index
    %unit = arith.muli %smallest, %c4 : index
    %wanted = arith.ceildivui %max, %unit : index
    %units = arith.maxui %wanted, %c1 : index
    %size = arith.muli %units, %unit : index
    %n = arith.addi %P, %size : index
    %answer = arith.minui %tail, %size : index
    %x1 = quoin.extend %prompt by %size
    %none = tensor.empty(%c0) : tensor<?xi32>
    %span = quoin.span %P to %n
    %all, %Be = scf.for %j = %c0 to %c3 step %c1 iter_args(%texts = %none, %B = %smallest) -> (tensor<?xi32>, index) {
      %x = scf.for %lo = %P to %n step %B iter_args(%y = %x1) -> (!quoin.sequence) {
        %hi = arith.addi %lo, %B : index
        %full = quoin.denoise %y[%lo to %hi] {
        ^bb0(%v: !quoin.sequence, %rows: tensor<?xindex>):
          %e = quoin.evaluation
          %l = quoin.forward @model of %v[to %n] read %rows mask #full
          %token, %confidence = quoin.score %l [token, confidence] by #temperature_raw at %rows, %e : tensor<?xi32>, tensor<?xf32>
          %best = quoin.top %confidence, %c1
          %z = quoin.fill %v at %rows with %token where %best
          quoin.yield %z
        }
        scf.yield %full : !quoin.sequence
      }
      %text = quoin.tokens %x at %span
      %more = tensor.concat dim(0) %texts, %text : (tensor<?xi32>, tensor<?xi32>) -> tensor<?xi32>
      %B2 = arith.muli %B, %c2 : index
      scf.yield %more, %B2 : tensor<?xi32>, index
    }
    %from = arith.subi %size, %answer : index
    %winner, %votes = scf.for %j = %c0 to %c3 step %c1 iter_args(%best = %c0, %most = %c0) -> (index, index) {
      %o = arith.muli %j, %size : index
      %oa = arith.addi %o, %from : index
      %mine = tensor.extract_slice %all[%oa] [%answer] [1] : tensor<?xi32> to tensor<?xi32>
      %count = scf.for %i = %c0 to %c3 step %c1 iter_args(%k = %c0) -> (index) {
        %p = arith.muli %i, %size : index
        %pa = arith.addi %p, %from : index
        %other = tensor.extract_slice %all[%pa] [%answer] [1] : tensor<?xi32> to tensor<?xi32>
        %same = arith.cmpi eq, %mine, %other : tensor<?xi32>
        %equal = quoin.count %same
        %is = arith.cmpi eq, %equal, %answer : index
        %k1 = arith.addi %k, %c1 : index
        %k2 = arith.select %is, %k1, %k : index
        scf.yield %k2 : index
      }
      %wins = arith.cmpi ugt, %count, %most : index
      %b = arith.select %wins, %j, %best : index
      %m = arith.select %wins, %count, %most : index
      scf.yield %b, %m : index, index
    }
    %o = arith.muli %winner, %size : index
    %text = tensor.extract_slice %all[%o] [%size] [1] : tensor<?xi32> to tensor<?xi32>
    %y = quoin.fill %x1 at %span with %text
    quoin.return %y[%P to %n]
  }

  // Hidden rows from ids and positions; whoever calls it says who sees whom.
  quoin.model @model head @head {
  ^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
    %x = quoin.embed %ids by @embed : tensor<?x32xf32>
    // Layer 0: attention.
    %n = quoin.rms_norm %x by @layers.0.attention_norm epsilon 1.0e-06 : tensor<?x32xf32>
    %q = quoin.linear %n by @layers.0.q_proj : tensor<?x32xf32> -> tensor<?x32xf32>
    %q_1 = quoin.rotary %q at %positions theta 10000.0 head_dim 16 : tensor<?x32xf32>
    %k = quoin.linear %n by @layers.0.k_proj : tensor<?x32xf32> -> tensor<?x16xf32>
    %k_1 = quoin.rotary %k at %positions theta 10000.0 head_dim 16 : tensor<?x16xf32>
    %v = quoin.linear %n by @layers.0.v_proj : tensor<?x32xf32> -> tensor<?x16xf32>
    %a = quoin.attention %q_1, %k_1, %v heads 2 kv_heads 1 head_dim 16 scale 0.25
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
    %q_2 = quoin.linear %n_1 by @layers.1.q_proj : tensor<?x32xf32> -> tensor<?x32xf32>
    %q_3 = quoin.rotary %q_2 at %positions theta 10000.0 head_dim 16 : tensor<?x32xf32>
    %k_2 = quoin.linear %n_1 by @layers.1.k_proj : tensor<?x32xf32> -> tensor<?x16xf32>
    %k_3 = quoin.rotary %k_2 at %positions theta 10000.0 head_dim 16 : tensor<?x16xf32>
    %v_1 = quoin.linear %n_1 by @layers.1.v_proj : tensor<?x32xf32> -> tensor<?x16xf32>
    %a_1 = quoin.attention %q_3, %k_3, %v_1 heads 2 kv_heads 1 head_dim 16 scale 0.25
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
