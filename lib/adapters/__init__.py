"""Outside parties: one per file, the only place where its library is imported."""
