DELETE FROM tickets WHERE id = ? RETURNING binding, expires_at
