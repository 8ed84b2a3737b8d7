// Command testlog reads what go test -json writes and prints what a person
// wants to know: a line for each package, and the output of what failed. It
// fails when a test failed or was skipped, or when none ran: what does not run
// protects nothing. A test may be skipped where nobody can help it, because the
// machine does not let it do what it "needs the right to" do.
//
//	make test TESTFLAGS=-json | go run ./internal/testlog
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// event is one line of go test -json; see go doc test2json.
type event struct {
	Action  string  `json:"Action"`
	Package string  `json:"Package"`
	Test    string  `json:"Test"`
	Elapsed float64 `json:"Elapsed"`
	Output  string  `json:"Output"`
}

func main() {
	if err := report(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "testlog:", err)
		os.Exit(1)
	}
}

func report(in io.Reader, out io.Writer) error {
	passed := make(map[string]int)         // tests, by package
	output := make(map[[2]string][]string) // by package and test
	var failed, skipped []string           // tests and packages
	forbidden := 0                         // tests that the machine does not allow

	lines := bufio.NewReader(in)
	for {
		line, err := lines.ReadString('\n')
		if errors.Is(err, io.EOF) && line == "" {
			break
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		var e event
		if !strings.HasPrefix(line, "{") || json.Unmarshal([]byte(line), &e) != nil {
			fmt.Fprint(out, line) // make, or a compiler
			continue
		}
		switch key := [2]string{e.Package, e.Test}; {
		case e.Action == "build-output":
			fmt.Fprint(out, e.Output)
		case e.Action == "output" && !strings.HasPrefix(e.Output, "=== "): // begins and pauses
			output[key] = append(output[key], e.Output)
		case e.Action == "fail" && e.Test != "":
			failed = append(failed, name(e))
			fmt.Fprint(out, strings.Join(output[key], ""))
			delete(output, key)
		case e.Action == "fail":
			failed = append(failed, name(e))
			for key, lines := range output { // of tests that did not end, too
				if key[0] == e.Package {
					fmt.Fprint(out, strings.Join(lines, ""))
				}
			}
		case e.Action == "skip" && e.Test != "" && strings.Contains(strings.Join(output[key], ""), "needs the right to"):
			forbidden++
			fmt.Fprint(out, strings.Join(output[key], ""))
		case e.Action == "skip" && e.Test != "":
			skipped = append(skipped, name(e))
		case e.Action == "pass" && e.Test != "":
			passed[e.Package]++
			delete(output, key)
		case e.Action == "pass":
			fmt.Fprintf(out, "ok  %-50s %5d tests %8.1f s\n", e.Package, passed[e.Package], e.Elapsed)
		}
	}

	total := 0
	for _, n := range passed {
		total += n
	}
	slices.Sort(skipped)
	fmt.Fprintf(out, "%d passed, %d failed, %d skipped, %d not allowed here\n", total, len(failed), len(skipped), forbidden)
	switch {
	case len(failed) > 0:
		return fmt.Errorf("failed:\n%s", strings.Join(failed, "\n"))
	case len(skipped) > 0:
		return fmt.Errorf("skipped:\n%s", strings.Join(skipped, "\n"))
	case total == 0:
		return errors.New("no test ran")
	}
	return nil
}

func name(e event) string {
	if e.Test == "" {
		return e.Package
	}
	return e.Package + "." + e.Test
}
