UPDATE keys SET sealed = ?, version = version + 1 WHERE id = 1 AND version = ?
