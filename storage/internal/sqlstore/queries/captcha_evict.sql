-- Keeps the newest captchas of the peer and of all: seq grows with each one, and of all no more are
-- kept than that many numbers.
DELETE FROM captchas
 WHERE (peer = ? AND seq <= (SELECT seq FROM captchas WHERE peer = ? ORDER BY seq DESC LIMIT 1 OFFSET ?))
    OR seq <= (SELECT max(seq) FROM captchas) - ?
