-- Not for how long: the time is in an index, whose entry would move to another page for an address than for a decoy.
-- The count makes it a change even where there is nothing to remember.
UPDATE addresses SET state = ?, saves = saves + 1 WHERE key = ?
