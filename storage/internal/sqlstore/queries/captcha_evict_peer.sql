-- Keeps the newest captchas of a peer: seq grows with each one.
DELETE FROM captchas
 WHERE peer = ? AND seq <= (SELECT seq FROM captchas WHERE peer = ? ORDER BY seq DESC LIMIT 1 OFFSET ?)
