"""Values to bytes: books, messages, pages. Nothing is sent from here."""
