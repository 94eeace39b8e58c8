
module attributes {
    quoin.architecture = "knows-the-future", quoin.source = "checkpoint",
    quoin.vocabulary = 13 : index, quoin.capacity = 64 : index, quoin.fill = 12 : i32, quoin.stop = array<i32: 1>} {


  // Label 0 is the text and the tokens guessed after it, causal; label j + 1 is a run of masks after j guesses: it sees the text up to there and itself, causally.
  quoin.decoder @"knows-the-future-sampler"(%prompt, %max) settings {masks = 3 : index} attributes {run_time = ["masks"]} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %true = arith.constant true
    %K = quoin.setting @masks : index
    %fill = quoin.setting @fill : i32
    %nothing = tensor.empty(%c0) : tensor<?xi32>
    %nowhere = tensor.splat %c0[%c1] : tensor<?xindex>
    %P = quoin.length %prompt
    %some = arith.cmpi ugt, %P, %c0 : index
    cf.assert %some, "the prompt has at least one token"
    %end = arith.addi %P, %max : index
    %xe, %idse, %ende, %goe, %accepted, %drafted = scf.while (%x = %prompt, %ids = %nothing, %last = %P, %go = %true, %a = %nothing, %g = %nothing)
        : (!quoin.sequence, tensor<?xi32>, index, i1, tensor<?xi32>, tensor<?xi32>) -> (!quoin.sequence, tensor<?xi32>, index, i1, tensor<?xi32>, tensor<?xi32>) {
      %length = quoin.length %x
      %room = arith.cmpi ult, %length, %end : index
      %more = arith.andi %room, %go : i1
      scf.condition(%more) %x, %ids, %last, %go, %a, %g : !quoin.sequence, tensor<?xi32>, index, i1, tensor<?xi32>, tensor<?xi32>
    } do {
    ^bb0(%x: !quoin.sequence, %ids: tensor<?xi32>, %last: index, %go: i1, %a: tensor<?xi32>, %g: tensor<?xi32>):
      %n = quoin.length %x
      %m = tensor.dim %ids, %c0 : tensor<?xi32>
      %m1 = arith.addi %m, %c1 : index
      %nm = arith.addi %n, %m : index
      %chain = quoin.span %n to %nm
      %text = tensor.splat %c0[%m] : tensor<?xindex>
      %positions, %labels = scf.for %j = %c0 to %m1 step %c1 iter_args(%p = %chain, %b = %text) -> (tensor<?xindex>, tensor<?xindex>) {
        %from = arith.addi %n, %j : index
        %to = arith.addi %from, %K : index
        %run = quoin.span %from to %to
        %j1 = arith.addi %j, %c1 : index
        %label = tensor.splat %j1[%K] : tensor<?xindex>
        %p1 = tensor.concat dim(0) %p, %run : (tensor<?xindex>, tensor<?xindex>) -> tensor<?xindex>
        %b1 = tensor.concat dim(0) %b, %label : (tensor<?xindex>, tensor<?xindex>) -> tensor<?xindex>
        scf.yield %p1, %b1 : tensor<?xindex>, tensor<?xindex>
      }
      %count = arith.muli %m1, %K : index
      %masks = tensor.splat %fill[%count] : tensor<?xi32>
      %slots = tensor.concat dim(0) %ids, %masks : (tensor<?xi32>, tensor<?xi32>) -> tensor<?xi32>
      %root = arith.subi %n, %c1 : index
      %upto = arith.addi %nm, %count : index
      %read = quoin.span %root to %upto
      %l, %h = quoin.forward @model of %x[to %n] then %slots at %positions label %labels read %read
          mask #quoin.mask<(q, k)[n] : slot(k) le slot(q) and ((label(q) eq 0 and label(k) eq 0 and k le q) or (label(q) gt 0 and label(k) eq 0 and k lt n + label(q) - 1) or (label(q) gt 0 and label(k) eq label(q) and k le q))>[%n]
          -> !quoin.logits, tensor<?x12xf32>
      // Rows of the chain say the token after them.
      %chain_l = quoin.rows %l[%c0 for %m1]
      %said = quoin.score %chain_l [token] : tensor<?xi32>
      %head = tensor.extract_slice %said[0] [%m] [1] : tensor<?xi32> to tensor<?xi32>
      %same = arith.cmpi eq, %head, %ids : tensor<?xi32>
      %held = quoin.leading %same
      %held1 = arith.addi %held, %c1 : index
      %gain = tensor.extract_slice %said[0] [%held1] [1] : tensor<?xi32> to tensor<?xi32>
      // The masks behind what held say what follows, one after the other.
      %newest = tensor.extract_slice %said[%held] [%c1] [1] : tensor<?xi32> to tensor<?xi32>
      %before = arith.muli %held, %K : index
      %run0 = arith.addi %m1, %before : index
      %next, %newer = scf.for %i = %c0 to %K step %c1 iter_args(%s = %nothing, %t = %newest) -> (tensor<?xi32>, tensor<?xi32>) {
        %at = arith.addi %run0, %i : index
        %mask_row = tensor.splat %at[%c1] : tensor<?xindex>
        %row = quoin.gather %h at %mask_row : tensor<?x12xf32> -> tensor<?x12xf32>
        %q = quoin.forward @sampler of %x[to %c0] then %t at %nowhere with (%row : tensor<?x12xf32>) read %nowhere mask #quoin.mask<causal> -> !quoin.logits
        %guess = quoin.score %q [token] : tensor<?xi32>
        %all = tensor.concat dim(0) %s, %guess : (tensor<?xi32>, tensor<?xi32>) -> tensor<?xi32>
        scf.yield %all, %guess : tensor<?xi32>, tensor<?xi32>
      }
      %gained = quoin.append %x, %gain
      %length = quoin.length %gained
      %y = quoin.commit %gained to %length
      %stop = quoin.find_stop %y[%n to %length]
      %on = arith.cmpi eq, %stop, %length : index
      %past = arith.addi %stop, %c1 : index
      %cut = arith.minui %past, %length : index
      %many_new = tensor.dim %gain, %c0 : tensor<?xi32>
      %many_i = arith.index_cast %many_new : index to i32
      %this = tensor.splat %many_i[%c1] : tensor<?xi32>
      %counts = tensor.concat dim(0) %a, %this : (tensor<?xi32>, tensor<?xi32>) -> tensor<?xi32>
      %drafts = tensor.concat dim(0) %g, %ids : (tensor<?xi32>, tensor<?xi32>) -> tensor<?xi32>
      scf.yield %y, %next, %cut, %on, %counts, %drafts : !quoin.sequence, tensor<?xi32>, index, i1, tensor<?xi32>, tensor<?xi32>
    }
    quoin.output @accepted %accepted : tensor<?xi32>
    quoin.output @drafted %drafted : tensor<?xi32>
    quoin.return %xe[%P to %ende]
  }
  // Hidden rows from ids and positions; whoever calls it says who sees whom.
  quoin.model @model head @head {
  ^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
    %x = quoin.embed %ids by @embed : tensor<?x12xf32>
    // Layer 0: attention.
    %n = quoin.rms_norm %x by @layers.0.attention_norm epsilon 1.0e-05 : tensor<?x12xf32>
    %q = quoin.linear %n by @layers.0.q_proj : tensor<?x12xf32> -> tensor<?x12xf32>
    %adapter_gate = quoin.embed %ids by @adapter_gate : tensor<?x3xf32>
    %low = quoin.linear %n by @layers.0.lora_a : tensor<?x12xf32> -> tensor<?x3xf32>
    %low_1 = quoin.swiglu %adapter_gate, %low : tensor<?x3xf32>
    %change = quoin.linear %low_1 by @layers.0.lora_b : tensor<?x3xf32> -> tensor<?x12xf32>
    %q_1 = arith.addf %q, %change : tensor<?x12xf32>
    %q_2 = quoin.rotary %q_1 at %positions theta 10000.0 head_dim 6 : tensor<?x12xf32>
    %k = quoin.linear %n by @layers.0.k_proj : tensor<?x12xf32> -> tensor<?x6xf32>
    %k_1 = quoin.rotary %k at %positions theta 10000.0 head_dim 6 : tensor<?x6xf32>
    %v = quoin.linear %n by @layers.0.v_proj : tensor<?x12xf32> -> tensor<?x6xf32>
    %a = quoin.attention %q_2, %k_1, %v heads 2 kv_heads 1 head_dim 6 scale 0.4082482904638631
        : tensor<?x12xf32>, tensor<?x6xf32>, tensor<?x6xf32>
    %o = quoin.linear %a by @layers.0.o_proj : tensor<?x12xf32> -> tensor<?x12xf32>
    %x_1 = arith.addf %x, %o : tensor<?x12xf32>
    // Layer 0: feed-forward.
    %m = quoin.rms_norm %x_1 by @layers.0.mlp_norm epsilon 1.0e-05 : tensor<?x12xf32>
    %gate = quoin.linear %m by @layers.0.gate_proj : tensor<?x12xf32> -> tensor<?x14xf32>
    %up = quoin.linear %m by @layers.0.up_proj : tensor<?x12xf32> -> tensor<?x14xf32>
    %act = quoin.swiglu %gate, %up : tensor<?x14xf32>
    %down = quoin.linear %act by @layers.0.down_proj : tensor<?x14xf32> -> tensor<?x12xf32>
    %x_2 = arith.addf %x_1, %down : tensor<?x12xf32>
    // Layer 1: attention.
    %n_1 = quoin.rms_norm %x_2 by @layers.1.attention_norm epsilon 1.0e-05 : tensor<?x12xf32>
    %q_3 = quoin.linear %n_1 by @layers.1.q_proj : tensor<?x12xf32> -> tensor<?x12xf32>
    %low_2 = quoin.linear %n_1 by @layers.1.lora_a : tensor<?x12xf32> -> tensor<?x3xf32>
    %low_3 = quoin.swiglu %adapter_gate, %low_2 : tensor<?x3xf32>
    %change_1 = quoin.linear %low_3 by @layers.1.lora_b : tensor<?x3xf32> -> tensor<?x12xf32>
    %q_4 = arith.addf %q_3, %change_1 : tensor<?x12xf32>
    %q_5 = quoin.rotary %q_4 at %positions theta 10000.0 head_dim 6 : tensor<?x12xf32>
    %k_2 = quoin.linear %n_1 by @layers.1.k_proj : tensor<?x12xf32> -> tensor<?x6xf32>
    %k_3 = quoin.rotary %k_2 at %positions theta 10000.0 head_dim 6 : tensor<?x6xf32>
    %v_1 = quoin.linear %n_1 by @layers.1.v_proj : tensor<?x12xf32> -> tensor<?x6xf32>
    %a_1 = quoin.attention %q_5, %k_3, %v_1 heads 2 kv_heads 1 head_dim 6 scale 0.4082482904638631
        : tensor<?x12xf32>, tensor<?x6xf32>, tensor<?x6xf32>
    %o_1 = quoin.linear %a_1 by @layers.1.o_proj : tensor<?x12xf32> -> tensor<?x12xf32>
    %x_3 = arith.addf %x_2, %o_1 : tensor<?x12xf32>
    // Layer 1: feed-forward.
    %m_1 = quoin.rms_norm %x_3 by @layers.1.mlp_norm epsilon 1.0e-05 : tensor<?x12xf32>
    %gate_1 = quoin.linear %m_1 by @layers.1.gate_proj : tensor<?x12xf32> -> tensor<?x14xf32>
    %up_1 = quoin.linear %m_1 by @layers.1.up_proj : tensor<?x12xf32> -> tensor<?x14xf32>
    %act_1 = quoin.swiglu %gate_1, %up_1 : tensor<?x14xf32>
    %down_1 = quoin.linear %act_1 by @layers.1.down_proj : tensor<?x14xf32> -> tensor<?x12xf32>
    %x_4 = arith.addf %x_3, %down_1 : tensor<?x12xf32>
    %final = quoin.rms_norm %x_4 by @norm epsilon 1.0e-05 : tensor<?x12xf32>
    quoin.hidden %final results %final : tensor<?x12xf32>, tensor<?x12xf32>
  }

  quoin.model @sampler head @head attributes {quoin.draft} {
  ^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>, %row: tensor<?x12xf32>):
    %e = quoin.embed %ids by @embed : tensor<?x12xf32>
    %h = quoin.each_row %e, %row : (tensor<?x12xf32>, tensor<?x12xf32>) -> tensor<?x24xf32> {
    ^bb0(%token: tensor<12xf32>, %future: tensor<12xf32>):
      %both = tensor.concat dim(0) %token, %future : (tensor<12xf32>, tensor<12xf32>) -> tensor<24xf32>
      quoin.row %both : tensor<24xf32>
    }
    %h_1 = quoin.linear %h by @sampler.0.proj bias @sampler.0.proj.bias : tensor<?x24xf32> -> tensor<?x12xf32>
    %h_2 = quoin.silu %h_1 : tensor<?x12xf32>
    %h_3 = quoin.each_row %h_2 by [@sampler.0.norm, @sampler.0.norm.bias] : (tensor<?x12xf32>) -> tensor<?x12xf32> {
    ^bb0(%row_1: tensor<12xf32>, %scale: tensor<12xf32>, %shift: tensor<12xf32>):
      %none = arith.constant dense<0.0> : tensor<f32>
      %count = arith.constant dense<12.0> : tensor<12xf32>
      %epsilon = arith.constant dense<1.0e-05> : tensor<12xf32>
      %sum = linalg.reduce { arith.addf } ins(%row_1 : tensor<12xf32>) outs(%none : tensor<f32>) dimensions = [0]
      %room = tensor.empty() : tensor<12xf32>
      %sums = linalg.broadcast ins(%sum : tensor<f32>) outs(%room : tensor<12xf32>) dimensions = [0]
      %mean = arith.divf %sums, %count : tensor<12xf32>
      %off = arith.subf %row_1, %mean : tensor<12xf32>
      %square = arith.mulf %off, %off : tensor<12xf32>
      %sum_1 = linalg.reduce { arith.addf } ins(%square : tensor<12xf32>) outs(%none : tensor<f32>) dimensions = [0]
      %room_1 = tensor.empty() : tensor<12xf32>
      %sums_1 = linalg.broadcast ins(%sum_1 : tensor<f32>) outs(%room_1 : tensor<12xf32>) dimensions = [0]
      %variance = arith.divf %sums_1, %count : tensor<12xf32>
      %above = arith.addf %variance, %epsilon : tensor<12xf32>
      %root = math.rsqrt %above : tensor<12xf32>
      %even = arith.mulf %off, %root : tensor<12xf32>
      %even_1 = arith.mulf %even, %scale : tensor<12xf32>
      %even_2 = arith.addf %even_1, %shift : tensor<12xf32>
      quoin.row %even_2 : tensor<12xf32>
    }
    %h_4 = quoin.linear %h_3 by @sampler.1.proj bias @sampler.1.proj.bias : tensor<?x12xf32> -> tensor<?x12xf32>
    %h_5 = quoin.silu %h_4 : tensor<?x12xf32>
    %h_6 = quoin.each_row %h_5 by [@sampler.1.norm, @sampler.1.norm.bias] : (tensor<?x12xf32>) -> tensor<?x12xf32> {
    ^bb0(%row_2: tensor<12xf32>, %scale: tensor<12xf32>, %shift: tensor<12xf32>):
      %none = arith.constant dense<0.0> : tensor<f32>
      %count = arith.constant dense<12.0> : tensor<12xf32>
      %epsilon = arith.constant dense<1.0e-05> : tensor<12xf32>
      %sum = linalg.reduce { arith.addf } ins(%row_2 : tensor<12xf32>) outs(%none : tensor<f32>) dimensions = [0]
      %room = tensor.empty() : tensor<12xf32>
      %sums = linalg.broadcast ins(%sum : tensor<f32>) outs(%room : tensor<12xf32>) dimensions = [0]
      %mean = arith.divf %sums, %count : tensor<12xf32>
      %off = arith.subf %row_2, %mean : tensor<12xf32>
      %square = arith.mulf %off, %off : tensor<12xf32>
      %sum_2 = linalg.reduce { arith.addf } ins(%square : tensor<12xf32>) outs(%none : tensor<f32>) dimensions = [0]
      %room_2 = tensor.empty() : tensor<12xf32>
      %sums_2 = linalg.broadcast ins(%sum_2 : tensor<f32>) outs(%room_2 : tensor<12xf32>) dimensions = [0]
      %variance = arith.divf %sums_2, %count : tensor<12xf32>
      %above = arith.addf %variance, %epsilon : tensor<12xf32>
      %root = math.rsqrt %above : tensor<12xf32>
      %even = arith.mulf %off, %root : tensor<12xf32>
      %even_3 = arith.mulf %even, %scale : tensor<12xf32>
      %even_4 = arith.addf %even_3, %shift : tensor<12xf32>
      quoin.row %even_4 : tensor<12xf32>
    }
    quoin.hidden %h_6 : tensor<?x12xf32>
  }

  quoin.weight @embed : tensor<13x12xf32> from "model.safetensors" tensor "model.embed_tokens.weight"
  quoin.weight @layers.0.attention_norm : tensor<12xf32> from "model.safetensors" tensor "model.layers.0.input_layernorm.weight"
  quoin.weight @layers.0.q_proj : tensor<12x12xf32> from "model.safetensors" tensor "model.layers.0.self_attn.q_proj.weight"
  quoin.weight @adapter_gate : tensor<13x3xf32> from "model.safetensors" tensor "gate"
  quoin.weight @layers.0.lora_a : tensor<3x12xf32> from "model.safetensors" tensor "layers.0.lora_a"
  quoin.weight @layers.0.lora_b : tensor<12x3xf32> from "model.safetensors" tensor "layers.0.lora_b"
  quoin.weight @layers.0.k_proj : tensor<6x12xf32> from "model.safetensors" tensor "model.layers.0.self_attn.k_proj.weight"
  quoin.weight @layers.0.v_proj : tensor<6x12xf32> from "model.safetensors" tensor "model.layers.0.self_attn.v_proj.weight"
  quoin.weight @layers.0.o_proj : tensor<12x12xf32> from "model.safetensors" tensor "model.layers.0.self_attn.o_proj.weight"
  quoin.weight @layers.0.mlp_norm : tensor<12xf32> from "model.safetensors" tensor "model.layers.0.post_attention_layernorm.weight"
  quoin.weight @layers.0.gate_proj : tensor<14x12xf32> from "model.safetensors" tensor "model.layers.0.mlp.gate_proj.weight"
  quoin.weight @layers.0.up_proj : tensor<14x12xf32> from "model.safetensors" tensor "model.layers.0.mlp.up_proj.weight"
  quoin.weight @layers.0.down_proj : tensor<12x14xf32> from "model.safetensors" tensor "model.layers.0.mlp.down_proj.weight"
  quoin.weight @layers.1.attention_norm : tensor<12xf32> from "model.safetensors" tensor "model.layers.1.input_layernorm.weight"
  quoin.weight @layers.1.q_proj : tensor<12x12xf32> from "model.safetensors" tensor "model.layers.1.self_attn.q_proj.weight"
  quoin.weight @layers.1.lora_a : tensor<3x12xf32> from "model.safetensors" tensor "layers.1.lora_a"
  quoin.weight @layers.1.lora_b : tensor<12x3xf32> from "model.safetensors" tensor "layers.1.lora_b"
  quoin.weight @layers.1.k_proj : tensor<6x12xf32> from "model.safetensors" tensor "model.layers.1.self_attn.k_proj.weight"
  quoin.weight @layers.1.v_proj : tensor<6x12xf32> from "model.safetensors" tensor "model.layers.1.self_attn.v_proj.weight"
  quoin.weight @layers.1.o_proj : tensor<12x12xf32> from "model.safetensors" tensor "model.layers.1.self_attn.o_proj.weight"
  quoin.weight @layers.1.mlp_norm : tensor<12xf32> from "model.safetensors" tensor "model.layers.1.post_attention_layernorm.weight"
  quoin.weight @layers.1.gate_proj : tensor<14x12xf32> from "model.safetensors" tensor "model.layers.1.mlp.gate_proj.weight"
  quoin.weight @layers.1.up_proj : tensor<14x12xf32> from "model.safetensors" tensor "model.layers.1.mlp.up_proj.weight"
  quoin.weight @layers.1.down_proj : tensor<12x14xf32> from "model.safetensors" tensor "model.layers.1.mlp.down_proj.weight"
  quoin.weight @norm : tensor<12xf32> from "model.safetensors" tensor "model.norm.weight"
  quoin.weight @head : tensor<13x12xf32> from "model.safetensors" tensor "lm_head.weight"
  quoin.weight @sampler.0.proj : tensor<12x24xf32> from "model.safetensors" tensor "sampler.0.proj.weight"
  quoin.weight @sampler.0.proj.bias : tensor<12xf32> from "model.safetensors" tensor "sampler.0.proj.bias"
  quoin.weight @sampler.0.norm : tensor<12xf32> from "model.safetensors" tensor "sampler.0.norm.weight"
  quoin.weight @sampler.0.norm.bias : tensor<12xf32> from "model.safetensors" tensor "sampler.0.norm.bias"
  quoin.weight @sampler.1.proj : tensor<12x12xf32> from "model.safetensors" tensor "sampler.1.proj.weight"
  quoin.weight @sampler.1.proj.bias : tensor<12xf32> from "model.safetensors" tensor "sampler.1.proj.bias"
  quoin.weight @sampler.1.norm : tensor<12xf32> from "model.safetensors" tensor "sampler.1.norm.weight"
  quoin.weight @sampler.1.norm.bias : tensor<12xf32> from "model.safetensors" tensor "sampler.1.norm.bias"

}
