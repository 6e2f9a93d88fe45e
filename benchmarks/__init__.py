"""Ratios against peers, one command each."""
