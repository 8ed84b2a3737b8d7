UPDATE users SET disabled_at = ?, generation = generation + 1 WHERE id = ?
