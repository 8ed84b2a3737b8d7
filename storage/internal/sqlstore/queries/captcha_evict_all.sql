-- Keeps the newest captchas of all.
DELETE FROM captchas WHERE seq <= (SELECT seq FROM captchas AS newest ORDER BY seq DESC LIMIT 1 OFFSET ?)
