package deps

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// eachSource calls f with each file of the module that is not a test, and not
// of a package for tests.
func eachSource(t *testing.T, f func(name string, file *ast.File)) {
	t.Helper()
	eachText(t, func(name string, text []byte) {
		dir := path.Dir(name)
		forTests := func(r row) bool { return r.path == dir && r.tests }
		if path.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") || slices.ContainsFunc(packages, forTests) ||
			strings.HasPrefix(name, "internal/integration/") || strings.HasPrefix(name, "tools/") {
			return
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, text, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		f(name, file)
	})
}

// uses are the places that mention each of the names: package and function, or
// variable.
func uses(t *testing.T, names ...string) map[string][]string {
	t.Helper()
	found := make(map[string][]string)
	eachSource(t, func(name string, file *ast.File) {
		look := func(in string, n ast.Node) {
			ast.Inspect(n, func(n ast.Node) bool {
				if id, ok := n.(*ast.Ident); ok && slices.Contains(names, id.Name) {
					found[id.Name] = append(found[id.Name], path.Dir(name)+" "+in)
				}
				return true
			})
		}
		for _, d := range file.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Body != nil {
					look(d.Name.Name, d.Body)
				}
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					if v, ok := spec.(*ast.ValueSpec); ok {
						for _, value := range v.Values {
							look(v.Names[0].Name, value)
						}
					}
				}
			}
		}
	})
	for _, where := range found {
		slices.Sort(where)
	}
	return found
}

// A code is compared in one place, which one handler asks, and which answers
// nothing before the store has counted it. Whoever adds another way changes this
// list, and knows what for.
func TestAbuse_C24_oneComparison(t *testing.T) {
	t.Parallel()
	want := map[string][]string{
		"codeEqual":     {"auth isRight"},
		"deriveCode":    {"auth codeMail", "auth isRight"}, // what is mailed, and what is compared
		"isRight":       {"auth login"},
		"FindChallenge": {"auth login"},
		"redeem":        {"auth login"},
		"Redeem":        {"auth redeem", "auth redeem"},
		"login":         {"auth newHandlers", "auth newHandlers", "auth LoginHandler", "auth byPath"},
	}
	var names []string
	for name := range want {
		names = append(names, name)
	}
	found := uses(t, names...)
	for name, where := range want {
		slices.Sort(where)
		got := slices.DeleteFunc(found[name], func(where string) bool {
			return strings.HasPrefix(where, "storage/") || // whose layers hand it on
				name == "login" && !strings.HasPrefix(where, "auth ") // which is a word of others, too
		})
		if !slices.Equal(got, where) {
			t.Errorf("%s is used in %q, want %q", name, got, where)
		}
	}
}

// weakening are names that only exist where something can be got around.
var weakening = regexp.MustCompile(`(?i)test|master|bypass|skip|debug|fake|dummy|magic|backdoor|universal|static|fixed|noauth|disable(captcha|limit|check|auth)|(captcha|limit|check|auth)s?(off|disabled)`)

// insecure are the options that weaken something. Each is called so, is allowed
// at loopback addresses alone or says so at the start, and has a test of that.
var insecure = []string{"auth.Config.InsecureCookie", "auth.Config.InsecureIssuer", "auth.InsecureCookieName"}

// No option of any package turns a check off or makes a code that works for
// everybody, and no program reads such a thing from its environment.
func TestAbuse_C26_noOptionsForTests(t *testing.T) {
	t.Parallel()
	var found []string
	looked := 0
	check := func(name string) {
		looked++
		last := name[strings.LastIndexByte(name, '.')+1:]
		switch {
		case !ast.IsExported(last):
		case strings.HasPrefix(last, "Insecure"):
			found = append(found, name)
		case weakening.MatchString(last):
			t.Errorf("%s sounds as if something could be got around by it", name)
		}
	}
	eachSource(t, func(name string, file *ast.File) {
		if strings.HasPrefix(name, "example/") || strings.HasPrefix(name, "internal/") {
			return
		}
		pkg := path.Dir(name)
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				check(pkg + "." + n.Name.Name)
			case *ast.ValueSpec:
				for _, id := range n.Names {
					check(pkg + "." + id.Name)
				}
			case *ast.TypeSpec:
				check(pkg + "." + n.Name.Name)
				if s, ok := n.Type.(*ast.StructType); ok {
					for _, field := range s.Fields.List {
						for _, id := range field.Names {
							check(pkg + "." + n.Name.Name + "." + id.Name)
						}
					}
				}
			}
			return true
		})
	})
	slices.Sort(found)
	if !slices.Equal(found, insecure) || looked < 500 {
		t.Errorf("of %d names these weaken something: %q, want %q", looked, found, insecure)
	}
	env, want := uses(t, "Getenv", "LookupEnv", "Environ", "ExpandEnv"), map[string][]string{
		"Getenv":  {"example/internal/server Main", "internal/failpoint clock", "internal/failpoint points", "internal/torture Rounds"},
		"Environ": {"internal/mutation pass"}, // it runs tests
	}
	if !maps.EqualFunc(env, want, slices.Equal) {
		t.Errorf("the environment is read in %q, want %q", env, want)
	}
}

// The failpoints, which stop a login in its middle and make a clock wrong, are
// in no program that was not built to be tested.
func TestAbuse_C26_noFailpoints(t *testing.T) {
	t.Parallel()
	files := list(t)[modulePath+"/internal/failpoint"].GoFiles
	if want := []string{"failpoint.go", "off.go", "plan.go"}; !slices.Equal(files, want) {
		t.Errorf("without tags internal/failpoint is built of %q, want %q", files, want)
	}
}

// No request goes through all sessions there are, as stores of scs can.
func TestAbuse_F15_nobodyListsAllSessions(t *testing.T) {
	t.Parallel()
	eachSource(t, func(name string, file *ast.File) {
		imported := make(map[string]bool)
		for _, i := range file.Imports {
			imported[path.Base(strings.Trim(i.Path.Value, `"`))] = true
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok && slices.Contains([]string{"All", "AllCtx", "Iterate", "IterableStore", "IterableCtxStore"}, s.Sel.Name) {
				if of, ok := s.X.(*ast.Ident); !ok || of.Name == "scs" || !imported[of.Name] { // maps.All and its like are something else
					t.Errorf("%s goes through everything: %s", name, s.Sel.Name)
				}
			}
			return true
		})
	})
}
