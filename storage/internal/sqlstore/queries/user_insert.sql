INSERT INTO users (id, email, mail_to, created_at) VALUES (?, ?, ?, ?)
