"""From events, words and matrices to columns that can be joined with images; pure functions, no files."""
