SELECT binding FROM challenges WHERE due_at <= ? ORDER BY due_at, id LIMIT ? /*postgres FOR UPDATE SKIP LOCKED*/
