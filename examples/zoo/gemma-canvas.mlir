
module attributes {
    quoin.architecture = "diffusion_gemma", quoin.source = "checkpoint",
    quoin.vocabulary = 30 : index, quoin.capacity = 128 : index, quoin.stop = array<i32: 1, 6>} {






  // Canvas by canvas behind the text: from random tokens, each of `steps` steps draws all of them at a temperature that falls from `t_max` to `t_min`, keeps the surest
  // whose entropies before them sum up to `entropy_bound`, and the others begin anew. What counts is the arg max: the canvas ends when it was the same for
  // `stability_threshold` steps and the entropy is below `confidence_threshold` on the average. Each step is told the scores of the step before.
  quoin.decoder @"gemma-canvas"(%prompt, %max) settings {canvas = 5 : index, steps = 6 : index, t_min = 0.4 : f32, t_max = 0.8 : f32, entropy_bound = 2.0 : f32, confidence_threshold = 0.005 : f32, stability_threshold = 1 : index} attributes {run_time = ["canvas", "steps", "t_min", "t_max", "entropy_bound", "confidence_threshold", "stability_threshold"]} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %hidden = arith.constant 16 : index
    %zero = arith.constant 0.0 : f32
    %one = arith.constant 1.0 : f32
    %true = arith.constant true
    %false = arith.constant false
    %C = quoin.setting @canvas : index
    %N = quoin.setting @steps : index
    %t_min = quoin.setting @t_min : f32
    %t_max = quoin.setting @t_max : f32
    %bound = quoin.setting @entropy_bound : f32
    %calm = quoin.setting @confidence_threshold : f32
    %stable = quoin.setting @stability_threshold : index
    %range = arith.subf %t_max, %t_min : f32
    %N_i = arith.index_cast %N : index to i32
    %N_f = arith.uitofp %N_i : i32 to f32
    %C_i = arith.index_cast %C : index to i32
    %C_f = arith.uitofp %C_i : i32 to f32
    %all = tensor.splat %true[%C] : tensor<?xi1>
    %no = tensor.splat %false[%C] : tensor<?xi1>
    %nobody = arith.constant -1 : i32
    %unknown = tensor.splat %nobody[%C] : tensor<?xi32>
    %pad = arith.constant 0 : i32
    %labels = quoin.span %c0 to %C
    %P = quoin.length %prompt
    %want = arith.addi %P, %max : index
    %xe, %ge = scf.while (%x = %prompt, %go = %true) : (!quoin.sequence, i1) -> (!quoin.sequence, i1) {
      %n = quoin.length %x
      %room = arith.cmpi ult, %n, %want : index
      %more = arith.andi %room, %go : i1
      scf.condition(%more) %x, %go : !quoin.sequence, i1
    } do {
    ^bb0(%x: !quoin.sequence, %go: i1):
      %n = quoin.length %x
      %end = arith.addi %n, %C : index
      %at = quoin.span %n to %end
      %e0 = quoin.evaluation
      %u0 = quoin.uniform stream 5 at %at, %e0
      %y0 = func.call @canvas_noise(%u0) : (tensor<?xf32>) -> tensor<?xi32>
      // Rows of text take nothing in.
      %text_zeros = tensor.splat %zero[%n] : tensor<?x16xf32>
      %text_cold = tensor.splat %zero[%n] : tensor<?x1xf32>
      %z0 = tensor.splat %zero[%C] : tensor<?x16xf32>
      %le, %ye, %ze, %ae, %se, %we = scf.while (%left = %N, %y = %y0, %z = %z0, %a = %unknown, %same = %c0, %on_going = %true)
          : (index, tensor<?xi32>, tensor<?x16xf32>, tensor<?xi32>, index, i1) -> (index, tensor<?xi32>, tensor<?x16xf32>, tensor<?xi32>, index, i1) {
        %some = arith.cmpi ne, %left, %c0 : index
        %further = arith.andi %some, %on_going : i1
        scf.condition(%further) %left, %y, %z, %a, %same, %on_going : index, tensor<?xi32>, tensor<?x16xf32>, tensor<?xi32>, index, i1
      } do {
      ^bb0(%left: index, %y: tensor<?xi32>, %z: tensor<?x16xf32>, %a: tensor<?xi32>, %same: index, %on_going: i1):
        %left_i = arith.index_cast %left : index to i32
        %left_f = arith.uitofp %left_i : i32 to f32
        %part = arith.divf %left_f, %N_f : f32
        %above = arith.mulf %range, %part : f32
        %t = arith.addf %t_min, %above : f32
        %inverse = arith.divf %one, %t : f32
        %canvas_cold = tensor.splat %inverse[%C] : tensor<?x1xf32>
        %cold = tensor.concat dim(0) %text_cold, %canvas_cold : (tensor<?x1xf32>, tensor<?x1xf32>) -> tensor<?x1xf32>
        %before = tensor.concat dim(0) %text_zeros, %z : (tensor<?x16xf32>, tensor<?x16xf32>) -> tensor<?x16xf32>
        %e = quoin.evaluation
        %scores = quoin.forward @model of %x[to %n] then %y at %at label %labels with (%before, %cold : tensor<?x16xf32>, tensor<?x1xf32>)
            read %at mask #quoin.mask<canvas<a>> [%n] -> tensor<?x30xf32>
        %l = quoin.as_logits %scores : tensor<?x30xf32>
        %drawn, %H = quoin.score %l [token, entropy] by #quoin.sampler<raw_confidence> at %at, %e : tensor<?xi32>, tensor<?xf32>
        %best = quoin.score %l [token] : tensor<?xi32>
        // In rising entropy, as long as what was before is not too much.
        %falling = arith.negf %H : tensor<?xf32>
        %rest, %kept, %total = scf.for %i = %c0 to %C step %c1 iter_args(%open = %all, %keep = %no, %sum = %zero) -> (tensor<?xi1>, tensor<?xi1>, f32) {
          %next = quoin.top %falling, %c1 where %open
          %others = arith.xori %next, %all : tensor<?xi1>
          %place = quoin.leading %others
          %h = tensor.extract %H[%place] : tensor<?xf32>
          %good = arith.cmpf ole, %sum, %bound : f32
          %goods = tensor.splat %good[%C] : tensor<?xi1>
          %now = arith.andi %next, %goods : tensor<?xi1>
          %keep1 = arith.ori %keep, %now : tensor<?xi1>
          %open1 = arith.andi %open, %others : tensor<?xi1>
          %sum1 = arith.addf %sum, %h : f32
          scf.yield %open1, %keep1, %sum1 : tensor<?xi1>, tensor<?xi1>, f32
        }
        %u = quoin.uniform stream 4 at %at, %e
        %noise = func.call @canvas_noise(%u) : (tensor<?xf32>) -> tensor<?xi32>
        %y1 = arith.select %kept, %drawn, %noise : tensor<?xi1>, tensor<?xi32>
        %equal = arith.cmpi eq, %best, %a : tensor<?xi32>
        %many = quoin.count %equal
        %is_same = arith.cmpi eq, %many, %C : index
        %one_more = arith.addi %same, %c1 : index
        %same1 = arith.select %is_same, %one_more, %c0 : index
        %is_stable = arith.cmpi uge, %same1, %stable : index
        %mean = arith.divf %total, %C_f : f32
        %is_calm = arith.cmpf olt, %mean, %calm : f32
        %ends = arith.andi %is_stable, %is_calm : i1
        %left1 = arith.subi %left, %c1 : index
        %last = arith.cmpi eq, %left1, %c0 : index
        %over = arith.ori %ends, %last : i1
        %goes = arith.xori %over, %true : i1
        %z1 = scf.if %goes -> (tensor<?x16xf32>) {
          %soft = quoin.apply @soften(%scores) : tensor<?x30xf32> -> tensor<?x16xf32>
          scf.yield %soft : tensor<?x16xf32>
        } else {
          scf.yield %z : tensor<?x16xf32>
        }
        scf.yield %left1, %y1, %z1, %best, %same1, %goes : index, tensor<?xi32>, tensor<?x16xf32>, tensor<?xi32>, index, i1
      }
      %x1 = quoin.append %x, %ae
      // Behind the first stop id is padding.
      %stop = quoin.find_stop %x1[%n to %end]
      %behind0 = arith.addi %stop, %c1 : index
      %behind = arith.minui %behind0, %end : index
      %void = quoin.span %behind to %end
      %many_void = arith.subi %end, %behind : index
      %pads = tensor.splat %pad[%many_void] : tensor<?xi32>
      %x2 = quoin.edit %x1 at %void with %pads
      %x3 = quoin.commit %x2 to %end
      %none_seen = arith.cmpi eq, %stop, %end : index
      scf.yield %x3, %none_seen : !quoin.sequence, i1
    }
    %n = quoin.length %xe
    quoin.return %xe[%P to %n]
  }

  // Ids of uniform numbers. One may round up to 1: that means the last id, too.
  func.func private @canvas_noise(%u: tensor<?xf32>) -> tensor<?xi32> {
    %c0 = arith.constant 0 : index
    %many = arith.constant 30.0 : f32
    %highest = arith.constant 29 : i32
    %n = tensor.dim %u, %c0 : tensor<?xf32>
    %manys = tensor.splat %many[%n] : tensor<?xf32>
    %highests = tensor.splat %highest[%n] : tensor<?xi32>
    %scaled = arith.mulf %u, %manys : tensor<?xf32>
    %whole = arith.fptoui %scaled : tensor<?xf32> to tensor<?xi32>
    %id = arith.minui %whole, %highests : tensor<?xi32>
    return %id : tensor<?xi32>
  }


  // Scores from ids and positions, of rows of text or, where `cold` is above 0, of the canvas; these also take in `before`, what the scores of the step before were of, and
  // have their scores divided by the temperature whose inverse `cold` is.
  quoin.model @model {
  ^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>, %before: tensor<?x16xf32>, %cold: tensor<?x1xf32>):
    %word = quoin.embed %ids by @embed : tensor<?x16xf32>
    %word_1 = quoin.each_row %word : (tensor<?x16xf32>) -> tensor<?x16xf32> {
    ^bb0(%row: tensor<16xf32>):
      %scale = arith.constant dense<4.0> : tensor<16xf32>
      %out = arith.mulf %row, %scale : tensor<16xf32>
      quoin.row %out : tensor<16xf32>
    }
    %n = quoin.rms_norm %before by @before.norm epsilon 1.0e-06 : tensor<?x16xf32>
    %gate = quoin.linear %n by @before.gate : tensor<?x16xf32> -> tensor<?x12xf32>
    %up = quoin.linear %n by @before.up : tensor<?x16xf32> -> tensor<?x12xf32>
    %act = quoin.geglu %gate, %up tanh : tensor<?x12xf32>
    %more = quoin.linear %act by @before.down : tensor<?x12xf32> -> tensor<?x16xf32>
    %drawn = arith.addf %word_1, %more : tensor<?x16xf32>
    %drawn_1 = quoin.each_row %drawn : (tensor<?x16xf32>) -> tensor<?x16xf32> {
    ^bb0(%row: tensor<16xf32>):
      %none = arith.constant dense<0.0> : tensor<1xf32>
      %count = arith.constant dense<16.0> : tensor<1xf32>
      %epsilon = arith.constant dense<1.0e-06> : tensor<1xf32>
      %parts = tensor.expand_shape %row [[0, 1]] output_shape [1, 16] : tensor<16xf32> into tensor<1x16xf32>
      %square = arith.mulf %parts, %parts : tensor<1x16xf32>
      %sum = linalg.reduce { arith.addf } ins(%square : tensor<1x16xf32>) outs(%none : tensor<1xf32>) dimensions = [1]
      %mean = arith.divf %sum, %count : tensor<1xf32>
      %above = arith.addf %mean, %epsilon : tensor<1xf32>
      %root = math.rsqrt %above : tensor<1xf32>
      %room = tensor.empty() : tensor<1x16xf32>
      %roots = linalg.broadcast ins(%root : tensor<1xf32>) outs(%room : tensor<1x16xf32>) dimensions = [1]
      %even = arith.mulf %parts, %roots : tensor<1x16xf32>
      %out = tensor.collapse_shape %even [[0, 1]] : tensor<1x16xf32> into tensor<16xf32>
      quoin.row %out : tensor<16xf32>
    }
    %x = quoin.each_row %word_1, %drawn_1, %cold : (tensor<?x16xf32>, tensor<?x16xf32>, tensor<?x1xf32>) -> tensor<?x16xf32> {
    ^bb0(%text: tensor<16xf32>, %canvas: tensor<16xf32>, %is: tensor<1xf32>):
      %c0 = arith.constant 0 : index
      %none = arith.constant 0.0 : f32
      %kind = tensor.extract %is[%c0] : tensor<1xf32>
      %kinds = tensor.splat %kind : tensor<16xf32>
      %nones = tensor.splat %none : tensor<16xf32>
      %which = arith.cmpf ogt, %kinds, %nones : tensor<16xf32>
      %out = arith.select %which, %canvas, %text : tensor<16xi1>, tensor<16xf32>
      quoin.row %out : tensor<16xf32>
    }
    // Layer 0: attention over a window; all of a canvas sees what is behind its beginning.
    %n_1 = quoin.rms_norm %x by @layers.0.attention_norm epsilon 1.0e-06 : tensor<?x16xf32>
    %q = quoin.linear %n_1 by @layers.0.q_proj : tensor<?x16xf32> -> tensor<?x24xf32>
    %k = quoin.linear %n_1 by @layers.0.k_proj : tensor<?x16xf32> -> tensor<?x12xf32>
    %v = quoin.linear %n_1 by @layers.0.v_proj : tensor<?x16xf32> -> tensor<?x12xf32>
    %v_1 = quoin.each_row %v : (tensor<?x12xf32>) -> tensor<?x12xf32> {
    ^bb0(%row: tensor<12xf32>):
      %none = arith.constant dense<0.0> : tensor<2xf32>
      %count = arith.constant dense<6.0> : tensor<2xf32>
      %epsilon = arith.constant dense<1.0e-06> : tensor<2xf32>
      %parts = tensor.expand_shape %row [[0, 1]] output_shape [2, 6] : tensor<12xf32> into tensor<2x6xf32>
      %square = arith.mulf %parts, %parts : tensor<2x6xf32>
      %sum = linalg.reduce { arith.addf } ins(%square : tensor<2x6xf32>) outs(%none : tensor<2xf32>) dimensions = [1]
      %mean = arith.divf %sum, %count : tensor<2xf32>
      %above = arith.addf %mean, %epsilon : tensor<2xf32>
      %root = math.rsqrt %above : tensor<2xf32>
      %room = tensor.empty() : tensor<2x6xf32>
      %roots = linalg.broadcast ins(%root : tensor<2xf32>) outs(%room : tensor<2x6xf32>) dimensions = [1]
      %even = arith.mulf %parts, %roots : tensor<2x6xf32>
      %out = tensor.collapse_shape %even [[0, 1]] : tensor<2x6xf32> into tensor<12xf32>
      quoin.row %out : tensor<12xf32>
    }
    %q_1 = quoin.rms_norm %q by @layers.0.q_norm epsilon 1.0e-06 : tensor<?x24xf32>
    %q_2 = quoin.rotary %q_1 at %positions theta 100.0 head_dim 6 : tensor<?x24xf32>
    %k_1 = quoin.rms_norm %k by @layers.0.k_norm epsilon 1.0e-06 : tensor<?x12xf32>
    %k_2 = quoin.rotary %k_1 at %positions theta 100.0 head_dim 6 : tensor<?x12xf32>
    %a = quoin.attention %q_2, %k_2, %v_1 heads 4 kv_heads 2 head_dim 6 within #quoin.mask<(q, k) : q - k - label(q) lt 4> scale 1.0
        : tensor<?x24xf32>, tensor<?x12xf32>, tensor<?x12xf32>
    %o = quoin.linear %a by @layers.0.o_proj : tensor<?x24xf32> -> tensor<?x16xf32>
    %o_1 = quoin.rms_norm %o by @layers.0.after_attention_norm epsilon 1.0e-06 : tensor<?x16xf32>
    %x_1 = arith.addf %x, %o_1 : tensor<?x16xf32>
    // Layer 0: feed-forward.
    %m = quoin.rms_norm %x_1 by @layers.0.mlp_norm epsilon 1.0e-06 : tensor<?x16xf32>
    %gate_1 = quoin.linear %m by @layers.0.gate_proj : tensor<?x16xf32> -> tensor<?x12xf32>
    %up_1 = quoin.linear %m by @layers.0.up_proj : tensor<?x16xf32> -> tensor<?x12xf32>
    %act_1 = quoin.geglu %gate_1, %up_1 tanh : tensor<?x12xf32>
    %down = quoin.linear %act_1 by @layers.0.down_proj : tensor<?x12xf32> -> tensor<?x16xf32>
    %down_1 = quoin.rms_norm %down by @layers.0.after_mlp_norm epsilon 1.0e-06 : tensor<?x16xf32>
    // Layer 0: experts, chosen by the row as it is.
    %seen = quoin.rms_norm %x_1 by @layers.0.router.scale epsilon 1.0e-06 : tensor<?x16xf32>
    %products = quoin.linear %seen by @layers.0.router : tensor<?x16xf32> -> tensor<?x5xf32>
    %products_1 = quoin.each_row %products : (tensor<?x5xf32>) -> tensor<?x5xf32> {
    ^bb0(%row: tensor<5xf32>):
      %root = arith.constant dense<0.25> : tensor<5xf32>
      %out = arith.mulf %row, %root : tensor<5xf32>
      quoin.row %out : tensor<5xf32>
    }
    %choice, %share = quoin.route %products_1 scores softmax top 2 normalise true : tensor<?x5xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
    %share_1 = quoin.each_row %choice, %share by [@layers.0.router.each] : (tensor<?x2xi32>, tensor<?x2xf32>) -> tensor<?x2xf32> {
    ^bb0(%chosen: tensor<2xi32>, %shares: tensor<2xf32>, %each: tensor<5xf32>):
      %numbers = arith.constant dense<[0, 1, 2, 3, 4]> : tensor<5xi32>
      %room = tensor.empty() : tensor<2x5xi32>
      %mine = linalg.broadcast ins(%chosen : tensor<2xi32>) outs(%room : tensor<2x5xi32>) dimensions = [1]
      %more_1 = tensor.empty() : tensor<2x5xi32>
      %any = linalg.broadcast ins(%numbers : tensor<5xi32>) outs(%more_1 : tensor<2x5xi32>) dimensions = [0]
      %is = arith.cmpi eq, %mine, %any : tensor<2x5xi32>
      %place = tensor.empty() : tensor<2x5xf32>
      %scales = linalg.broadcast ins(%each : tensor<5xf32>) outs(%place : tensor<2x5xf32>) dimensions = [0]
      %nothing = arith.constant dense<0.0> : tensor<2x5xf32>
      %only = arith.select %is, %scales, %nothing : tensor<2x5xi1>, tensor<2x5xf32>
      %none = arith.constant dense<0.0> : tensor<2xf32>
      %scale = linalg.reduce { arith.addf } ins(%only : tensor<2x5xf32>) outs(%none : tensor<2xf32>) dimensions = [1]
      %out = arith.mulf %shares, %scale : tensor<2xf32>
      quoin.row %out : tensor<2xf32>
    }
    %normed = quoin.rms_norm %x_1 by @layers.0.expert_norm epsilon 1.0e-06 : tensor<?x16xf32>
    %pair = quoin.expert_linear %normed to %choice by @layers.0.experts.gate_up : tensor<?x16xf32>, tensor<?x2xi32> -> tensor<?x2x12xf32>
    %gate_2, %up_2 = quoin.each_row %pair : (tensor<?x2x12xf32>) -> (tensor<?x2x6xf32>, tensor<?x2x6xf32>) {
    ^bb0(%row: tensor<2x12xf32>):
      %first = tensor.extract_slice %row[0, 0] [2, 6] [1, 1] : tensor<2x12xf32> to tensor<2x6xf32>
      %second = tensor.extract_slice %row[0, 6] [2, 6] [1, 1] : tensor<2x12xf32> to tensor<2x6xf32>
      quoin.row %first, %second : tensor<2x6xf32>, tensor<2x6xf32>
    }
    %act_2 = quoin.geglu %gate_2, %up_2 tanh : tensor<?x2x6xf32>
    %outs = quoin.expert_linear %act_2 to %choice by @layers.0.experts.down : tensor<?x2x6xf32>, tensor<?x2xi32> -> tensor<?x2x16xf32>
    %expert = quoin.mix %outs, %share_1 : tensor<?x2x16xf32>, tensor<?x2xf32> -> tensor<?x16xf32>
    %expert_1 = quoin.rms_norm %expert by @layers.0.after_expert_norm epsilon 1.0e-06 : tensor<?x16xf32>
    %both = arith.addf %down_1, %expert_1 : tensor<?x16xf32>
    %both_1 = quoin.rms_norm %both by @layers.0.after_norm epsilon 1.0e-06 : tensor<?x16xf32>
    %x_2 = arith.addf %x_1, %both_1 : tensor<?x16xf32>
    %x_3 = quoin.each_row %x_2, %cold by [@layers.0.text_scalar, @layers.0.canvas_scalar] : (tensor<?x16xf32>, tensor<?x1xf32>) -> tensor<?x16xf32> {
    ^bb0(%row: tensor<16xf32>, %is: tensor<1xf32>, %text: tensor<1xf32>, %canvas: tensor<1xf32>):
      %c0 = arith.constant 0 : index
      %none = arith.constant dense<0.0> : tensor<1xf32>
      %which = arith.cmpf ogt, %is, %none : tensor<1xf32>
      %scalar = arith.select %which, %canvas, %text : tensor<1xi1>, tensor<1xf32>
      %number = tensor.extract %scalar[%c0] : tensor<1xf32>
      %numbers = tensor.splat %number : tensor<16xf32>
      %out = arith.mulf %row, %numbers : tensor<16xf32>
      quoin.row %out : tensor<16xf32>
    }
    // Layer 1: attention.
    %n_2 = quoin.rms_norm %x_3 by @layers.1.attention_norm epsilon 1.0e-06 : tensor<?x16xf32>
    %q_3 = quoin.linear %n_2 by @layers.1.q_proj : tensor<?x16xf32> -> tensor<?x32xf32>
    %k_3 = quoin.linear %n_2 by @layers.1.k_proj : tensor<?x16xf32> -> tensor<?x8xf32>
    %v_2 = quoin.each_row %k_3 : (tensor<?x8xf32>) -> tensor<?x8xf32> {
    ^bb0(%row: tensor<8xf32>):
      %none = arith.constant dense<0.0> : tensor<1xf32>
      %count = arith.constant dense<8.0> : tensor<1xf32>
      %epsilon = arith.constant dense<1.0e-06> : tensor<1xf32>
      %parts = tensor.expand_shape %row [[0, 1]] output_shape [1, 8] : tensor<8xf32> into tensor<1x8xf32>
      %square = arith.mulf %parts, %parts : tensor<1x8xf32>
      %sum = linalg.reduce { arith.addf } ins(%square : tensor<1x8xf32>) outs(%none : tensor<1xf32>) dimensions = [1]
      %mean = arith.divf %sum, %count : tensor<1xf32>
      %above = arith.addf %mean, %epsilon : tensor<1xf32>
      %root = math.rsqrt %above : tensor<1xf32>
      %room = tensor.empty() : tensor<1x8xf32>
      %roots = linalg.broadcast ins(%root : tensor<1xf32>) outs(%room : tensor<1x8xf32>) dimensions = [1]
      %even = arith.mulf %parts, %roots : tensor<1x8xf32>
      %out = tensor.collapse_shape %even [[0, 1]] : tensor<1x8xf32> into tensor<8xf32>
      quoin.row %out : tensor<8xf32>
    }
    %q_4 = quoin.rms_norm %q_3 by @layers.1.q_norm epsilon 1.0e-06 : tensor<?x32xf32>
    %q_5 = quoin.each_row %q_4, %positions : (tensor<?x32xf32>, tensor<?xindex>) -> tensor<?x32xf32> {
    ^bb0(%row: tensor<32xf32>, %position: index):
      %frequency = arith.constant dense<[1.0, 0.0, 0.0, 0.0]> : tensor<4xf32>
      %magnitude = arith.constant dense<1.0> : tensor<4xf32>
      %place = arith.index_cast %position : index to i32
      %place_1 = arith.sitofp %place : i32 to f32
      %angle = tensor.splat %place_1 : tensor<4xf32>
      %angle_1 = arith.mulf %angle, %frequency : tensor<4xf32>
      %room = tensor.empty() : tensor<4x4xf32>
      %cosine = math.cos %angle_1 : tensor<4xf32>
      %cosine_1 = arith.mulf %cosine, %magnitude : tensor<4xf32>
      %cosine_2 = linalg.broadcast ins(%cosine_1 : tensor<4xf32>) outs(%room : tensor<4x4xf32>) dimensions = [0]
      %sine = math.sin %angle_1 : tensor<4xf32>
      %sine_1 = arith.mulf %sine, %magnitude : tensor<4xf32>
      %sine_2 = linalg.broadcast ins(%sine_1 : tensor<4xf32>) outs(%room : tensor<4x4xf32>) dimensions = [0]
      %heads = tensor.expand_shape %row [[0, 1]] output_shape [4, 8] : tensor<32xf32> into tensor<4x8xf32>
      %left = tensor.extract_slice %heads[0, 0] [4, 4] [1, 1] : tensor<4x8xf32> to tensor<4x4xf32>
      %right = tensor.extract_slice %heads[0, 4] [4, 4] [1, 1] : tensor<4x8xf32> to tensor<4x4xf32>
      %a_1 = arith.mulf %left, %cosine_2 : tensor<4x4xf32>
      %b = arith.mulf %right, %sine_2 : tensor<4x4xf32>
      %a_2 = arith.subf %a_1, %b : tensor<4x4xf32>
      %b_1 = arith.mulf %right, %cosine_2 : tensor<4x4xf32>
      %c = arith.mulf %left, %sine_2 : tensor<4x4xf32>
      %b_2 = arith.addf %b_1, %c : tensor<4x4xf32>
      %both_2 = tensor.concat dim(1) %a_2, %b_2 : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x8xf32>
      %out = tensor.collapse_shape %both_2 [[0, 1]] : tensor<4x8xf32> into tensor<32xf32>
      quoin.row %out : tensor<32xf32>
    }
    %k_4 = quoin.rms_norm %k_3 by @layers.1.k_norm epsilon 1.0e-06 : tensor<?x8xf32>
    %k_5 = quoin.each_row %k_4, %positions : (tensor<?x8xf32>, tensor<?xindex>) -> tensor<?x8xf32> {
    ^bb0(%row: tensor<8xf32>, %position: index):
      %frequency = arith.constant dense<[1.0, 0.0, 0.0, 0.0]> : tensor<4xf32>
      %magnitude = arith.constant dense<1.0> : tensor<4xf32>
      %place = arith.index_cast %position : index to i32
      %place_2 = arith.sitofp %place : i32 to f32
      %angle = tensor.splat %place_2 : tensor<4xf32>
      %angle_2 = arith.mulf %angle, %frequency : tensor<4xf32>
      %room = tensor.empty() : tensor<1x4xf32>
      %cosine = math.cos %angle_2 : tensor<4xf32>
      %cosine_3 = arith.mulf %cosine, %magnitude : tensor<4xf32>
      %cosine_4 = linalg.broadcast ins(%cosine_3 : tensor<4xf32>) outs(%room : tensor<1x4xf32>) dimensions = [0]
      %sine = math.sin %angle_2 : tensor<4xf32>
      %sine_3 = arith.mulf %sine, %magnitude : tensor<4xf32>
      %sine_4 = linalg.broadcast ins(%sine_3 : tensor<4xf32>) outs(%room : tensor<1x4xf32>) dimensions = [0]
      %heads = tensor.expand_shape %row [[0, 1]] output_shape [1, 8] : tensor<8xf32> into tensor<1x8xf32>
      %left = tensor.extract_slice %heads[0, 0] [1, 4] [1, 1] : tensor<1x8xf32> to tensor<1x4xf32>
      %right = tensor.extract_slice %heads[0, 4] [1, 4] [1, 1] : tensor<1x8xf32> to tensor<1x4xf32>
      %a_3 = arith.mulf %left, %cosine_4 : tensor<1x4xf32>
      %b = arith.mulf %right, %sine_4 : tensor<1x4xf32>
      %a_4 = arith.subf %a_3, %b : tensor<1x4xf32>
      %b_3 = arith.mulf %right, %cosine_4 : tensor<1x4xf32>
      %c = arith.mulf %left, %sine_4 : tensor<1x4xf32>
      %b_4 = arith.addf %b_3, %c : tensor<1x4xf32>
      %both_3 = tensor.concat dim(1) %a_4, %b_4 : (tensor<1x4xf32>, tensor<1x4xf32>) -> tensor<1x8xf32>
      %out = tensor.collapse_shape %both_3 [[0, 1]] : tensor<1x8xf32> into tensor<8xf32>
      quoin.row %out : tensor<8xf32>
    }
    %a_5 = quoin.attention %q_5, %k_5, %v_2 heads 4 kv_heads 1 head_dim 8 scale 1.0
        : tensor<?x32xf32>, tensor<?x8xf32>, tensor<?x8xf32>
    %o_2 = quoin.linear %a_5 by @layers.1.o_proj : tensor<?x32xf32> -> tensor<?x16xf32>
    %o_3 = quoin.rms_norm %o_2 by @layers.1.after_attention_norm epsilon 1.0e-06 : tensor<?x16xf32>
    %x_4 = arith.addf %x_3, %o_3 : tensor<?x16xf32>
    // Layer 1: feed-forward.
    %m_1 = quoin.rms_norm %x_4 by @layers.1.mlp_norm epsilon 1.0e-06 : tensor<?x16xf32>
    %gate_3 = quoin.linear %m_1 by @layers.1.gate_proj : tensor<?x16xf32> -> tensor<?x12xf32>
    %up_3 = quoin.linear %m_1 by @layers.1.up_proj : tensor<?x16xf32> -> tensor<?x12xf32>
    %act_3 = quoin.geglu %gate_3, %up_3 tanh : tensor<?x12xf32>
    %down_2 = quoin.linear %act_3 by @layers.1.down_proj : tensor<?x12xf32> -> tensor<?x16xf32>
    %down_3 = quoin.rms_norm %down_2 by @layers.1.after_mlp_norm epsilon 1.0e-06 : tensor<?x16xf32>
    // Layer 1: experts, chosen by the row as it is.
    %seen_1 = quoin.rms_norm %x_4 by @layers.1.router.scale epsilon 1.0e-06 : tensor<?x16xf32>
    %products_2 = quoin.linear %seen_1 by @layers.1.router : tensor<?x16xf32> -> tensor<?x5xf32>
    %products_3 = quoin.each_row %products_2 : (tensor<?x5xf32>) -> tensor<?x5xf32> {
    ^bb0(%row: tensor<5xf32>):
      %root = arith.constant dense<0.25> : tensor<5xf32>
      %out = arith.mulf %row, %root : tensor<5xf32>
      quoin.row %out : tensor<5xf32>
    }
    %choice_1, %share_2 = quoin.route %products_3 scores softmax top 2 normalise true : tensor<?x5xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
    %share_3 = quoin.each_row %choice_1, %share_2 by [@layers.1.router.each] : (tensor<?x2xi32>, tensor<?x2xf32>) -> tensor<?x2xf32> {
    ^bb0(%chosen: tensor<2xi32>, %shares: tensor<2xf32>, %each: tensor<5xf32>):
      %numbers = arith.constant dense<[0, 1, 2, 3, 4]> : tensor<5xi32>
      %room = tensor.empty() : tensor<2x5xi32>
      %mine = linalg.broadcast ins(%chosen : tensor<2xi32>) outs(%room : tensor<2x5xi32>) dimensions = [1]
      %more_2 = tensor.empty() : tensor<2x5xi32>
      %any = linalg.broadcast ins(%numbers : tensor<5xi32>) outs(%more_2 : tensor<2x5xi32>) dimensions = [0]
      %is = arith.cmpi eq, %mine, %any : tensor<2x5xi32>
      %place = tensor.empty() : tensor<2x5xf32>
      %scales = linalg.broadcast ins(%each : tensor<5xf32>) outs(%place : tensor<2x5xf32>) dimensions = [0]
      %nothing = arith.constant dense<0.0> : tensor<2x5xf32>
      %only = arith.select %is, %scales, %nothing : tensor<2x5xi1>, tensor<2x5xf32>
      %none = arith.constant dense<0.0> : tensor<2xf32>
      %scale = linalg.reduce { arith.addf } ins(%only : tensor<2x5xf32>) outs(%none : tensor<2xf32>) dimensions = [1]
      %out = arith.mulf %shares, %scale : tensor<2xf32>
      quoin.row %out : tensor<2xf32>
    }
    %normed_1 = quoin.rms_norm %x_4 by @layers.1.expert_norm epsilon 1.0e-06 : tensor<?x16xf32>
    %pair_1 = quoin.expert_linear %normed_1 to %choice_1 by @layers.1.experts.gate_up : tensor<?x16xf32>, tensor<?x2xi32> -> tensor<?x2x12xf32>
    %gate_4, %up_4 = quoin.each_row %pair_1 : (tensor<?x2x12xf32>) -> (tensor<?x2x6xf32>, tensor<?x2x6xf32>) {
    ^bb0(%row: tensor<2x12xf32>):
      %first = tensor.extract_slice %row[0, 0] [2, 6] [1, 1] : tensor<2x12xf32> to tensor<2x6xf32>
      %second = tensor.extract_slice %row[0, 6] [2, 6] [1, 1] : tensor<2x12xf32> to tensor<2x6xf32>
      quoin.row %first, %second : tensor<2x6xf32>, tensor<2x6xf32>
    }
    %act_4 = quoin.geglu %gate_4, %up_4 tanh : tensor<?x2x6xf32>
    %outs_1 = quoin.expert_linear %act_4 to %choice_1 by @layers.1.experts.down : tensor<?x2x6xf32>, tensor<?x2xi32> -> tensor<?x2x16xf32>
    %expert_2 = quoin.mix %outs_1, %share_3 : tensor<?x2x16xf32>, tensor<?x2xf32> -> tensor<?x16xf32>
    %expert_3 = quoin.rms_norm %expert_2 by @layers.1.after_expert_norm epsilon 1.0e-06 : tensor<?x16xf32>
    %both_4 = arith.addf %down_3, %expert_3 : tensor<?x16xf32>
    %both_5 = quoin.rms_norm %both_4 by @layers.1.after_norm epsilon 1.0e-06 : tensor<?x16xf32>
    %x_5 = arith.addf %x_4, %both_5 : tensor<?x16xf32>
    %x_6 = quoin.each_row %x_5, %cold by [@layers.1.text_scalar, @layers.1.canvas_scalar] : (tensor<?x16xf32>, tensor<?x1xf32>) -> tensor<?x16xf32> {
    ^bb0(%row: tensor<16xf32>, %is: tensor<1xf32>, %text: tensor<1xf32>, %canvas: tensor<1xf32>):
      %c0 = arith.constant 0 : index
      %none = arith.constant dense<0.0> : tensor<1xf32>
      %which = arith.cmpf ogt, %is, %none : tensor<1xf32>
      %scalar = arith.select %which, %canvas, %text : tensor<1xi1>, tensor<1xf32>
      %number = tensor.extract %scalar[%c0] : tensor<1xf32>
      %numbers = tensor.splat %number : tensor<16xf32>
      %out = arith.mulf %row, %numbers : tensor<16xf32>
      quoin.row %out : tensor<16xf32>
    }
    %y = quoin.rms_norm %x_6 by @norm epsilon 1.0e-06 : tensor<?x16xf32>
    %scores = quoin.linear %y by @embed : tensor<?x16xf32> -> tensor<?x30xf32>
    %scores_1 = quoin.each_row %scores, %cold : (tensor<?x30xf32>, tensor<?x1xf32>) -> tensor<?x30xf32> {
    ^bb0(%row: tensor<30xf32>, %inverse: tensor<1xf32>):
      %c0 = arith.constant 0 : index
      %cap = arith.constant dense<30.0> : tensor<30xf32>
      %part = arith.divf %row, %cap : tensor<30xf32>
      %bent = math.tanh %part : tensor<30xf32>
      %row_1 = arith.mulf %bent, %cap : tensor<30xf32>
      %number = tensor.extract %inverse[%c0] : tensor<1xf32>
      %numbers = tensor.splat %number : tensor<30xf32>
      %out = arith.mulf %row_1, %numbers : tensor<30xf32>
      quoin.row %out : tensor<30xf32>
    }
    quoin.results %scores_1 : tensor<?x30xf32>
  }

  // What rows of scores are of: embeddings, by their probabilities. Rows are as long as the vocabulary, so no formula keeps one; the sum comes in behind the product.
  quoin.model @soften {
  ^bb0(%scores: tensor<?x30xf32>):
    %most = quoin.each_row %scores : (tensor<?x30xf32>) -> tensor<?x1xf32> {
    ^bb0(%row: tensor<30xf32>):
      %lowest = arith.constant 0xFF800000 : f32
      %low = tensor.splat %lowest : tensor<f32>
      %high = linalg.reduce { arith.maximumf } ins(%row : tensor<30xf32>) outs(%low : tensor<f32>) dimensions = [0]
      %out = tensor.expand_shape %high [] output_shape [1] : tensor<f32> into tensor<1xf32>
      quoin.row %out : tensor<1xf32>
    }
    %power, %sum = quoin.each_row %scores, %most : (tensor<?x30xf32>, tensor<?x1xf32>) -> (tensor<?x30xf32>, tensor<?x1xf32>) {
    ^bb0(%row: tensor<30xf32>, %high: tensor<1xf32>):
      %c0 = arith.constant 0 : index
      %zero = arith.constant 0.0 : f32
      %none = tensor.splat %zero : tensor<f32>
      %number = tensor.extract %high[%c0] : tensor<1xf32>
      %numbers = tensor.splat %number : tensor<30xf32>
      %below = arith.subf %row, %numbers : tensor<30xf32>
      %power_1 = math.exp %below : tensor<30xf32>
      %sum_1 = linalg.reduce { arith.addf } ins(%power_1 : tensor<30xf32>) outs(%none : tensor<f32>) dimensions = [0]
      %out = tensor.expand_shape %sum_1 [] output_shape [1] : tensor<f32> into tensor<1xf32>
      quoin.row %power_1, %out : tensor<30xf32>, tensor<1xf32>
    }
    %mean = quoin.linear %power by @embed.columns : tensor<?x30xf32> -> tensor<?x16xf32>
    %mean_1 = quoin.each_row %mean, %sum : (tensor<?x16xf32>, tensor<?x1xf32>) -> tensor<?x16xf32> {
    ^bb0(%row: tensor<16xf32>, %sum_2: tensor<1xf32>):
      %c0 = arith.constant 0 : index
      %number = tensor.extract %sum_2[%c0] : tensor<1xf32>
      %numbers = tensor.splat %number : tensor<16xf32>
      %scale = arith.constant dense<4.0> : tensor<16xf32>
      %out = arith.mulf %row, %scale : tensor<16xf32>
      %out_1 = arith.divf %out, %numbers : tensor<16xf32>
      quoin.row %out_1 : tensor<16xf32>
    }
    quoin.results %mean_1 : tensor<?x16xf32>
  }

  quoin.weight @embed : tensor<30x16xf32> from "model.safetensors" tensor "model.decoder.embed_tokens.weight"
  quoin.weight @before.norm : tensor<16xf32> from "model.safetensors" tensor "model.decoder.self_conditioning.pre_norm.weight"
  quoin.weight @before.gate : tensor<12x16xf32> from "model.safetensors" tensor "model.decoder.self_conditioning.gate_proj.weight"
  quoin.weight @before.up : tensor<12x16xf32> from "model.safetensors" tensor "model.decoder.self_conditioning.up_proj.weight"
  quoin.weight @before.down : tensor<16x12xf32> from "model.safetensors" tensor "model.decoder.self_conditioning.down_proj.weight"
  quoin.weight @layers.0.attention_norm : tensor<16xf32> from "model.safetensors" tensor "model.decoder.layers.0.input_layernorm.weight"
  quoin.weight @layers.0.q_proj : tensor<24x16xf32> from "model.safetensors" tensor "model.decoder.layers.0.self_attn.q_proj.weight"
  quoin.weight @layers.0.k_proj : tensor<12x16xf32> from "model.safetensors" tensor "model.decoder.layers.0.self_attn.k_proj.weight"
  quoin.weight @layers.0.v_proj : tensor<12x16xf32> from "model.safetensors" tensor "model.decoder.layers.0.self_attn.v_proj.weight"
  quoin.weight @layers.0.q_norm : tensor<6xf32> from "model.safetensors" tensor "model.decoder.layers.0.self_attn.q_norm.weight"
  quoin.weight @layers.0.k_norm : tensor<6xf32> from "model.safetensors" tensor "model.decoder.layers.0.self_attn.k_norm.weight"
  quoin.weight @layers.0.o_proj : tensor<16x24xf32> from "model.safetensors" tensor "model.decoder.layers.0.self_attn.o_proj.weight"
  quoin.weight @layers.0.after_attention_norm : tensor<16xf32> from "model.safetensors" tensor "model.decoder.layers.0.post_attention_layernorm.weight"
  quoin.weight @layers.0.mlp_norm : tensor<16xf32> from "model.safetensors" tensor "model.decoder.layers.0.pre_feedforward_layernorm.weight"
  quoin.weight @layers.0.after_mlp_norm : tensor<16xf32> from "model.safetensors" tensor "model.decoder.layers.0.post_feedforward_layernorm_1.weight"
  quoin.weight @layers.0.expert_norm : tensor<16xf32> from "model.safetensors" tensor "model.decoder.layers.0.pre_feedforward_layernorm_2.weight"
  quoin.weight @layers.0.after_expert_norm : tensor<16xf32> from "model.safetensors" tensor "model.decoder.layers.0.post_feedforward_layernorm_2.weight"
  quoin.weight @layers.0.after_norm : tensor<16xf32> from "model.safetensors" tensor "model.decoder.layers.0.post_feedforward_layernorm.weight"
  quoin.weight @layers.0.gate_proj : tensor<12x16xf32> from "model.safetensors" tensor "model.decoder.layers.0.mlp.gate_proj.weight"
  quoin.weight @layers.0.up_proj : tensor<12x16xf32> from "model.safetensors" tensor "model.decoder.layers.0.mlp.up_proj.weight"
  quoin.weight @layers.0.down_proj : tensor<16x12xf32> from "model.safetensors" tensor "model.decoder.layers.0.mlp.down_proj.weight"
  quoin.weight @layers.0.router.scale : tensor<16xf32> from "model.safetensors" tensor "model.decoder.layers.0.router.scale"
  quoin.weight @layers.0.router : tensor<5x16xf32> from "model.safetensors" tensor "model.decoder.layers.0.router.proj.weight"
  quoin.weight @layers.0.router.each : tensor<5xf32> from "model.safetensors" tensor "model.decoder.layers.0.router.per_expert_scale"
  quoin.weight @layers.0.experts.gate_up : tensor<5x12x16xf32> from "model.safetensors" tensor "model.decoder.layers.0.experts.gate_up_proj"
  quoin.weight @layers.0.experts.down : tensor<5x16x6xf32> from "model.safetensors" tensor "model.decoder.layers.0.experts.down_proj"
  quoin.weight @layers.0.text_scalar : tensor<1xf32> from "model.safetensors" tensor "model.encoder.language_model.layers.0.layer_scalar"
  quoin.weight @layers.0.canvas_scalar : tensor<1xf32> from "model.safetensors" tensor "model.decoder.layers.0.layer_scalar"
  quoin.weight @layers.1.attention_norm : tensor<16xf32> from "model.safetensors" tensor "model.decoder.layers.1.input_layernorm.weight"
  quoin.weight @layers.1.q_proj : tensor<32x16xf32> from "model.safetensors" tensor "model.decoder.layers.1.self_attn.q_proj.weight"
  quoin.weight @layers.1.k_proj : tensor<8x16xf32> from "model.safetensors" tensor "model.decoder.layers.1.self_attn.k_proj.weight"
  quoin.weight @layers.1.q_norm : tensor<8xf32> from "model.safetensors" tensor "model.decoder.layers.1.self_attn.q_norm.weight"
  quoin.weight @layers.1.k_norm : tensor<8xf32> from "model.safetensors" tensor "model.decoder.layers.1.self_attn.k_norm.weight"
  quoin.weight @layers.1.o_proj : tensor<16x32xf32> from "model.safetensors" tensor "model.decoder.layers.1.self_attn.o_proj.weight"
  quoin.weight @layers.1.after_attention_norm : tensor<16xf32> from "model.safetensors" tensor "model.decoder.layers.1.post_attention_layernorm.weight"
  quoin.weight @layers.1.mlp_norm : tensor<16xf32> from "model.safetensors" tensor "model.decoder.layers.1.pre_feedforward_layernorm.weight"
  quoin.weight @layers.1.after_mlp_norm : tensor<16xf32> from "model.safetensors" tensor "model.decoder.layers.1.post_feedforward_layernorm_1.weight"
  quoin.weight @layers.1.expert_norm : tensor<16xf32> from "model.safetensors" tensor "model.decoder.layers.1.pre_feedforward_layernorm_2.weight"
  quoin.weight @layers.1.after_expert_norm : tensor<16xf32> from "model.safetensors" tensor "model.decoder.layers.1.post_feedforward_layernorm_2.weight"
  quoin.weight @layers.1.after_norm : tensor<16xf32> from "model.safetensors" tensor "model.decoder.layers.1.post_feedforward_layernorm.weight"
  quoin.weight @layers.1.gate_proj : tensor<12x16xf32> from "model.safetensors" tensor "model.decoder.layers.1.mlp.gate_proj.weight"
  quoin.weight @layers.1.up_proj : tensor<12x16xf32> from "model.safetensors" tensor "model.decoder.layers.1.mlp.up_proj.weight"
  quoin.weight @layers.1.down_proj : tensor<16x12xf32> from "model.safetensors" tensor "model.decoder.layers.1.mlp.down_proj.weight"
  quoin.weight @layers.1.router.scale : tensor<16xf32> from "model.safetensors" tensor "model.decoder.layers.1.router.scale"
  quoin.weight @layers.1.router : tensor<5x16xf32> from "model.safetensors" tensor "model.decoder.layers.1.router.proj.weight"
  quoin.weight @layers.1.router.each : tensor<5xf32> from "model.safetensors" tensor "model.decoder.layers.1.router.per_expert_scale"
  quoin.weight @layers.1.experts.gate_up : tensor<5x12x16xf32> from "model.safetensors" tensor "model.decoder.layers.1.experts.gate_up_proj"
  quoin.weight @layers.1.experts.down : tensor<5x16x6xf32> from "model.safetensors" tensor "model.decoder.layers.1.experts.down_proj"
  quoin.weight @layers.1.text_scalar : tensor<1xf32> from "model.safetensors" tensor "model.encoder.language_model.layers.1.layer_scalar"
  quoin.weight @layers.1.canvas_scalar : tensor<1xf32> from "model.safetensors" tensor "model.decoder.layers.1.layer_scalar"
  quoin.weight @norm : tensor<16xf32> from "model.safetensors" tensor "model.decoder.norm.weight"
  quoin.weight @embed.columns : tensor<16x30xf32> from "model.safetensors" tensor "model.decoder.embed_tokens.weight" transposed

}
