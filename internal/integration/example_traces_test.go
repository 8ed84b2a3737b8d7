package integration

import (
	"bytes"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
)

// checkTraces looks for what must not be left behind: in the database, while a
// process has it open or after, and in what all processes wrote. The files are
// for their owner only.
func (h *exampleHome) checkTraces(t *testing.T) {
	t.Helper()
	secret, err := os.ReadFile(h.database() + ".secret")
	if err != nil {
		t.Fatal(err)
	}
	private := append(slices.Clone(h.private), strings.TrimSpace(string(secret)))
	for _, suffix := range []string{"", "-wal", "-shm", ".secret"} {
		file := h.database() + suffix
		info, err := os.Stat(file)
		if errors.Is(err, os.ErrNotExist) && (suffix == "-wal" || suffix == "-shm") {
			continue // nobody has the database open
		}
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != 0o600 {
			t.Errorf("mode of mailkey.db%s: got %#o, want 0600", suffix, got)
		}
		if suffix == ".secret" {
			continue
		}
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range private {
			if bytes.Contains(content, []byte(s)) || bytes.Contains(content, decodeToken(s)) {
				t.Errorf("mailkey.db%s holds %q", suffix, s)
			}
		}
	}
	for i, p := range h.processes {
		log := p.Stderr.String()
		if slices.Contains(h.args, "-smtp") { // otherwise mails are on stdout
			log += p.Stdout.String()
		}
		for _, s := range slices.Concat(private, h.addresses) {
			if strings.Contains(log, s) {
				t.Errorf("process %d wrote %q:\n%s", i, s, log)
			}
		}
		if strings.Contains(log, "DATA RACE") || strings.Contains(log, "level=ERROR") {
			t.Errorf("process %d:\n%s", i, log)
		}
	}
}
