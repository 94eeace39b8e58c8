// RUN: quoin-opt %s --split-input-file --verify-diagnostics

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @attention_c1 head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  // expected-error @+1 {{expects kv_heads that divides heads 4, but found 3}}
  %1 = quoin.attention %0, %0, %0 heads 4 kv_heads 3 head_dim 1 scale 0.5 : tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @attention_c2 head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  // expected-error @+1 {{expects a query of width 8, but found 4}}
  %1 = quoin.attention %0, %0, %0 heads 4 kv_heads 4 head_dim 2 scale 0.5 : tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @attention_c2_key head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  // expected-error @+1 {{expects a key of width 2, but found 4}}
  %1 = quoin.attention %0, %0, %0 heads 2 kv_heads 1 head_dim 2 scale 0.5 : tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @attention_c3 head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  // expected-error @+1 {{expects a finite scale below 2^126, but found 0x7FF0000000000000 : f64}}
  %1 = quoin.attention %0, %0, %0 heads 2 kv_heads 2 head_dim 2 scale 0x7FF0000000000000 : tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @attention_c2_overflow head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  // expected-error @+1 {{expects a query of width 18446744073709551612, but found 4}}
  %1 = quoin.attention %0, %0, %0 heads 9223372036854775806 kv_heads 9223372036854775806 head_dim 2 scale 0.5 : tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @attention_c3_as_f32 head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  // expected-error @+1 {{expects a finite scale below 2^126, but found 9.9999999999999997E+37 : f64}}
  %1 = quoin.attention %0, %0, %0 heads 2 kv_heads 2 head_dim 2 scale 1.0e38 : tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @attention_c4_none head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  // expected-error @+1 {{expects a head_dim from 1 to 512, but found 0}}
  %1 = quoin.attention %0, %0, %0 heads 4 kv_heads 4 head_dim 0 scale 0.5 : tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @attention_c4 head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  // expected-error @+1 {{expects a head_dim from 1 to 512, but found 513}}
  %1 = quoin.attention %0, %0, %0 heads 1 kv_heads 1 head_dim 513 scale 0.5 : tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @attention_c5 head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  // expected-error @+1 {{expects a formula of positions and labels alone, but found #quoin.mask<(q, k) : slot(k) le slot(q)>}}
  %1 = quoin.attention %0, %0, %0 heads 4 kv_heads 4 head_dim 1 within #quoin.mask<(q, k) : slot(k) le slot(q)> scale 0.5 : tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @attention_c5_symbol head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  // expected-error @+1 {{expects a formula of positions and labels alone, but found #quoin.mask<(q, k)[a] : k le a>}}
  %1 = quoin.attention %0, %0, %0 heads 4 kv_heads 4 head_dim 1 within #quoin.mask<(q, k)[a] : k le a> scale 0.5 : tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @attention_c5_open head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  // expected-error @+1 {{expects a formula of positions and labels alone, but found #quoin.mask<(q, k) : k le q and open(k) eq 0>}}
  %1 = quoin.attention %0, %0, %0 heads 4 kv_heads 4 head_dim 1 within #quoin.mask<(q, k) : k le q and open(k) eq 0> scale 0.5 : tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @attention_c6 head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  // expected-error @+1 {{expects a score with arguments 'f32', 'i32', 'i32', 'i32', but found 'f32'}}
  %1 = quoin.attention %0, %0, %0 heads 2 kv_heads 2 head_dim 2 scale 0.5 : tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32> score {
  ^bb0(%s: f32):
    quoin.number %s
  }
  quoin.hidden %0 : tensor<?x4xf32>
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @attention_c6_op head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  %1 = quoin.attention %0, %0, %0 heads 2 kv_heads 2 head_dim 2 scale 0.5 : tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32> score {
  ^bb0(%s: f32, %head: i32, %query: i32, %key: i32):
    // expected-error @+1 {{'quoin.attention' op expects a score of 'arith' and 'math' ops, but found 'arith.remsi'}}
    %r = arith.remsi %query, %key : i32
    quoin.number %s
  }
  quoin.hidden %0 : tensor<?x4xf32>
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @attention_c6_type head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  %1 = quoin.attention %0, %0, %0 heads 2 kv_heads 2 head_dim 2 scale 0.5 : tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32> score {
  ^bb0(%s: f32, %head: i32, %query: i32, %key: i32):
    // expected-error @+1 {{expects f32, i32 or i1, but found 'index'}}
    %r = arith.index_cast %query : i32 to index
    quoin.number %s
  }
  quoin.hidden %0 : tensor<?x4xf32>
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @attention_c6_ops head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  // expected-error @+1 {{expects a score of at most 256 ops, but found 257}}
  %1 = quoin.attention %0, %0, %0 heads 2 kv_heads 2 head_dim 2 scale 0.5 : tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32> score {
  ^bb0(%s: f32, %head: i32, %query: i32, %key: i32):
    %s0 = math.absf %s : f32
    %s1 = math.absf %s0 : f32
    %s2 = math.absf %s1 : f32
    %s3 = math.absf %s2 : f32
    %s4 = math.absf %s3 : f32
    %s5 = math.absf %s4 : f32
    %s6 = math.absf %s5 : f32
    %s7 = math.absf %s6 : f32
    %s8 = math.absf %s7 : f32
    %s9 = math.absf %s8 : f32
    %s10 = math.absf %s9 : f32
    %s11 = math.absf %s10 : f32
    %s12 = math.absf %s11 : f32
    %s13 = math.absf %s12 : f32
    %s14 = math.absf %s13 : f32
    %s15 = math.absf %s14 : f32
    %s16 = math.absf %s15 : f32
    %s17 = math.absf %s16 : f32
    %s18 = math.absf %s17 : f32
    %s19 = math.absf %s18 : f32
    %s20 = math.absf %s19 : f32
    %s21 = math.absf %s20 : f32
    %s22 = math.absf %s21 : f32
    %s23 = math.absf %s22 : f32
    %s24 = math.absf %s23 : f32
    %s25 = math.absf %s24 : f32
    %s26 = math.absf %s25 : f32
    %s27 = math.absf %s26 : f32
    %s28 = math.absf %s27 : f32
    %s29 = math.absf %s28 : f32
    %s30 = math.absf %s29 : f32
    %s31 = math.absf %s30 : f32
    %s32 = math.absf %s31 : f32
    %s33 = math.absf %s32 : f32
    %s34 = math.absf %s33 : f32
    %s35 = math.absf %s34 : f32
    %s36 = math.absf %s35 : f32
    %s37 = math.absf %s36 : f32
    %s38 = math.absf %s37 : f32
    %s39 = math.absf %s38 : f32
    %s40 = math.absf %s39 : f32
    %s41 = math.absf %s40 : f32
    %s42 = math.absf %s41 : f32
    %s43 = math.absf %s42 : f32
    %s44 = math.absf %s43 : f32
    %s45 = math.absf %s44 : f32
    %s46 = math.absf %s45 : f32
    %s47 = math.absf %s46 : f32
    %s48 = math.absf %s47 : f32
    %s49 = math.absf %s48 : f32
    %s50 = math.absf %s49 : f32
    %s51 = math.absf %s50 : f32
    %s52 = math.absf %s51 : f32
    %s53 = math.absf %s52 : f32
    %s54 = math.absf %s53 : f32
    %s55 = math.absf %s54 : f32
    %s56 = math.absf %s55 : f32
    %s57 = math.absf %s56 : f32
    %s58 = math.absf %s57 : f32
    %s59 = math.absf %s58 : f32
    %s60 = math.absf %s59 : f32
    %s61 = math.absf %s60 : f32
    %s62 = math.absf %s61 : f32
    %s63 = math.absf %s62 : f32
    %s64 = math.absf %s63 : f32
    %s65 = math.absf %s64 : f32
    %s66 = math.absf %s65 : f32
    %s67 = math.absf %s66 : f32
    %s68 = math.absf %s67 : f32
    %s69 = math.absf %s68 : f32
    %s70 = math.absf %s69 : f32
    %s71 = math.absf %s70 : f32
    %s72 = math.absf %s71 : f32
    %s73 = math.absf %s72 : f32
    %s74 = math.absf %s73 : f32
    %s75 = math.absf %s74 : f32
    %s76 = math.absf %s75 : f32
    %s77 = math.absf %s76 : f32
    %s78 = math.absf %s77 : f32
    %s79 = math.absf %s78 : f32
    %s80 = math.absf %s79 : f32
    %s81 = math.absf %s80 : f32
    %s82 = math.absf %s81 : f32
    %s83 = math.absf %s82 : f32
    %s84 = math.absf %s83 : f32
    %s85 = math.absf %s84 : f32
    %s86 = math.absf %s85 : f32
    %s87 = math.absf %s86 : f32
    %s88 = math.absf %s87 : f32
    %s89 = math.absf %s88 : f32
    %s90 = math.absf %s89 : f32
    %s91 = math.absf %s90 : f32
    %s92 = math.absf %s91 : f32
    %s93 = math.absf %s92 : f32
    %s94 = math.absf %s93 : f32
    %s95 = math.absf %s94 : f32
    %s96 = math.absf %s95 : f32
    %s97 = math.absf %s96 : f32
    %s98 = math.absf %s97 : f32
    %s99 = math.absf %s98 : f32
    %s100 = math.absf %s99 : f32
    %s101 = math.absf %s100 : f32
    %s102 = math.absf %s101 : f32
    %s103 = math.absf %s102 : f32
    %s104 = math.absf %s103 : f32
    %s105 = math.absf %s104 : f32
    %s106 = math.absf %s105 : f32
    %s107 = math.absf %s106 : f32
    %s108 = math.absf %s107 : f32
    %s109 = math.absf %s108 : f32
    %s110 = math.absf %s109 : f32
    %s111 = math.absf %s110 : f32
    %s112 = math.absf %s111 : f32
    %s113 = math.absf %s112 : f32
    %s114 = math.absf %s113 : f32
    %s115 = math.absf %s114 : f32
    %s116 = math.absf %s115 : f32
    %s117 = math.absf %s116 : f32
    %s118 = math.absf %s117 : f32
    %s119 = math.absf %s118 : f32
    %s120 = math.absf %s119 : f32
    %s121 = math.absf %s120 : f32
    %s122 = math.absf %s121 : f32
    %s123 = math.absf %s122 : f32
    %s124 = math.absf %s123 : f32
    %s125 = math.absf %s124 : f32
    %s126 = math.absf %s125 : f32
    %s127 = math.absf %s126 : f32
    %s128 = math.absf %s127 : f32
    %s129 = math.absf %s128 : f32
    %s130 = math.absf %s129 : f32
    %s131 = math.absf %s130 : f32
    %s132 = math.absf %s131 : f32
    %s133 = math.absf %s132 : f32
    %s134 = math.absf %s133 : f32
    %s135 = math.absf %s134 : f32
    %s136 = math.absf %s135 : f32
    %s137 = math.absf %s136 : f32
    %s138 = math.absf %s137 : f32
    %s139 = math.absf %s138 : f32
    %s140 = math.absf %s139 : f32
    %s141 = math.absf %s140 : f32
    %s142 = math.absf %s141 : f32
    %s143 = math.absf %s142 : f32
    %s144 = math.absf %s143 : f32
    %s145 = math.absf %s144 : f32
    %s146 = math.absf %s145 : f32
    %s147 = math.absf %s146 : f32
    %s148 = math.absf %s147 : f32
    %s149 = math.absf %s148 : f32
    %s150 = math.absf %s149 : f32
    %s151 = math.absf %s150 : f32
    %s152 = math.absf %s151 : f32
    %s153 = math.absf %s152 : f32
    %s154 = math.absf %s153 : f32
    %s155 = math.absf %s154 : f32
    %s156 = math.absf %s155 : f32
    %s157 = math.absf %s156 : f32
    %s158 = math.absf %s157 : f32
    %s159 = math.absf %s158 : f32
    %s160 = math.absf %s159 : f32
    %s161 = math.absf %s160 : f32
    %s162 = math.absf %s161 : f32
    %s163 = math.absf %s162 : f32
    %s164 = math.absf %s163 : f32
    %s165 = math.absf %s164 : f32
    %s166 = math.absf %s165 : f32
    %s167 = math.absf %s166 : f32
    %s168 = math.absf %s167 : f32
    %s169 = math.absf %s168 : f32
    %s170 = math.absf %s169 : f32
    %s171 = math.absf %s170 : f32
    %s172 = math.absf %s171 : f32
    %s173 = math.absf %s172 : f32
    %s174 = math.absf %s173 : f32
    %s175 = math.absf %s174 : f32
    %s176 = math.absf %s175 : f32
    %s177 = math.absf %s176 : f32
    %s178 = math.absf %s177 : f32
    %s179 = math.absf %s178 : f32
    %s180 = math.absf %s179 : f32
    %s181 = math.absf %s180 : f32
    %s182 = math.absf %s181 : f32
    %s183 = math.absf %s182 : f32
    %s184 = math.absf %s183 : f32
    %s185 = math.absf %s184 : f32
    %s186 = math.absf %s185 : f32
    %s187 = math.absf %s186 : f32
    %s188 = math.absf %s187 : f32
    %s189 = math.absf %s188 : f32
    %s190 = math.absf %s189 : f32
    %s191 = math.absf %s190 : f32
    %s192 = math.absf %s191 : f32
    %s193 = math.absf %s192 : f32
    %s194 = math.absf %s193 : f32
    %s195 = math.absf %s194 : f32
    %s196 = math.absf %s195 : f32
    %s197 = math.absf %s196 : f32
    %s198 = math.absf %s197 : f32
    %s199 = math.absf %s198 : f32
    %s200 = math.absf %s199 : f32
    %s201 = math.absf %s200 : f32
    %s202 = math.absf %s201 : f32
    %s203 = math.absf %s202 : f32
    %s204 = math.absf %s203 : f32
    %s205 = math.absf %s204 : f32
    %s206 = math.absf %s205 : f32
    %s207 = math.absf %s206 : f32
    %s208 = math.absf %s207 : f32
    %s209 = math.absf %s208 : f32
    %s210 = math.absf %s209 : f32
    %s211 = math.absf %s210 : f32
    %s212 = math.absf %s211 : f32
    %s213 = math.absf %s212 : f32
    %s214 = math.absf %s213 : f32
    %s215 = math.absf %s214 : f32
    %s216 = math.absf %s215 : f32
    %s217 = math.absf %s216 : f32
    %s218 = math.absf %s217 : f32
    %s219 = math.absf %s218 : f32
    %s220 = math.absf %s219 : f32
    %s221 = math.absf %s220 : f32
    %s222 = math.absf %s221 : f32
    %s223 = math.absf %s222 : f32
    %s224 = math.absf %s223 : f32
    %s225 = math.absf %s224 : f32
    %s226 = math.absf %s225 : f32
    %s227 = math.absf %s226 : f32
    %s228 = math.absf %s227 : f32
    %s229 = math.absf %s228 : f32
    %s230 = math.absf %s229 : f32
    %s231 = math.absf %s230 : f32
    %s232 = math.absf %s231 : f32
    %s233 = math.absf %s232 : f32
    %s234 = math.absf %s233 : f32
    %s235 = math.absf %s234 : f32
    %s236 = math.absf %s235 : f32
    %s237 = math.absf %s236 : f32
    %s238 = math.absf %s237 : f32
    %s239 = math.absf %s238 : f32
    %s240 = math.absf %s239 : f32
    %s241 = math.absf %s240 : f32
    %s242 = math.absf %s241 : f32
    %s243 = math.absf %s242 : f32
    %s244 = math.absf %s243 : f32
    %s245 = math.absf %s244 : f32
    %s246 = math.absf %s245 : f32
    %s247 = math.absf %s246 : f32
    %s248 = math.absf %s247 : f32
    %s249 = math.absf %s248 : f32
    %s250 = math.absf %s249 : f32
    %s251 = math.absf %s250 : f32
    %s252 = math.absf %s251 : f32
    %s253 = math.absf %s252 : f32
    %s254 = math.absf %s253 : f32
    %s255 = math.absf %s254 : f32
    %s256 = math.absf %s255 : f32
    quoin.number %s256
  }
  quoin.hidden %0 : tensor<?x4xf32>
}

// -----

quoin.weight @e : tensor<8x4xf32> from "model.safetensors" tensor "e"
quoin.model @attention_c7 head @e {
^bb0(%ids: tensor<?xi32>, %positions: tensor<?xindex>):
  %0 = quoin.embed %ids by @e : tensor<?x4xf32>
  // expected-error @+1 {{expects 'lse' of 2 numbers a row, one a head, but found 'tensor<?x4xf32>'}}
  %1, %2 = quoin.attention %0, %0, %0 heads 2 kv_heads 2 head_dim 2 scale 0.5 : tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32> lse tensor<?x4xf32>
  quoin.hidden %0 : tensor<?x4xf32>
}
