package size

import (
	"strings"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"
)

// Parts of the statements on PostgreSQL. What expires first comes first.
var postgresParts = strings.NewReplacer(
	"<rows>", `generate_series(0, {n}::bigint - 1) AS i`,
	"<bytes>", `decode(md5(random()::text) || md5(random()::text), 'hex')`,
	"<token>", `translate(encode(decode(md5(random()::text) || md5(random()::text), 'hex'), 'base64'), '+/=', '-_')`,
	"<user>", `'u_' || lpad((i * 2654435761 % {users})::text, 22, '0')`,
	"<expiry>", `CASE WHEN i < {dead} THEN {now} - 604800000 + i * 604700000 / {n}
	                  ELSE {now} + 25920000000 + i * 864000000 / {n} END`,
	"<seen>", `CASE WHEN i < {dead} THEN {now} - 50000000000 + i * 10000000000 / {n}
	                ELSE {now} - 20000000000 + i * 20000000000 / {n} END`,
)

var postgresFillings = map[string]string{
	"users": `INSERT INTO users (id, email, mail_to, created_at, last_login_at)
		SELECT 'u_' || lpad(i::text, 22, '0'), 'user' || i || '@size.example', 'user' || i || '@size.example', {now} - 86400000, {now} - 86400000
		  FROM <rows>`,
	"sessions": `INSERT INTO sessions (token_hash, id, user_id, client_id, agent, os, claimed_ip, ip, data, created_at, last_seen_at, expires_at)
		SELECT <token>, 's_' || left(md5(random()::text), 22), <user>, 'app', 'a browser 1.2.3', 'a system 4.5', '', '198.51.100.7',
		       '{"deadline":1700000000000,"values":{}}', {now} - 86400000 + i * 86400000 / {n}, {now} - 60000, <expiry>
		  FROM <rows>`,
	"challenges": `INSERT INTO challenges (binding, id, secret_id, level, user_id, purpose, client_id, language, email, mail_to,
		                        created_at, expires_at, guesses, used_at)
		SELECT <bytes> || <bytes>, decode(md5(random()::text), 'hex'), 'aaaaaaaaaaaa', 0, <user>, 'LOGIN_EMS', 'app', 'en', '', '',
		       {now} - 691200000, <expiry>, 0, CASE WHEN i % 3 > 0 THEN {now} - 691200000 END
		  FROM <rows>`,
	"captchas": `INSERT INTO captchas (id, kind, state, peer, expires_at)
		SELECT <bytes>, 'digits', decode(md5(random()::text), 'hex'), decode(md5(random()::text), 'hex'), <expiry> FROM <rows>`,
	"tickets":   `INSERT INTO tickets (id, binding, expires_at) SELECT <bytes>, <bytes>, <expiry> FROM <rows>`,
	"limits":    `INSERT INTO limits (key, tat) SELECT <bytes>, <expiry> FROM <rows>`,
	"addresses": `INSERT INTO addresses (key, state, seen_at) SELECT <bytes>, '{"user":"' || <user> || '","sends":[{"at":1700000000000}]}', <seen> FROM <rows>`,
	"devices":   `INSERT INTO devices (address, device, seen_at) SELECT <bytes>, <bytes>, <seen> FROM <rows>`,
}

// fillPostgres fills the schema of a store that nobody uses. The connections of
// db find it by their search_path.
func fillPostgres(t *testing.T, db *sqlx.DB, c counts, now time.Time) {
	t.Helper()
	statements := make(map[string]string)
	for table, statement := range postgresFillings {
		statements[table] = postgresParts.Replace(statement)
	}
	f := filler{db, statements}
	f.withoutIndexes(t, `
		SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname) AS dropped,
		       format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid)) AS made
		  FROM pg_constraint WHERE connamespace = current_schema()::regnamespace AND contype IN ('p', 'u')
		UNION ALL
		SELECT format('DROP INDEX %s', indexrelid::regclass), pg_get_indexdef(indexrelid)
		  FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
		 WHERE relnamespace = current_schema()::regnamespace
		   AND NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conindid = indexrelid)`,
		func() { f.fill(t, c, now) })
	f.exec(t, "VACUUM (ANALYZE)", "CHECKPOINT")
}
