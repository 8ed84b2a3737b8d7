SELECT token_hash, id, user_id, client_id, agent, os, claimed_ip, ip, data, created_at, last_seen_at, expires_at
  FROM sessions
 WHERE user_id = ? AND ended_at IS NULL AND expires_at > ?
 ORDER BY created_at DESC, id
