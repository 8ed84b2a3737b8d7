package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
)

// rule is one thing that clients rely on.
type rule struct {
	section int    // of docs/wire.md
	name    string // what it is about, and which one it is
	says    string
	check   func(*run) error // nil: it holds
}

// rules are all of them, in the order in which they are played: some build on
// what others left behind, and the last ones look back.
var rules = slices.Concat(
	requestRules, bodyRules, captchaRules, answerRules,
	sendRules, loginRules, refreshRules, keyRules, idTokenRules, sessionRules, cookieRules, logoutRules, guessRules,
	everyRules,
)

// uncheckedError is why a rule could not be played. It does not count against the
// server: either it is not about it, or the rule that it builds on does.
type uncheckedError string

func (why uncheckedError) Error() string { return string(why) }

const (
	errNotMailed      = uncheckedError("no code was mailed")
	errNotLoggedIn    = uncheckedError("nobody is logged in")
	errNoCookieClient = uncheckedError("there is no -cookie-client")
)

// mailed is a check that needs a code.
func mailed(check func(*run) error) func(*run) error {
	return func(r *run) error {
		if r.code == "" {
			return errNotMailed
		}
		return check(r)
	}
}

// loggedIn is a check that needs the session of the header client.
func loggedIn(check func(*run) error) func(*run) error {
	return func(r *run) error {
		if r.app.session == "" {
			return errNotLoggedIn
		}
		return check(r)
	}
}

// pageLoggedIn is a check that needs the session of the cookie client.
func pageLoggedIn(check func(*run) error) func(*run) error {
	return func(r *run) error {
		if r.page.id == "" {
			return errNoCookieClient
		}
		if r.page.session == "" {
			return errNotLoggedIn
		}
		return check(r)
	}
}

// result is what became of a rule.
type result struct {
	rule
	err error
}

func play(r *run, rules []rule) (results []result) {
	for _, rule := range rules {
		results = append(results, result{rule, rule.check(r)})
	}
	return results
}

// report prints the results, and returns the exit status.
func report(w io.Writer, results []result) int {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	passed, failed := 0, 0
	var reasons []string
	for _, r := range results {
		verdict := "ok"
		if _, ok := errors.AsType[uncheckedError](r.err); ok {
			verdict = "-"
			reasons = append(reasons, fmt.Sprintf("-     %s was not checked: %v", r.name, r.err))
		} else if r.err != nil {
			verdict = "FAIL"
			failed++
			reasons = append(reasons, fmt.Sprintf("FAIL  %s: %s\n      %s", r.name, r.says, strings.ReplaceAll(r.err.Error(), "\n", "\n      ")))
		} else {
			passed++
		}
		fmt.Fprintf(table, "%s\t%d\t%s\t%s\n", verdict, r.section, r.name, r.says)
	}
	table.Flush()
	fmt.Fprintln(w)
	for _, reason := range reasons {
		fmt.Fprintln(w, reason)
	}
	fmt.Fprintf(w, "%d rules hold, %d do not, %d were not checked. The numbers are sections of docs/wire.md.\n",
		passed, failed, len(results)-passed-failed)
	if failed > 0 {
		return 1
	}
	return 0
}
