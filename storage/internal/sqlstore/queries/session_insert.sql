INSERT INTO sessions (token_hash, id, user_id, client_id, agent, os, claimed_ip, ip, data,
                      created_at, last_seen_at, expires_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
