-- An empty text names everything.
UPDATE sessions SET ended_at = ?
 WHERE ended_at IS NULL AND expires_at > ?
   AND (? = '' OR user_id = ?) AND (? = '' OR id = ?) AND id <> ?
