package auth

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// An object of one member, with a value of n bytes.
func objectOf(n int) string { return `{"a":"` + strings.Repeat("x", n) + `"}` }

func TestParseObject(t *testing.T) {
	t.Parallel()
	type object = map[string]string
	for _, row := range []struct {
		name string
		in   string
		want object // nil: refused
	}{
		{"no member", `{}`, object{}},
		{"one member", `{"a":"b"}`, object{"a": "b"}},
		{"some members", `{"a":"b","c":"d","e":""}`, object{"a": "b", "c": "d", "e": ""}},
		{"white space everywhere", " \t\r\n{ \"a\" : \"b\" , \"c\" : \"d\" } \t\r\n", object{"a": "b", "c": "d"}},
		{"white space alone in an object", `{ }`, object{}},
		{"an empty name", `{"":"b"}`, object{"": "b"}},
		{"names that differ in case", `{"a":"b","A":"c"}`, object{"a": "b", "A": "c"}},
		{"names that Unicode folds together", "{\"k\":\"b\",\"\u212a\":\"c\"}", object{"k": "b", "\u212a": "c"}},
		{"each short escape", `{"a":"\"\\\/\b\f\n\r\t"}`, object{"a": "\"\\/\b\f\n\r\t"}},
		{"an escaped letter", `{"\u0061":"\u0062\u00e4\u20AC"}`, object{"a": "bä€"}},
		{"the first and the last letter of hexadecimal", `{"a":"\u00aA\u00fF"}`, object{"a": "\u00aa\u00ff"}},
		{"a surrogate pair", `{"a":"\ud83d\uDE00"}`, object{"a": "😀"}},
		{"the last surrogate pair", `{"a":"\udbff\udfff"}`, object{"a": "\U0010ffff"}},
		{"the replacement character", `{"a":"\ufffd` + "\ufffd" + `"}`, object{"a": "\ufffd\ufffd"}},
		{"text beyond ASCII", `{"ä":"中文😀"}`, object{"ä": "中文😀"}},
		{"line separators", "{\"a\":\"\u2028\u2029\"}", object{"a": "\u2028\u2029"}},
		{"DEL", "{\"a\":\"\x7f\"}", object{"a": "\x7f"}},
		{"braces in a string", `{"a":"{}[],:"}`, object{"a": "{}[],:"}},
		{"a string of 512 bytes", objectOf(512), object{"a": strings.Repeat("x", 512)}},
		{"an answer of 4096 bytes", `{"captcha_code":"` + strings.Repeat("x", 4096) + `"}`, object{"captcha_code": strings.Repeat("x", 4096)}},
		{"a name of 512 bytes", `{"` + strings.Repeat("x", 512) + `":""}`, object{strings.Repeat("x", 512): ""}},
		{"512 bytes as escapes", `{"a":"` + strings.Repeat(`\u0078`, 512) + `"}`, object{"a": strings.Repeat("x", 512)}},

		{"an answer of 4097 bytes", `{"captcha_code":"` + strings.Repeat("x", 4097) + `"}`, nil},
		{"a string of 513 bytes", objectOf(513), nil},
		{"a name of 513 bytes", `{"` + strings.Repeat("x", 513) + `":""}`, nil},
		{"513 bytes, the last an escape", `{"a":"` + strings.Repeat("x", 511) + `ä"}`, nil},
		{"nothing", "", nil},
		{"white space alone", " \n", nil},
		{"a name twice", `{"a":"b","a":"b"}`, nil},
		{"a name twice, once escaped", `{"a":"b","\u0061":"c"}`, nil},
		{"an empty name twice", `{"":"b","":"c"}`, nil},
		{"something behind it", `{"a":"b"}x`, nil},
		{"a second object", `{"a":"b"}{"a":"b"}`, nil},
		{"a second object in another line", "{\"a\":\"b\"}\n{}", nil},
		{"a brace too many", `{"a":"b"}}`, nil},
		{"NUL behind it", "{\"a\":\"b\"}\x00", nil},
		{"a byte order mark", "\ufeff{}", nil},
		{"a comment before it", `/* a */{}`, nil},
		{"a comment in it", `{"a":/**/"b"}`, nil},
		{"a comment behind it", "{} // a", nil},
		{"UTF-16", "{\x00}\x00", nil},
		{"null", `null`, nil},
		{"an array", `[]`, nil},
		{"an array around it", `[{"a":"b"}]`, nil},
		{"a string", `"a"`, nil},
		{"a number", `1`, nil},
		{"true", `true`, nil},
		{"null as a value", `{"a":null}`, nil},
		{"a number as a value", `{"a":1}`, nil},
		{"a huge number as a value", `{"a":1e400}`, nil},
		{"minus zero as a value", `{"a":-0}`, nil},
		{"true as a value", `{"a":true}`, nil},
		{"an array as a value", `{"a":["b"]}`, nil},
		{"an object as a value", `{"a":{"b":"c"}}`, nil},
		{"a number as a name", `{1:"b"}`, nil},
		{"a bare name", `{a:"b"}`, nil},
		{"single quotes", `{'a':'b'}`, nil},
		{"a comma at the end", `{"a":"b",}`, nil},
		{"a comma at the beginning", `{,"a":"b"}`, nil},
		{"a comma alone", `{,}`, nil},
		{"two commas", `{"a":"b",,"c":"d"}`, nil},
		{"no comma", `{"a":"b" "c":"d"}`, nil},
		{"no colon", `{"a" "b"}`, nil},
		{"no value", `{"a":}`, nil},
		{"a name alone", `{"a"}`, nil},
		{"it ends after the brace", `{`, nil},
		{"it ends in a name", `{"a`, nil},
		{"it ends after a name", `{"a"`, nil},
		{"it ends after the colon", `{"a":`, nil},
		{"it ends in a value", `{"a":"b`, nil},
		{"it ends after a value", `{"a":"b"`, nil},
		{"it ends after the comma", `{"a":"b",`, nil},
		{"it ends in an escape", `{"a":"\`, nil},
		{"it ends in a long escape", `{"a":"\u00`, nil},
		{"it ends before the last digit of an escape", `{"a":"\u006`, nil},
		{"a form feed as white space", "\f{}", nil},
		{"a no-break space as white space", "\u00a0{}", nil},
		{"a tab in a string", "{\"a\":\"\t\"}", nil},
		{"a line end in a string", "{\"a\":\"\n\"}", nil},
		{"the last control character in a string", "{\"a\":\"\x1f\"}", nil},
		{"NUL in a string", "{\"a\":\"\x00\"}", nil},
		{"NUL as an escape", `{"a":"\u0000"}`, nil},
		{"NUL as an escape in a name", `{"\u0000":"a"}`, nil},
		{"an unknown escape", `{"a":"\x61"}`, nil},
		{"an escape of a line end", "{\"a\":\"\\\n\"}", nil},
		{"an escape in capitals", `{"a":"\U0061"}`, nil},
		{"an escape that is not hexadecimal", `{"a":"\u00g1"}`, nil},
		{"a sign in an escape", `{"a":"\u+061"}`, nil},
		{"a high surrogate alone", `{"a":"\ud800"}`, nil},
		{"a low surrogate alone", `{"a":"\udc00"}`, nil},
		{"surrogates the wrong way round", `{"a":"\udc00\ud800"}`, nil},
		{"two high surrogates", `{"a":"\ud800\ud800"}`, nil},
		{"a high surrogate and a letter", `{"a":"\ud800x"}`, nil},
		{"a high surrogate and an escaped letter", `{"a":"\ud800\u0061"}`, nil},
		{"a high surrogate and another escape", `{"a":"\ud800\n"}`, nil},
		{"a high surrogate at the end", `{"a":"\ud800\`, nil},
		{"invalid UTF-8", "{\"a\":\"\xff\"}", nil},
		{"half a letter", "{\"a\":\"\xc3\"}", nil},
		{"a letter in too many bytes", "{\"a\":\"\xc1\xa1\"}", nil},
		{"a surrogate in UTF-8", "{\"a\":\"\xed\xa0\x80\"}", nil},
		{"invalid UTF-8 behind it", "{}\xff", nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			got, err := parseObject(slices.Clip([]byte(row.in))) // behind it is nothing to read
			if (err == nil) != (row.want != nil) || !maps.Equal(got, row.want) {
				t.Errorf("%.100q: got %q, %v, want %q", row.in, got, err, row.want)
			}
		})
	}
}

// Nesting is refused at its first brace, however deep it goes.
func TestAbuse_E10_DeepNesting(t *testing.T) {
	t.Parallel()
	const depth = 100_000
	for _, in := range []string{
		strings.Repeat("[", depth),
		strings.Repeat("{", depth),
		strings.Repeat(`{"a":`, depth) + `""` + strings.Repeat("}", depth),
		`{"a":` + strings.Repeat("[", depth) + strings.Repeat("]", depth) + `}`,
	} {
		start := time.Now()
		_, err := parseObject([]byte(in))
		if took := time.Since(start); err == nil || took > time.Second {
			t.Errorf("%.20q: %v after %v", in, err, took)
		}
	}
}

// What is accepted, encoding/json reads as the same; what encoding/json reads
// without forgiving anything is accepted.
func FuzzParseObject(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"email":"a@b.example","verify_code":"123456"}`, `{"a":"\ud83d\ude00"}`, `{"a":"\ud83d"}`,
		`{"a":"b","a":"c"}`, ` { "a" : "b" , "c" : null } `, `{"a":"b"}{}`, "{\"a\":\"\xff\"}", `{"a":"\u0000"}`, objectOf(513),
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		got, err := parseObject(in)
		if err != nil {
			if want, ok := strictObject(in); ok {
				t.Fatalf("%q is %q, but was refused", in, want)
			}
			return
		}
		var want map[string]string
		if err := json.Unmarshal(in, &want); err != nil || !maps.Equal(got, want) {
			t.Fatalf("%q: got %q, but encoding/json has %q, %v", in, got, want, err)
		}
		if n := countStrings(in); n != 2*len(got) {
			t.Fatalf("%q has %d names and values, but is %q", in, n, got)
		}
		again, err := json.Marshal(got)
		if err != nil {
			t.Fatal(err)
		}
		if got2, err := parseObject(again); err != nil || !maps.Equal(got2, got) {
			t.Fatalf("%q: got %q, %v, want %q", again, got2, err, got)
		}
	})
}

// countStrings counts the strings in a document: names that are there twice, twice.
func countStrings(in []byte) (n int) {
	for tokens := json.NewDecoder(bytes.NewReader(in)); ; {
		token, err := tokens.Token()
		if err != nil {
			return n
		}
		if _, isString := token.(string); isString {
			n++
		}
	}
}

// strictObject reads an object of strings with encoding/json; ok is false when
// that had to forgive something.
func strictObject(in []byte) (object map[string]string, ok bool) {
	if !json.Valid(in) || !utf8.Valid(in) {
		return nil, false
	}
	object = make(map[string]string)
	tokens := json.NewDecoder(bytes.NewReader(in))
	if brace, _ := tokens.Token(); brace != json.Delim('{') {
		return nil, false
	}
	surrogates := bytes.Contains(bytes.ToLower(in), []byte(`\ud`))
	for tokens.More() {
		var member [2]string
		for i := range member {
			token, _ := tokens.Token()
			s, isString := token.(string)
			most := 512
			if i == 1 && member[0] == "captcha_code" {
				most = 4096
			}
			if !isString || len(s) > most || strings.Contains(s, "\x00") || surrogates && strings.Contains(s, "\ufffd") {
				return nil, false
			}
			member[i] = s
		}
		if _, twice := object[member[0]]; twice {
			return nil, false
		}
		object[member[0]] = member[1]
	}
	return object, true
}
