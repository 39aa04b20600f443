"""One HTML page of all results in a folder, for a browser without a network."""

from uwm.report.page.write import PAGE, write_page

__all__ = ["PAGE", "write_page"]
