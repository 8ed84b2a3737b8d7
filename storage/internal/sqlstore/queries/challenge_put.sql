-- The binding's one challenge, due to be mailed.
INSERT INTO challenges (binding, id, secret_id, level, user_id, purpose, client_id, language, email, mail_to,
                        created_at, expires_at, due_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (binding) DO UPDATE
   SET id = excluded.id, secret_id = excluded.secret_id, level = excluded.level, user_id = excluded.user_id,
       purpose = excluded.purpose, client_id = excluded.client_id, language = excluded.language,
       email = excluded.email, mail_to = excluded.mail_to, created_at = excluded.created_at, expires_at = excluded.expires_at,
       due_at = excluded.due_at, guesses = 0, used_at = NULL, number = 1, try = 0, claimed = 0, unknown = 0
