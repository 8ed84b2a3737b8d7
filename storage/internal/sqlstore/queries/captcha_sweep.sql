DELETE FROM captchas WHERE seq IN (SELECT seq FROM captchas WHERE expires_at <= ? LIMIT ?)
