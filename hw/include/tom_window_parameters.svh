// SPDX-License-Identifier: Apache-2.0
// Parameters of a sliding window, in the list of a module's. They end with a comma.
  parameter int unsigned Height     = 4,   // input rows
  parameter int unsigned Width      = 4,   // input columns
  parameter int unsigned OutHeight  = 4,   // output rows
  parameter int unsigned OutWidth   = 4,   // output columns
  parameter int unsigned KernelH    = 3,
  parameter int unsigned KernelW    = 3,
  parameter int unsigned StrideH    = 1,
  parameter int unsigned StrideW    = 1,
  parameter int unsigned DilationH  = 1,
  parameter int unsigned DilationW  = 1,
  parameter int unsigned PadTop     = 1,
  parameter int unsigned PadLeft    = 1,
  parameter int signed   PadValue   = 0,   // code of the border
  parameter bit          ParallelH  = 0,   // all kernel rows at once
  parameter bit          ParallelW  = 0,   // all kernel columns at once
  parameter int unsigned Rows       = 4,   // rows in the line buffer
  parameter int unsigned Columns    = 1,   // column banks of the line buffer
  parameter int unsigned Pixels     = 1,   // neighbouring columns per input beat
  parameter int unsigned RingRam    = 0,   // memory kind of the line buffer: 0 LUTRAM, 1 block, 2 UltraRAM
