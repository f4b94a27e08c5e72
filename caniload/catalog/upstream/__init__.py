"""What upstream catalogues state: one importer a file, one schema, one snapshot a catalogue."""
