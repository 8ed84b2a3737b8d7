-- The live challenge, or a decoy.
SELECT id, binding, secret_id, level, user_id, expires_at FROM challenges
 WHERE binding = coalesce((SELECT binding FROM challenges
                            WHERE binding = ? AND used_at IS NULL AND expires_at > ? AND guesses < ?), ?)
