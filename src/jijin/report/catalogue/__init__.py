"""A run as one page without a network: page.write() makes it from a view.RunView, of_run.of_run() reads that."""
