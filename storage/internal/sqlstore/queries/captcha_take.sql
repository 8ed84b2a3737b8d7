DELETE FROM captchas WHERE id = ? RETURNING id, kind, state, peer, expires_at
