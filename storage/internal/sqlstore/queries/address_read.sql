SELECT state FROM addresses WHERE key = ?
