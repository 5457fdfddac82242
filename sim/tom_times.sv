// SPDX-License-Identifier: Apache-2.0
// Simulation only: writes in which cycles the first and the last beat of the first frame pass each stream, and how
// many beats of it passed, to sim/work/times: a line for each stream.

`default_nettype none

module tom_times #(
  parameter int unsigned              Streams = 1,
  parameter bit [Streams-1:0][31:0] Beats   = '1  // of a frame
) (
  input wire logic               clk_i,
  input wire logic               rst_i,
  input wire logic [Streams-1:0] moves_i  // a beat passes
);

  int unsigned cycle;
  int unsigned passed[Streams];
  int unsigned first [Streams];
  int unsigned last  [Streams];

  initial begin
    cycle  = 0;
    passed = '{default: 0};
    first  = '{default: 0};
    last   = '{default: 0};
  end

  always_ff @(posedge clk_i) begin
    cycle <= cycle + 1;
    for (int unsigned s = 0; s < Streams; s++) begin
      if (!rst_i && moves_i[s] && passed[s] < Beats[s]) begin
        if (passed[s] == 0) first[s] <= cycle;
        last[s]   <= cycle;
        passed[s] <= passed[s] + 1;
      end
    end
  end

  final begin
    automatic int file = $fopen("sim/work/times", "w");
    for (int unsigned s = 0; s < Streams; s++) $fdisplay(file, "%0d %0d %0d", first[s], last[s], passed[s]);
    $fclose(file);
  end

endmodule

`default_nettype wire
