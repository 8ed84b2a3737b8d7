-- A claim of the same mail that ran out: nobody knows how that attempt ended.
UPDATE challenges
   SET due_at = ?, try = try + 1,
       unknown = unknown + CASE WHEN claimed = number THEN 1 ELSE 0 END, claimed = number
 WHERE binding = ? AND due_at <= ?
RETURNING id, binding, secret_id, level, user_id, expires_at, mail_to, language, client_id, purpose, number, try
