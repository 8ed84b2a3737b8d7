UPDATE users SET email = ?, mail_to = ? WHERE id = ?
