INSERT INTO keys (id, sealed, version) VALUES (1, ?, 1) ON CONFLICT (id) DO NOTHING
