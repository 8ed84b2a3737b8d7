INSERT INTO tickets (id, binding, expires_at) VALUES (?, ?, ?)
