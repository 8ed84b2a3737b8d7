-- Counts a wrong guess; at a decoy, when the code is gone.
UPDATE challenges SET guesses = guesses + 1
 WHERE binding = coalesce((SELECT binding FROM challenges
                            WHERE binding = ? AND id = ? AND used_at IS NULL AND expires_at > ? AND guesses < ? AND level >= ?
                            /*postgres FOR UPDATE*/), ?)
RETURNING binding, created_at
