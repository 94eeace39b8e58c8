#full = #quoin.mask<full>
#temperature_raw = #quoin.sampler<temperature, raw_confidence>

module attributes {
    quoin.architecture = "llada", quoin.source = "checkpoint",
    quoin.vocabulary = 300 : index, quoin.capacity = 512 : index, quoin.fill = 299 : i32, quoin.stop = array<i32: 298, 296>} {

  // AdaBlock-dLLM: LLaDA's canvas, block by block, but a block ends at the delimiter that its first call predicts most
  // confidently within a quarter of the answer; without a confident one it is `block` long. A step fills the rows at least as
  // confident as the threshold, and the most confident one.
  quoin.decoder @adablock(%prompt, %max) settings {block = 32 : index, threshold = 0.9 : f32, delimiter = 198 : index, delimiter_threshold = 0.3 : f32} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c4 = arith.constant 4 : index
    %true = arith.constant true
    %B = quoin.setting @block : index
    %threshold = quoin.setting @threshold : f32
    %least = quoin.setting @delimiter_threshold : f32
    %delimiter = quoin.setting @delimiter : index
    %delimiter_i = arith.index_cast %delimiter : index to i32
    %false = arith.constant false
    %P = quoin.length %prompt
    %x1 = quoin.extend %prompt by %max
    %n = arith.addi %P, %max : index
    %quarter = arith.divui %max, %c4 : index
    %xe, %loe = scf.while (%x = %x1, %lo = %P) : (!quoin.sequence, index) -> (!quoin.sequence, index) {
      %more = arith.cmpi ult, %lo, %n : index
      scf.condition(%more) %x, %lo : !quoin.sequence, index
    } do {
    ^bb0(%x: !quoin.sequence, %lo: index):
      // Every row from here on is open: the first call chooses where the block ends.
      %rest = arith.subi %n, %lo : index
      %rows = quoin.span %lo to %n
      %e = quoin.evaluation
      %l = quoin.forward @model of %x[to %n] read %rows mask #full
      %token, %confidence = quoin.score %l [token, confidence] by #temperature_raw at %rows, %e : tensor<?xi32>, tensor<?xf32>
      %window = arith.minui %quarter, %rest : index
      %iota = quoin.span %c0 to %rest
      %windows = tensor.splat %window[%rest] : tensor<?xindex>
      %inside = arith.cmpi ult, %iota, %windows : tensor<?xindex>
      %ends = tensor.splat %false[%rest] : tensor<?xi1>
      %delimiter_s = tensor.splat %delimiter_i[%rest] : tensor<?xi32>
      %is_delimiter = arith.cmpi eq, %token, %delimiter_s : tensor<?xi32>
      %ends_1 = arith.ori %ends, %is_delimiter : tensor<?xi1>
      %may = arith.andi %inside, %ends_1 : tensor<?xi1>
      %best = quoin.top %confidence, %c1 where %may
      %any = quoin.count %best
      %found = arith.cmpi ne, %any, %c0 : index
      %default = arith.minui %B, %rest : index
      %size = scf.if %found -> (index) {
        %trues = tensor.splat %true[%rest] : tensor<?xi1>
        %others = arith.xori %best, %trues : tensor<?xi1>
        %at = quoin.leading %others
        %c = tensor.extract %confidence[%at] : tensor<?xf32>
        %sure = arith.cmpf oge, %c, %least : f32
        %cut = arith.addi %at, %c1 : index
        %chosen = arith.select %sure, %cut, %default : index
        scf.yield %chosen : index
      } else {
        scf.yield %default : index
      }
      %hi = arith.addi %lo, %size : index
      // The same call fills the first rows of the block.
      %mine = quoin.span %lo to %hi
      %t0 = tensor.extract_slice %token[0] [%size] [1] : tensor<?xi32> to tensor<?xi32>
      %k0 = tensor.extract_slice %confidence[0] [%size] [1] : tensor<?xf32> to tensor<?xf32>
      %pick0 = func.call @adablock.pick(%k0, %threshold) : (tensor<?xf32>, f32) -> tensor<?xi1>
      %x2 = quoin.fill %x at %mine with %t0 where %pick0
      %full = quoin.denoise %x2[%lo to %hi] {
      ^bb0(%y: !quoin.sequence, %open: tensor<?xindex>):
        %e1 = quoin.evaluation
        %l1 = quoin.forward @model of %y[to %n] read %open mask #full
        %t, %k = quoin.score %l1 [token, confidence] by #temperature_raw at %open, %e1 : tensor<?xi32>, tensor<?xf32>
        %pick = func.call @adablock.pick(%k, %threshold) : (tensor<?xf32>, f32) -> tensor<?xi1>
        %z = quoin.fill %y at %open with %t where %pick
        quoin.yield %z
      }
      scf.yield %full, %hi : !quoin.sequence, index
    }
    quoin.return %xe[%P to %n]
  }

  // The rows at least as confident as the threshold, and the most confident one.
  func.func private @adablock.pick(%confidence: tensor<?xf32>, %threshold: f32) -> tensor<?xi1> {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %n = tensor.dim %confidence, %c0 : tensor<?xf32>
    %thresholds = tensor.splat %threshold[%n] : tensor<?xf32>
    %sure = arith.cmpf oge, %confidence, %thresholds : tensor<?xf32>
    %best = quoin.top %confidence, %c1
    %pick = arith.ori %sure, %best : tensor<?xi1>
    return %pick : tensor<?xi1>
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
