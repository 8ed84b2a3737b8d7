SELECT tat FROM limits WHERE key = ?
