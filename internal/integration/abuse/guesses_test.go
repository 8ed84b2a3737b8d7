package abuse

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/mailkey/auth"
	"example.com/mailkey/internal/integration/burst"
	"example.com/mailkey/internal/integration/house"
)

// openedHouse is a login on PostgreSQL whose database somebody else reads and
// writes, too.
type openedHouse struct{ *house.House }

func openHouse(t *testing.T, change func(*auth.Config)) openedHouse {
	t.Helper()
	return openedHouse{house.Open(t, house.Postgres(t), 1, change)}
}

// columns are those of the schema, as table.column.
func (h openedHouse) columns() (names []string) {
	h.Helper()
	if err := h.Rows.SelectContext(h.Context(), &names, `SELECT table_name || '.' || column_name FROM information_schema.columns WHERE table_schema = current_schema()`); err != nil {
		h.Fatal(err)
	}
	slices.Sort(names)
	return names
}

// values is everything that the database holds, bytes in hexadecimal.
func (h openedHouse) values() (all []string) {
	h.Helper()
	for _, name := range h.columns() {
		table, column, _ := strings.Cut(name, ".")
		var values []string
		query := fmt.Sprintf("SELECT %s FROM %s WHERE %s IS NOT NULL", "ltrim(CAST("+column+` AS TEXT), '\x')`, table, column)
		if err := h.Rows.SelectContext(h.Context(), &values, query); err != nil {
			h.Fatalf("%s: %v", query, err)
		}
		all = append(all, values...)
	}
	return all
}

// What counts guesses on PostgreSQL counts them for every spelling of the
// address and from every network; other spellings of the code, and codes of
// other flows, are wrong there, too.
func TestAbuse_C01_C10_C13_C17_C19_C20_guessesOnPostgres(t *testing.T) {
	t.Parallel()
	h := openHouse(t, nil)
	email := house.Person()
	code := h.Mailed(email)
	for i, spelling := range []string{email, strings.ToUpper(email), strings.Replace(email, "ann", "aNN", 1), strings.Replace(email, "example", "EXAMPLE", 1), email} {
		h.Refused(house.Guess(spelling, house.Wrong(code, i)), auth.ReasonCode, "a wrong code")
	}
	h.Refused(house.Guess(email, house.Wrong(code, 1)), auth.ReasonCode, "a sixth wrong code")
	h.Refused(house.Guess(email, code), auth.ReasonCode, "the right code after five wrong ones")
	if n := h.Failures(); n != 5 {
		t.Errorf("%d wrong guesses were counted, want 5", n)
	}

	ann, bob := house.Person(), house.Person()
	codes := map[string]string{ann: h.Mailed(ann), bob: h.Mailed(bob)}
	if codes[ann] != codes[bob] {
		h.Refused(house.Guess(ann, codes[bob]), auth.ReasonCode, "another's code")
	}
	h.Refused(on("another", house.Guess(ann, codes[ann])), auth.ReasonCode, "at another device")
	for _, typed := range []string{"+" + codes[ann], codes[ann][:5], codes[ann] + "0"} {
		h.Refused(house.Guess(ann, typed), auth.ReasonCode, typed)
	}
	h.Do(house.Guess(ann, " "+codes[ann]+" ")) // the fifth
	h.Refused(house.Guess(ann, codes[ann]), auth.ReasonCode, "a used code")
	for _, typed := range []string{"%", "______", `\x`, "'"} {
		h.Refused(house.Guess(bob, typed), auth.ReasonCode, typed)
	}
	h.Do(house.Guess(bob, codes[bob]))
}

// Whoever reads PostgreSQL finds no hash of a code there, and whoever writes to
// it cannot make a code of their own work for somebody else.
func TestAbuse_C27_C28_databaseAlone(t *testing.T) {
	t.Parallel()
	h := openHouse(t, nil)
	eve, ann := house.Person(), house.Person()
	mine := h.Mailed(eve)
	var row struct{ ID, Binding []byte }
	if err := h.Rows.GetContext(t.Context(), &row, "SELECT id, binding FROM challenges WHERE used_at IS NULL"); err != nil {
		t.Fatal(err)
	}
	all := h.values()
	if len(all) < 50 || !slices.Contains(all, fmt.Sprintf("%x", row.ID)) {
		t.Fatalf("only %d values were read", len(all))
	}
	for _, salt := range [][]byte{nil, row.ID, row.Binding, row.Binding[:32]} {
		sum := sha256.Sum256(append(bytes.Clone(salt), mine...))
		if slices.Contains(all, fmt.Sprintf("%x", sum)) {
			t.Errorf("the database has a hash of the code, made with %x", salt)
		}
	}
	if slices.Contains(all, mine) {
		t.Errorf("the database has the code")
	}

	theirs := h.Mailed(ann)
	copied, err := h.Rows.ExecContext(t.Context(), `UPDATE challenges AS c SET id = m.id, secret_id = m.secret_id, level = m.level, user_id = m.user_id
		FROM challenges AS m WHERE m.id = $1 AND c.id <> $1 AND c.used_at IS NULL`, row.ID)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := copied.RowsAffected(); n != 1 || err != nil {
		t.Fatalf("%d rows were overwritten, want 1; %v", n, err)
	}
	if mine != theirs {
		h.Refused(house.Guess(ann, mine), auth.ReasonCode, "my code at the victim's address")
		h.Refused(house.Guess(ann, theirs), auth.ReasonCode, "the victim's code, whose challenge was overwritten")
	}
	h.Do(house.Guess(eve, mine))
}

