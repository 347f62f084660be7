// Filled in by the room that owns it.
