package storagetest

import (
	"slices"
	"testing"

	"example.com/mailkey/internal/torture"
	"example.com/mailkey/storage"
	"example.com/mailkey/storage/memory"
)

func TestMemoryAgainstModel(t *testing.T) {
	open := func(*testing.T) storage.Store { return memory.New() }
	for seed := range uint64(torture.Rounds(20, 1000)) {
		RunRandom(t, open, seed, 2000)
	}
}

// What goes wrong without two calls at once, random calls find as well. These
// are some of them, from all over the contracts.
func TestRandomCallsFindBrokenStores(t *testing.T) {
	for _, does := range []string{
		"keeps one captcha of a peer too many",
		"prolongs a captcha that is heard",
		"does not look at a ticket's binding",
		"takes from limits until one refuses",
		"refills early",
		"keeps no hourly reserve",
		"knows no device",
		"forgives everything at a login",
		"forgives at a right guess of a disabled user",
		"allows strangers a guess too many",
		"has room for mails that are under way",
		"mails no code again at the half",
		"mails a code again that became too short",
		"takes a guess too many",
		"forgets the failures that it forgave",
		"lets in disabled users",
		"ends a session too many",
		"counts sessions that ended",
		"mails codes that live too short",
		"forgets claims that ran out",
		"takes no late result",
		"repeats without end",
		"retries a resend when the first would be",
		"only marks a user as disabled",
		"takes any rotation for a repetition",
		"gives an address that was left its user's id",
		"brings an ended session back when it is saved",
		"lets the last writer win",
	} {
		t.Run(does, func(t *testing.T) {
			t.Parallel()
			s := intact()
			i := slices.IndexFunc(brokenStores(), func(b broken) bool { return b.does == does })
			brokenStores()[i].tamper(s)
			err := compare(t.Context(), newModel(), s, 1, 10000)
			if err == nil {
				t.Fatal("10000 random calls do not find it")
			}
			t.Log(err)
		})
	}
}
