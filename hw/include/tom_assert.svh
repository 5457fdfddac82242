// SPDX-License-Identifier: Apache-2.0
`ifndef TOM_ASSERT_SVH
`define TOM_ASSERT_SVH

// A condition on parameters, checked when the design is elaborated.
`define TOM_REQUIRE(name, cond, msg) \
  if (!(cond)) begin : gen_require_``name $error(msg); end

// Cycles through a module, where nothing stalls, as its localparam Latency. Most state it for others to read, not for
// themselves, which is what the linter would say.
`define TOM_LATENCY(cycles) \
  /* verilator lint_off UNUSEDPARAM */ \
  localparam int unsigned Latency = cycles; \
  /* verilator lint_on UNUSEDPARAM */

// TOM_STREAM_STABLE: a valid/ready source must hold valid and data until the transfer happens.
// TOM_ALWAYS: a condition that must hold at every rising clock edge outside reset.
`ifdef TOM_ASSERTIONS
`define TOM_STREAM_STABLE(name, valid, ready, data)                              \
  name``_holds_valid: assert property (@(posedge clk_i) disable iff (rst_i)      \
    valid && !ready |=> valid) else $error("%m dropped valid before ready");     \
  name``_holds_data: assert property (@(posedge clk_i) disable iff (rst_i)       \
    valid && !ready |=> $stable(data)) else $error("%m changed data before ready");
`define TOM_ALWAYS(name, cond, msg) \
  name``_always: assert property (@(posedge clk_i) disable iff (rst_i) cond) else $error(msg);
`else
`define TOM_STREAM_STABLE(name, valid, ready, data)
`define TOM_ALWAYS(name, cond, msg)
`endif

`endif