// sendOn has a device ask for a code.
func (h openedHouse) sendOn(device, email string) burst.Answer {
	h.Helper()
	token, answer := h.Puzzle()
	ticket := house.Field(h, h.Do(on(device, house.Verify(token, answer, email))), "captcha_token")
	return h.Call(on(device, house.Send(email, ticket)))
}

// Nobody is told what is the matter with an account, or that there is one,
// before the right code; limits and the length of codes are alike.
func TestAbuse_H04_H05_H06_oraclesOnPostgres(t *testing.T) {
	t.Parallel()
	h := openHouse(t, func(c *auth.Config) {
		c.Limits.Address.Level1After, c.Limits.Address.Cooldown = 5, time.Second
		c.Limits.SendCodeDevice = auth.Rate{Count: 1000, Per: time.Hour}
		c.Limits.Address.PerHour, c.Limits.Address.StrangersPerHour = 100, 100
		c.AllowRegistration = func(_ context.Context, email, _ string) (bool, error) { return email[:3] != "bob", nil }
	})
	known, disabled := house.Person(), house.Person()
	unknown := strings.Replace(house.Person(), "ann", "bob", 1)
	for _, email := range []string{known, disabled} {
		h.sendOn("their own", email)
		h.Do(on("their own", house.Guess(email, h.Mails.Wait(t, email, 1).Code)))
	}
	user, ok, err := h.Store.UserByEmail(t.Context(), disabled)
	if err == nil && ok {
		ok, err = h.Store.SetUserDisabled(t.Context(), user.ID, time.Now())
	}
	if err != nil || !ok {
		t.Fatal(ok, err)
	}

	people := []string{known, disabled, unknown}
	alike := func(what string, ask func(email string) burst.Answer) {
		t.Helper()
		var first burst.Answer
		for i, email := range people {
			a := ask(email)
			a.Header.Del("Date")
			if a.Header.Get("Retry-After") != "" {
				a.Header.Set("Retry-After", "some time")
			}
			if i == 0 {
				first = a
			}
			if a.Status != first.Status || a.Body != first.Body || !reflect.DeepEqual(a.Header, first.Header) {
				t.Errorf("%s: %s is answered %v, and %s %v", what, people[0], first, email, a)
			}
		}
	}
	codes := make(map[string]string)
	mailed := map[string]int{known: 1, disabled: 1, unknown: 0}
	send := func(email string) burst.Answer {
		a := h.sendOn("a stranger's", email)
		if a.Status == http.StatusOK {
			mailed[email]++
			codes[email] = h.Mails.Wait(t, email, mailed[email]).Code
		}
		return a
	}
	guess := func(typed func(email string) string) func(email string) burst.Answer {
		return func(email string) burst.Answer { return h.Call(on("a stranger's", house.Guess(email, typed(email)))) }
	}
	wrong := guess(func(email string) string { return house.Wrong(codes[email], 1) })
	alike("with no code out", guess(func(string) string { return "123456" }))
	alike("a mail", sendWhenAllowed(send))
	for range 6 {
		alike("a wrong code", wrong)
	}
	alike("the right code, without guesses left", guess(func(email string) string { return codes[email] }))
	alike("a second mail", sendWhenAllowed(send))
	for _, email := range people {
		if len(codes[email]) != 8 {
			t.Errorf("after five wrong guesses the code of %s has %d digits", email, len(codes[email]))
		}
	}
	for email, want := range map[string]string{known: house.OK, disabled: string(auth.ReasonUserDisabled), unknown: string(auth.ReasonUserUnknown)} {
		right := on("a stranger's", house.Guess(email, codes[email]))
		if a := h.Call(right); house.Code(t, a) != want {
			t.Errorf("the right code of %s: %d %s, want %s", email, a.Status, a.Body, want)
		}
		h.Refused(right, auth.ReasonCode, "the same again")
	}
}

// sendWhenAllowed asks again until the wait between two mails is over.
func sendWhenAllowed(send func(email string) burst.Answer) func(email string) burst.Answer {
	return func(email string) burst.Answer {
		for late := time.Now().Add(20 * time.Second); ; time.Sleep(100 * time.Millisecond) {
			if a := send(email); a.Status == http.StatusOK || time.Now().After(late) {
				return a
			}
		}
	}
}

// PostgreSQL has the tables and columns that SQLite has, of which the tests of
// package auth say how long each is kept.
func TestAbuse_H08_sameColumnsOnPostgres(t *testing.T) {
	t.Parallel()
	h := openHouse(t, nil)
	db := house.SQLite(t).Rows
	var want []string
	if err := db.SelectContext(t.Context(), &want, "SELECT t.name || '.' || c.name FROM sqlite_schema AS t, pragma_table_info(t.name) AS c WHERE t.type = 'table'"); err != nil {
		t.Fatal(err)
	}
	got := slices.DeleteFunc(h.columns(), func(name string) bool { return name == "locks.name" || name == "locks.id" })
	slices.Sort(want)
	if len(want) < 50 || !slices.Equal(got, want) {
		t.Errorf("the columns are %q, want %q", got, want)
	}
}
