-- Finds the user who logs in, and notes when, unless the user is disabled. The row is locked.
UPDATE users
   SET last_login_at = CASE WHEN disabled_at IS NULL THEN CAST(? AS BIGINT) ELSE last_login_at END
 WHERE email = ?
RETURNING id, email, mail_to, created_at, last_login_at, disabled_at, generation
