-- Counts a wrong guess. No row: the code is gone, nothing was counted.
UPDATE challenges
   SET guesses = guesses + 1
 WHERE binding = ? AND id = ? AND used_at IS NULL AND expires_at > ? AND guesses < ? AND level >= ?
RETURNING guesses, created_at
