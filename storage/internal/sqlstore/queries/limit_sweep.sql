DELETE FROM limits WHERE key IN (SELECT key FROM limits WHERE tat <= ? LIMIT ?)
