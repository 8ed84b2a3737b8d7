-- After a guess, of which nothing else may be to be remembered. Without a new time, which would touch an index as
-- well: at another place for a decoy than for an address.
UPDATE addresses SET state = ?, guesses = guesses + 1 WHERE key = ?
