SELECT 1 FROM challenges WHERE due_at <= ? LIMIT 1
