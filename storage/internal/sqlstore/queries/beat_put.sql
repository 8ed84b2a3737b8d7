INSERT INTO beats (id, at) VALUES (1, ?)
ON CONFLICT (id) DO UPDATE SET at = CASE WHEN beats.at > excluded.at THEN beats.at ELSE excluded.at END
