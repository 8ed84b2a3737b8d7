-- Of the address, or of a decoy; both are looked up.
SELECT coalesce(a.state, d.state) AS state,
       EXISTS (SELECT 1 FROM devices WHERE address = ? AND device = ?) AS known
  FROM addresses d LEFT JOIN addresses a ON a.key = ? WHERE d.key = ?
