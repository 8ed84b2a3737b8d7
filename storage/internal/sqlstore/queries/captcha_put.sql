INSERT INTO captchas (id, kind, state, peer, expires_at) VALUES (?, ?, ?, ?, ?)
