"""Ways to watch a search: live (rich), plain lines, JSON lines, nothing."""
