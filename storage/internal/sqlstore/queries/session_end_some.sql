-- Of the users from one to another. An empty id names all sessions.
UPDATE sessions SET ended_at = ?
 WHERE user_id > ? AND user_id <= ? AND ended_at IS NULL AND expires_at > ? AND (? = '' OR id = ?) AND id <> ?
