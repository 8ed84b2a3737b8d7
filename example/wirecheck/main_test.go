package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What a run prints, and the exit status.
func TestCheck(t *testing.T) {
	t.Parallel()
	sound := []string{"-server", "http://127.0.0.1:1", "-client", "app", "-address", "check+{n}@example.org"}
	for _, row := range []struct {
		name     string
		args     []string
		status   int
		out, err string
	}{
		{"help", []string{"-h"}, 0, "", "-code-command"},
		{"an unknown flag", []string{"-srever", "x"}, 2, "", "flag provided but not defined: -srever"},
		{"no server", []string{"-client", "app"}, 2, "", "wirecheck: -server is not a URL such as https://app.example"},
		{"another scheme", append([]string{"-server", "ftp://app.example"}, sound[2:]...), 2, "", "-server is not a URL"},
		{"no client", sound[:2], 2, "", "-client is required"},
		{"no address", sound[:4], 2, "", "-address is required"},
		{"an argument", append(sound, "now"), 2, "", `"now" is not a flag`},
		{"nobody serves", sound, 2, "", "wirecheck: nobody answers: "},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			var out, complaints bytes.Buffer
			if got := check(t.Context(), row.args, strings.NewReader(""), &out, &complaints); got != row.status {
				t.Errorf("exit status %d, want %d", got, row.status)
			}
			if !strings.Contains(out.String(), row.out) || !strings.Contains(complaints.String(), row.err) {
				t.Errorf("got %q and %q, want %q and %q", out.String(), complaints.String(), row.out, row.err)
			}
		})
	}
}

func TestReport(t *testing.T) {
	t.Parallel()
	results := []result{
		{rule{1, "one/holds", "a rule", nil}, nil},
		{rule{2, "two/does-not", "another", nil}, fmt.Errorf("got this\nbut that")},
		{rule{3, "three/unknown", "a third", nil}, errNotMailed},
	}
	var out bytes.Buffer
	if got := report(&out, results); got != 1 {
		t.Errorf("exit status %d, want 1", got)
	}
	const want = `ok    1  one/holds      a rule
FAIL  2  two/does-not   another
-     3  three/unknown  a third

FAIL  two/does-not: another
      got this
      but that
-     three/unknown was not checked: no code was mailed
1 rules hold, 1 do not, 1 were not checked. The numbers are sections of docs/wire.md.
`
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
	if got := report(&out, results[:1]); got != 0 {
		t.Errorf("exit status %d, want 0", got)
	}
}

// A command is asked until it prints a code that it has not printed before.
func TestCommand(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "ann@example.org")
	if err := os.WriteFile(file, []byte("123456\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := &command{args: []string{"cat", filepath.Join(dir, "{address}")}, known: make(map[string]bool)}
	if code, err := c.code(t.Context(), "ann@example.org"); code != "123456" || err != nil {
		t.Errorf("%q, %v", code, err)
	}
	next := make(chan string)
	go func() {
		code, err := c.code(t.Context(), "ann@example.org")
		next <- fmt.Sprint(code, err)
	}()
	if err := os.WriteFile(file, []byte("654321"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := <-next; got != "654321<nil>" {
		t.Error(got)
	}
}

// A person is shown pictures and asked for what is on them, and for codes.
func TestTerminal(t *testing.T) {
	t.Parallel()
	var asked bytes.Buffer
	cfg, err := parse([]string{"-server", "http://x", "-client", "app", "-address", "a@b.example"}, newTerminal(strings.NewReader("482913\n57\n 111111 \n222222"), &asked))
	if err != nil {
		t.Fatal(err)
	}
	r := newRun(t.Context(), cfg)
	picture := func(kind string) reply {
		return reply{json: map[string]any{"captchaType": kind, "originalImageBase64": "iVBORw0KGgo="}}
	}
	if member, answer, err := r.solve(picture("digits")); member != "captcha_code" || answer != "482913" || err != nil {
		t.Errorf("digits: %s %q, %v", member, answer, err)
	}
	if member, answer, err := r.solve(picture("slider")); member != "point_json" || answer != `{"x":57,"y":5.0}` || err != nil {
		t.Errorf("slider: %s %q, %v", member, answer, err)
	}
	if _, _, err := r.solve(picture("maze")); err == nil {
		t.Error("it solved a maze")
	}
	for _, want := range []string{"111111", "222222"} {
		if code, err := r.codes.code(t.Context(), "a@b.example"); code != want || err != nil {
			t.Errorf("code: %q, %v, want %s", code, err, want)
		}
	}
	if code, err := r.codes.code(t.Context(), "a@b.example"); err == nil {
		t.Errorf("a person who is gone typed %q", code)
	}
	if got := asked.String(); !strings.Contains(got, "the digits in ") || !strings.HasSuffix(got, "the code that was mailed to a@b.example: ") {
		t.Errorf("asked %q", got)
	}
}

// Without {n} there is one address.
func TestAddresses(t *testing.T) {
	t.Parallel()
	r := &run{config: config{addresses: "a+{n}@b.example"}, unique: "x"}
	if a, b := r.newAddress(), r.newAddress(); a != "a+x1@b.example" || b != "a+x2@b.example" {
		t.Errorf("%s, %s", a, b)
	}
	r.addresses = "a@b.example"
	if a := r.newAddress(); a != "a@b.example" {
		t.Error(a)
	}
}

// The refusals are those of docs/wire.md.
func TestRefusals(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile("../../docs/wire.md")
	if err != nil {
		t.Fatal(err)
	}
	for code, r := range refusals {
		if row := fmt.Sprintf("\n| %d | `%s` | %s | %s |\n", r.status, code, r.en, r.zh); !bytes.Contains(doc, []byte(row)) {
			t.Errorf("docs/wire.md does not have%s", row)
		}
	}
	if got := bytes.Count(doc, []byte("\n| 4")) + bytes.Count(doc, []byte("\n| 5")); got != len(refusals) {
		t.Errorf("docs/wire.md has %d refusals, and we have %d", got, len(refusals))
	}
}

// Rules have names of their own, and sections that there are.
func TestRules(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile("../../docs/wire.md")
	if err != nil {
		t.Fatal(err)
	}
	names := make(map[string]bool)
	for _, r := range rules {
		if names[r.name] {
			t.Errorf("two rules are called %s", r.name)
		}
		names[r.name] = true
		if !bytes.Contains(doc, fmt.Appendf(nil, "\n## %d. ", r.section)) {
			t.Errorf("%s is of section %d", r.name, r.section)
		}
	}
	for _, row := range broken {
		for _, name := range row.want {
			if !names[name] {
				t.Errorf("there is no rule %s", name)
			}
		}
	}
}
