"""Tomato: trained networks (ONNX) into streaming FPGA accelerators."""
