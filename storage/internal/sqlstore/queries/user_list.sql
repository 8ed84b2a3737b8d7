SELECT id, email, mail_to, created_at, last_login_at, disabled_at, generation
  FROM users WHERE id > ? ORDER BY id LIMIT ?
