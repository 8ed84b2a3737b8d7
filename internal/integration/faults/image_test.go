package faults_test

import (
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/mailkey/auth"
)

// image is what a server left behind, and what it had promised.
type image struct {
	site           *site
	file, wal, shm []byte
	earlier        bool // it may be the state of an earlier moment
}

// imageOf lets people use a server, and ends it.
func imageOf(t *testing.T, end func(*site)) image {
	t.Helper()
	s := newSite(t, freshSQLite(t))
	s.start()
	for range 3 {
		if refused := s.newPerson().live(); refused != "" {
			t.Fatal(refused)
		}
	}
	end(s)
	read := func(suffix string) []byte {
		content, err := os.ReadFile(s.db.file + suffix)
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		return content
	}
	return image{site: s, file: read(""), wal: read("-wal"), shm: read("-shm")}
}

// usedDatabase was closed, killedDatabase was not.
func usedDatabase(t *testing.T) image {
	t.Helper()
	return imageOf(t, func(s *site) { s.at.Terminate(s) })
}

func killedDatabase(t *testing.T) image {
	t.Helper()
	return imageOf(t, func(s *site) { s.at.Kill() })
}

// flip changes some bits of a byte that is in use: most are zero in a young
// database.
func flip(random *rand.Rand, content []byte) []byte {
	content = slices.Clone(content)
	at := random.IntN(len(content))
	for content[at] == 0 {
		at = (at + 1) % len(content)
	}
	content[at] ^= byte(1 + random.IntN(255))
	return content
}

// What becomes of an image.
const (
	refused = "refused at the start"
	busy    = "busy"
	right   = "right"
)

// survives starts a server on the image and looks what becomes of it: whatever
// does, nobody is let in who should not be.
func (i image) survives(t *testing.T) string {
	t.Helper()
	s := i.restore(t)
	p := s.launch()
	defer p.Kill()
	defer func() {
		if log := p.Stderr.String(); strings.Contains(log, "panic") {
			t.Errorf("it panics:\n%s", log)
		}
	}()
	if !s.serves(p) {
		if got := p.Status(t, time.Second); got != 1 || !strings.Contains(p.Stderr.String(), "mailkey.db: ") && !strings.Contains(p.Stderr.String(), "auth: ") {
			t.Errorf("exit status %d and\n%s\nwant 1, and what is wrong", got, p.Stderr)
		}
		return refused
	}
	if !i.earlier {
		for _, p := range s.people {
			p.usedIsRefused(auth.ReasonBusy)
		}
	}
	switch got := s.newPerson().live(); {
	case got == "":
		return right
	case strings.HasSuffix(got, string(auth.ReasonBusy)):
		return busy
	case got == errNoMail.Error() && strings.Contains(p.Stderr.String(), "damaged"):
		return busy
	default:
		t.Errorf("%s\n%s", got, p.Stderr)
		return got
	}
}

// restore is a site on the image, with the same people.
func (i image) restore(t *testing.T) *site {
	t.Helper()
	s := &site{T: t, db: freshSQLite(t), relay: i.site.relay, relayURL: i.site.relayURL}
	for suffix, content := range map[string][]byte{"": i.file, "-wal": i.wal, "-shm": i.shm} {
		if content == nil {
			continue
		}
		if err := os.WriteFile(s.db.file+suffix, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range i.site.people {
		again := *p
		again.site, again.wrong, again.private = s, maps.Clone(p.wrong), slices.Clone(p.private)
		s.people = append(s.people, &again)
	}
	return s
}
