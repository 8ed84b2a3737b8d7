-- In the order of the index, which otherwise might not be used.
SELECT due_at FROM challenges WHERE due_at <= ? ORDER BY due_at LIMIT 1
