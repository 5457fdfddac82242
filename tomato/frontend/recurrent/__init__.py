"""Recurrent layers found in the forms in which exporters write them: as loops, or step by step."""
