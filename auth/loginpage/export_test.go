package loginpage

import "testing"

// BuiltinFiles are those in web.
var BuiltinFiles = builtinFiles

// BuiltinTexts are those that come with the module.
func BuiltinTexts(tb testing.TB) map[string]map[string]string {
	tb.Helper()
	all, err := readTexts()
	if err != nil {
		tb.Fatal(err)
	}
	return all
}

// The colours of page.css that accents are read on.
const (
	LightCard = lightCard
	DarkCard  = darkCard
)
