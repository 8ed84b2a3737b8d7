-- Spends the code for a right guess; its mail is not needed any more. No row: the code is gone.
UPDATE challenges
   SET used_at = ?, due_at = NULL, claimed = 0, email = '', mail_to = ''
 WHERE binding = ? AND id = ? AND used_at IS NULL AND expires_at > ? AND guesses < ? AND level >= ?
RETURNING guesses, created_at
