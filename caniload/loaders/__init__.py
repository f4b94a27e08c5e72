"""Host side and worker side of fetching and loading."""
