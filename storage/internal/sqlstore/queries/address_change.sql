-- Without a new time, which would touch an index as well: at another place for a decoy than for an address.
UPDATE addresses SET state = ? WHERE key = ?
