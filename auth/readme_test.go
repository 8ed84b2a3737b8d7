package auth_test

import (
	"os"
	"strings"
	"testing"
)

// The first code in the README is the body of the example that is compiled
// here, and all other Go code is somewhere in its file.
func TestReadmeShowsTheExample(t *testing.T) {
	t.Parallel()
	const mostLines = 26 // still one screen
	readme, example := readText(t, "../README.md"), readText(t, "example_mount_test.go")

	blocks := strings.Split(readme, "\n```go\n")[1:]
	for i, block := range blocks {
		blocks[i], _, _ = strings.Cut(block, "```\n")
	}
	if len(blocks) == 0 {
		t.Fatal("README.md has no go code")
	}
	_, rest, _ := strings.Cut(example, "\nfunc Example() {\n")
	body, _, found := strings.Cut(rest, "\n}\n")
	if !found {
		t.Fatal("there is no func Example")
	}
	var want strings.Builder
	for line := range strings.Lines(body + "\n") {
		want.WriteString(strings.TrimPrefix(line, "\t"))
	}
	if blocks[0] != want.String() {
		t.Errorf("README.md shows\n%s\nand func Example is\n%s", blocks[0], want.String())
	}
	if n := strings.Count(blocks[0], "\n"); n > mostLines {
		t.Errorf("%d lines are more than %d", n, mostLines)
	}
	for _, block := range blocks[1:] {
		if !strings.Contains(example, block) {
			t.Errorf("README.md shows what is not in the example:\n%s", block)
		}
	}
}

func readText(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(text), "\r\n", "\n")
}
