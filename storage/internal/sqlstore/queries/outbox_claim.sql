-- A claim of the same mail that ran out: nobody knows how that attempt ended. No row: it is not due
-- any more, or to be dropped.
UPDATE challenges
   SET due_at = ?, try = try + 1,
       unknown = unknown + CASE WHEN claimed = number THEN 1 ELSE 0 END, claimed = number
 WHERE binding = ? AND due_at <= ? AND used_at IS NULL AND expires_at > ? AND expires_at >= ?
   AND unknown + CASE WHEN claimed = number THEN 1 ELSE 0 END < 2
RETURNING id, binding, secret_id, level, user_id, expires_at, mail_to, language, client_id, purpose, number, try
