-- A claim that ran out leaves claimed at 1: nobody knows how that attempt ended.
UPDATE challenges
   SET due_at = ?, try = try + 1, unknown = unknown + claimed, claimed = 1
 WHERE binding IN (SELECT binding FROM challenges WHERE due_at <= ? ORDER BY due_at LIMIT ?)
RETURNING id, binding, secret_id, level, user_id, expires_at, mail_to, language, client_id, purpose, number, try
