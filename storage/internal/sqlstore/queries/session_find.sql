SELECT s.token_hash, s.id, s.user_id, s.client_id, s.agent, s.os, s.claimed_ip, s.ip, s.data,
       s.created_at, s.last_seen_at, s.expires_at,
       u.email, u.mail_to, u.created_at AS user_created_at, u.last_login_at
  FROM sessions s JOIN users u ON u.id = s.user_id
 WHERE s.token_hash = ? AND s.ended_at IS NULL AND s.expires_at > ? AND u.disabled_at IS NULL
