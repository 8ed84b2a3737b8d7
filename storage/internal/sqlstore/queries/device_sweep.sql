DELETE FROM devices WHERE (address, device) IN (SELECT address, device FROM devices WHERE seen_at <= ? LIMIT ?)
