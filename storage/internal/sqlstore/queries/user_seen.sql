UPDATE users SET last_login_at = ? WHERE id = ?
