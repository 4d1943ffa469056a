"""How it is run: policy plus plumbing around one function of `lib` each."""
