-- Whose session is so many further on.
SELECT user_id FROM sessions WHERE user_id > ? ORDER BY user_id LIMIT 1 OFFSET ?
