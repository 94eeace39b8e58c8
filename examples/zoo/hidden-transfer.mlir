
module attributes {
    quoin.architecture = "hidden-transfer", quoin.source = "checkpoint",
    quoin.vocabulary = 13 : index, quoin.capacity = 64 : index, quoin.stop = array<i32: 1>} {


  // The rows of the lower layers are kept as columns of the text; each step adds those of what it accepted.
  quoin.decoder @"hidden-transfer"(%prompt, %max) settings {} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %true = arith.constant true
    %first = arith.constant dense<[1, 4, 6, 8, 10, 10, 10, 10, 10, 10]> : tensor<10xindex>
    %many = arith.constant dense<[3, 2, 2, 2, 0, 0, 0, 0, 0, 0]> : tensor<10xindex>
    %all_labels = arith.constant dense<[1, 2, 3, 5, 6, 9, 10, 13, 14]> : tensor<9xindex>
    %all_labels_1 = tensor.cast %all_labels : tensor<9xindex> to tensor<?xindex>
    %all_depths = arith.constant dense<[1, 1, 1, 2, 2, 2, 2, 2, 2]> : tensor<9xindex>
    %all_depths_1 = tensor.cast %all_depths : tensor<9xindex> to tensor<?xindex>
    %nothing = tensor.empty(%c0) : tensor<?xi32>
    %P = quoin.length %prompt
    %some = arith.cmpi ugt, %P, %c0 : index
    cf.assert %some, "the prompt has at least one token"
    %end = arith.addi %P, %max : index
    %zero = arith.constant 0.0 : f32
    %token0 = arith.constant 0 : i32
    %chosen = arith.constant dense<[0, 1, 2, 3, 4, 3, 4, 3, 4]> : tensor<9xindex>
    %chosen_1 = tensor.cast %chosen : tensor<9xindex> to tensor<?xindex>
    %none = tensor.splat %zero[%c0] : tensor<?x12xf32>
    %xe, %colse, %idse, %ende, %goe, %accepted, %drafted = scf.while (%x = %prompt, %cols = %none, %ids = %nothing, %last = %P, %go = %true, %a = %nothing, %g = %nothing)
        : (!quoin.sequence, tensor<?x12xf32>, tensor<?xi32>, index, i1, tensor<?xi32>, tensor<?xi32>) -> (!quoin.sequence, tensor<?x12xf32>, tensor<?xi32>, index, i1, tensor<?xi32>, tensor<?xi32>) {
      %length = quoin.length %x
      %room = arith.cmpi ult, %length, %end : index
      %more = arith.andi %room, %go : i1
      scf.condition(%more) %x, %cols, %ids, %last, %go, %a, %g : !quoin.sequence, tensor<?x12xf32>, tensor<?xi32>, index, i1, tensor<?xi32>, tensor<?xi32>
    } do {
    ^bb0(%x: !quoin.sequence, %cols: tensor<?x12xf32>, %ids: tensor<?xi32>, %last: index, %go: i1, %a: tensor<?xi32>, %g: tensor<?xi32>):
      %n = quoin.length %x
      %root = arith.subi %n, %c1 : index
      %m = tensor.dim %ids, %c0 : tensor<?xi32>
      %labels = tensor.extract_slice %all_labels_1[0] [%m] [1] : tensor<?xindex> to tensor<?xindex>
      %depths = tensor.extract_slice %all_depths_1[0] [%m] [1] : tensor<?xindex> to tensor<?xindex>
      %roots = tensor.splat %root[%m] : tensor<?xindex>
      %at = arith.addi %roots, %depths : tensor<?xindex>
      %known = tensor.dim %cols, %c0 : tensor<?x12xf32>
      %high = arith.addi %n, %m : index
      %read = quoin.span %known to %high
      %half = quoin.forward @lower of %x[to %n] then %ids at %at label %labels read %read mask #quoin.mask<(q, k)[n] : k le q and (k lt n or label(k) eq label(q) or label(q) mod 16 eq label(k) or label(q) mod 16 floordiv 4 eq label(k))>[%n] -> tensor<?x12xf32>
      %added = arith.subi %n, %known : index
      %text_rows = tensor.extract_slice %half[0, 0] [%added, 12] [1, 1] : tensor<?x12xf32> to tensor<?x12xf32>
      %text_cols = tensor.concat dim(0) %cols, %text_rows : (tensor<?x12xf32>, tensor<?x12xf32>) -> tensor<?x12xf32>
      // Of the root and each node the rows of what follows it.
      %m1 = arith.addi %m, %c1 : index
      %skip = arith.subi %added, %c1 : index
      %sources = tensor.extract_slice %half[%skip, 0] [%m1, 12] [1, 1] : tensor<?x12xf32> to tensor<?x12xf32>
      %slot_rows = tensor.concat dim(0) %cols, %half : (tensor<?x12xf32>, tensor<?x12xf32>) -> tensor<?x12xf32>
      %root_at = tensor.splat %root[%c1] : tensor<?xindex>
      %node_at = tensor.concat dim(0) %root_at, %at : (tensor<?xindex>, tensor<?xindex>) -> tensor<?xindex>
      %root_label = tensor.splat %c0[%c1] : tensor<?xindex>
      %node_labels = tensor.concat dim(0) %root_label, %labels : (tensor<?xindex>, tensor<?xindex>) -> tensor<?xindex>
      %made = arith.constant 16 : index
      %mades = tensor.splat %made[%m1] : tensor<?xindex>
      %made_labels = arith.addi %node_labels, %mades : tensor<?xindex>
      %words = tensor.splat %token0[%m1] : tensor<?xi32>
      %slot_ids = tensor.cast %ids : tensor<?xi32> to tensor<?xi32>
      %slot_at = tensor.cast %at : tensor<?xindex> to tensor<?xindex>
      %slot_labels = tensor.cast %labels : tensor<?xindex> to tensor<?xindex>
      %rows = quoin.apply @transfer.0(%sources) : tensor<?x12xf32> -> tensor<?x12xf32>
      %step = arith.constant 1 : index
      %steps = tensor.splat %step[%m1] : tensor<?xindex>
      %rows_at = arith.addi %node_at, %steps : tensor<?xindex>
      %slot_rows_1 = tensor.concat dim(0) %slot_rows, %rows : (tensor<?x12xf32>, tensor<?x12xf32>) -> tensor<?x12xf32>
      %slot_ids_1 = tensor.concat dim(0) %slot_ids, %words : (tensor<?xi32>, tensor<?xi32>) -> tensor<?xi32>
      %slot_at_1 = tensor.concat dim(0) %slot_at, %rows_at : (tensor<?xindex>, tensor<?xindex>) -> tensor<?xindex>
      %slot_labels_1 = tensor.concat dim(0) %slot_labels, %made_labels : (tensor<?xindex>, tensor<?xindex>) -> tensor<?xindex>
      %rows_1 = quoin.apply @transfer.1(%sources) : tensor<?x12xf32> -> tensor<?x12xf32>
      %step_1 = arith.constant 2 : index
      %steps_1 = tensor.splat %step_1[%m1] : tensor<?xindex>
      %rows_at_1 = arith.addi %node_at, %steps_1 : tensor<?xindex>
      %slot_rows_2 = tensor.concat dim(0) %slot_rows_1, %rows_1 : (tensor<?x12xf32>, tensor<?x12xf32>) -> tensor<?x12xf32>
      %slot_ids_2 = tensor.concat dim(0) %slot_ids_1, %words : (tensor<?xi32>, tensor<?xi32>) -> tensor<?xi32>
      %slot_at_2 = tensor.concat dim(0) %slot_at_1, %rows_at_1 : (tensor<?xindex>, tensor<?xindex>) -> tensor<?xindex>
      %slot_labels_2 = tensor.concat dim(0) %slot_labels_1, %made_labels : (tensor<?xindex>, tensor<?xindex>) -> tensor<?xindex>
      %deep = arith.constant 2 : index
      %many_made = arith.muli %m1, %deep : index
      %upto = arith.addi %high, %many_made : index
      %upper_read = quoin.span %root to %upto
      %l = quoin.forward @upper of %x[to %n] then %slot_ids_2 at %slot_at_2 label %slot_labels_2 with (%slot_rows_2 : tensor<?x12xf32>) read %upper_read mask #quoin.mask<(q, k)[n] : k le q and (k lt n or label(k) eq label(q) or label(q) mod 16 eq label(k) or label(q) mod 16 floordiv 4 eq label(k))>[%n] -> !quoin.logits
      %checked = quoin.rows %l[%c0 for %m1]
      %best = quoin.score %checked [token] : tensor<?xi32>
      // From the root down while a child is what the model would have written.
      %guessed = tensor.dim %ids, %c0 : tensor<?xi32>
      %behind = arith.addi %guessed, %c1 : index
      %gain, %node, %goes = scf.while (%walked = %nothing, %at_node = %c0, %on = %true) : (tensor<?xi32>, index, i1) -> (tensor<?xi32>, index, i1) {
        scf.condition(%on) %walked, %at_node, %on : tensor<?xi32>, index, i1
      } do {
      ^bb0(%walked: tensor<?xi32>, %at_node: index, %on: i1):
        %token = tensor.extract %best[%at_node] : tensor<?xi32>
        %one = tensor.splat %token[%c1] : tensor<?xi32>
        %longer = tensor.concat dim(0) %walked, %one : (tensor<?xi32>, tensor<?xi32>) -> tensor<?xi32>
        %begin = tensor.extract %first[%at_node] : tensor<10xindex>
        %count = tensor.extract %many[%at_node] : tensor<10xindex>
        %below = arith.addi %begin, %count : index
        %stop = arith.minui %below, %behind : index
        %next = scf.for %child = %begin to %stop step %c1 iter_args(%found = %c0) -> (index) {
          %i = arith.subi %child, %c1 : index
          %id = tensor.extract %ids[%i] : tensor<?xi32>
          %same = arith.cmpi eq, %id, %token : i32
          %now = arith.select %same, %child, %found : index
          scf.yield %now : index
        }
        %holds = arith.cmpi ne, %next, %c0 : index
        %deeper = arith.select %holds, %next, %at_node : index
        scf.yield %longer, %deeper, %holds : tensor<?xi32>, index, i1
      }
      // The guesses behind the last node that holds.
      %guesses = tensor.cast %nothing : tensor<?xi32> to tensor<?xi32>
      %place = arith.addi %m1, %node : index
      %l_made = quoin.rows %l[%place for %c1]
      %count = arith.constant 3 : index
      %count_1 = tensor.splat %count[%c1] : tensor<?xindex>
      %likely, %unread_share = quoin.likeliest %l_made for %count_1
      %guesses_1 = tensor.concat dim(0) %guesses, %likely : (tensor<?xi32>, tensor<?xi32>) -> tensor<?xi32>
      %place_1 = arith.addi %place, %m1 : index
      %l_made_1 = quoin.rows %l[%place_1 for %c1]
      %count_2 = arith.constant 2 : index
      %count_3 = tensor.splat %count_2[%c1] : tensor<?xindex>
      %likely_1, %unread_share_1 = quoin.likeliest %l_made_1 for %count_3
      %guesses_2 = tensor.concat dim(0) %guesses_1, %likely_1 : (tensor<?xi32>, tensor<?xi32>) -> tensor<?xi32>
      %place_2 = arith.addi %place_1, %m1 : index
      %next_ids = quoin.gather %guesses_2 at %chosen_1 : tensor<?xi32> -> tensor<?xi32>
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
      scf.yield %y, %text_cols, %next_ids, %cut, %on, %counts, %drafts : !quoin.sequence, tensor<?x12xf32>, tensor<?xi32>, index, i1, tensor<?xi32>, tensor<?xi32>
    }
    quoin.output @accepted %accepted : tensor<?xi32>
    quoin.output @drafted %drafted : tensor<?xi32>
    quoin.return %xe[%P to %ende]
  }

  // The layers up to the transfer. Each step calls them once, before those above: that the two are one call of the model says the mark of a draft, which is counted apart.
  quoin.model @lower attributes {quoin.draft} {
  ^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
    %x = quoin.embed %ids by @embed : tensor<?x12xf32>
    // Layer 0: attention.
    %n = quoin.rms_norm %x by @layers.0.attention_norm epsilon 1.0e-05 : tensor<?x12xf32>
    %q = quoin.linear %n by @layers.0.q_proj : tensor<?x12xf32> -> tensor<?x12xf32>
    %q_1 = quoin.rotary %q at %positions theta 10000.0 head_dim 6 : tensor<?x12xf32>
    %k = quoin.linear %n by @layers.0.k_proj : tensor<?x12xf32> -> tensor<?x6xf32>
    %k_1 = quoin.rotary %k at %positions theta 10000.0 head_dim 6 : tensor<?x6xf32>
    %v = quoin.linear %n by @layers.0.v_proj : tensor<?x12xf32> -> tensor<?x6xf32>
    %a = quoin.attention %q_1, %k_1, %v heads 2 kv_heads 1 head_dim 6 scale 0.4082482904638631
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
    quoin.results %x_2 : tensor<?x12xf32>
  }

  quoin.model @upper head @head {
  ^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>, %x: tensor<?x12xf32>):
    // Layer 1: attention.
    %n = quoin.rms_norm %x by @layers.1.attention_norm epsilon 1.0e-05 : tensor<?x12xf32>
    %q = quoin.linear %n by @layers.1.q_proj : tensor<?x12xf32> -> tensor<?x12xf32>
    %q_2 = quoin.rotary %q at %positions theta 10000.0 head_dim 6 : tensor<?x12xf32>
    %k = quoin.linear %n by @layers.1.k_proj : tensor<?x12xf32> -> tensor<?x6xf32>
    %k_2 = quoin.rotary %k at %positions theta 10000.0 head_dim 6 : tensor<?x6xf32>
    %v = quoin.linear %n by @layers.1.v_proj : tensor<?x12xf32> -> tensor<?x6xf32>
    %a = quoin.attention %q_2, %k_2, %v heads 2 kv_heads 1 head_dim 6 scale 0.4082482904638631
        : tensor<?x12xf32>, tensor<?x6xf32>, tensor<?x6xf32>
    %o = quoin.linear %a by @layers.1.o_proj : tensor<?x12xf32> -> tensor<?x12xf32>
    %x_3 = arith.addf %x, %o : tensor<?x12xf32>
    // Layer 1: feed-forward.
    %m = quoin.rms_norm %x_3 by @layers.1.mlp_norm epsilon 1.0e-05 : tensor<?x12xf32>
    %gate = quoin.linear %m by @layers.1.gate_proj : tensor<?x12xf32> -> tensor<?x14xf32>
    %up = quoin.linear %m by @layers.1.up_proj : tensor<?x12xf32> -> tensor<?x14xf32>
    %act = quoin.swiglu %gate, %up : tensor<?x14xf32>
    %down = quoin.linear %act by @layers.1.down_proj : tensor<?x14xf32> -> tensor<?x12xf32>
    %x_4 = arith.addf %x_3, %down : tensor<?x12xf32>
    %final = quoin.rms_norm %x_4 by @norm epsilon 1.0e-05 : tensor<?x12xf32>
    quoin.hidden %final : tensor<?x12xf32>
  }

  quoin.model @transfer.0 {
  ^bb0(%row: tensor<?x12xf32>):
    %made = quoin.linear %row by @map.0 : tensor<?x12xf32> -> tensor<?x12xf32>
    quoin.results %made : tensor<?x12xf32>
  }
  quoin.model @transfer.1 {
  ^bb0(%row: tensor<?x12xf32>):
    %made = quoin.linear %row by @map.1 : tensor<?x12xf32> -> tensor<?x12xf32>
    quoin.results %made : tensor<?x12xf32>
  }

  quoin.weight @embed : tensor<13x12xf32> from "model.safetensors" tensor "model.embed_tokens.weight"
  quoin.weight @layers.0.attention_norm : tensor<12xf32> from "model.safetensors" tensor "model.layers.0.input_layernorm.weight"
  quoin.weight @layers.0.q_proj : tensor<12x12xf32> from "model.safetensors" tensor "model.layers.0.self_attn.q_proj.weight"
  quoin.weight @layers.0.k_proj : tensor<6x12xf32> from "model.safetensors" tensor "model.layers.0.self_attn.k_proj.weight"
  quoin.weight @layers.0.v_proj : tensor<6x12xf32> from "model.safetensors" tensor "model.layers.0.self_attn.v_proj.weight"
  quoin.weight @layers.0.o_proj : tensor<12x12xf32> from "model.safetensors" tensor "model.layers.0.self_attn.o_proj.weight"
  quoin.weight @layers.0.mlp_norm : tensor<12xf32> from "model.safetensors" tensor "model.layers.0.post_attention_layernorm.weight"
  quoin.weight @layers.0.gate_proj : tensor<14x12xf32> from "model.safetensors" tensor "model.layers.0.mlp.gate_proj.weight"
  quoin.weight @layers.0.up_proj : tensor<14x12xf32> from "model.safetensors" tensor "model.layers.0.mlp.up_proj.weight"
  quoin.weight @layers.0.down_proj : tensor<12x14xf32> from "model.safetensors" tensor "model.layers.0.mlp.down_proj.weight"
  quoin.weight @layers.1.attention_norm : tensor<12xf32> from "model.safetensors" tensor "model.layers.1.input_layernorm.weight"
  quoin.weight @layers.1.q_proj : tensor<12x12xf32> from "model.safetensors" tensor "model.layers.1.self_attn.q_proj.weight"
  quoin.weight @layers.1.k_proj : tensor<6x12xf32> from "model.safetensors" tensor "model.layers.1.self_attn.k_proj.weight"
  quoin.weight @layers.1.v_proj : tensor<6x12xf32> from "model.safetensors" tensor "model.layers.1.self_attn.v_proj.weight"
  quoin.weight @layers.1.o_proj : tensor<12x12xf32> from "model.safetensors" tensor "model.layers.1.self_attn.o_proj.weight"
  quoin.weight @layers.1.mlp_norm : tensor<12xf32> from "model.safetensors" tensor "model.layers.1.post_attention_layernorm.weight"
  quoin.weight @layers.1.gate_proj : tensor<14x12xf32> from "model.safetensors" tensor "model.layers.1.mlp.gate_proj.weight"
  quoin.weight @layers.1.up_proj : tensor<14x12xf32> from "model.safetensors" tensor "model.layers.1.mlp.up_proj.weight"
  quoin.weight @layers.1.down_proj : tensor<12x14xf32> from "model.safetensors" tensor "model.layers.1.mlp.down_proj.weight"
  quoin.weight @norm : tensor<12xf32> from "model.safetensors" tensor "model.norm.weight"
  quoin.weight @head : tensor<13x12xf32> from "model.safetensors" tensor "lm_head.weight"
  quoin.weight @map.0 : tensor<12x12xf32> from "model.safetensors" tensor "transfer.0.weight"
  quoin.weight @map.1 : tensor<12x12xf32> from "model.safetensors" tensor "transfer.1.weight"

}
