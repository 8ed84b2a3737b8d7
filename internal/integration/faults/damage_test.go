package faults_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"example.com/mailkey/internal/torture"
)

// A byte of the file is not what it was. Either the server does not start, and
// says why, or it answers right, or BUSY; nobody is let in who should not be,
// and no damage is a reason to crash.
func TestFault_R15_byteFlipped(t *testing.T) {
	t.Parallel()
	image := usedDatabase(t)
	random := rand.New(rand.NewPCG(15, 1))
	became := make(map[string]int)
	for range torture.Rounds(30, 700) {
		damaged := image
		damaged.file = flip(random, image.file)
		became[damaged.survives(t)]++
	}
	t.Log(became)
}

// The same in the log of a process that was killed. SQLite drops what follows
// the damage: that is the state of an earlier moment, in which a code that was
// used later may be used.
func TestFault_R15_byteOfTheLogFlipped(t *testing.T) {
	t.Parallel()
	image := killedDatabase(t)
	image.earlier = true
	random := rand.New(rand.NewPCG(15, 2))
	became := make(map[string]int)
	for range torture.Rounds(10, 300) {
		damaged := image
		damaged.wal = flip(random, image.wal)
		became[damaged.survives(t)]++
	}
	t.Log(became)
}

// The log ends too early: as above.
func TestFault_R15_logTruncated(t *testing.T) {
	t.Parallel()
	image := killedDatabase(t)
	image.earlier = true
	random := rand.New(rand.NewPCG(15, 3))
	for range torture.Rounds(5, 200) {
		damaged := image
		damaged.wal = image.wal[:random.IntN(len(image.wal))]
		if got := damaged.survives(t); got != right {
			t.Errorf("a log cut at %d of %d bytes: %s", len(damaged.wal), len(image.wal), got)
		}
	}
}

// What lies beside the file is of another database, or of no use at all.
func TestFault_R15_foreignFilesBeside(t *testing.T) {
	t.Parallel()
	used, killed, other := usedDatabase(t), killedDatabase(t), killedDatabase(t)
	nonsense := []byte(strings.Repeat("nonsense", 4096))
	for name, damaged := range map[string]image{
		"the index of another": {site: used.site, file: used.file, shm: killed.shm},
		"another index":        {site: killed.site, file: killed.file, wal: killed.wal, shm: other.shm},
		"an index of nonsense": {site: killed.site, file: killed.file, wal: killed.wal, shm: nonsense},
		"a log of nonsense":    {site: used.site, file: used.file, wal: nonsense},
	} {
		t.Run(name, func(t *testing.T) {
			if got := damaged.survives(t); got != right {
				t.Errorf("%s, want it ignored", got)
			}
		})
	}
	t.Run("the log of another", func(t *testing.T) { // which SQLite cannot tell from its own
		damaged := image{site: used.site, file: used.file, wal: killed.wal, earlier: true}
		t.Log(damaged.survives(t))
	})
}
