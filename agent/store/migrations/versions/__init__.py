"""One file for each version. A released one is never edited: the next change is a new file."""
