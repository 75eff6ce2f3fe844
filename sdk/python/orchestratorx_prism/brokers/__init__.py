"""Brokers: where events go and come from. One file each."""
