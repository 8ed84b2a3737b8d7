-- Of the address, or of a decoy.
SELECT state, EXISTS (SELECT 1 FROM devices WHERE address = ? AND device = ?) AS known
  FROM addresses WHERE key = coalesce((SELECT key FROM addresses WHERE key = ?), ?)
