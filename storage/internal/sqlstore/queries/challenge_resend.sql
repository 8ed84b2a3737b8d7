-- Mails the living code again. A mail that is being delivered right now stays with its worker.
UPDATE challenges
   SET number = number + 1, unknown = 0, email = ?, mail_to = ?, language = ?,
       claimed = CASE WHEN due_at > ? THEN claimed ELSE 0 END,
       due_at = CASE WHEN claimed > 0 AND due_at > ? THEN due_at ELSE CAST(? AS BIGINT) END
 WHERE binding = ? AND used_at IS NULL AND guesses < ? AND expires_at >= ? AND secret_id = ? AND level >= ?
RETURNING expires_at
