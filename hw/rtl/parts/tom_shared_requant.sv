// SPDX-License-Identifier: Apache-2.0
// Narrows results of the layers that share an engine: y = clamp((x * mult + bias) >>> shift, lo, hi).
//
// Bit-exact with tomato/ops/requant.py where nudges are the same sums x * mult + bias in all channels of a layer: the
// shifted value of such a sum moves by its step. A word of MemFile holds mult (low) and bias of a channel, of each
// lane's one behind the other; lo, hi and how far the shift is beyond Shift are those of the layer. A result of
// each lane a cycle, never stalls. Products are cut as in tom_requant_stream, and Latency is one cycle more than there.

`default_nettype none

module tom_shared_requant #(
  parameter int unsigned Members   = 2,   // layers
  parameter bit [Members*tom_shared_pkg::LayerBits-1:0] Layers = tom_shared_pkg::Both,  // their sizes, the first in the low bits
  parameter int unsigned Lanes     = 1,   // results at once
  parameter int unsigned TagBits   = 1,   // of what goes along with them
  parameter int unsigned InBits    = 24,  // width of an accumulator, two's complement
  parameter int unsigned MultBits  = 17,  // width of mult, two's complement
  parameter int unsigned InSlice   = 25,  // bits of an accumulator that a multiplier takes
  parameter int unsigned MultSlice = 17,  // bits of mult that it takes
  parameter int unsigned BiasBits  = 24,  // width of bias, two's complement
  parameter int unsigned Shift     = 8,   // right shift that all layers have
  parameter int unsigned MoreBits  = 1,   // width of how far that of a layer is beyond it
  parameter int unsigned OutBits   = 8,   // width of an output code
  parameter int unsigned Nudges    = 0,   // sums of a layer that are nudged, at most; more than 0 take one cycle more
  parameter bit [Members*(Nudges > 0 ? Nudges : 1)*128-1:0] Nudged = '0,  // of each layer these: a sum and, on top, two bits of step
  parameter int unsigned Words     = 2,   // of constants, of all layers
  parameter int unsigned Ram       = 0,   // memory kind of the constants: 0 LUT, 1 block RAM
  parameter              MemFile   = "",  // hexadecimal words

  localparam int unsigned MemberBits = tom_pkg::idx_width(Members),
  localparam int unsigned WordBits = tom_pkg::idx_width(Words)
) (
  input  wire logic                  clk_i,
  input  wire logic                  rst_i,

  input  wire logic                  valid_i,
  input  wire logic [MemberBits-1:0] member_i,  // whose result it is
  input  wire logic [WordBits-1:0]   word_i,    // its constants
  input  wire logic [TagBits-1:0]    tag_i,
  input  wire logic [Lanes*InBits-1:0] data_i,

  output wire logic                  valid_o,
  output wire logic [MemberBits-1:0] member_o,
  output wire logic [TagBits-1:0]    tag_o,
  output wire logic [Lanes*OutBits-1:0] data_o
);

  import tom_shared_pkg::*;

  localparam int unsigned SumBits = (InBits + MultBits > BiasBits ? InBits + MultBits : BiasBits) + 1;
  localparam int unsigned InSlices = tom_pkg::ceil_div(InBits, InSlice);
  localparam int unsigned MultSlices = tom_pkg::ceil_div(MultBits, MultSlice);
  localparam int unsigned Parts = InSlices * MultSlices;  // products that are summed
  localparam int unsigned Levels = $clog2(Parts + 1);     // of sums of two
  localparam int unsigned Latency = 5 + Levels + (Nudges > 0 ? 1 : 0);
  localparam int unsigned CmpBits = (SumBits - Shift > 34 ? SumBits - Shift : 34);  // of shifted sums, lo and hi

  wire logic [Members-1:0][31:0]         lows, highs;
  wire logic [Members-1:0][MoreBits-1:0] more;
  for (genvar m = 0; m < Members; m++) begin : gen_member
    localparam layer_t Layer = layer_t'(Layers[m*LayerBits+:LayerBits]);
    assign lows[m]  = Layer.lo;
    assign highs[m] = Layer.hi;
    assign more[m]  = MoreBits'(Layer.shift);
  end

  typedef struct packed {
    logic [1:0]   step;  // two's complement
    logic [125:0] sum;
  } nudge_t;

  typedef nudge_t [Members-1:0][(Nudges > 0 ? Nudges : 1)-1:0] nudges_t;

  wire nudges_t nudged = nudges_t'(Nudged);
  wire logic unused_nudged = &{1'b0, nudged};

  localparam int unsigned FieldW = MultBits + BiasBits;

  wire logic [Lanes*FieldW-1:0] word;
  wire logic [1:0] unused_load;

  tom_rom #(
    .Width    (Lanes * FieldW),
    .Words    (Words),
    .Ram      (Ram),
    .Addressed(1),
    .MemFile  (MemFile)
  ) u_constants (
    .clk_i,
    .rst_i,
    .load_o(unused_load),
    .next_i(valid_i),
    .addr_i(word_i),
    .data_o(word)
  );

  logic [Latency-1:0]                 valid_q;
  logic [Latency-1:0][MemberBits-1:0] member_q;
  logic [TagBits-1:0]                 tag_q[Latency];

  always_ff @(posedge clk_i) begin
    if (rst_i) valid_q <= '0;
    else valid_q <= {valid_q[Latency-2:0], valid_i};
    member_q <= {member_q[Latency-2:0], member_i};
    tag_q[0] <= tag_i;
    for (int unsigned s = 1; s < Latency; s++) tag_q[s] <= tag_q[s-1];
  end

  wire logic [MemberBits-1:0] shifted_of = member_q[Levels+1];  // whose sum is there
  wire logic [MemberBits-1:0] clamped_of = member_q[Latency-3];  // whose value before clamping is there

  wire logic signed [CmpBits-1:0] lo = CmpBits'(signed'(lows[clamped_of]));
  wire logic signed [CmpBits-1:0] hi = CmpBits'(signed'(highs[clamped_of]));

  for (genvar l = 0; l < Lanes; l++) begin : gen_lane
    logic signed [InBits-1:0] value_q;
    always_ff @(posedge clk_i) value_q <= data_i[l*InBits+:InBits];

    wire logic signed [MultBits-1:0] mult = word[l*FieldW+:MultBits];
    wire logic signed [SumBits-1:0]  term[Parts+1];

    logic signed [BiasBits-1:0] bias_q;
    always_ff @(posedge clk_i) bias_q <= word[l*FieldW+MultBits+:BiasBits];
    assign term[0] = SumBits'(bias_q);

    for (genvar p = 0; p < Parts; p++) begin : gen_part
      localparam int unsigned InFrom = p / MultSlices * InSlice, MultFrom = p % MultSlices * MultSlice;
      localparam bit InTop = p / MultSlices == InSlices - 1, MultTop = p % MultSlices == MultSlices - 1;
      localparam int unsigned ABits = InTop ? InBits - InFrom : InSlice + 1;
      localparam int unsigned BBits = MultTop ? MultBits - MultFrom : MultSlice + 1;
      wire logic signed [ABits-1:0] a =
          InTop ? ABits'(value_q >>> InFrom) : ABits'({1'b0, InSlice'(value_q >>> InFrom)});
      wire logic signed [BBits-1:0] b =
          MultTop ? BBits'(mult >>> MultFrom) : BBits'({1'b0, MultSlice'(mult >>> MultFrom)});
      logic signed [ABits+BBits-1:0] prod_q;
      always_ff @(posedge clk_i) prod_q <= a * b;
      assign term[p+1] = SumBits'(prod_q) <<< (InFrom + MultFrom);
    end

    for (genvar s = 1; s <= Levels; s++) begin : gen_level
      localparam int unsigned Last = tom_pkg::ceil_div(Parts + 1, 2 ** (s - 1));  // terms before
      localparam int unsigned Next = tom_pkg::ceil_div(Last, 2);                  // terms after
      logic signed [SumBits-1:0] addend[Last], sum_q[Next];
      if (s == 1) begin : gen_first
        assign addend = term;
      end else begin : gen_later
        assign addend = gen_level[s-1].sum_q;
      end
      always_ff @(posedge clk_i) begin
        for (int unsigned t = 0; t < Next; t++)
          sum_q[t] <= addend[2*t] + (2 * t + 1 < Last ? addend[2*t+1] : '0);
      end
    end

    wire logic signed [SumBits-1:0] sum = gen_level[Levels].sum_q[0];
    logic signed [CmpBits-1:0] shifted_q;
    always_ff @(posedge clk_i) shifted_q <= CmpBits'(sum >>> Shift) >>> more[shifted_of];

    wire logic signed [CmpBits-1:0] value;  // before clamping
    if (Nudges == 0) begin : gen_plain
      assign value = shifted_q;
    end else begin : gen_nudges
      logic up, down;
      always_comb begin
        up   = 1'b0;
        down = 1'b0;
        for (int unsigned n = 0; n < Nudges; n++) begin
          if (sum == SumBits'(signed'(nudged[shifted_of][n].sum))) begin
            up   |= nudged[shifted_of][n].step == 2'b01;
            down |= nudged[shifted_of][n].step == 2'b11;
          end
        end
      end

      logic up_q, down_q;
      logic signed [CmpBits-1:0] moved_q;
      always_ff @(posedge clk_i) begin
        up_q    <= up;
        down_q  <= down;
        moved_q <= shifted_q + (up_q ? CmpBits'(1) : down_q ? -CmpBits'(1) : '0);
      end
      assign value = moved_q;
    end

    logic               under_q, over_q;
    logic [OutBits-1:0] inside_q, lo_q, hi_q, result_q;
    always_ff @(posedge clk_i) begin
      under_q  <= value < lo;
      over_q   <= value > hi;
      inside_q <= value[OutBits-1:0];
      lo_q     <= lo[OutBits-1:0];
      hi_q     <= hi[OutBits-1:0];
      result_q <= under_q ? lo_q : over_q ? hi_q : inside_q;
    end
    assign data_o[l*OutBits+:OutBits] = result_q;
  end

  assign valid_o  = valid_q[Latency-1];
  assign member_o = member_q[Latency-1];
  assign tag_o    = tag_q[Latency-1];

endmodule

`default_nettype wire
