DELETE FROM challenges WHERE binding IN (SELECT binding FROM challenges WHERE expires_at <= ? LIMIT ?)
