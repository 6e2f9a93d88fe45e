"""The validator against its peers, on the same data and the same two servers."""
