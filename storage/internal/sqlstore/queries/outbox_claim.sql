-- A claim of the same mail that ran out: nobody knows how that attempt ended. No row: it is not due
-- any more, or to be dropped. Whether there is a user is looked up here, and not by who asks for the mail:
-- that would take longer where there is one.
UPDATE challenges
   SET due_at = ?, try = try + 1,
       unknown = unknown + CASE WHEN claimed = number THEN 1 ELSE 0 END, claimed = number
 WHERE binding = ? AND due_at <= ? AND used_at IS NULL AND expires_at > ? AND expires_at >= ?
   AND unknown + CASE WHEN claimed = number THEN 1 ELSE 0 END < 2
RETURNING id, binding, secret_id, level, user_id, expires_at, language, client_id, purpose, number, try,
          coalesce((SELECT u.mail_to FROM users u WHERE u.email = challenges.email), mail_to) AS mail_to
