-- Of the address, or of a decoy; both are looked up. On PostgreSQL a row that is found takes longer than one that is
-- not, so that the decoy is found twice.
SELECT coalesce(a.state, /*postgres (SELECT state FROM addresses WHERE key = d.key),*/ d.state, '') AS state,
       EXISTS (SELECT 1 FROM devices WHERE address = ? AND device = ?) AS known
  FROM (SELECT 1) AS one
  LEFT JOIN addresses a ON a.key = ?
  LEFT JOIN addresses d ON d.key = ?
