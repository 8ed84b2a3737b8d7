SELECT state, EXISTS (SELECT 1 FROM devices WHERE address = ? AND device = ?) AS known
  FROM addresses WHERE key = ?
