package main

import (
	"strings"
	"testing"
)

func TestReport(t *testing.T) {
	t.Parallel()
	const (
		pass    = `{"Action":"output","Package":"p","Test":"TestA","Output":"quiet\n"}` + "\n" + `{"Action":"pass","Package":"p","Test":"TestA"}` + "\n"
		end     = `{"Action":"pass","Package":"p","Elapsed":1.5}` + "\n"
		begin   = `{"Action":"output","Package":"p","Test":"TestC","Output":"=== RUN quiet\n"}` + "\n"
		skip    = `{"Action":"skip","Package":"p","Test":"TestB"}` + "\n"
		forbid  = `{"Action":"output","Package":"p","Test":"TestE","Output":"needs the right to mount\n"}` + "\n" + `{"Action":"skip","Package":"p","Test":"TestE"}` + "\n"
		noTests = `{"Action":"skip","Package":"q"}` + "\n"
		fail    = `{"Action":"output","Package":"p","Test":"TestC","Output":"loud\n"}` + "\n" + `{"Action":"fail","Package":"p","Test":"TestC"}` + "\n"
		stuck   = `{"Action":"output","Package":"p","Test":"TestD","Output":"panic: test timed out\n"}` + "\n" + `{"Action":"fail","Package":"p"}` + "\n"
		build   = `{"ImportPath":"p","Action":"build-output","Output":"does not compile\n"}` + "\n" + `{"Action":"fail","Package":"p"}` + "\n"
	)
	for _, row := range []struct {
		name, in string
		print    string
		wrong    string // in the error; empty: there is none
	}{
		{"passed", pass + end, "1 tests", ""},
		{"a package without tests is no skipped test", pass + end + noTests, "0 skipped", ""},
		{"a line that is not an event", "go test -json ./...\n" + pass + end, "go test -json", ""},
		{"a brace that is not an event", "{braces}\n" + pass, "{braces}", ""},
		{"skipped", pass + skip + end, "1 skipped", "p.TestB"},
		{"not allowed", pass + forbid + end, "needs the right to mount", ""},
		{"failed", pass + begin + fail, "loud", "p.TestC"},
		{"stuck", pass + stuck, "panic: test timed out", "failed:\np"},
		{"does not compile", build, "does not compile", "failed:\np"},
		{"no test", noTests, "0 passed", "no test ran"},
		{"nothing", "", "0 passed", "no test ran"},
		{"cut off in the middle", pass + `{"Action":"pa`, `{"Action":"pa`, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			var out strings.Builder
			err := report(strings.NewReader(row.in), &out)
			if !strings.Contains(out.String(), row.print) || strings.Contains(out.String(), "quiet") {
				t.Errorf("printed %q, want %q in it", out.String(), row.print)
			}
			switch {
			case row.wrong == "" && err != nil:
				t.Error(err)
			case row.wrong != "" && (err == nil || !strings.Contains(err.Error(), row.wrong)):
				t.Errorf("error %v, want %q in it", err, row.wrong)
			}
		})
	}
}
