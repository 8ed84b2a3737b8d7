-- Those of an address, with which bindings begin.
DELETE FROM challenges WHERE binding >= ? AND binding < ?
