"""report.html: one page about a design, for people. All that it shows is data elsewhere in the build folder."""

from tomato.build.page.document import PAGE, write

__all__ = ["PAGE", "write"]
