-- Counts a wrong guess, or spends the code for a right one. No row: the code is gone, nothing was counted.
UPDATE challenges
   SET guesses = guesses + ?, used_at = ?
 WHERE binding = ? AND id = ? AND used_at IS NULL AND expires_at > ? AND guesses < ? AND level >= ?
RETURNING guesses, created_at
