SELECT count(*) FROM (SELECT 1 FROM challenges WHERE due_at IS NOT NULL LIMIT ?) AS pending
