INSERT INTO users (id, email, mail_to, created_at, last_login_at) VALUES (?, ?, ?, ?, ?)
