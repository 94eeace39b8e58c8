// A row sees its own block, both ways, and all blocks before it. Blocks are counted from position 0.
#draft = #quoin.mask<(q, k) : k floordiv 8 le q floordiv 8>
#context = #quoin.mask<(q, k) : k floordiv 8 le q floordiv 8>
// Slots before `a` are the text, then comes F, the block filled with the draft and causal in itself, then M, masks at the same
// positions: row i of M sees the text, the rows of F before i, and itself. So M's rows are what a causal model would say.
#verify = #quoin.mask<(q, k)[a] : (slot(q) lt a and k floordiv 8 le q floordiv 8) or (slot(q) ge a and slot(q) lt a + 8 and slot(k) le slot(q)) or (slot(q) ge a + 8 and (slot(k) lt slot(q) - 8 or slot(k) eq slot(q)))>

module attributes {
    quoin.architecture = "sdar", quoin.source = "checkpoint",
    quoin.vocabulary = 300 : index, quoin.capacity = 512 : index, quoin.fill = 299 : i32, quoin.stop = array<i32: 298, 296>} {

  // S2D2: SDAR's dynamic decoder that may check a draft with the same model read causally. The first run of open rows is
  // verified from left to right: a token stays with probability q/p, the first that does not is drawn anew from what q has
  // more than p. What the step's share of the block still lacks is filled by SDAR's rule. Drafts are greedy.
  // A run is verified if it is at least `min_span` long.
  // The answer ends before the first stop id.
  quoin.decoder @s2d2(%prompt, %max) settings {steps = 8 : index, threshold = 0.85 : f32, min_span = 2 : index} attributes {fixed = {block = 8 : index, causal_cache = 0 : index, causal_draft = 0 : index}} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %true = arith.constant true
    %one = arith.constant 1.0 : f32
    %nothing = arith.constant 0 : i32
    %B = arith.constant 8 : index
    %S = quoin.setting @steps : index
    %threshold = quoin.setting @threshold : f32
    %min_span = quoin.setting @min_span : index
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
    %x2 = quoin.commit %x1 to %start by pass of @model mask #context
    %xe, %hie, %goe = scf.while (%x = %x2, %lo = %start, %go = %true) : (!quoin.sequence, index, i1) -> (!quoin.sequence, index, i1) {
      %room = arith.cmpi ult, %lo, %end : index
      %more = arith.andi %room, %go : i1
      scf.condition(%more) %x, %lo, %go : !quoin.sequence, index, i1
    } do {
    ^bb0(%x: !quoin.sequence, %lo: index, %go: i1):
      %hi = arith.addi %lo, %B : index
      %span = quoin.span %lo to %hi
      %twice = tensor.concat dim(0) %span, %span : (tensor<?xindex>, tensor<?xindex>) -> tensor<?xindex>
      %full, %steps = quoin.denoise %x[%lo to %hi] carry %c0 : index -> index {
      ^bb0(%y: !quoin.sequence, %rows: tensor<?xindex>, %s: index):
        %n = tensor.dim %rows, %c0 : tensor<?xindex>
        %iota = quoin.span %c0 to %n
        %row0 = tensor.extract %rows[%c0] : tensor<?xindex>
        %l = quoin.forward @model of %y[to %hi] read %rows mask #draft
        %token, %p = quoin.score %l [token, confidence] : tensor<?xi32>, tensor<?xf32>
        // The first run of open rows: row i less i does not change.
        %flat = arith.subi %rows, %iota : tensor<?xindex>
        %row0s = tensor.splat %row0[%n] : tensor<?xindex>
        %joined = arith.cmpi eq, %flat, %row0s : tensor<?xindex>
        %size = quoin.leading %joined
        %worth = arith.cmpi uge, %size, %min_span : index
        // How many rows of the run are decided, which of them was drawn anew (none: n), and its token.
        %decided, %redrawn, %instead = scf.if %worth -> (index, index, i32) {
          %drafted = quoin.fill %y at %rows with %token
          %filled = quoin.tokens %drafted at %span
          %ids = tensor.concat dim(0) %filled, %masks : (tensor<?xi32>, tensor<?xi32>) -> tensor<?xi32>
          // M is the second copy of the block: its slots are B further.
          %run = tensor.extract_slice %rows[0] [%size] [1] : tensor<?xindex> to tensor<?xindex>
          %Bs = tensor.splat %B[%size] : tensor<?xindex>
          %slots = arith.addi %run, %Bs : tensor<?xindex>
          %run_token = tensor.extract_slice %token[0] [%size] [1] : tensor<?xi32> to tensor<?xi32>
          %run_p = tensor.extract_slice %p[0] [%size] [1] : tensor<?xf32> to tensor<?xf32>
          %run_l = quoin.rows %l[%c0 for %size]
          %e = quoin.evaluation
          %v = quoin.forward @model of %y[to %lo] then %ids at %twice read %slots mask #verify[%lo]
          %run_q = quoin.score %v [probability] of %run_token : tensor<?xf32>
          %residual = quoin.draw_residual %v minus %run_l at %run, %e
          %ratio = arith.divf %run_q, %run_p : tensor<?xf32>
          %ones = tensor.splat %one[%size] : tensor<?xf32>
          %limit = arith.minimumf %ratio, %ones : tensor<?xf32>
          %u = quoin.uniform stream 1 at %run, %e
          %accepted = arith.cmpf olt, %u, %limit : tensor<?xf32>
          %took = quoin.leading %accepted
          %rejects = arith.cmpi ult, %took, %size : index
          %count, %at, %drawn = scf.if %rejects -> (index, index, i32) {
            %t = tensor.extract %residual[%took] : tensor<?xi32>
            %took1 = arith.addi %took, %c1 : index
            scf.yield %took1, %took, %t : index, index, i32
          } else {
            scf.yield %took, %n, %nothing : index, index, i32
          }
          scf.yield %count, %at, %drawn : index, index, i32
        } else {
          scf.yield %c0, %n, %nothing : index, index, i32
        }
        %ats = tensor.splat %redrawn[%n] : tensor<?xindex>
        %insteads = tensor.splat %instead[%n] : tensor<?xi32>
        %here = arith.cmpi eq, %iota, %ats : tensor<?xindex>
        %final = arith.select %here, %insteads, %token : tensor<?xi1>, tensor<?xi32>
        %decideds = tensor.splat %decided[%n] : tensor<?xindex>
        %settled = arith.cmpi ult, %iota, %decideds : tensor<?xindex>
        %rest = arith.cmpi uge, %iota, %decideds : tensor<?xindex>
        // SDAR's rule over the rest, for what the share of this step still lacks.
        %each = arith.divui %B, %S : index
        %left = arith.remui %B, %S : index
        %early = arith.cmpi ult, %s, %left : index
        %extra = arith.select %early, %c1, %c0 : index
        %share = arith.addi %each, %extra : index
        %quota = arith.minui %share, %n : index
        %short = arith.cmpi ult, %decided, %quota : index
        %pick = scf.if %short -> (tensor<?xi1>) {
          %need = arith.subi %quota, %decided : index
          %thresholds = tensor.splat %threshold[%n] : tensor<?xf32>
          %high = arith.cmpf ogt, %p, %thresholds : tensor<?xf32>
          %sure = arith.andi %high, %rest : tensor<?xi1>
          %many = quoin.count %sure
          %enough = arith.cmpi uge, %many, %need : index
          %best = quoin.top %p, %need where %rest
          %more = arith.select %enough, %sure, %best : tensor<?xi1>
          %both = arith.ori %settled, %more : tensor<?xi1>
          scf.yield %both : tensor<?xi1>
        } else {
          scf.yield %settled : tensor<?xi1>
        }
        %z = quoin.fill %y at %rows with %final where %pick
        %s1 = arith.addi %s, %c1 : index
        quoin.yield %z, %s1 : index
      }
      %done = quoin.commit %full to %hi by pass of @model mask #context
      %stop = quoin.find_stop %done[%P to %hi]
      %on = arith.cmpi eq, %stop, %hi : index
      scf.yield %done, %hi, %on : !quoin.sequence, index, i1
    }
    %stop = quoin.find_stop %xe[%P to %hie]
    quoin.return %xe[%P to %stop]
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
