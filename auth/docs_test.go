package auth_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"example.com/mailkey/auth"
)

// The table of refusals in the description of the wire is what clients get.
func TestDocumentHasTheReasons(t *testing.T) {
	t.Parallel()
	wire := readText(t, "../docs/wire.md")
	play(t, nil, func(k *kit) {
		for _, r := range auth.Reasons() {
			row := fmt.Sprintf("\n| %d | `%s` | %s | %s |\n", auth.Status(r), r, k.auth.Text("en", r), k.auth.Text("zh", r))
			if !strings.Contains(wire, row) {
				t.Errorf("docs/wire.md does not have%s", row)
			}
		}
		if got, want := strings.Count(wire, "\n| 4")+strings.Count(wire, "\n| 5"), len(auth.Reasons()); got != want {
			t.Errorf("docs/wire.md has %d refusals, want %d", got, want)
		}
	})
}

func readText(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(text), "\r\n", "\n")
}
