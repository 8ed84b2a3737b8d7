-- Of up to four limits at once; NULL matches nothing.
SELECT key, tat FROM limits WHERE key IN (?, ?, ?, ?)
