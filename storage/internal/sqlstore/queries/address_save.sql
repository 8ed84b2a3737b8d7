UPDATE addresses SET state = ? WHERE key = ?
