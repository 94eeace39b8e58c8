#full = #quoin.mask<full>
// The mask is no answer of the model: its mass goes too.
#clean = #quoin.sampler<temperature, without_fill>

module attributes {
    quoin.architecture = "llada", quoin.source = "checkpoint",
    quoin.vocabulary = 300 : index, quoin.capacity = 512 : index, quoin.fill = 299 : i32, quoin.stop = array<i32: 298, 296>} {

  // GIDD: mask and uniform noise in one schedule, so that a decoded token may change. Step i goes from t to s < t. With a(t) the share
  // of the signal and m(t), u(t) those of mask and uniform noise, the next token of a row that holds z is one of
  //   z itself                 a(t)/a(s) q_s(z)
  //   a draw from the model    b a(s)
  //   mask, or any token       b m(s), b u(s)      where b is what the noise between s and t adds at z, q_s the model's marginal at s,
  // divided by their sum. No time is given to the model. All rows are drawn anew in each step; the last leaves no mask.
  quoin.decoder @gidd(%prompt, %max) settings {steps = 16 : index, uniform = 0.1 : f32} attributes {fixed = {vocabulary = 300 : index}} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %zero = arith.constant 0.0 : f32
    %one = arith.constant 1.0 : f32
    %two = arith.constant 2.0 : f32
    %eps = arith.constant 1.0e-4 : f32
    %S = quoin.setting @steps : index
    %pu = quoin.setting @uniform : f32
    %fill = quoin.setting @fill : i32
    %P = quoin.length %prompt
    %n = arith.addi %P, %max : index
    %x1 = quoin.extend %prompt by %max
    %rows = quoin.span %P to %n
    %fills = tensor.splat %fill[%max] : tensor<?xi32>
    // Noise is of the ids below `vocabulary` but the mask's.
    %others = arith.constant 299 : index
    %o_i = arith.index_cast %others : index to i32
    %o_f = arith.uitofp %o_i : i32 to f32
    %S_i = arith.index_cast %S : index to i32
    %S_f = arith.uitofp %S_i : i32 to f32
    // c(t) = sqrt(t (1 - t)) 2 pu / (1 - pu)
    %keep = arith.subf %one, %pu : f32
    %odds = arith.divf %pu, %keep : f32
    %factor = arith.mulf %odds, %two : f32
    %xe = scf.for %i = %c0 to %S step %c1 iter_args(%y = %x1) -> (!quoin.sequence) {
      %left = arith.subi %S, %i : index
      %left1 = arith.subi %left, %c1 : index
      %t0 = func.call @gidd.share(%left1, %S_f) : (index, f32) -> f32
      %before = arith.subi %left1, %c1 : index
      %is_last = arith.cmpi eq, %left, %c1 : index
      %s_at = arith.select %is_last, %c0, %before : index
      %s0 = func.call @gidd.share(%s_at, %S_f) : (index, f32) -> f32
      %at, %mt, %ut = func.call @gidd.level(%t0, %factor) : (f32, f32) -> (f32, f32, f32)
      %as, %ms, %us = func.call @gidd.level(%s0, %factor) : (f32, f32) -> (f32, f32, f32)
      %ats = arith.divf %at, %as : f32
      %e = quoin.evaluation
      %l = quoin.forward @model of %y[to %n] read %rows mask #full
      %held = quoin.tokens %y at %rows
      %draw = quoin.score %l [token] by #clean at %rows, %e : tensor<?xi32>
      // The model's probability of the token held and of the mask, whose mass is taken off.
      %pz = quoin.score %l [probability] of %held : tensor<?xf32>
      %pm = quoin.score %l [probability] of %fills : tensor<?xf32>
      %ones = tensor.splat %one[%max] : tensor<?xf32>
      %zeros = tensor.splat %zero[%max] : tensor<?xf32>
      %mass = arith.subf %ones, %pm : tensor<?xf32>
      %pc = arith.divf %pz, %mass : tensor<?xf32>
      %masked = arith.cmpi eq, %held, %fills : tensor<?xi32>
      %px = arith.select %masked, %zeros, %pc : tensor<?xi1>, tensor<?xf32>
      // Noise of the held token at t and s: of the mask, or of one of the others.
      %ut1 = arith.divf %ut, %o_f : f32
      %us1 = arith.divf %us, %o_f : f32
      %mts = tensor.splat %mt[%max] : tensor<?xf32>
      %uts = tensor.splat %ut1[%max] : tensor<?xf32>
      %mss = tensor.splat %ms[%max] : tensor<?xf32>
      %uss = tensor.splat %us1[%max] : tensor<?xf32>
      %nt = arith.select %masked, %mts, %uts : tensor<?xi1>, tensor<?xf32>
      %ns = arith.select %masked, %mss, %uss : tensor<?xi1>, tensor<?xf32>
      %atss = tensor.splat %ats[%max] : tensor<?xf32>
      %ass = tensor.splat %as[%max] : tensor<?xf32>
      %carried = arith.mulf %atss, %ns : tensor<?xf32>
      %b = arith.subf %nt, %carried : tensor<?xf32>
      %apx = arith.mulf %ass, %px : tensor<?xf32>
      %qs = arith.addf %apx, %ns : tensor<?xf32>
      // The four weights, as a staircase.
      %w0 = arith.mulf %atss, %qs : tensor<?xf32>
      %uall = tensor.splat %us[%max] : tensor<?xf32>
      %w1 = arith.mulf %b, %ass : tensor<?xf32>
      %w2 = arith.mulf %b, %mss : tensor<?xf32>
      %w3 = arith.mulf %b, %uall : tensor<?xf32>
      %s1 = arith.addf %w0, %w1 : tensor<?xf32>
      %s2 = arith.addf %s1, %w2 : tensor<?xf32>
      %s3 = arith.addf %s2, %w3 : tensor<?xf32>
      %r = quoin.uniform stream 4 at %rows, %e
      %v = arith.mulf %r, %s3 : tensor<?xf32>
      %is0 = arith.cmpf olt, %v, %w0 : tensor<?xf32>
      %is1 = arith.cmpf olt, %v, %s1 : tensor<?xf32>
      %is2 = arith.cmpf olt, %v, %s2 : tensor<?xf32>
      %ra = quoin.uniform stream 5 at %rows, %e
      %ofs = tensor.splat %o_f[%max] : tensor<?xf32>
      %any_f = arith.mulf %ra, %ofs : tensor<?xf32>
      %any_i = arith.fptoui %any_f : tensor<?xf32> to tensor<?xi32>
      %any = func.call @gidd.but(%any_i, %fill) : (tensor<?xi32>, i32) -> tensor<?xi32>
      %n2 = arith.select %is2, %fills, %any : tensor<?xi1>, tensor<?xi32>
      %n1 = arith.select %is1, %draw, %n2 : tensor<?xi1>, tensor<?xi32>
      %next = arith.select %is0, %held, %n1 : tensor<?xi1>, tensor<?xi32>
      // The fill token is never written: rows that hold it stay open.
      %bare = quoin.reopen %y[%P to %n]
      %z = quoin.fill %bare at %rows with %next
      scf.yield %z : !quoin.sequence
    }
    // What is still open takes the arg max.
    %open = quoin.open %xe[%P to %n]
    %l = quoin.forward @model of %xe[to %n] read %open mask #full
    %token = quoin.score %l [token] : tensor<?xi32>
    %z = quoin.fill %xe at %open with %token
    quoin.return %z[%P to %n]
  }

  // The i-th of S + 1 points from 1e-4 to 1 - 1e-4.
  func.func private @gidd.share(%i: index, %S: f32) -> f32 {
    %eps = arith.constant 1.0e-4 : f32
    %one = arith.constant 1.0 : f32
    %two = arith.constant 2.0 : f32
    %i_i = arith.index_cast %i : index to i32
    %i_f = arith.uitofp %i_i : i32 to f32
    %x = arith.divf %i_f, %S : f32
    %both = arith.mulf %two, %eps : f32
    %width = arith.subf %one, %both : f32
    %y = arith.mulf %width, %x : f32
    %t = arith.addf %y, %eps : f32
    return %t : f32
  }

  // Shares of signal, mask and uniform noise at t.
  func.func private @gidd.level(%t: f32, %factor: f32) -> (f32, f32, f32) {
    %one = arith.constant 1.0 : f32
    %rest = arith.subf %one, %t : f32
    %product = arith.mulf %t, %rest : f32
    %root = math.sqrt %product : f32
    %c = arith.mulf %root, %factor : f32
    %C = arith.addf %one, %c : f32
    %a = arith.divf %rest, %C : f32
    %m = arith.divf %t, %C : f32
    %u = arith.divf %c, %C : f32
    return %a, %m, %u : f32, f32, f32
  }

  // The ids of these numbers, counted without the fill token. A uniform number may round to 1: that means the last one, too.
  func.func private @gidd.but(%number: tensor<?xi32>, %fill: i32) -> tensor<?xi32> {
    %c0 = arith.constant 0 : index
    %one = arith.constant 1 : i32
    %highest = arith.constant 298 : i32
    %n = tensor.dim %number, %c0 : tensor<?xi32>
    %highests = tensor.splat %highest[%n] : tensor<?xi32>
    %id = arith.minui %number, %highests : tensor<?xi32>
    %fills = tensor.splat %fill[%n] : tensor<?xi32>
    %ones = tensor.splat %one[%n] : tensor<?xi32>
    %up = arith.addi %id, %ones : tensor<?xi32>
    %behind = arith.cmpi uge, %id, %fills : tensor<?xi32>
    %but = arith.select %behind, %up, %id : tensor<?xi1>, tensor<?xi32>
    return %but : tensor<?xi32>
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
