package integration

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// exchange is a request and the answer to it, as the tests of package auth
// record it.
type exchange struct {
	server
	Method  string
	URI     string
	Header  http.Header
	Body    []byte
	Status  int
	Answer  http.Header
	Content []byte
}

// server is what the description of a server depends on.
type server struct {
	Issuer         string
	InsecureCookie bool
}

// What is arbitrary in requests and in answers, and names, which are not. Of a
// text that has another kind of letter there, or another length, something else
// is left.
var (
	arbitraryIn  = regexp.MustCompile(`[A-Za-z0-9_-]{16,}("?:)?|[0-9]+`)
	arbitraryOut = regexp.MustCompile(`[A-Za-z0-9_-]{16,}("?:)?`)
)

// form is an exchange without what is arbitrary in it. All of one form agree
// with a description, or none of them does.
func (e exchange) form() string {
	length := func(s string) string {
		if strings.HasSuffix(s, ":") {
			return s
		}
		return fmt.Sprint("<", len(s), ">")
	}
	var form strings.Builder
	fmt.Fprintln(&form, e.server, e.Method, e.URI, e.Status)
	if e.Status < http.StatusMultipleChoices { // whatever was asked may be refused
		e.Header = e.Header.Clone()
		e.Header.Del("X-Forwarded-For") // which is not described
		form.WriteString(arbitraryIn.ReplaceAllStringFunc(fmt.Sprintf("%v\n%s\n", e.Header, e.Body), length))
	}
	for _, name := range slices.Sorted(maps.Keys(e.Answer)) {
		fmt.Fprintln(&form, name, arbitraryOut.ReplaceAllStringFunc(fmt.Sprint(e.Answer[name]), length))
	}
	form.WriteString(arbitraryOut.ReplaceAllStringFunc(string(e.Content), length))
	return form.String()
}

// The description of the wire is true: it has everything that the tests of
// package auth say and hear over HTTP, and it has nothing else.
func TestWireIsAsDescribed(t *testing.T) {
	t.Parallel()
	descriptions := make(map[server]*description)
	happened := make(map[string]bool)
	seen := make(map[string]bool) // forms
	for _, e := range recordAuth(t) {
		form := e.form()
		if seen[form] {
			continue
		}
		seen[form] = true
		if descriptions[e.server] == nil {
			descriptions[e.server] = describe(t, e.server)
		}
		outcomes, err := descriptions[e.server].check(t.Context(), e)
		if err != nil { // one is enough: others will be like it
			t.Fatalf("%s %s\n%v %s\nwas answered with\n%d %v %s\n%v", e.Method, e.URI, e.Header, e.Body, e.Status, e.Answer, e.Content, err)
		}
		for _, o := range outcomes {
			happened[o] = true
		}
	}
	for _, d := range descriptions {
		for _, o := range d.outcomes() {
			if !happened[o] {
				t.Errorf("it describes what never happened: %s", o)
			}
		}
		break // they differ in server and cookie alone
	}
	if len(happened) < 100 {
		t.Errorf("only this was recorded: %v", slices.Sorted(maps.Keys(happened)))
	}
}

// recordAuth runs the tests of package auth.
func recordAuth(t *testing.T) (exchanges []exchange) {
	t.Helper()
	file, err := os.Create(filepath.Join(t.TempDir(), "exchanges"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	cmd := exec.CommandContext(t.Context(), "go", "test", "-count=1", "-vet=off", "example.com/mailkey/auth")
	// Without cgo, as programs without the race detector are built; short rounds say it all.
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "MAILKEY_RECORD="+file.Name(), "MAILKEY_TORTURE=")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go test: %v\n%s", err, out)
	}
	for lines := json.NewDecoder(file); ; {
		var e exchange
		err := lines.Decode(&e)
		if errors.Is(err, io.EOF) {
			return exchanges
		}
		if err != nil {
			t.Fatal(err)
		}
		exchanges = append(exchanges, e)
	}
}
