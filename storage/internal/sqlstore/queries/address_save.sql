UPDATE addresses SET state = ?, seen_at = ? WHERE key = ?
