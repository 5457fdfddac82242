// SPDX-License-Identifier: Apache-2.0
// The block RAM of AMD's 7 series (UG473) and UltraScale+ (UG573) in simulation, of 18 or 36 Kb: two ports of one memory.
// As far as synthesis uses it: no registers behind the outputs, no cascades, no error correction, one clock.
//
// A port reads and writes words of 1, 2, 4, 9, 18 or 36 bits; A reads and B writes twice the widest of both in the
// pins of both. What a port reads where the other writes in the same cycle is the word before if the writer's mode is
// READ_FIRST, and unknown in the others: here the word before, inverted, so that nothing can rely on it.

`default_nettype none
/* verilator lint_off MULTIDRIVEN */
/* verilator lint_off PROCASSINIT */
/* verilator lint_off WIDTH */
/* verilator lint_off UNUSEDSIGNAL */

module tom_cell_ramb #(
  parameter int    Bytes     = 2048,  // of nine bits: 2048 or 4096
  parameter int    ReadA     = 0,     // bits of a word that port A reads, 0 for none
  parameter int    ReadB     = 0,     // bits of a word that port B reads
  parameter int    WriteA    = 0,     // bits of a word that port A writes
  parameter int    WriteB    = 0,     // bits of a word that port B writes
  parameter string ModeA     = "",    // what A reads where it writes: WRITE_FIRST, READ_FIRST or NO_CHANGE
  parameter string ModeB     = "",    // the same of B
  parameter bit    Registers = 0,     // registers behind the outputs: refused

  localparam int Data = Bytes / 128,  // data pins of a port
  localparam int Parity = Data / 8,   // parity pins of a port
  localparam int Port = Data + Parity,
  localparam int AddressBits = $clog2(Bytes) + 3,

  parameter bit [Port-1:0]    InitA      = '0,  // what the outputs of A begin with: parity, data
  parameter bit [Port-1:0]    InitB      = '0,  // the same of B
  parameter bit [Port-1:0]    SetA       = '0,  // what a reset brings to the outputs of A
  parameter bit [Port-1:0]    SetB       = '0,  // the same of B
  parameter bit [8*Bytes-1:0] Init       = '0,  // data of the memory, byte 0 in the low bits
  parameter bit [Bytes-1:0]   InitParity = '0   // the ninth bits
) (
  input  wire                   clk_a, en_a, set_a,
  input  wire [Parity-1:0]      we_a,
  input  wire [AddressBits-1:0] addr_a,
  input  wire [Data-1:0]        data_a,
  input  wire [Parity-1:0]      parity_a,
  output wire [Data-1:0]        out_a,
  output wire [Parity-1:0]      out_parity_a,
  input  wire                   clk_b, en_b, set_b,
  input  wire [2*Parity-1:0]    we_b,
  input  wire [AddressBits-1:0] addr_b,
  input  wire [Data-1:0]        data_b,
  input  wire [Parity-1:0]      parity_b,
  output wire [Data-1:0]        out_b,
  output wire [Parity-1:0]      out_parity_b
);

  localparam bit WideRead = ReadA == 2 * Port;
  localparam bit WideWrite = WriteB == 2 * Port;

  if (Registers) begin : gen_registers
    $error("a block RAM with registers behind its outputs is not modelled");
  end
  if (!known(ReadA, WideRead) || !known(ReadB, 0) || !known(WriteA, 0) || !known(WriteB, WideWrite)
      || (WideRead && (ReadB != 0 || WriteA != 0)) || (WideWrite && (ReadB != 0 || WriteA != 0))) begin : gen_width
    $error("a block RAM of these widths is not modelled");
  end
  if ((ReadA != 0 && WriteA != 0 && ReadA != WriteA) || (ReadB != 0 && WriteB != 0 && ReadB != WriteB)) begin : gen_differ
    $error("a port of a block RAM that reads other words than it writes is not modelled");
  end
  if (!is_mode(ModeA) || !is_mode(ModeB)) begin : gen_mode
    $error("this write mode of a block RAM is not modelled");
  end

  function automatic bit known(int width, bit wide);
    return width inside {0, 1, 2, 4, 9, 18} || (width == 36 && Port == 36) || wide;
  endfunction

  function automatic bit is_mode(string mode);
    return mode == "WRITE_FIRST" || mode == "READ_FIRST" || mode == "NO_CHANGE";
  endfunction

  // Address bits below those of a word.
  function automatic int low_bits(int width);
    return width < 9 ? $clog2(width) : $clog2(width / 9) + 3;
  endfunction

  typedef logic [2*Port-1:0] word_t;  // bytes of nine bits, the parity on top of each; or less than eight bits

  logic [8:0] mem[Bytes];
  word_t a_q, b_q;

  initial begin
    for (int i = 0; i < Bytes; i++) mem[i] = {InitParity[i], Init[8*i+:8]};
    a_q = begun(ReadA, {InitB, InitA});
    b_q = begun(ReadB, {InitB, InitB});
  end

  // Bytes of pins: parity above data, of two ports.
  function automatic word_t bytes(logic [2*Port-1:0] pins);
    word_t found;
    for (int i = 0; i < 2 * Parity; i++) begin
      found[9*i+:9] = {pins[i/Parity*Port+Data+i%Parity], pins[i/Parity*Port+i%Parity*8+:8]};
    end
    return found;
  endfunction

  // The word of a parameter: bits of parity right above those of data, for a port; less than eight bits as they are.
  function automatic word_t begun(int width, logic [2*Port-1:0] pins);
    word_t found = '0;
    int count = (width > Port ? Port : width) / 9;
    if (width < 9) return word_t'(pins);
    for (int i = 0; i < width / 9; i++) begin
      found[9*i+:9] = {pins[i/count*Port+8*count+i%count], pins[i/count*Port+8*(i%count)+:8]};
    end
    return found;
  endfunction

  // The word at an address, as it is.
  function automatic word_t word(int width, logic [AddressBits-1:0] addr);
    word_t found = '0;
    if (width < 9) found = (mem[addr>>3] >> ((addr & 7) >> low_bits(width) << low_bits(width))) & ((1 << width) - 1);
    else for (int i = 0; i < width / 9; i++) found[9*i+:9] = mem[(addr>>low_bits(width)<<low_bits(width)-3)+i];
    return found;
  endfunction

  function automatic word_t unknown(int width, logic [AddressBits-1:0] addr);
    return word(width, addr) ^ ((word_t'(1) << width) - word_t'(1));
  endfunction

  // A word into which another was written, where its bytes are enabled.
  function automatic word_t merged(int width, logic [2*Parity-1:0] we, word_t old, word_t next);
    word_t found = old;
    if (width <= 9) found = we[0] ? next : old;
    else for (int i = 0; i < width / 9; i++) if (we[i]) found[9*i+:9] = next[9*i+:9];
    return found;
  endfunction

  task automatic store(int width, logic [AddressBits-1:0] addr, word_t next);
    int place = (addr & 7) >> low_bits(width) << low_bits(width);
    int mask = (1 << width) - 1 << place;
    if (width < 9) mem[addr>>3] <= (mem[addr>>3] & ~mask) | (next << place & mask);
    else for (int i = 0; i < width / 9; i++) mem[(addr>>low_bits(width)<<low_bits(width)-3)+i] <= next[9*i+:9];
  endtask

  // Whether two words, of these widths, have a bit in common.
  function automatic bit common(int one, int other, logic [AddressBits-1:0] addr, logic [AddressBits-1:0] addr_other);
    int coarse = low_bits(one) > low_bits(other) ? low_bits(one) : low_bits(other);
    return addr >> coarse == addr_other >> coarse;
  endfunction

  wire writes_a = WriteA != 0 && en_a && we_a != '0;
  wire writes_b = WriteB != 0 && en_b && we_b != '0;
  wire word_t pins_a = bytes({2{parity_a, data_a}});
  wire word_t pins_b = bytes({parity_b, data_b, WideWrite ? {parity_a, data_a} : {parity_b, data_b}});

  always @(posedge clk_a) begin
    if (writes_a) store(WriteA, addr_a, merged(WriteA, (2 * Parity)'(we_a), word(WriteA, addr_a), pins_a));
    if (ReadA != 0 && en_a) begin
      if (set_a) a_q <= begun(ReadA, {SetB, SetA});
      else if (writes_b && ModeB != "READ_FIRST" && common(ReadA, WriteB, addr_a, addr_b)) a_q <= unknown(ReadA, addr_a);
      else if (!writes_a || ModeA == "READ_FIRST") a_q <= word(ReadA, addr_a);
      else if (ModeA == "WRITE_FIRST") a_q <= merged(ReadA, (2 * Parity)'(we_a), word(ReadA, addr_a), pins_a);
    end
  end

  always @(posedge clk_b) begin
    if (writes_b) store(WriteB, addr_b, merged(WriteB, we_b, word(WriteB, addr_b), pins_b));
    if (ReadB != 0 && en_b) begin
      if (set_b) b_q <= begun(ReadB, {SetB, SetB});
      else if (writes_a && ModeA != "READ_FIRST" && common(ReadB, WriteA, addr_b, addr_a)) b_q <= unknown(ReadB, addr_b);
      else if (!writes_b || ModeB == "READ_FIRST") b_q <= word(ReadB, addr_b);
      else if (ModeB == "WRITE_FIRST") b_q <= merged(ReadB, we_b, word(ReadB, addr_b), pins_b);
    end
  end

  for (genvar i = 0; i < Parity; i++) begin : gen_pins
    assign {out_parity_a[i], out_a[8*i+:8]} = a_q[9*i+:9];
    assign {out_parity_b[i], out_b[8*i+:8]} = WideRead ? a_q[9*(i+Parity)+:9] : b_q[9*i+:9];
  end

endmodule

`default_nettype wire
