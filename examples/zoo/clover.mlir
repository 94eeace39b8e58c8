
module attributes {
    quoin.architecture = "clover", quoin.source = "checkpoint",
    quoin.vocabulary = 13 : index, quoin.capacity = 64 : index, quoin.stop = array<i32: 1>} {


  // Each step drafts a tree behind the last token of the text and checks it by one call, which gives the hidden row that the next draft goes on from. The first call has no draft.
  quoin.decoder @clover(%prompt, %max) settings {} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %true = arith.constant true
    %first = arith.constant dense<[1, 4, 6, 8, 10, 11, 12, 13, 14, 15, 16, 16, 16, 16, 16, 16]> : tensor<16xindex>
    %many = arith.constant dense<[3, 2, 2, 2, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0]> : tensor<16xindex>
    %all_labels = arith.constant dense<[1, 2, 3, 5, 6, 9, 10, 13, 14, 21, 25, 37, 41, 53, 57]> : tensor<15xindex>
    %all_labels_1 = tensor.cast %all_labels : tensor<15xindex> to tensor<?xindex>
    %all_depths = arith.constant dense<[1, 1, 1, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3]> : tensor<15xindex>
    %all_depths_1 = tensor.cast %all_depths : tensor<15xindex> to tensor<?xindex>
    %nothing = tensor.empty(%c0) : tensor<?xi32>
    %P = quoin.length %prompt
    %some = arith.cmpi ugt, %P, %c0 : index
    cf.assert %some, "the prompt has at least one token"
    %end = arith.addi %P, %max : index
    %zero = arith.constant 0.0 : f32
    %unknown = tensor.splat %zero[%c1] : tensor<?x12xf32>
    %xe, %rowe, %ende, %goe, %accepted, %drafted = scf.while (%x = %prompt, %row = %unknown, %last = %P, %go = %true, %a = %nothing, %g = %nothing)
        : (!quoin.sequence, tensor<?x12xf32>, index, i1, tensor<?xi32>, tensor<?xi32>) -> (!quoin.sequence, tensor<?x12xf32>, index, i1, tensor<?xi32>, tensor<?xi32>) {
      %length = quoin.length %x
      %room = arith.cmpi ult, %length, %end : index
      %more = arith.andi %room, %go : i1
      scf.condition(%more) %x, %row, %last, %go, %a, %g : !quoin.sequence, tensor<?x12xf32>, index, i1, tensor<?xi32>, tensor<?xi32>
    } do {
    ^bb0(%x: !quoin.sequence, %row: tensor<?x12xf32>, %last: index, %go: i1, %a: tensor<?xi32>, %g: tensor<?xi32>):
      %length = quoin.length %x
      %begun = arith.cmpi ugt, %length, %P : index
      %ids = scf.if %begun -> (tensor<?xi32>) {
        %before = arith.subi %length, %c1 : index
        %slot_at = quoin.span %before to %length
        %slot_ids = quoin.tokens %x at %slot_at
        %slot_labels = tensor.splat %c0[%c1] : tensor<?xindex>
        %slot_rows = tensor.cast %row : tensor<?x12xf32> to tensor<?x12xf32>
        // Level 0: 1 nodes with 3 children.
        %from = arith.constant 0 : index
        %to = arith.constant 1 : index
        %read = quoin.span %from to %to
        %l, %made = quoin.forward @draft.0 of %x[to %c0] then %slot_ids at %slot_at label %slot_labels with (%slot_rows : tensor<?x12xf32>) read %read mask #quoin.mask<(q, k)[n] : k le q and (k lt n or (q eq k and label(q) eq label(k)) or (q - k eq 1 and label(q) floordiv 4 eq label(k)) or (q - k eq 2 and label(q) floordiv 16 eq label(k)))>[%length] -> !quoin.logits, tensor<?x12xf32>
        %counts = arith.constant dense<[3]> : tensor<1xindex>
        %counts_1 = tensor.cast %counts : tensor<1xindex> to tensor<?xindex>
        %new_ids, %unread_share = quoin.likeliest %l for %counts_1
        %slot_ids_1 = tensor.concat dim(0) %slot_ids, %new_ids : (tensor<?xi32>, tensor<?xi32>) -> tensor<?xi32>
        %parents = arith.constant dense<[0, 0, 0]> : tensor<3xindex>
        %parents_1 = tensor.cast %parents : tensor<3xindex> to tensor<?xindex>
        %new_rows = quoin.gather %made at %parents_1 : tensor<?x12xf32> -> tensor<?x12xf32>
        %slot_rows_1 = tensor.concat dim(0) %slot_rows, %new_rows : (tensor<?x12xf32>, tensor<?x12xf32>) -> tensor<?x12xf32>
        %width = arith.constant 3 : index
        %deep = arith.constant 0 : index
        %depth = arith.addi %length, %deep : index
        %new_at = tensor.splat %depth[%width] : tensor<?xindex>
        %slot_at_1 = tensor.concat dim(0) %slot_at, %new_at : (tensor<?xindex>, tensor<?xindex>) -> tensor<?xindex>
        %new_labels = arith.constant dense<[1, 2, 3]> : tensor<3xindex>
        %new_labels_1 = tensor.cast %new_labels : tensor<3xindex> to tensor<?xindex>
        %slot_labels_1 = tensor.concat dim(0) %slot_labels, %new_labels_1 : (tensor<?xindex>, tensor<?xindex>) -> tensor<?xindex>
        // Level 1: 3 nodes with 6 children.
        %from_1 = arith.constant 1 : index
        %to_1 = arith.constant 4 : index
        %read_1 = quoin.span %from_1 to %to_1
        %l_1, %made_1 = quoin.forward @draft.1 of %x[to %c0] then %slot_ids_1 at %slot_at_1 label %slot_labels_1 with (%slot_rows_1 : tensor<?x12xf32>) read %read_1 mask #quoin.mask<(q, k)[n] : k le q and (k lt n or (q eq k and label(q) eq label(k)) or (q - k eq 1 and label(q) floordiv 4 eq label(k)) or (q - k eq 2 and label(q) floordiv 16 eq label(k)))>[%length] -> !quoin.logits, tensor<?x12xf32>
        %counts_2 = arith.constant dense<[2, 2, 2]> : tensor<3xindex>
        %counts_3 = tensor.cast %counts_2 : tensor<3xindex> to tensor<?xindex>
        %new_ids_1, %unread_share_1 = quoin.likeliest %l_1 for %counts_3
        %slot_ids_2 = tensor.concat dim(0) %slot_ids_1, %new_ids_1 : (tensor<?xi32>, tensor<?xi32>) -> tensor<?xi32>
        %parents_2 = arith.constant dense<[0, 0, 1, 1, 2, 2]> : tensor<6xindex>
        %parents_3 = tensor.cast %parents_2 : tensor<6xindex> to tensor<?xindex>
        %new_rows_1 = quoin.gather %made_1 at %parents_3 : tensor<?x12xf32> -> tensor<?x12xf32>
        %slot_rows_2 = tensor.concat dim(0) %slot_rows_1, %new_rows_1 : (tensor<?x12xf32>, tensor<?x12xf32>) -> tensor<?x12xf32>
        %width_1 = arith.constant 6 : index
        %deep_1 = arith.constant 1 : index
        %depth_1 = arith.addi %length, %deep_1 : index
        %new_at_1 = tensor.splat %depth_1[%width_1] : tensor<?xindex>
        %slot_at_2 = tensor.concat dim(0) %slot_at_1, %new_at_1 : (tensor<?xindex>, tensor<?xindex>) -> tensor<?xindex>
        %new_labels_2 = arith.constant dense<[5, 6, 9, 10, 13, 14]> : tensor<6xindex>
        %new_labels_3 = tensor.cast %new_labels_2 : tensor<6xindex> to tensor<?xindex>
        %slot_labels_2 = tensor.concat dim(0) %slot_labels_1, %new_labels_3 : (tensor<?xindex>, tensor<?xindex>) -> tensor<?xindex>
        // Level 2: 6 nodes with 6 children.
        %from_2 = arith.constant 4 : index
        %to_2 = arith.constant 10 : index
        %read_2 = quoin.span %from_2 to %to_2
        %l_2, %made_2 = quoin.forward @draft.2 of %x[to %c0] then %slot_ids_2 at %slot_at_2 label %slot_labels_2 with (%slot_rows_2 : tensor<?x12xf32>) read %read_2 mask #quoin.mask<(q, k)[n] : k le q and (k lt n or (q eq k and label(q) eq label(k)) or (q - k eq 1 and label(q) floordiv 4 eq label(k)) or (q - k eq 2 and label(q) floordiv 16 eq label(k)))>[%length] -> !quoin.logits, tensor<?x12xf32>
        %counts_4 = arith.constant dense<[1, 1, 1, 1, 1, 1]> : tensor<6xindex>
        %counts_5 = tensor.cast %counts_4 : tensor<6xindex> to tensor<?xindex>
        %new_ids_2, %unread_share_2 = quoin.likeliest %l_2 for %counts_5
        %slot_ids_3 = tensor.concat dim(0) %slot_ids_2, %new_ids_2 : (tensor<?xi32>, tensor<?xi32>) -> tensor<?xi32>
        %total = arith.constant 15 : index
        %guesses = tensor.extract_slice %slot_ids_3[1] [%total] [1] : tensor<?xi32> to tensor<?xi32>
        scf.yield %guesses : tensor<?xi32>
      } else {
        scf.yield %nothing : tensor<?xi32>
      }
      %n = quoin.length %x
      %root = arith.subi %n, %c1 : index
      %m = tensor.dim %ids, %c0 : tensor<?xi32>
      %labels = tensor.extract_slice %all_labels_1[0] [%m] [1] : tensor<?xindex> to tensor<?xindex>
      %depths = tensor.extract_slice %all_depths_1[0] [%m] [1] : tensor<?xindex> to tensor<?xindex>
      %roots = tensor.splat %root[%m] : tensor<?xindex>
      %at = arith.addi %roots, %depths : tensor<?xindex>
      %high = arith.addi %n, %m : index
      %read = quoin.span %root to %high
      %l, %h = quoin.forward @model of %x[to %n] then %ids at %at label %labels read %read mask #quoin.mask<(q, k)[n] : k le q and (k lt n or (q eq k and label(q) eq label(k)) or (q - k eq 1 and label(q) floordiv 4 eq label(k)) or (q - k eq 2 and label(q) floordiv 16 eq label(k)))>[%n] -> !quoin.logits, tensor<?x12xf32>
      %best = quoin.score %l [token] : tensor<?xi32>
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
        %begin = tensor.extract %first[%at_node] : tensor<16xindex>
        %count = tensor.extract %many[%at_node] : tensor<16xindex>
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
      %deepest = tensor.splat %node[%c1] : tensor<?xindex>
      %next_row = quoin.gather %h at %deepest : tensor<?x12xf32> -> tensor<?x12xf32>
      %gained = quoin.append %x, %gain
      %length_1 = quoin.length %gained
      %y = quoin.commit %gained to %length_1
      %stop = quoin.find_stop %y[%n to %length_1]
      %on = arith.cmpi eq, %stop, %length_1 : index
      %past = arith.addi %stop, %c1 : index
      %cut = arith.minui %past, %length_1 : index
      %many_new = tensor.dim %gain, %c0 : tensor<?xi32>
      %many_i = arith.index_cast %many_new : index to i32
      %this = tensor.splat %many_i[%c1] : tensor<?xi32>
      %counts = tensor.concat dim(0) %a, %this : (tensor<?xi32>, tensor<?xi32>) -> tensor<?xi32>
      %drafts = tensor.concat dim(0) %g, %ids : (tensor<?xi32>, tensor<?xi32>) -> tensor<?xi32>
      scf.yield %y, %next_row, %cut, %on, %counts, %drafts : !quoin.sequence, tensor<?x12xf32>, index, i1, tensor<?xi32>, tensor<?xi32>
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
    // Layer 1: attention.
    %n_1 = quoin.rms_norm %x_2 by @layers.1.attention_norm epsilon 1.0e-05 : tensor<?x12xf32>
    %q_2 = quoin.linear %n_1 by @layers.1.q_proj : tensor<?x12xf32> -> tensor<?x12xf32>
    %q_3 = quoin.rotary %q_2 at %positions theta 10000.0 head_dim 6 : tensor<?x12xf32>
    %k_2 = quoin.linear %n_1 by @layers.1.k_proj : tensor<?x12xf32> -> tensor<?x6xf32>
    %k_3 = quoin.rotary %k_2 at %positions theta 10000.0 head_dim 6 : tensor<?x6xf32>
    %v_1 = quoin.linear %n_1 by @layers.1.v_proj : tensor<?x12xf32> -> tensor<?x6xf32>
    %a_1 = quoin.attention %q_3, %k_3, %v_1 heads 2 kv_heads 1 head_dim 6 scale 0.4082482904638631
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

  // Head 0: what is known above each guess asks, the tokens of its path answer.
  quoin.model @draft.0 head @head attributes {quoin.draft} {
  ^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>, %above: tensor<?x12xf32>):
    %e = quoin.embed %ids by @embed : tensor<?x12xf32>
    %u = quoin.rms_norm %above by @draft.0.above_norm epsilon 1.0e-05 : tensor<?x12xf32>
    %t = quoin.rms_norm %e by @draft.0.token_norm epsilon 1.0e-05 : tensor<?x12xf32>
    %q = quoin.linear %u by @draft.0.q_proj : tensor<?x12xf32> -> tensor<?x12xf32>
    %q_4 = quoin.rotary %q at %positions theta 10000.0 head_dim 6 : tensor<?x12xf32>
    %k = quoin.linear %t by @draft.0.k_proj : tensor<?x12xf32> -> tensor<?x6xf32>
    %k_4 = quoin.rotary %k at %positions theta 10000.0 head_dim 6 : tensor<?x6xf32>
    %v = quoin.linear %t by @draft.0.v_proj : tensor<?x12xf32> -> tensor<?x6xf32>
    %a = quoin.attention %q_4, %k_4, %v heads 2 kv_heads 1 head_dim 6 scale 0.4082482904638631 : tensor<?x12xf32>, tensor<?x6xf32>, tensor<?x6xf32>
    %o = quoin.linear %a by @draft.0.o_proj : tensor<?x12xf32> -> tensor<?x12xf32>
    %x = arith.addf %above, %o : tensor<?x12xf32>
    %m = quoin.rms_norm %x by @draft.0.mlp_norm epsilon 1.0e-05 : tensor<?x12xf32>
    %gate = quoin.linear %m by @draft.0.gate_proj : tensor<?x12xf32> -> tensor<?x14xf32>
    %up = quoin.linear %m by @draft.0.up_proj : tensor<?x12xf32> -> tensor<?x14xf32>
    %act = quoin.swiglu %gate, %up : tensor<?x14xf32>
    %down = quoin.linear %act by @draft.0.down_proj : tensor<?x14xf32> -> tensor<?x12xf32>
    %x_5 = arith.addf %x, %down : tensor<?x12xf32>
    %y = quoin.rms_norm %x_5 by @draft.0.norm epsilon 1.0e-05 : tensor<?x12xf32>
    quoin.hidden %y results %y : tensor<?x12xf32>, tensor<?x12xf32>
  }
  // Head 1: what is known above each guess asks, the tokens of its path answer.
  quoin.model @draft.1 head @head attributes {quoin.draft} {
  ^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>, %above: tensor<?x12xf32>):
    %e = quoin.embed %ids by @embed : tensor<?x12xf32>
    %u = quoin.rms_norm %above by @draft.1.above_norm epsilon 1.0e-05 : tensor<?x12xf32>
    %t = quoin.rms_norm %e by @draft.1.token_norm epsilon 1.0e-05 : tensor<?x12xf32>
    %q = quoin.linear %u by @draft.1.q_proj : tensor<?x12xf32> -> tensor<?x12xf32>
    %q_5 = quoin.rotary %q at %positions theta 10000.0 head_dim 6 : tensor<?x12xf32>
    %k = quoin.linear %t by @draft.1.k_proj : tensor<?x12xf32> -> tensor<?x6xf32>
    %k_5 = quoin.rotary %k at %positions theta 10000.0 head_dim 6 : tensor<?x6xf32>
    %v = quoin.linear %t by @draft.1.v_proj : tensor<?x12xf32> -> tensor<?x6xf32>
    %a = quoin.attention %q_5, %k_5, %v heads 2 kv_heads 1 head_dim 6 scale 0.4082482904638631 : tensor<?x12xf32>, tensor<?x6xf32>, tensor<?x6xf32>
    %o = quoin.linear %a by @draft.1.o_proj : tensor<?x12xf32> -> tensor<?x12xf32>
    %x = arith.addf %above, %o : tensor<?x12xf32>
    %m = quoin.rms_norm %x by @draft.1.mlp_norm epsilon 1.0e-05 : tensor<?x12xf32>
    %gate = quoin.linear %m by @draft.1.gate_proj : tensor<?x12xf32> -> tensor<?x14xf32>
    %up = quoin.linear %m by @draft.1.up_proj : tensor<?x12xf32> -> tensor<?x14xf32>
    %act = quoin.swiglu %gate, %up : tensor<?x14xf32>
    %down = quoin.linear %act by @draft.1.down_proj : tensor<?x14xf32> -> tensor<?x12xf32>
    %x_6 = arith.addf %x, %down : tensor<?x12xf32>
    %y = quoin.rms_norm %x_6 by @draft.1.norm epsilon 1.0e-05 : tensor<?x12xf32>
    quoin.hidden %y results %y : tensor<?x12xf32>, tensor<?x12xf32>
  }
  // Head 2: what is known above each guess asks, the tokens of its path answer.
  quoin.model @draft.2 head @head attributes {quoin.draft} {
  ^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>, %above: tensor<?x12xf32>):
    %e = quoin.embed %ids by @embed : tensor<?x12xf32>
    %u = quoin.rms_norm %above by @draft.2.above_norm epsilon 1.0e-05 : tensor<?x12xf32>
    %t = quoin.rms_norm %e by @draft.2.token_norm epsilon 1.0e-05 : tensor<?x12xf32>
    %q = quoin.linear %u by @draft.2.q_proj : tensor<?x12xf32> -> tensor<?x12xf32>
    %q_6 = quoin.rotary %q at %positions theta 10000.0 head_dim 6 : tensor<?x12xf32>
    %k = quoin.linear %t by @draft.2.k_proj : tensor<?x12xf32> -> tensor<?x6xf32>
    %k_6 = quoin.rotary %k at %positions theta 10000.0 head_dim 6 : tensor<?x6xf32>
    %v = quoin.linear %t by @draft.2.v_proj : tensor<?x12xf32> -> tensor<?x6xf32>
    %a = quoin.attention %q_6, %k_6, %v heads 2 kv_heads 1 head_dim 6 scale 0.4082482904638631 : tensor<?x12xf32>, tensor<?x6xf32>, tensor<?x6xf32>
    %o = quoin.linear %a by @draft.2.o_proj : tensor<?x12xf32> -> tensor<?x12xf32>
    %x = arith.addf %above, %o : tensor<?x12xf32>
    %m = quoin.rms_norm %x by @draft.2.mlp_norm epsilon 1.0e-05 : tensor<?x12xf32>
    %gate = quoin.linear %m by @draft.2.gate_proj : tensor<?x12xf32> -> tensor<?x14xf32>
    %up = quoin.linear %m by @draft.2.up_proj : tensor<?x12xf32> -> tensor<?x14xf32>
    %act = quoin.swiglu %gate, %up : tensor<?x14xf32>
    %down = quoin.linear %act by @draft.2.down_proj : tensor<?x14xf32> -> tensor<?x12xf32>
    %x_7 = arith.addf %x, %down : tensor<?x12xf32>
    %y = quoin.rms_norm %x_7 by @draft.2.norm epsilon 1.0e-05 : tensor<?x12xf32>
    quoin.hidden %y results %y : tensor<?x12xf32>, tensor<?x12xf32>
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
  quoin.weight @draft.0.above_norm : tensor<12xf32> from "model.safetensors" tensor "clover.0.hidden_norm.weight"
  quoin.weight @draft.0.token_norm : tensor<12xf32> from "model.safetensors" tensor "clover.0.token_norm.weight"
  quoin.weight @draft.0.q_proj : tensor<12x12xf32> from "model.safetensors" tensor "clover.0.self_attn.q_proj.weight"
  quoin.weight @draft.0.k_proj : tensor<6x12xf32> from "model.safetensors" tensor "clover.0.self_attn.k_proj.weight"
  quoin.weight @draft.0.v_proj : tensor<6x12xf32> from "model.safetensors" tensor "clover.0.self_attn.v_proj.weight"
  quoin.weight @draft.0.o_proj : tensor<12x12xf32> from "model.safetensors" tensor "clover.0.self_attn.o_proj.weight"
  quoin.weight @draft.0.mlp_norm : tensor<12xf32> from "model.safetensors" tensor "clover.0.post_attention_layernorm.weight"
  quoin.weight @draft.0.gate_proj : tensor<14x12xf32> from "model.safetensors" tensor "clover.0.mlp.gate_proj.weight"
  quoin.weight @draft.0.up_proj : tensor<14x12xf32> from "model.safetensors" tensor "clover.0.mlp.up_proj.weight"
  quoin.weight @draft.0.down_proj : tensor<12x14xf32> from "model.safetensors" tensor "clover.0.mlp.down_proj.weight"
  quoin.weight @draft.0.norm : tensor<12xf32> from "model.safetensors" tensor "clover.0.norm.weight"
  quoin.weight @draft.1.above_norm : tensor<12xf32> from "model.safetensors" tensor "clover.1.hidden_norm.weight"
  quoin.weight @draft.1.token_norm : tensor<12xf32> from "model.safetensors" tensor "clover.1.token_norm.weight"
  quoin.weight @draft.1.q_proj : tensor<12x12xf32> from "model.safetensors" tensor "clover.1.self_attn.q_proj.weight"
  quoin.weight @draft.1.k_proj : tensor<6x12xf32> from "model.safetensors" tensor "clover.1.self_attn.k_proj.weight"
  quoin.weight @draft.1.v_proj : tensor<6x12xf32> from "model.safetensors" tensor "clover.1.self_attn.v_proj.weight"
  quoin.weight @draft.1.o_proj : tensor<12x12xf32> from "model.safetensors" tensor "clover.1.self_attn.o_proj.weight"
  quoin.weight @draft.1.mlp_norm : tensor<12xf32> from "model.safetensors" tensor "clover.1.post_attention_layernorm.weight"
  quoin.weight @draft.1.gate_proj : tensor<14x12xf32> from "model.safetensors" tensor "clover.1.mlp.gate_proj.weight"
  quoin.weight @draft.1.up_proj : tensor<14x12xf32> from "model.safetensors" tensor "clover.1.mlp.up_proj.weight"
  quoin.weight @draft.1.down_proj : tensor<12x14xf32> from "model.safetensors" tensor "clover.1.mlp.down_proj.weight"
  quoin.weight @draft.1.norm : tensor<12xf32> from "model.safetensors" tensor "clover.1.norm.weight"
  quoin.weight @draft.2.above_norm : tensor<12xf32> from "model.safetensors" tensor "clover.2.hidden_norm.weight"
  quoin.weight @draft.2.token_norm : tensor<12xf32> from "model.safetensors" tensor "clover.2.token_norm.weight"
  quoin.weight @draft.2.q_proj : tensor<12x12xf32> from "model.safetensors" tensor "clover.2.self_attn.q_proj.weight"
  quoin.weight @draft.2.k_proj : tensor<6x12xf32> from "model.safetensors" tensor "clover.2.self_attn.k_proj.weight"
  quoin.weight @draft.2.v_proj : tensor<6x12xf32> from "model.safetensors" tensor "clover.2.self_attn.v_proj.weight"
  quoin.weight @draft.2.o_proj : tensor<12x12xf32> from "model.safetensors" tensor "clover.2.self_attn.o_proj.weight"
  quoin.weight @draft.2.mlp_norm : tensor<12xf32> from "model.safetensors" tensor "clover.2.post_attention_layernorm.weight"
  quoin.weight @draft.2.gate_proj : tensor<14x12xf32> from "model.safetensors" tensor "clover.2.mlp.gate_proj.weight"
  quoin.weight @draft.2.up_proj : tensor<14x12xf32> from "model.safetensors" tensor "clover.2.mlp.up_proj.weight"
  quoin.weight @draft.2.down_proj : tensor<12x14xf32> from "model.safetensors" tensor "clover.2.mlp.down_proj.weight"
  quoin.weight @draft.2.norm : tensor<12xf32> from "model.safetensors" tensor "clover.2.norm.weight"

}
