DELETE FROM addresses WHERE key IN (SELECT key FROM addresses WHERE seen_at <= ? LIMIT ?)
