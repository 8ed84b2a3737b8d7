SELECT id, binding, secret_id, level, user_id, expires_at
  FROM challenges
 WHERE binding = ? AND used_at IS NULL AND expires_at > ? AND guesses < ?
