"""Published early-warning scores, one a file, as their papers print them."""
