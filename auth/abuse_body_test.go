package auth_test

import (
	"fmt"
	"strings"
	"testing"

	"example.com/mailkey/auth"
)

// goodBodies are what the endpoints that read a body accept.
var goodBodies = map[string]string{
	verifyPath: `{"token":"x","sender":"ann@b.example","captcha_code":"1"}`,
	sendPath:   `{"email":"ann@b.example","type":"LOGIN_EMS","captcha_token":"x"}`,
	loginPath:  `{"email":"ann@b.example","verify_code":"123456"}`,
}

// wantMalformed sends each of these bodies to each endpoint. Between their
// braces, BODY stands for the members of a good body.
func wantMalformed(k *kit, bodies ...string) {
	k.Helper()
	peer := 0
	for path, good := range goodBodies {
		for _, body := range bodies {
			body = strings.ReplaceAll(body, "BODY", good[1:len(good)-1])
			peer++
			r := k.as(from(fmt.Sprintf("10.%d.%d.1", peer>>8, peer&255))).request("POST", path, body)
			r.ContentLength = int64(len(body))
			if a := k.do(r); a.status != 400 || a.code() != string(auth.ReasonMalformed) {
				k.Errorf("%s %.200q: %d %s", path, body, a.status, a.body)
			}
		}
	}
}

// refuses sends the bodies to a login on each store.
func refuses(t *testing.T, bodies ...string) {
	t.Helper()
	onEachStore(t, nil, func(k *kit) {
		for path, good := range goodBodies {
			if a := k.do(k.request("POST", path, good)); a.code() == string(auth.ReasonMalformed) {
				t.Errorf("%s %s: %s", path, good, a.body)
			}
		}
		wantMalformed(k, bodies...)
	})
}

func TestAbuse_E01_DuplicateMembers(t *testing.T) {
	refuses(t,
		`{BODY,BODY}`,
		`{BODY,"email":"ann@b.example","email":"eve@b.example"}`,
		`{BODY,"captcha_token":"x","captcha_token":"x"}`,
		`{BODY,"token":"x","token":"x"}`,
		`{BODY,"verify_code":"123456","verify_code":"654321"}`,
		`{BODY,"e\u006dail":"eve@b.example","email":"ann@b.example","s\u0065nder":"ann@b.example","sender":"ann@b.example"}`,
	)
}

func TestAbuse_E02_CaseVariants(t *testing.T) {
	refuses(t,
		`{BODY,"EMAIL":"eve@b.example"}`,
		`{BODY,"Email":"eve@b.example"}`,
		`{BODY,"\u0045mail":"eve@b.example"}`,
		"{BODY,\"\u017fender\":\"eve@b.example\"}",
		"{BODY,\"captcha_to\u212aen\":\"x\"}",
		`{BODY,"captcha_to\u212aen":"x"}`,
		`{BODY,"Verify_Code":"123456"}`,
		`{BODY,"verifyCode":"123456"}`,
		`{BODY,"email ":"eve@b.example"}`,
		"{BODY,\"ema\u0131l\":\"eve@b.example\"}",
	)
}

func TestAbuse_E03_UnknownMembers(t *testing.T) {
	var bodies []string
	for _, name := range []string{
		"", "user_id", "status", "role", "admin", "id", "sub", "client_id", "X-client-id", "expire", "level", "attempts", "skip_captcha", "test",
		"__proto__", "constructor", "$where", "email[]", "email.0",
	} {
		bodies = append(bodies, `{BODY,"`+name+`":"x"}`)
	}
	refuses(t, bodies...)

	// The typo of the published example is an alias where that has it, and
	// never beside what it stands for.
	t.Run("emial", func(t *testing.T) {
		play(t, nil, func(k *kit) {
			wantMalformed(k, `{BODY,"emial":"ann@b.example"}`)
			if a := k.post(loginPath, "emial", "ann@b.example", "verify_code", k.code("ann@b.example")); a.status != 200 {
				t.Errorf("login by the alias: %s", a.body)
			}
			if a := k.post(sendPath, "emial", "ann@b.example", "type", "LOGIN_EMS", "captcha_token", "x"); a.code() != string(auth.ReasonMalformed) {
				t.Errorf("a mail by the alias: %s", a.body)
			}
		})
	})
}

