-- Changes what is remembered, and not for how long: the time is in an index, whose entry would move to another page for an
-- address than for a decoy. The count makes it a change even where nothing else is to be remembered.
UPDATE addresses SET state = ?, guesses = guesses + 1 WHERE key = ?
