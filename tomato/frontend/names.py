"""ONNX names as identifiers that every generated language accepts."""

import re
from collections.abc import Container

LONGEST = 48
"""Longer names are cut: they become module and signal names."""

_KEYWORDS_TEXT = """
    accept_on alias always always_comb always_ff always_latch and assert assign assume automatic before begin bind
    bins binsof bit break buf bufif0 bufif1 byte case casex casez cell chandle checker class clocking cmos config
    const constraint context continue cover covergroup coverpoint cross deassign default defparam design disable
    dist do edge else end endcase endchecker endclass endclocking endconfig endfunction endgenerate endgroup
    endinterface endmodule endpackage endprimitive endprogram endproperty endsequence endspecify endtable endtask
    enum event eventually expect export extends extern final first_match for force foreach forever fork forkjoin
    function generate genvar global highz0 highz1 if iff ifnone ignore_bins illegal_bins implements implies import
    incdir include initial inout input inside instance int integer interconnect interface intersect join join_any
    join_none large let liblist library local localparam logic longint macromodule matches medium modport module
    nand negedge nettype new nexttime nmos nor noshowcancelled not notif0 notif1 null or output package packed
    parameter pmos posedge primitive priority program property protected pull0 pull1 pulldown pullup
    pulsestyle_ondetect pulsestyle_onevent pure rand randc randcase randsequence rcmos real realtime ref reg
    reject_on release repeat restrict return rnmos rpmos rtran rtranif0 rtranif1 s_always s_eventually s_nexttime
    s_until s_until_with scalared sequence shortint shortreal showcancelled signed small soft solve specify
    specparam static string strong strong0 strong1 struct super supply0 supply1 sync_accept_on sync_reject_on table
    tagged task this throughout time timeprecision timeunit tran tranif0 tranif1 tri tri0 tri1 triand trior trireg
    type typedef union unique unique0 unsigned until until_with untyped use uwire var vectored virtual void wait
    wait_order wand weak weak0 weak1 while wildcard wire with within wor xnor xor
"""
_CPP_TEXT = """
    alignas alignof and and_eq asm auto bitand bitor bool catch char char16_t char32_t char8_t co_await co_return
    co_yield compl concept const_cast constexpr consteval constinit continue decltype delete double dynamic_cast
    explicit export false float friend goto inline long mutable namespace new noexcept not_eq nullptr operator or_eq
    private protected public register reinterpret_cast requires short sizeof static_assert static_cast switch template
    thread_local throw true try typeid typename using volatile wchar_t xor_eq
    BUFSIZ EDOM EILSEQ EOF ERANGE EXIT_FAILURE EXIT_SUCCESS FILENAME_MAX FOPEN_MAX L_tmpnam MB_CUR_MAX NULL RAND_MAX
    SEEK_CUR SEEK_END SEEK_SET TMP_MAX assert errno i386 linux stderr stdin stdout unix
    accelerate argc argv equal folder frames hls load main std tb
"""
"""Words of C++, macros of its library, and what a generated C++ project calls its own."""
KEYWORDS = frozenset((_KEYWORDS_TEXT + _CPP_TEXT).split())
_OURS = ("ap_", "tom_")
"""What the names of modules, headers and types of the libraries begin with."""


def identifier(name: str) -> str:
    """`name` as an identifier: letters, digits, underscores; no leading digit, no keyword of SystemVerilog or C++."""
    text = re.sub(r"\W+", "_", name, flags=re.ASCII).strip("_")[-LONGEST:].strip("_") or "value"
    text = f"v{text}" if text[0].isdigit() else text
    return f"{text}_" if text in KEYWORDS or text.startswith(_OURS) else text


def unused(name: str, taken: Container[str]) -> str:
    """`name`, with a number behind it if that is taken."""
    unique, count = name, 1
    while unique in taken:
        count += 1
        unique = f"{name}_{count}"
    return unique