func TestAbuse_E04_NotOneObject(t *testing.T) {
	refuses(t,
		`{BODY}{BODY}`, `{BODY}x`, `{BODY}]`, "{BODY}\n{BODY}", "{BODY}\x00", "\ufeff{BODY}", "\x00{BODY}", `/* */{BODY}`, `{BODY}//`, `{/**/BODY}`,
		`{BODY,}`, `{,BODY}`, `[{BODY}]`, `"{BODY}"`, `null`, `[]`, `"x"`, `1`, `true`, ` `, ``, `)]}'{BODY}`, `{BODY`, `BODY`, `callback({BODY})`,
		`email=ann@b.example&verify_code=123456`, `<email>ann@b.example</email>`, "{'email':'ann@b.example'}", `{email:"ann@b.example"}`,
	)
}

func TestAbuse_E05_TextThatIsNone(t *testing.T) {
	var bodies []string
	for _, text := range []string{
		"\xff", "\xc3", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", `\ud800`, `\udc00`, `\ud800\u0061`, `\ud83d\ud83d`, `\u0000`, "\x00", "\n", "\x1b[31m", `\x00`, `\u00`,
	} {
		for _, member := range []string{"email", "verify_code", "captcha_token", "sender", "token", "captcha_code", "type"} {
			bodies = append(bodies, `{"`+member+`":"a`+text+`b"}`)
		}
		bodies = append(bodies, `{BODY,"a`+text+`":""}`)
	}
	refuses(t, bodies...)
}

// What JSON allows and databases may not like gets its answer, too.
func TestAbuse_E05_TextThatIsOdd(t *testing.T) {
	onEachStore(t, nil, func(k *kit) {
		for i, text := range []string{"\u0001", "\uffff", "\U0010ffff", "\u2028", "\u202e", "\ufffd", "e\u0301", "😀", "' OR 1=1 --", `\`, strings.Repeat("\u4e2d", 170)} {
			k := manyPeers(k, i)
			for _, a := range []answer{
				k.login("ann@b.example", text), k.post(verifyPath, "token", text, "sender", "ann@b.example", "captcha_code", text),
				k.post(verifyPath, "token", text, "sender", "ann@b.example", "point_json", text),
				k.post(sendPath, "email", "ann@b.example", "type", "LOGIN_EMS", "captcha_token", text),
			} {
				if a.status != 400 || a.code() == string(auth.ReasonMalformed) {
					t.Errorf("%q: %d %s", text, a.status, a.body)
				}
			}
		}
	})
}

func TestAbuse_E10_DeepNestingOverHTTP(t *testing.T) {
	refuses(t,
		strings.Repeat("[", 8000), strings.Repeat("{", 8000), strings.Repeat(`{"a":`, 1500), strings.Repeat("[", 4000)+strings.Repeat("]", 4000),
		`{BODY,"a":`+strings.Repeat("[", 3900)+strings.Repeat("]", 3900)+`}`,
	)
}

func TestAbuse_E19_Numbers(t *testing.T) {
	var bodies []string
	for _, number := range []string{
		"0", "-0", "1", "123456", "1.5", "1e400", "-1e400", "1E-400", "9223372036854775808", "18446744073709551616", strings.Repeat("9", 4000), "0x10",
		"01", "+1", ".5", "NaN", "Infinity", "-Infinity", "true", "null", `["123456"]`, `{"$gt":""}`,
	} {
		bodies = append(bodies, `{"email":`+number+`}`, `{"email":"ann@b.example","verify_code":`+number+`}`, `{BODY,"captcha_token":`+number+`}`)
	}
	refuses(t, bodies...)
}
